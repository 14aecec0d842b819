#include "samples.hpp"

#include <limits>

using namespace codec_test;
using codec::descending;
using namespace std::string_literals;

namespace {

struct name {
    std::string family;
    std::uint8_t age;
    auto operator<=>(const name&) const = default;
};

// Smaller keys have larger encodings, strictly.
template <class C>
void is_reversed(const std::vector<typename C::value_type>& samples) {
    using base = codec::as_key<of<typename C::value_type>>;
    for (const auto& left : samples)
        for (const auto& right : samples)
            CHECK((encoded<base>(left) < encoded<base>(right)) ==
                  (encoded<C>(right) < encoded<C>(left)));
}

template <class T>
void reverses(const std::vector<T>& samples, std::uint64_t seed) {
    obeys_key_laws<descending<of<T>>>(samples, seed);
    is_reversed<descending<of<T>>>(samples);
}

} // namespace

TEST_CASE("scalars descend") {
    chance any(171);
    std::vector<std::uint64_t> numbers{0, 1, ~std::uint64_t{0}};
    std::vector<std::int32_t> integers{0, -1, std::numeric_limits<std::int32_t>::min()};
    std::vector<double> measures{0.0, -0.0, 1.5, -1.5, std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity(),
                                 std::numeric_limits<double>::quiet_NaN()};
    for (int i = 0; i < 60; ++i) {
        numbers.push_back(any.integer<std::uint64_t>());
        integers.push_back(any.integer<std::int32_t>());
        measures.push_back(any.integer<std::int32_t>() / 8.0);
    }
    reverses(numbers, 172);
    reverses(integers, 173);
    reverses(measures, 174);
    static_assert(codec::native_codec<descending<of<double>>>);
    static_assert(codec::native_codec<descending<of<bool>>>);
    CHECK(encoded<descending<of<std::uint16_t>>>(1) == "fffe");
    CHECK(descending<of<std::uint64_t>>::to_native(0) == ~std::uint64_t{0});
    CHECK(descending<of<int>>::to_native(5) == -6);
    CHECK(descending<of<double>>::to_native(1.5) == -1.5);
    CHECK(descending<of<std::uint64_t>>::name == "descending<u64>");
}

TEST_CASE("keys of fixed size descend") {
    reverses<std::array<std::byte, 3>>({{}, {std::byte{1}}, {std::byte{0}, std::byte{255}}}, 175);
    reverses<std::pair<int, bool>>({{1, true}, {1, false}, {-1, true}}, 176);
    static_assert(descending<of<std::pair<int, bool>>>::fixed_size == 5);
    static_assert(!codec::native_codec<descending<of<std::pair<int, bool>>>>);
}

TEST_CASE("keys of variable size descend, a prefix after what it begins") {
    chance any(177);
    std::vector<std::string> texts{"", "\0"s, "\0\0"s, "\xff", "\xff\xff", std::string(600, 'x'),
                                   std::string(600, '\0')};
    std::vector<name> names;
    for (int i = 0; i < 80; ++i) {
        texts.push_back(any.text());
        names.push_back({any.text(), static_cast<std::uint8_t>(any.below(2))});
    }
    reverses(texts, 178);
    reverses(names, 179);
    using key = descending<of<std::string>>;
    static_assert(std::is_same_v<key::view_type, std::string>);
    CHECK(encoded<key>("") == "ffff");
    CHECK(encoded<key>("a\0"s) == "9efffeffff");
    CHECK(encoded<key>("ab") < encoded<key>("a"));
    CHECK(key::name == "descending<string>");
}

TEST_CASE("descending twice is ascending") {
    using twice = descending<descending<of<std::string>>>;
    obeys_key_laws<twice>({"", "a", "ab", "\0"s, "b"}, 180);
    CHECK(encoded<twice>("a") < encoded<twice>("ab"));
}

TEST_CASE("malformed descending keys are refused") {
    CHECK(refusal<descending<of<std::uint16_t>>>("00") == "key: 1 bytes, 2 bytes");
    CHECK(refusal<descending<of<bool>>>("00") == "key: 255, 0 or 1 (bool)");
    CHECK(refusal<descending<of<std::string>>>("9e") ==
          "key: the end of its bytes, an end mark (00 00)");
    CHECK(refusal<descending<of<std::string>>>("ffff9e") == "key: bytes after the end mark, none");
    CHECK(refusal<descending<of<std::string>>>("") ==
          "key: the end of its bytes, an end mark (00 00)");
}
