#include "samples.hpp"

#include <limits>

using namespace codec_test;
using namespace std::string_literals;

namespace {

using row = std::tuple<std::string, std::int32_t, std::string>;

std::vector<row> rows(std::uint64_t seed) {
    chance any(seed);
    std::vector<row> samples;
    for (int i = 0; i < 120; ++i)
        samples.emplace_back(any.text(), static_cast<std::int32_t>(any.below(3)) - 1, any.text());
    return samples;
}

} // namespace

TEST_CASE("tuples are in the order of their first difference") {
    obeys_key_laws<of<row, role::key>>(rows(101), 102);
    obeys_value_laws<of<row>>(rows(103), 104);
    std::vector<std::pair<std::uint8_t, std::int64_t>> pairs;
    chance any(105);
    for (int i = 0; i < 120; ++i)
        pairs.emplace_back(static_cast<std::uint8_t>(any.below(3)), any.integer<std::int64_t>());
    obeys_key_laws<of<std::pair<std::uint8_t, std::int64_t>, role::key>>(pairs, 106);
    obeys_value_laws<of<std::pair<std::uint8_t, std::int64_t>>>(pairs, 107);
}

TEST_CASE("the bytes of tuples") {
    using mixed = std::tuple<std::uint32_t, std::string, std::uint8_t>;
    CHECK(encoded<of<mixed, role::key>>({1, "a\0"s, 255}) == "00000001" "6100010000" "ff");
    CHECK(encoded<of<mixed>>({1, "a\0"s, 255}) == "01000000" "026100" "ff");
    CHECK(encoded<of<std::pair<std::uint8_t, std::string>, role::key>>({7, "a\0"s}) == "076100");
    CHECK(encoded<of<std::pair<std::uint8_t, std::string>>>({7, "a\0"s}) == "07026100");
    CHECK(of<mixed>::name == "tuple<u32,string,u8>");
    CHECK(of<std::pair<int, double>, role::key>::name == "tuple<i32,f64>");
    static_assert(of<mixed>::fixed_size == codec::variable);
    static_assert(of<std::pair<char, int>, role::key>::fixed_size == 5);
}

TEST_CASE("tuples in tuples, and tuples of nothing") {
    using nested = std::tuple<std::pair<std::string, std::string>, std::tuple<>, std::string>;
    std::vector<nested> samples;
    chance any(108);
    for (int i = 0; i < 100; ++i)
        samples.emplace_back(std::pair{any.text(), any.text()}, std::tuple<>{}, any.text());
    obeys_key_laws<of<nested, role::key>>(samples, 109);
    obeys_value_laws<of<nested>>(samples, 110);
    obeys_key_laws<of<std::tuple<>, role::key>>({{}}, 111);
    obeys_key_laws<of<std::tuple<std::tuple<std::optional<int>>>, role::key>>(
        {{}, {{std::optional<int>{1}}}, {{std::optional<int>{-1}}}}, 112);
    CHECK(of<nested>::name == "tuple<tuple<string,string>,tuple<>,string>");
}

TEST_CASE("the order of NaN in a tuple is that of NaN alone") {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    obeys_key_laws<of<std::pair<double, int>, role::key>>(
        {{nan, 1}, {nan, 2}, {1.0, 3}, {-0.0, 4}, {0.0, 3}, {0.0, 5}}, 113);
}

TEST_CASE("long values have lengths of several bytes") {
    const std::pair<std::string, std::string> wide{std::string(300, 'x'), std::string(20000, 'y')};
    using value = of<std::pair<std::string, std::string>>;
    CHECK(encoding<value>(wide).size() == 2 + 300 + 3 + 20000);
    CHECK(value::decode(encoding<value>(wide)) == wide);
    using key = of<std::pair<std::string, std::string>, role::key>;
    const std::pair<std::string, std::string> zeros{std::string(1000, '\0'), "z"};
    CHECK(encoding<key>(zeros).size() == 2 * 1000 + 2 + 1);
    CHECK(key::decode(encoding<key>(zeros)) == zeros);
}

TEST_CASE("malformed tuples are refused") {
    using value = of<std::pair<std::uint8_t, std::string>>;
    CHECK(refusal<value>("") == "value: 0 bytes, 1 bytes");
    CHECK(refusal<value>("01") == "value: the end of its bytes, a length");
    CHECK(refusal<value>("010261") == "value: 1 bytes, 2 bytes");
    CHECK(refusal<value>("01016161") == "value: bytes after the last field, none");
    CHECK(refusal<value>("01ffffffffffffffffff0161") ==
          "value: 1 bytes, 18446744073709551615 bytes");
    using key = of<std::pair<std::string, std::uint8_t>, role::key>;
    CHECK(refusal<key>("61") == "key: the end of its bytes, an end mark (00 00)");
    CHECK(refusal<key>("610000") == "key: 0 bytes, 1 bytes");
    CHECK(refusal<key>("6100000102") == "key: bytes after the last field, none");
    CHECK(refusal<of<std::tuple<int, int>>>("0102") == "value: 2 bytes, 8 bytes");
}

TEST_CASE("tuples encode and decode in constant expressions") {
    constexpr auto holds = [] {
        using C = of<std::tuple<int, bool>, role::key>;
        std::byte bytes[5]{};
        const std::tuple<int, bool> value{-7, true};
        return C::encode(value, bytes) == bytes + 5 && C::decode(bytes) == value;
    };
    static_assert(holds());
}
