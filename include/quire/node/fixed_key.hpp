// The two kinds of key that a fixed page holds. Each says how a key stands in the page and how two
// keys compare; search.hpp searches arrays of them.
//
//   integer_key<Stored, Order>  little-endian integers (or the bits of floating-point numbers).
//                               Compared by rank: an unsigned integer in the order of the keys.
//   bytes_key<N>                N bytes, compared as unsigned bytes from the first.
//
// Thread-safety: pure functions and plain values.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <quire/core/bytes.hpp>
#include <quire/format/schema.hpp>

namespace quire::node {

template <std::unsigned_integral Stored, format::key_order Order>
struct integer_key {
    static_assert(Order != format::key_order::bytes, "quire: bytes are keys of type bytes_key<N>");
    static_assert(Order != format::key_order::floating || sizeof(Stored) >= 4,
                  "quire: a floating-point key has 4 or 8 bytes");

    using stored_type = Stored;
    using rank_type = Stored;
    using key_arg = rank_type;

    static constexpr std::size_t size = sizeof(Stored);
    static constexpr format::key_order order = Order;

    // rank(a) < rank(b) exactly if the key stored as a is less than the key stored as b.
    [[nodiscard]] static constexpr rank_type rank(stored_type stored) noexcept {
        if constexpr (Order == format::key_order::unsigned_integer) return stored;
        else if constexpr (Order == format::key_order::signed_integer)
            return static_cast<rank_type>(stored ^ sign);
        else
            return static_cast<rank_type>((stored & sign) != 0 ? ~stored : stored ^ sign);
    }
    [[nodiscard]] static constexpr stored_type unrank(rank_type rank) noexcept {
        if constexpr (Order == format::key_order::floating)
            return static_cast<stored_type>((rank & sign) != 0 ? rank ^ sign : ~rank);
        else
            return integer_key::rank(rank);
    }

    [[nodiscard]] static key_arg load(const std::byte* at) noexcept {
        return rank(load_le<stored_type>(at));
    }
    static void store(std::byte* at, key_arg key) noexcept {
        store_le<stored_type>(at, unrank(key));
    }
    [[nodiscard]] static constexpr bool less(key_arg left, key_arg right) noexcept {
        return left < right;
    }
    [[nodiscard]] static constexpr bool equal(key_arg left, key_arg right) noexcept {
        return left == right;
    }

    class buffer {
    public:
        [[nodiscard]] key_arg arg() const noexcept { return key_; }
        void assign(key_arg key) noexcept { key_ = key; }

    private:
        key_arg key_ = 0;
    };

private:
    static constexpr auto sign = static_cast<Stored>(Stored{1} << (sizeof(Stored) * 8 - 1));
};

// Where N bytes are.
template <std::size_t N>
struct bytes_arg {
    const std::byte* data;
};

template <std::size_t N>
struct bytes_key {
    static_assert(N > 0, "quire: a key of a fixed page has at least one byte");

    using key_arg = bytes_arg<N>;

    static constexpr std::size_t size = N;
    static constexpr format::key_order order = format::key_order::bytes;

    [[nodiscard]] static key_arg load(const std::byte* at) noexcept { return {at}; }
    static void store(std::byte* at, key_arg key) noexcept { copy_bytes(at, key.data, N); }
    [[nodiscard]] static bool less(key_arg left, key_arg right) noexcept {
        return std::memcmp(left.data, right.data, N) < 0;
    }
    [[nodiscard]] static bool equal(key_arg left, key_arg right) noexcept {
        return std::memcmp(left.data, right.data, N) == 0;
    }

    class buffer {
    public:
        [[nodiscard]] key_arg arg() const noexcept { return {key_.data()}; }
        void assign(key_arg key) noexcept { copy_bytes(key_.data(), key.data, N); }

    private:
        std::array<std::byte, N> key_{};
    };
};

} // namespace quire::node
