// The free map on disk: which pages of a file hold nothing that the slot's version can reach. A
// radix tree of free-map pages. Level 0: a bitmap, bit i of part p stands for page p *
// pages_per_part + i, set when the page is free; bits count from the low end of each byte. Level n:
// references to the parts of level n - 1, null where a part has no free page. A file without free
// pages has no map.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>

namespace quire::format {

struct free_map_shape {
    std::uint32_t bitmap_bytes;   // of a level-0 page
    std::uint32_t pages_per_part; // pages that a level-0 page describes
    std::uint32_t fanout;         // references in a page of a higher level
};

[[nodiscard]] constexpr free_map_shape free_map_of(std::size_t page_size) noexcept {
    const auto body = static_cast<std::uint32_t>(page_size - page_header_size);
    return {body, body * 8, body / 8};
}

// Level of the root of a map that describes `page_count` pages.
[[nodiscard]] constexpr std::uint32_t free_map_levels(std::uint64_t page_count,
                                                      std::size_t page_size) noexcept {
    const free_map_shape shape = free_map_of(page_size);
    std::uint64_t covered = shape.pages_per_part;
    std::uint32_t level = 0;
    for (; covered < page_count; ++level) covered *= shape.fanout;
    return level;
}
static_assert(free_map_levels(0xFFFFFFFFU, smallest_page) <= 4);

} // namespace quire::format
