#include "samples.hpp"

#include <limits>

using namespace codec_test;

namespace {

enum class small : std::uint8_t { one = 1, last = 255 };
enum class negative : std::int16_t { low = -300, zero = 0, high = 300 };
enum plain { first, second };
enum class truth : bool { no, yes };

template <class T>
std::vector<T> integers(std::uint64_t seed) {
    std::vector<T> samples{std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), T{0}, T{1},
                           static_cast<T>(-1), static_cast<T>(std::numeric_limits<T>::min() + 1),
                           static_cast<T>(std::numeric_limits<T>::max() - 1)};
    for (unsigned bit = 0; bit < 8 * sizeof(T); ++bit) {
        const std::uint64_t power = std::uint64_t{1} << bit;
        samples.push_back(static_cast<T>(power));
        samples.push_back(static_cast<T>(power - 1));
        samples.push_back(static_cast<T>(0 - power));
    }
    chance any(seed);
    for (int i = 0; i < 100; ++i) samples.push_back(any.integer<T>());
    return samples;
}

} // namespace

TEST_CASE_TEMPLATE("integers keep their order as keys and come back", T, std::int8_t, std::uint8_t,
                   std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t,
                   std::uint64_t, long long, unsigned long long, char, wchar_t, char8_t, char16_t,
                   char32_t) {
    obeys_key_laws<of<T, role::key>>(integers<T>(11), 12);
    obeys_value_laws<of<T>>(integers<T>(13), 14);
    static_assert(of<T>::fixed_size == sizeof(T));
    static_assert(codec::native_codec<of<T>> && codec::native_codec<of<T, role::key>>);
    static_assert(
        std::is_same_v<typename of<T>::native_type, typename of<T, role::key>::native_type>);
}

TEST_CASE("the bytes of integers") {
    CHECK(encoded<of<std::uint32_t, role::key>>(0x01020304) == "01020304");
    CHECK(encoded<of<std::uint32_t>>(0x01020304) == "04030201");
    CHECK(encoded<of<std::int32_t, role::key>>(-1) == "7fffffff");
    CHECK(encoded<of<std::int32_t, role::key>>(0) == "80000000");
    CHECK(encoded<of<std::int32_t>>(-2) == "feffffff");
    CHECK(encoded<of<std::int64_t, role::key>>(std::numeric_limits<std::int64_t>::min()) ==
          "0000000000000000");
    CHECK(encoded<of<std::uint8_t, role::key>>(255) == "ff");
    CHECK(encoded<of<bool, role::key>>(true) == "01");
    CHECK(encoded<of<bool>>(false) == "00");
}

TEST_CASE("integers are named for size and sign, not for their C++ name") {
    CHECK(of<int>::name == "i32");
    CHECK(of<unsigned>::name == "u32");
    CHECK(of<long long>::name == "i64");
    CHECK(of<std::int64_t, role::key>::name == "i64");
    CHECK(of<short>::name == "i16");
    CHECK(of<unsigned short>::name == "u16");
    CHECK(of<unsigned char>::name == "u8");
    CHECK(of<signed char>::name == "i8");
    CHECK(of<char>::name == (std::is_signed_v<char> ? "i8" : "u8"));
    CHECK(of<char8_t>::name == "u8");
    CHECK(of<char16_t>::name == "u16");
    CHECK(of<char32_t>::name == "u32");
    CHECK(of<std::byte>::name == "u8");
    CHECK(of<bool>::name == "bool");
    CHECK(of<small>::name == "u8");
    CHECK(of<negative>::name == "i16");
    CHECK(of<truth>::name == "bool");
    static_assert(std::is_same_v<of<long long>::native_type, std::int64_t>);
    static_assert(std::is_same_v<of<char16_t>::native_type, std::uint16_t>);
    static_assert(std::is_same_v<of<bool>::native_type, std::uint8_t>);
    static_assert(std::is_same_v<of<negative>::native_type, std::int16_t>);
    static_assert(of<int>::order == codec::native_order::signed_integer);
    static_assert(of<unsigned>::order == codec::native_order::unsigned_integer);
    static_assert(of<small, role::key>::order == codec::native_order::unsigned_integer);
}

TEST_CASE("bool and enumerations") {
    obeys_key_laws<of<bool, role::key>>(std::array{false, true}, 21);
    obeys_value_laws<of<bool>>(std::array{false, true}, 22);
    obeys_key_laws<of<small, role::key>>({small::last, small::one, small{0}, small{77}}, 23);
    obeys_key_laws<of<negative, role::key>>(
        {negative::high, negative::low, negative::zero, negative{-32768}, negative{32767}}, 24);
    // Has no fixed underlying type, so it cannot hold all that random bytes may say.
    CHECK(codec::check_order<of<plain, role::key>>(std::array{second, first}) == "");
    obeys_key_laws<of<truth, role::key>>({truth::yes, truth::no}, 26);
    obeys_key_laws<of<std::byte, role::key>>({std::byte{255}, std::byte{0}, std::byte{1}}, 27);
    CHECK(encoded<of<negative, role::key>>(negative::low) == "7ed4");
}

TEST_CASE("malformed integers are refused with the sizes") {
    CHECK(refusal<of<std::uint32_t, role::key>>("010203") == "key: 3 bytes, 4 bytes");
    CHECK(refusal<of<std::uint32_t>>("0102030405") == "value: 5 bytes, 4 bytes");
    CHECK(refusal<of<std::uint8_t>>("") == "value: 0 bytes, 1 bytes");
    CHECK(refusal<of<bool, role::key>>("02") == "key: 2, 0 or 1 (bool)");
    CHECK(refusal<of<bool>>("ff") == "value: 255, 0 or 1 (bool)");
    CHECK(refusal<of<truth>>("02") == "value: 2, 0 or 1 (bool)");
    CHECK_THROWS_AS(static_cast<void>(of<bool>::from_native(2)), quire::corruption);
}

#if defined(__SIZEOF_INT128__)
TEST_CASE("128-bit integers") {
    using wide = codec::detail::int128;
    using unsigned_wide = codec::detail::uint128;
    std::vector<wide> samples;
    std::vector<unsigned_wide> unsigned_samples;
    chance any(31);
    for (int i = 0; i < 128; ++i) {
        const unsigned_wide power = static_cast<unsigned_wide>(1) << i;
        for (const unsigned_wide n : {power, power - 1, 0 - power, power ^ any.number()}) {
            unsigned_samples.push_back(n);
            samples.push_back(static_cast<wide>(n));
        }
    }
    obeys_key_laws<of<wide, role::key>>(samples, 32);
    obeys_key_laws<of<unsigned_wide, role::key>>(unsigned_samples, 33);
    obeys_value_laws<of<wide>>(samples, 34);
    obeys_value_laws<of<unsigned_wide>>(unsigned_samples, 35);
    CHECK(encoded<of<wide, role::key>>(-1) == "7fffffffffffffffffffffffffffffff");
    CHECK(encoded<of<unsigned_wide>>(1) == "01000000000000000000000000000000");
    CHECK(of<wide>::name == "i128");
    CHECK(of<unsigned_wide>::name == "u128");
    CHECK(refusal<of<wide>>("00") == "value: 1 bytes, 16 bytes");
    static_assert(!codec::native_codec<of<wide>>);
}
#endif

TEST_CASE("integers encode and decode in constant expressions") {
    constexpr auto there_and_back = [](auto value) {
        using C = of<decltype(value), role::key>;
        std::byte bytes[sizeof value]{};
        return C::encode(value, bytes) == bytes + sizeof value && C::decode(bytes) == value;
    };
    static_assert(there_and_back(std::int64_t{-5}));
    static_assert(there_and_back(std::uint16_t{500}));
    static_assert(there_and_back(true));
    static_assert(there_and_back(negative::low));
}
