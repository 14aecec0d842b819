// What the codec tests share: encodings as hexadecimal text, seeded random values, and the checks
// that every codec must pass.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <quire/codec/of.hpp>
#include <quire/codec/order_check.hpp>

namespace codec_test {

using quire::bytes_view;
using quire::codec::of;
using quire::codec::role;
namespace codec = quire::codec;

inline std::string hex(bytes_view bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text += "0123456789abcdef"[static_cast<unsigned>(byte) >> 4];
        text += "0123456789abcdef"[static_cast<unsigned>(byte) & 15];
    }
    return text;
}

inline std::vector<std::byte> from_hex(std::string_view text) {
    const auto digit = [](char c) {
        return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    };
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        bytes.push_back(static_cast<std::byte>(digit(text[i]) * 16 + digit(text[i + 1])));
    return bytes;
}

template <class C>
std::vector<std::byte> encoding(typename C::arg_type value) {
    std::vector<std::byte> bytes(C::size(value));
    REQUIRE(C::encode(value, bytes.data()) == bytes.data() + bytes.size());
    return bytes;
}

template <class C>
std::string encoded(typename C::arg_type value) {
    return hex(encoding<C>(value));
}

template <class C>
typename C::value_type decoded(std::string_view text) {
    const std::vector<std::byte> bytes = from_hex(text);
    return static_cast<typename C::value_type>(C::decode(bytes));
}

// "" if the bytes decode, else "field: found, expected".
template <class C>
std::string refusal(std::string_view text) {
    try {
        static_cast<void>(decoded<C>(text));
    } catch (const quire::corruption& error) {
        return error.field() + ": " + error.found() + ", " + error.expected();
    }
    return {};
}

class chance {
public:
    explicit chance(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t number() { return engine_(); }
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
    // Of all magnitudes, so that small numbers and neighbours of powers of two are frequent.
    template <class T>
    T integer() {
        const std::uint64_t bits = engine_() >> below(64);
        return static_cast<T>(below(2) == 0 ? bits : ~bits);
    }
    // Short, often a prefix or a neighbour of another, with many zeros and 0xFF.
    std::string text() {
        std::string to(below(6), '\0');
        for (char& c : to) c = std::string_view("\0\1a\xff\xfe", 5)[below(5)];
        return to;
    }
    std::vector<std::byte> bytes() {
        std::vector<std::byte> to(below(40));
        for (std::byte& byte : to)
            byte = static_cast<std::byte>(below(3) == 0 ? number() : below(3));
        return to;
    }

private:
    std::mt19937_64 engine_;
};

// Random and damaged bytes are refused, or they are the one encoding of a value.
template <class C, class Samples = std::vector<typename C::value_type>>
void survives_any_bytes(const Samples& samples, std::uint64_t seed) {
    CAPTURE(seed);
    chance any(seed);
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::byte> bytes = any.bytes();
        if (!samples.empty() && round % 2 == 0) {
            bytes = encoding<C>(samples[any.below(samples.size())]);
            if (!bytes.empty())
                bytes[any.below(bytes.size())] = static_cast<std::byte>(any.below(4) * 85);
            if (any.below(2) == 0) bytes.resize(any.below(bytes.size() + 2));
        }
        const std::vector<std::byte> exact(bytes); // no spare capacity a sanitizer would allow
        try {
            const typename C::value_type value(C::decode(exact));
            CHECK(hex(encoding<C>(value)) == hex(exact));
        } catch (const quire::corruption& error) {
            CHECK((error.field() == "key" || error.field() == "value"));
            CHECK(!error.found().empty());
            CHECK(!error.expected().empty());
        }
    }
}

template <class C, class Samples = std::vector<typename C::value_type>>
void obeys_key_laws(const Samples& samples, std::uint64_t seed = 1) {
    CAPTURE(std::string(C::name));
    CAPTURE(seed);
    static_assert(codec::key_codec<C>);
    CHECK(codec::check_order<C>(samples) == "");
    survives_any_bytes<C>(samples, seed);
}

template <class C, class Samples = std::vector<typename C::value_type>>
void obeys_value_laws(const Samples& samples, std::uint64_t seed = 1) {
    CAPTURE(std::string(C::name));
    CAPTURE(seed);
    static_assert(codec::value_codec<C>);
    CHECK(codec::check_round_trip<C>(samples) == "");
    survives_any_bytes<C>(samples, seed);
}

} // namespace codec_test
