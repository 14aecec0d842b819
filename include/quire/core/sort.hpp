// Sorting 64-bit integers, which is all the library sorts: pages by id, versions. One instantiation
// of the standard's sort for every use.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace quire {

inline void sort_ascending(std::span<std::uint64_t> values) noexcept {
    std::sort(values.data(), values.data() + values.size());
}

} // namespace quire
