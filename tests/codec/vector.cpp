#include "samples.hpp"

using namespace codec_test;

TEST_CASE_TEMPLATE("vectors of numbers", T, std::uint32_t, std::int8_t, double, bool, char) {
    chance any(131);
    std::vector<std::vector<T>> samples{{}};
    for (int i = 0; i < 40; ++i) {
        samples.emplace_back();
        for (std::size_t n = any.below(9); n > 0; --n)
            samples.back().push_back(static_cast<T>(any.integer<std::int32_t>()));
    }
    obeys_value_laws<of<std::vector<T>>>(samples, 132);
    static_assert(!codec::storable<std::vector<T>, role::key>);
}

TEST_CASE("vectors of texts, of vectors and of structs") {
    struct posting {
        std::uint32_t document;
        std::vector<std::uint16_t> positions;
        bool operator==(const posting&) const = default;
    };
    chance any(133);
    std::vector<std::vector<std::string>> texts{{}, {""}, {"", ""}};
    std::vector<std::vector<posting>> postings{{}};
    for (int i = 0; i < 40; ++i) {
        texts.emplace_back();
        postings.emplace_back();
        for (std::size_t n = any.below(5); n > 0; --n) {
            texts.back().push_back(any.text());
            postings.back().push_back({any.integer<std::uint32_t>(), {1, 2, 3}});
        }
    }
    obeys_value_laws<of<std::vector<std::string>>>(texts, 134);
    obeys_value_laws<of<std::vector<posting>>>(postings, 135);
    obeys_value_laws<of<std::vector<std::vector<int>>>>({{}, {{}}, {{}, {1}}, {{1, 2}, {}}}, 136);
    CHECK(of<std::vector<posting>>::name == "vector<{u32,vector<u16>}>");
}

TEST_CASE("the bytes of vectors") {
    CHECK(encoded<of<std::vector<std::uint16_t>>>({1, 0x0203}) == "01000302");
    CHECK(encoded<of<std::vector<std::string>>>({"a", "", "bc"}) == "016100026263");
    CHECK(encoded<of<std::vector<bool>>>({true, false}) == "0100");
    CHECK(encoded<of<std::vector<int>>>({}) == "");
    CHECK(of<std::vector<std::uint32_t>>::name == "vector<u32>");
    CHECK(of<std::vector<std::byte>>::name == "bytes");
}

namespace {

// A stranger's allocator, and classes that have all members of a vector, and more.
template <class T>
struct stranger : std::allocator<T> {
    template <class U>
    struct rebind {
        using other = stranger<U>;
    };
};
struct own_way : std::vector<int> {
    using std::vector<int>::vector;
};
struct prices : std::vector<int> {
    using std::vector<int>::vector;
    std::string unit;
};

} // namespace

template <quire::codec::role Role>
struct quire::codec::of<own_way, Role> : quire::codec::of<std::uint8_t, Role> {
    static constexpr std::string_view name = "own way";
};

TEST_CASE("what looks like a vector is stored as one") {
    using numbers = std::vector<std::uint32_t, stranger<std::uint32_t>>;
    using bytes = std::vector<std::byte, stranger<std::byte>>;
    obeys_value_laws<of<numbers>>({{}, {1}, {1, 2, 0xFFFFFFFF}}, 137);
    CHECK(of<numbers>::name == "vector<u32>");
    CHECK(of<bytes>::name == "bytes");
    const bytes some{std::byte{1}, std::byte{0}};
    CHECK(static_cast<bytes>(of<bytes>::decode(some)) == some);
    CHECK(of<own_way>::name == "own way");
    CHECK(of<std::string>::name == "string");
    CHECK_FALSE(codec::storable<prices, role::value>); // it would lose its unit
    CHECK_FALSE(quire::codec::detail::vector_like<std::string>);
    CHECK_FALSE(quire::codec::detail::vector_like<std::array<int, 3>>);
}

TEST_CASE("malformed vectors are refused") {
    CHECK(refusal<of<std::vector<std::uint32_t>>>("0102030405") ==
          "value: 1, no bytes after the last whole element");
    CHECK(refusal<of<std::vector<std::string>>>("0261") == "value: 1 bytes, 2 bytes");
    CHECK(refusal<of<std::vector<bool>>>("0102") == "value: 2, 0 or 1 (bool)");
}
