// Keys as they stand in a page: how they compare and how they are shown to a person.
// Thread-safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include <quire/core/bytes.hpp>
#include <quire/format/schema.hpp>

namespace quire::inspect {

// A key in two pieces: what a page keeps once for all its keys, and what is the key's own.
struct key_view {
    bytes_view prefix;
    bytes_view rest;

    [[nodiscard]] std::size_t size() const noexcept { return prefix.size() + rest.size(); }
    [[nodiscard]] unsigned operator[](std::size_t i) const noexcept {
        return static_cast<unsigned>(i < prefix.size() ? prefix[i] : rest[i - prefix.size()]);
    }
    [[nodiscard]] std::string bytes() const {
        std::string all(size(), '\0');
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>((*this)[i]);
        return all;
    }
};

[[nodiscard]] inline key_view view_of(const std::string& bytes) noexcept {
    return {{}, {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}};
}

namespace detail {

// Byte i, counted from the most significant, of the unsigned number whose order is the key's.
[[nodiscard]] inline unsigned ranked_byte(format::key_order order, key_view key,
                                          std::size_t i) noexcept {
    const unsigned byte = key[key.size() - 1 - i];
    if (order == format::key_order::unsigned_integer) return byte;
    const bool negative = (key[key.size() - 1] & 0x80) != 0;
    // Below zero, IEEE 754 magnitudes run the wrong way round.
    if (order == format::key_order::floating && negative) return byte ^ 0xFFU;
    return i == 0 ? byte ^ 0x80U : byte;
}

} // namespace detail

// Negative, zero, positive. Total, also over keys of unequal sizes, which only damage brings about.
[[nodiscard]] inline int compare_keys(format::key_order order, key_view a, key_view b) noexcept {
    const std::size_t shorter = a.size() < b.size() ? a.size() : b.size();
    if (order == format::key_order::bytes || a.size() != b.size()) {
        for (std::size_t i = 0; i < shorter; ++i)
            if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
        return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
    }
    for (std::size_t i = 0; i < shorter; ++i) {
        const unsigned x = detail::ranked_byte(order, a, i);
        const unsigned y = detail::ranked_byte(order, b, i);
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

// Integers of up to 8 bytes in decimal, printable keys in quotes, all others in hex; at most
// about 50 characters, long keys with "..." and their size.
[[nodiscard]] inline std::string key_text(format::key_order order, key_view key) {
    const bool number =
        order == format::key_order::unsigned_integer || order == format::key_order::signed_integer;
    if (number && key.size() >= 1 && key.size() <= 8) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < key.size(); ++i) value |= std::uint64_t{key[i]} << (8 * i);
        if (order == format::key_order::unsigned_integer) return std::to_string(value);
        const unsigned unused = static_cast<unsigned>(64 - 8 * key.size());
        return std::to_string(static_cast<std::int64_t>(value << unused) >> unused);
    }
    constexpr std::size_t shown_at_most = 20;
    const std::size_t shown = key.size() < shown_at_most ? key.size() : shown_at_most;
    bool printable = order == format::key_order::bytes && key.size() != 0;
    for (std::size_t i = 0; i < shown; ++i)
        printable = printable && key[i] >= 0x20 && key[i] < 0x7F && key[i] != '"';
    std::string text;
    if (printable) {
        text = "\"";
        for (std::size_t i = 0; i < shown; ++i) text += static_cast<char>(key[i]);
        text += "\"";
    } else {
        text = "x'";
        for (std::size_t i = 0; i < shown; ++i) {
            std::array<char, 4> hex{};
            std::snprintf(hex.data(), hex.size(), "%02x", key[i]);
            text += hex.data();
        }
        text += "'";
    }
    if (shown < key.size()) text += "... (" + std::to_string(key.size()) + " bytes)";
    return text;
}

} // namespace quire::inspect
