// Sorting without the standard's header of algorithms, which costs every program that includes the
// library a twentieth of its compile time (decision 0010).
#pragma once

#include <cstddef>
#include <cstdint>

namespace quire {

// 64-bit integers: pages by id, versions. They are few, or nearly in order already. Cost:
// O(n log n) when in order; twice the standard sort's for random values.
// Source: D. Shell's method; gaps by M. Ciura, "Best increments for the average case of Shellsort"
// (2001), continued by the factor 9/4.
inline void sort_ascending(std::uint64_t* values, std::size_t n) noexcept {
    constexpr std::size_t ciura[] = {1, 4, 10, 23, 57, 132, 301, 701};
    constexpr std::size_t known = sizeof ciura / sizeof *ciura;
    std::size_t gaps[64];
    std::size_t count = 0;
    for (std::size_t gap = 1; gap < n || count == 0; ++count) {
        gaps[count] = gap;
        gap = count + 1 < known ? ciura[count + 1] : gap / 4 * 9 + gap % 4 * 9 / 4;
    }
    while (count-- != 0) {
        const std::size_t gap = gaps[count];
        for (std::size_t i = gap; i < n; ++i) {
            const std::uint64_t value = values[i];
            std::size_t at = i;
            for (; at >= gap && values[at - gap] > value; at -= gap) values[at] = values[at - gap];
            values[at] = value;
        }
    }
}

// Sorts n values by less(a, b), equal ones in the order they have; `room` for n more. Gives where
// they are then: values or room. Merges from below. Cost: O(n log n). Throws what less throws.
template <class T, class Less>
[[nodiscard]] T* merge_sort(T* values, T* room, std::size_t n, Less&& less) {
    for (std::size_t width = 1; width < n; width *= 2) {
        for (std::size_t from = 0; from < n; from += 2 * width) {
            const std::size_t middle = n - from < width ? n : from + width;
            const std::size_t end = n - middle < width ? n : middle + width;
            std::size_t left = from;
            std::size_t right = middle;
            for (std::size_t to = from; to != end; ++to)
                room[to] = left != middle && (right == end || !less(values[right], values[left]))
                               ? values[left++]
                               : values[right++];
        }
        T* const sorted = room;
        room = values;
        values = sorted;
    }
    return values;
}

} // namespace quire
