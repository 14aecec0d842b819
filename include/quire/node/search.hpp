// Searching sorted keys of one size: a guess by interpolation, a few steps from there, then leaps
// of growing length and a binary search between the last two. Evenly spread keys cost about one
// guess and its neighbourhood; no keys cost more than about twice a binary search.
//
// The slope that turns a distance between keys into a distance between positions stands in the
// page's header as a hint, so that a search need not read the last key: in a page that no cache
// holds that is a wait for memory less. Whoever changes the first or last key of a page brings its
// hint up to date.
//
// Thread-safety: pure functions of the bytes they read.
//
// Invariants:
//   1. For any bytes and any hint, only the n keys of the array are read and the result is 0..n.
//   2. For sorted keys and a skip that is not too long, the result is the number of keys less than
//      x (lower_bound) or not greater than x (upper_bound). A wrong slope only costs time.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <quire/core/bytes.hpp>
#include <quire/core/config.hpp>
#include <quire/node/fixed_key.hpp>
#include <quire/node/layout.hpp>

namespace quire::node {

// An array beside the keys, whose element of the likely result is fetched while the search settles.
struct companion {
    const std::byte* at = nullptr;
    std::size_t size = 0; // of an element; 0: nothing to fetch

    QUIRE_INLINE void fetch(std::uint32_t i) const noexcept {
        if (size != 0) __builtin_prefetch(at + i * size);
    }
};

// Bytes 24..30 of a fixed page's header.
struct search_hint {
    float slope = 0;        // 1 / (half the distance from the first key to the last, plus 1)
    std::uint16_t skip = 0; // bytes keys: leading bytes that the first and the last key share

    static constexpr std::size_t offset = 24;

    [[nodiscard]] QUIRE_INLINE static search_hint load(const std::byte* page) noexcept {
        return {std::bit_cast<float>(load_le<std::uint32_t>(page + offset)),
                load_le<std::uint16_t>(page + offset + 4)};
    }
    void store(std::byte* page) const noexcept {
        store_le<std::uint32_t>(page + offset, std::bit_cast<std::uint32_t>(slope));
        store_le<std::uint16_t>(page + offset + 4, skip);
    }
};

namespace detail {

// Asks for the lines on both sides of a guess: half of the searches among slots end in one of them.
QUIRE_INLINE void prefetch_around(const std::byte* guess) noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(guess); // both may lie outside of the page
    __builtin_prefetch(guess);
    __builtin_prefetch(reinterpret_cast<const void*>(at - 64));
    __builtin_prefetch(reinterpret_cast<const void*>(at + 64));
}

// Asks for the line of an address and so many on both sides, which may lie outside of the page.
QUIRE_INLINE void prefetch_lines(const std::byte* middle, std::uintptr_t beside) noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(middle);
    for (std::uintptr_t line = 0; line <= 2 * beside; ++line)
        __builtin_prefetch(reinterpret_cast<const void*>(at + (line - beside) * 64));
}

// Half a distance as a floating-point number. Halved, because the conversion of a signed integer
// needs no branch.
template <std::unsigned_integral Rank>
[[nodiscard]] QUIRE_INLINE double half(Rank distance) noexcept {
    return static_cast<double>(static_cast<std::int64_t>(std::uint64_t{distance} / 2));
}

// The slope of ranks whose last is `distance` above the first.
template <std::unsigned_integral Rank>
[[nodiscard]] QUIRE_INLINE float slope(Rank distance) noexcept {
    return static_cast<float>(1.0 / (half(distance) + 1));
}

// A distance as a part of a whole one.
template <std::unsigned_integral Rank>
[[nodiscard]] QUIRE_INLINE float share_of(Rank distance, Rank whole) noexcept {
    return static_cast<float>(half(distance)) / (static_cast<float>(half(whole)) + 1);
}

// Where x stands among n ranks of the given slope, `distance` above the first; 0..n - 1.
template <std::unsigned_integral Rank>
[[nodiscard]] QUIRE_INLINE std::uint32_t guess(std::uint32_t n, Rank distance,
                                               double slope) noexcept {
    const double position = half(distance) * slope * static_cast<double>(n);
    return position >= 0 && position < static_cast<double>(n) // false for what is not a number
               ? static_cast<std::uint32_t>(position)
               : n - 1;
}

// Number of ranks less than x among n ascending ones, looked for from a guess. `at(i)` is rank i.
// Requires: guess < n.
template <pace Pace, std::unsigned_integral Rank, class Ranks>
[[nodiscard]] QUIRE_INLINE std::uint32_t settle(std::uint32_t n, Rank x, const Ranks& at,
                                                std::uint32_t guess) noexcept {
    constexpr std::uint32_t steps = 8;
    std::uint32_t low = 0;
    std::uint32_t high = n;
    if constexpr (Pace == pace::steady) {
        constexpr std::uint32_t window = 2 * steps;
        if (n >= window) {
            low = guess < steps ? 0 : guess - steps;
            if (low > n - window) low = n - window;
            std::uint32_t less = 0;
            const std::size_t from = low;
            for (std::size_t i = 0; i < window; ++i) less += at(from + i) < x ? 1U : 0U;
            if (less != 0 && less != window) return low + less;
            guess = less == 0 ? low : low + window - 1;
            low = 0;
        }
    }
    if (at(guess) < x) {
        low = guess + 1;
        for (const std::uint32_t end = n - low > steps ? low + steps : n; low < end; ++low)
            if (!(at(low) < x)) return low;
        for (std::uint32_t leap = steps; high - low > leap; leap *= 2) {
            if (!(at(low + leap) < x)) {
                high = low + leap;
                break;
            }
            low += leap + 1;
        }
    } else {
        high = guess;
        for (const std::uint32_t end = high > steps ? high - steps : 0; high > end; --high)
            if (at(high - 1) < x) return high;
        for (std::uint32_t leap = steps; high > leap; leap *= 2) {
            if (at(high - leap) < x) {
                low = high - leap + 1;
                break;
            }
            high -= leap;
        }
    }
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        if (at(middle) < x) low = middle + 1;
        else high = middle;
    }
    return low;
}

// Eight bytes of a key from byte `skip` on (or the last eight, or all of fewer), as an integer in
// the order of the bytes.
template <std::size_t N>
[[nodiscard]] QUIRE_INLINE std::uint64_t rank_of(const std::byte* key, std::size_t skip) noexcept {
    if constexpr (N >= 8) {
        return load_be<std::uint64_t>(key + (skip < N - 8 ? skip : N - 8));
    } else {
        std::uint64_t rank = 0;
        for (std::size_t i = 0; i < N; ++i) rank = rank << 8 | static_cast<std::uint64_t>(key[i]);
        return rank;
    }
}

// Orders two keys of N bytes by their first n.
template <std::size_t N>
[[nodiscard]] QUIRE_INLINE int compare_front(const std::byte* left, const std::byte* right,
                                             std::size_t n) noexcept {
    if constexpr (N >= 8) {
        if (n == 0) return 0;
        if (n <= 8) {
            const auto l = load_be<std::uint64_t>(left) >> (64 - 8 * n);
            const auto r = load_be<std::uint64_t>(right) >> (64 - 8 * n);
            return l < r ? -1 : l > r ? 1 : 0;
        }
    }
    return compare_bytes({left, n}, {right, n});
}

} // namespace detail

// The hint for n sorted keys.
template <class Key>
[[nodiscard]] search_hint hint_of(const std::byte* keys, std::uint32_t n) noexcept {
    if (n < 2) return {};
    const std::byte* const last = keys + (n - 1) * Key::size;
    if constexpr (Key::order != format::key_order::bytes) {
        const auto distance = static_cast<typename Key::rank_type>(Key::load(last) -
                                                                   Key::load(keys));
        return {detail::slope(distance), 0};
    } else {
        const std::size_t skip = common_prefix({keys, Key::size}, {last, Key::size});
        const std::uint64_t distance = detail::rank_of<Key::size>(last, skip) -
                                       detail::rank_of<Key::size>(keys, skip);
        return {detail::slope(distance), static_cast<std::uint16_t>(skip)};
    }
}

// Asks for the lines that a search for x will most likely read, around its guess. Reads the page's
// first line alone.
template <class Key>
QUIRE_INLINE void prefetch_bound(const std::byte* keys, std::uint32_t n, typename Key::key_arg x,
                                 search_hint hint) noexcept {
    if (n == 0) return;
    std::uint32_t guess = 0;
    if constexpr (Key::order != format::key_order::bytes) {
        const auto first = Key::load(keys);
        if (x > first)
            guess = detail::guess(n, static_cast<typename Key::rank_type>(x - first),
                                  static_cast<double>(hint.slope));
    } else {
        const std::size_t skip = hint.skip < Key::size ? hint.skip : Key::size - 1;
        const std::uint64_t rank = detail::rank_of<Key::size>(x.data, skip);
        const std::uint64_t first = detail::rank_of<Key::size>(keys, skip);
        if (rank > first) guess = detail::guess(n, rank - first, static_cast<double>(hint.slope));
    }
    // The window that a steady search counts over.
    constexpr std::uint32_t around = 8;
    const std::byte* const low = keys + (guess < around ? 0 : guess - around) * Key::size;
    for (std::size_t at = 0; at < 2 * around * Key::size; at += 64) __builtin_prefetch(low + at);
    __builtin_prefetch(low + (2 * around - 1) * Key::size);
}

// How far x lies on the way from key i - 1 to key i: 0 to 1, for sorted keys around x. Requires:
// 0 < i < n.
template <class Key>
[[nodiscard]] QUIRE_INLINE float share_of_way(const std::byte* keys, std::uint32_t i,
                                              typename Key::key_arg x, search_hint hint) noexcept {
    const std::byte* const above = keys + i * Key::size;
    if constexpr (Key::order != format::key_order::bytes) {
        using rank = typename Key::rank_type;
        const rank low = Key::load(above - Key::size);
        return detail::share_of(static_cast<rank>(x - low),
                                static_cast<rank>(Key::load(above) - low));
    } else {
        const std::size_t skip = hint.skip < Key::size ? hint.skip : Key::size - 1;
        const std::uint64_t low = detail::rank_of<Key::size>(above - Key::size, skip);
        return detail::share_of(detail::rank_of<Key::size>(x.data, skip) - low,
                                detail::rank_of<Key::size>(above, skip) - low);
    }
}

template <class Key, pace Pace = pace::eager>
[[nodiscard]] QUIRE_INLINE std::uint32_t lower_bound(const std::byte* keys, std::uint32_t n,
                                                     typename Key::key_arg x, search_hint hint,
                                                     companion beside = {}) noexcept {
    if (n == 0) return 0;
    if constexpr (Key::order != format::key_order::bytes) {
        const auto at = [keys](std::size_t i) { return Key::load(keys + i * Key::size); };
        const auto first = at(0);
        if (x <= first) return 0;
        const std::uint32_t guess = detail::guess(
            n, static_cast<typename Key::rank_type>(x - first), static_cast<double>(hint.slope));
        beside.fetch(guess);
        return detail::settle<Pace>(n, x, at, guess);
    } else {
        // Keys that share `skip` bytes compare by eight bytes behind them, then by all bytes.
        const std::size_t skip = hint.skip < Key::size ? hint.skip : Key::size - 1;
        if (const int order = detail::compare_front<Key::size>(x.data, keys, skip); order != 0)
            return order < 0 ? 0 : n;
        const auto at = [keys, skip](std::size_t i) {
            return detail::rank_of<Key::size>(keys + i * Key::size, skip);
        };
        const std::uint64_t rank = detail::rank_of<Key::size>(x.data, skip);
        const std::uint64_t first = at(0);
        std::uint32_t i = 0;
        if (rank > first) {
            const std::uint32_t guess =
                detail::guess(n, rank - first, static_cast<double>(hint.slope));
            beside.fetch(guess);
            i = detail::settle<Pace>(n, rank, at, guess);
        }
        const auto less = [keys, x](std::uint32_t k) {
            return compare_bytes({keys + k * Key::size, Key::size}, {x.data, Key::size}) < 0;
        };
        if (i == n || at(i) != rank || !less(i)) return i;
        std::uint32_t high = n;
        for (++i; i < high;) {
            const std::uint32_t middle = i + (high - i) / 2;
            if (less(middle)) i = middle + 1;
            else high = middle;
        }
        return i;
    }
}

template <class Key, pace Pace = pace::eager>
[[nodiscard]] QUIRE_INLINE std::uint32_t upper_bound(const std::byte* keys, std::uint32_t n,
                                                     typename Key::key_arg x, search_hint hint,
                                                     companion beside = {}) noexcept {
    if constexpr (Key::order != format::key_order::bytes) {
        const auto above = static_cast<typename Key::key_arg>(x + 1);
        return above == 0 ? n : lower_bound<Key, Pace>(keys, n, above, hint, beside);
    } else {
        const std::uint32_t i = lower_bound<Key, Pace>(keys, n, x, hint, beside);
        return i < n && Key::equal(Key::load(keys + i * Key::size), x) ? i + 1 : i;
    }
}

} // namespace quire::node
