// Unaligned loads and stores of integers in a stated byte order, and the byte-string comparison
// that every key order rests on. All are a move or a move and a swap on current processors.
// Requires: the pointed-to bytes exist; no alignment is needed.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <quire/core/config.hpp>

namespace quire {

using bytes_view = std::span<const std::byte>;
using mutable_bytes = std::span<std::byte>;

namespace detail {

template <class T>
[[nodiscard]] constexpr T reverse_bytes(T value) noexcept {
    static_assert(std::is_unsigned_v<T>);
    if constexpr (sizeof(T) == 1) return value;
    else if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
    else if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    else return __builtin_bswap64(value);
}

template <class T, std::endian Order>
[[nodiscard]] constexpr T load_bytes(const std::byte* from) noexcept {
    if (std::is_constant_evaluated()) {
        T value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            const std::size_t at = Order == std::endian::big ? i : sizeof(T) - 1 - i;
            value = static_cast<T>((sizeof(T) > 1 ? value << (sizeof(T) > 1 ? 8 : 0) : 0) |
                                   static_cast<T>(from[at]));
        }
        return value;
    }
    T value;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == Order ? value : reverse_bytes(value);
}

template <class T, std::endian Order>
constexpr void store_bytes(std::byte* to, T value) noexcept {
    if (std::is_constant_evaluated()) {
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            const std::size_t at = Order == std::endian::little ? i : sizeof(T) - 1 - i;
            to[at] = static_cast<std::byte>((value >> (8 * i)) & 0xFF);
        }
        return;
    }
    if (std::endian::native != Order) value = reverse_bytes(value);
    std::memcpy(to, &value, sizeof value);
}

} // namespace detail

template <class T>
[[nodiscard]] constexpr T load_le(const std::byte* from) noexcept {
    return detail::load_bytes<T, std::endian::little>(from);
}
template <class T>
[[nodiscard]] constexpr T load_be(const std::byte* from) noexcept {
    return detail::load_bytes<T, std::endian::big>(from);
}
template <class T>
constexpr void store_le(std::byte* to, std::type_identity_t<T> value) noexcept {
    detail::store_bytes<T, std::endian::little>(to, value);
}
template <class T>
constexpr void store_be(std::byte* to, std::type_identity_t<T> value) noexcept {
    detail::store_bytes<T, std::endian::big>(to, value);
}

// memcpy, memmove, memcmp that accept null pointers with a size of zero.
inline void copy_bytes(std::byte* to, const std::byte* from, std::size_t size) noexcept {
    if (size != 0) std::memcpy(to, from, size);
}
inline void move_bytes(std::byte* to, const std::byte* from, std::size_t size) noexcept {
    if (size != 0) std::memmove(to, from, size);
}
inline void zero_bytes(std::byte* to, std::size_t size) noexcept {
    if (size != 0) std::memset(to, 0, size);
}

// Orders byte strings by unsigned bytes, a prefix before its extensions: negative, zero, positive.
[[nodiscard]] inline int compare_bytes(bytes_view left, bytes_view right) noexcept {
    const std::size_t shorter = left.size() < right.size() ? left.size() : right.size();
    if (shorter - 8 <= 56) { // most keys: eight bytes at a time cost less than a call
        for (std::size_t i = 0;; i += 8) {
            if (i > shorter - 8) i = shorter - 8;
            const auto l = load_be<std::uint64_t>(left.data() + i);
            const auto r = load_be<std::uint64_t>(right.data() + i);
            if (l != r) return l < r ? -1 : 1;
            if (i == shorter - 8) break;
        }
    } else if (shorter != 0) {
        const int order = std::memcmp(left.data(), right.data(), shorter);
        if (order != 0) return order;
    }
    return left.size() < right.size() ? -1 : left.size() > right.size() ? 1 : 0;
}

// Length of the longest common prefix.
[[nodiscard]] inline std::size_t common_prefix(bytes_view left, bytes_view right) noexcept {
    const std::size_t shorter = left.size() < right.size() ? left.size() : right.size();
    std::size_t n = 0;
    for (; n + 8 <= shorter; n += 8) {
        const auto difference =
            load_le<std::uint64_t>(left.data() + n) ^ load_le<std::uint64_t>(right.data() + n);
        if (difference != 0) return n + static_cast<std::size_t>(std::countr_zero(difference)) / 8;
    }
    while (n < shorter && left[n] == right[n]) ++n;
    return n;
}

} // namespace quire
