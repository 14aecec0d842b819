#include "samples.hpp"

using namespace codec_test;
using namespace std::string_literals;

namespace {

template <class T, std::size_t N, class Make>
std::vector<std::array<T, N>> arrays(std::uint64_t seed, Make make) {
    chance any(seed);
    std::vector<std::array<T, N>> samples(60);
    for (auto& sample : samples)
        for (T& element : sample) element = make(any);
    return samples;
}

// Has no default constructor, so the array is made from all its elements at once.
struct marked {
    int number;
    const bool set;
    friend bool operator==(const marked&, const marked&) = default;
};

} // namespace

TEST_CASE("arrays of bytes are their bytes") {
    using key = of<std::array<std::byte, 24>, role::key>;
    static_assert(key::fixed_size == 24);
    static_assert(std::is_same_v<key::view_type, std::array<std::byte, 24>>);
    const auto make = [](chance& any) { return static_cast<std::byte>(any.below(3) * 127); };
    obeys_key_laws<key>(arrays<std::byte, 24>(71, make), 72);
    obeys_value_laws<of<std::array<std::byte, 24>>>(arrays<std::byte, 24>(73, make), 74);
    const auto make_char = [](chance& any) { return static_cast<unsigned char>(any.number()); };
    obeys_key_laws<of<std::array<unsigned char, 3>, role::key>>(
        arrays<unsigned char, 3>(75, make_char), 76);
    CHECK(encoded<of<std::array<unsigned char, 3>, role::key>>({1, 255, 0}) == "01ff00");
    CHECK(key::name == "array<u8,24>");
}

TEST_CASE("arrays of numbers are in the order of their first difference") {
    obeys_key_laws<of<std::array<std::int16_t, 3>, role::key>>(
        arrays<std::int16_t, 3>(
            77, [](chance& any) { return static_cast<std::int16_t>(any.below(3) - 1); }),
        78);
    obeys_key_laws<of<std::array<char, 4>, role::key>>(
        arrays<char, 4>(79, [](chance& any) { return any.integer<char>(); }), 80);
    obeys_value_laws<of<std::array<double, 2>>>(
        arrays<double, 2>(81, [](chance& any) { return double(any.integer<int>()); }), 82);
    obeys_key_laws<of<std::array<bool, 2>, role::key>>(
        arrays<bool, 2>(83, [](chance& any) { return any.below(2) == 0; }), 84);
    CHECK(encoded<of<std::array<std::uint16_t, 2>, role::key>>({1, 2}) == "00010002");
    CHECK(encoded<of<std::array<std::uint16_t, 2>>>({1, 2}) == "01000200");
}

TEST_CASE("arrays of strings") {
    const auto make = [](chance& any) { return any.text(); };
    obeys_key_laws<of<std::array<std::string, 3>, role::key>>(arrays<std::string, 3>(85, make), 86);
    obeys_value_laws<of<std::array<std::string, 3>>>(arrays<std::string, 3>(87, make), 88);
    CHECK(encoded<of<std::array<std::string, 2>, role::key>>({"a", "b"}) == "61000062");
    CHECK(encoded<of<std::array<std::string, 2>>>({"a", "bc"}) == "0161026263");
    CHECK(of<std::array<std::string, 2>>::name == "array<string,2>");
}

TEST_CASE("empty, nested and immutable arrays") {
    obeys_key_laws<of<std::array<int, 0>, role::key>>({{}}, 89);
    obeys_key_laws<of<std::array<std::string, 0>, role::key>>({{}}, 90);
    static_assert(of<std::array<std::string, 0>>::fixed_size == 0);
    obeys_key_laws<of<std::array<std::array<std::string, 2>, 2>, role::key>>(
        {{{{"", "\0"s}, {"\0"s, ""}}},
         {{{"", "\0\0"s}, {"", ""}}},
         {{{"a", "b"}, {"c", "d"}}}},
        91);
    obeys_key_laws<of<std::array<marked, 2>, role::key>>(
        {{{{1, true}, {2, false}}}, {{{1, true}, {2, true}}}, {{{-1, true}, {2, true}}}}, 92);
}

TEST_CASE("malformed arrays are refused") {
    CHECK(refusal<of<std::array<std::byte, 2>, role::key>>("010203") == "key: 3 bytes, 2 bytes");
    CHECK(refusal<of<std::array<int, 2>>>("01") == "value: 1 bytes, 8 bytes");
    CHECK(refusal<of<std::array<int, 0>>>("01") == "value: 1 bytes, 0 bytes");
    CHECK(refusal<of<std::array<std::string, 2>>>("0161") ==
          "value: the end of its bytes, a length");
    CHECK(refusal<of<std::array<std::string, 2>>>("01610561") == "value: 1 bytes, 5 bytes");
    CHECK(refusal<of<std::array<std::string, 1>>>("016161") ==
          "value: bytes after the last element, none");
    CHECK(refusal<of<std::array<bool, 2>>>("0102") == "value: 2, 0 or 1 (bool)");
}

TEST_CASE("arrays encode and decode in constant expressions") {
    constexpr auto holds = [] {
        constexpr std::array<std::byte, 3> value{std::byte{1}, std::byte{2}, std::byte{3}};
        using C = of<std::array<std::byte, 3>, role::key>;
        std::byte bytes[3]{};
        return C::encode(value, bytes) == bytes + 3 && C::decode(bytes) == value;
    };
    static_assert(holds());
}
