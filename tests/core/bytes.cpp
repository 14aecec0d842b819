#include <quire/core/bytes.hpp>

#include <array>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

quire::bytes_view bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

// What compare_bytes must agree with: std::string compares as unsigned bytes, prefix first.
int sign_of(int order) { return (order > 0) - (order < 0); }

constexpr std::array<std::byte, 9> sample{std::byte{0x01}, std::byte{0x23}, std::byte{0x45},
                                          std::byte{0x67}, std::byte{0x89}, std::byte{0xAB},
                                          std::byte{0xCD}, std::byte{0xEF}, std::byte{0xFF}};

template <class T>
constexpr T stored_and_loaded(T value) {
    std::array<std::byte, sizeof(T) + 1> buffer{};
    quire::store_le<T>(buffer.data() + 1, value);
    const T little = quire::load_le<T>(buffer.data() + 1);
    quire::store_be<T>(buffer.data() + 1, little);
    return quire::load_be<T>(buffer.data() + 1);
}

} // namespace

TEST_CASE("loads read the stated byte order, at run time and in constant evaluation") {
    static_assert(quire::load_le<std::uint8_t>(sample.data()) == 0x01);
    static_assert(quire::load_le<std::uint16_t>(sample.data()) == 0x2301);
    static_assert(quire::load_le<std::uint32_t>(sample.data()) == 0x67452301);
    static_assert(quire::load_le<std::uint64_t>(sample.data()) == 0xEFCDAB8967452301);
    static_assert(quire::load_be<std::uint16_t>(sample.data()) == 0x0123);
    static_assert(quire::load_be<std::uint32_t>(sample.data()) == 0x01234567);
    static_assert(quire::load_be<std::uint64_t>(sample.data()) == 0x0123456789ABCDEF);
    const std::byte* const unaligned = sample.data() + 1;
    CHECK(quire::load_le<std::uint8_t>(unaligned) == 0x23);
    CHECK(quire::load_le<std::uint16_t>(unaligned) == 0x4523);
    CHECK(quire::load_le<std::uint32_t>(unaligned) == 0x89674523);
    CHECK(quire::load_le<std::uint64_t>(unaligned) == 0xFFEFCDAB89674523);
    CHECK(quire::load_be<std::uint16_t>(unaligned) == 0x2345);
    CHECK(quire::load_be<std::uint32_t>(unaligned) == 0x23456789);
    CHECK(quire::load_be<std::uint64_t>(unaligned) == 0x23456789ABCDEFFF);
}

TEST_CASE("what is stored is loaded again, and no byte beside it changes") {
    static_assert(stored_and_loaded<std::uint8_t>(0x80) == 0x80);
    static_assert(stored_and_loaded<std::uint16_t>(0x8001) == 0x8001);
    static_assert(stored_and_loaded<std::uint32_t>(0x80000001) == 0x80000001);
    static_assert(stored_and_loaded<std::uint64_t>(0x8000000000000001) == 0x8000000000000001);
    std::mt19937_64 random{1};
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t value = random();
        std::array<std::byte, 12> buffer{};
        quire::store_le<std::uint64_t>(buffer.data() + 3, value);
        CHECK(quire::load_le<std::uint64_t>(buffer.data() + 3) == value);
        CHECK(quire::load_be<std::uint64_t>(buffer.data() + 3) == __builtin_bswap64(value));
        quire::store_be<std::uint32_t>(buffer.data() + 5, 0);
        for (const std::size_t untouched : {0U, 1U, 2U, 11U})
            CHECK(buffer[untouched] == std::byte{0});
    }
}

TEST_CASE("big-endian integers compare as bytes like the integers themselves") {
    std::mt19937_64 random{2};
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t a = random() >> (random() % 64);
        const std::uint64_t b = i % 10 == 0 ? a : random() >> (random() % 64);
        std::array<std::byte, 8> left{};
        std::array<std::byte, 8> right{};
        quire::store_be<std::uint64_t>(left.data(), a);
        quire::store_be<std::uint64_t>(right.data(), b);
        CHECK(sign_of(quire::compare_bytes(left, right)) == (a > b) - (a < b));
    }
}

TEST_CASE("byte strings compare as unsigned bytes, a prefix before its extensions") {
    const std::vector<std::string> ascending{{},     {"\0", 1}, {"\0a", 2}, "a",
                                             "aa",   "a\x7F",   "a\x80",    "b",
                                             "\x7F", "\x80",    "\xFF",     "\xFF\xFF"};
    for (std::size_t i = 0; i < ascending.size(); ++i)
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            CAPTURE(i);
            CAPTURE(j);
            const int order = quire::compare_bytes(bytes_of(ascending[i]), bytes_of(ascending[j]));
            CHECK(sign_of(order) == (i > j) - (i < j));
        }
    CHECK(quire::compare_bytes({}, {}) == 0);
}

TEST_CASE("common_prefix finds the first difference wherever it stands") {
    for (std::size_t length = 0; length < 40; ++length) {
        const std::string text(length, 'x');
        CHECK(quire::common_prefix(bytes_of(text), bytes_of(text)) == length);
        CHECK(quire::common_prefix(bytes_of(text), bytes_of(text + "y")) == length);
        for (std::size_t at = 0; at < length; ++at) {
            std::string other = text;
            other[at] = 'y';
            CHECK(quire::common_prefix(bytes_of(text), bytes_of(other)) == at);
            if (at + 1 < length) other[length - 1] = 'z';
            CHECK(quire::common_prefix(bytes_of(other), bytes_of(text)) == at);
        }
    }
}

TEST_CASE("copies of nothing accept null pointers") {
    quire::copy_bytes(nullptr, nullptr, 0);
    quire::move_bytes(nullptr, nullptr, 0);
    quire::zero_bytes(nullptr, 0);
    std::array<std::byte, 4> buffer{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    quire::move_bytes(buffer.data() + 1, buffer.data(), 3);
    quire::zero_bytes(buffer.data(), 1);
    CHECK(buffer ==
          std::array<std::byte, 4>{std::byte{0}, std::byte{1}, std::byte{2}, std::byte{3}});
}
