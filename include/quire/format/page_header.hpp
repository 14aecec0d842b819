// The 32 bytes in front of every page but the header slots. All integers are little-endian.
//
//   0        4    5     6      8         12       16      24       26        28       30        31
//   +--------+----+-----+------+---------+--------+-------+--------+---------+--------+---------+
//   |checksum|kind|level|count | page id | tree id| birth | layout facts (by kind)  |transform|0|
//   +--------+----+-----+------+---------+--------+-------+--------+---------+--------+---------+
//
// Invariants of a page on the medium:
//   1. checksum is the CRC32C of all bytes of the page behind it; for an overflow run, of all bytes
//      of the run that hold its value.
//   2. page id is the page's own position, so a misdirected write is found.
//   3. birth is the version that wrote it; its low half stands in the reference of the parent, so a
//      lost write is found.
//   4. level is 0 for a leaf and the parent's level - 1 for a child.
//   5. bytes that no field and no record uses are zero or left over from the page's own past in
//      memory, never from elsewhere in the process.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <quire/core/bytes.hpp>
#include <quire/core/crc32c.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/field.hpp>

namespace quire::format {

enum class page_kind : std::uint8_t {
    none = 0, // never valid: a zeroed page is not a page
    fixed_leaf = 1,
    fixed_inner = 2,
    slotted_leaf = 3,
    slotted_inner = 4,
    overflow = 5,
    free_map = 6,
};

inline constexpr std::size_t page_header_size = 32;
inline constexpr std::size_t smallest_page = 512;
inline constexpr std::size_t largest_page = 65536;

// Fixed pages keep a search hint in bytes 24 to 30 (node/search.hpp): it has no fields of its own
// here.
inline constexpr std::array<field, 11> page_header_fields{{
    {"checksum", 0, 4},
    {"kind", 4, 1},
    {"level", 5, 1},
    {"count", 6, 2},
    {"page_id", 8, 4},
    {"tree_id", 12, 4},
    {"birth", 16, 8},
    {"heap_size", 24, 2},   // slotted: bytes of the record heap. Overflow: low half of value_size
    {"heap_dead", 26, 2},   // slotted: bytes of the heap that no slot uses. Overflow: high half
    {"prefix_size", 28, 2}, // slotted: bytes of the common prefix. Free map: low half of part
    {"transform", 30, 2},   // 0: the page's bytes are as they are. Free map: high half of part
}};
static_assert(tiles(page_header_fields, page_header_size));

[[nodiscard]] inline page_kind kind_of(const std::byte* page) noexcept {
    return static_cast<page_kind>(page[4]);
}
[[nodiscard]] inline std::uint32_t level_of(const std::byte* page) noexcept {
    return static_cast<std::uint32_t>(page[5]);
}
// Kind in the low byte, level in the high one: one load, one comparison.
[[nodiscard]] inline std::uint32_t kind_and_level_of(const std::byte* page) noexcept {
    return load_le<std::uint16_t>(page + 4);
}
[[nodiscard]] constexpr std::uint32_t kind_and_level(page_kind kind, std::uint32_t level) noexcept {
    return static_cast<std::uint32_t>(kind) | level << 8;
}
// Records of a leaf, separators of an inner page (which has one child more).
[[nodiscard]] inline std::uint32_t count_of(const std::byte* page) noexcept {
    return load_le<std::uint16_t>(page + 6);
}
[[nodiscard]] inline page_id id_of(const std::byte* page) noexcept {
    return static_cast<page_id>(load_le<std::uint32_t>(page + 8));
}
[[nodiscard]] inline tree_id tree_of(const std::byte* page) noexcept {
    return static_cast<tree_id>(load_le<std::uint32_t>(page + 12));
}
[[nodiscard]] inline version birth_of(const std::byte* page) noexcept {
    return static_cast<version>(load_le<std::uint64_t>(page + 16));
}
[[nodiscard]] inline page_ref ref_of(const std::byte* page) noexcept {
    return {id_of(page), low_bits(birth_of(page))};
}
[[nodiscard]] inline std::uint32_t heap_size_of(const std::byte* page) noexcept {
    return load_le<std::uint16_t>(page + 24);
}
[[nodiscard]] inline std::uint32_t heap_dead_of(const std::byte* page) noexcept {
    return load_le<std::uint16_t>(page + 26);
}
[[nodiscard]] inline std::uint32_t prefix_size_of(const std::byte* page) noexcept {
    return load_le<std::uint16_t>(page + 28);
}
// Bytes of the value that an overflow run holds.
[[nodiscard]] inline std::uint32_t value_size_of(const std::byte* page) noexcept {
    return load_le<std::uint32_t>(page + 24);
}
// Which part of the free map a free-map page is: its index among the pages of its level.
[[nodiscard]] inline std::uint32_t part_of(const std::byte* page) noexcept {
    return load_le<std::uint32_t>(page + 28);
}

inline void set_count(std::byte* page, std::uint32_t count) noexcept {
    store_le<std::uint16_t>(page + 6, static_cast<std::uint16_t>(count));
}
inline void set_heap_size(std::byte* page, std::uint32_t bytes) noexcept {
    store_le<std::uint16_t>(page + 24, static_cast<std::uint16_t>(bytes));
}
inline void set_heap_dead(std::byte* page, std::uint32_t bytes) noexcept {
    store_le<std::uint16_t>(page + 26, static_cast<std::uint16_t>(bytes));
}
inline void set_prefix_size(std::byte* page, std::uint32_t bytes) noexcept {
    store_le<std::uint16_t>(page + 28, static_cast<std::uint16_t>(bytes));
}
inline void set_value_size(std::byte* page, std::uint32_t bytes) noexcept {
    store_le<std::uint32_t>(page + 24, bytes);
}
inline void set_part(std::byte* page, std::uint32_t part) noexcept {
    store_le<std::uint32_t>(page + 28, part);
}
// Who a page is; a copy of a page gets a new identity and keeps the rest.
inline void set_identity(std::byte* page, page_id id, version birth) noexcept {
    store_le<std::uint32_t>(page + 8, to_integer(id));
    store_le<std::uint64_t>(page + 16, to_integer(birth));
}

// What a new page is.
struct page_facts {
    page_kind kind;
    std::uint8_t level;
    tree_id tree;
};

// Writes a whole header: no records, no prefix, no checksum yet.
inline void start_page(std::byte* page, page_facts facts, page_id id, version birth) noexcept {
    zero_bytes(page, page_header_size);
    page[4] = static_cast<std::byte>(facts.kind);
    page[5] = static_cast<std::byte>(facts.level);
    store_le<std::uint32_t>(page + 12, to_integer(facts.tree));
    set_identity(page, id, birth);
}

// `page` spans the page, or the used bytes of an overflow run.
[[nodiscard]] inline std::uint32_t checksum_of(bytes_view page) noexcept {
    return crc32c(page.subspan(4));
}
[[nodiscard]] inline std::uint32_t stored_checksum(const std::byte* page) noexcept {
    return load_le<std::uint32_t>(page);
}
// Returns what it stored.
inline std::uint32_t seal(mutable_bytes page) noexcept {
    const std::uint32_t checksum = checksum_of(page);
    store_le<std::uint32_t>(page.data(), checksum);
    return checksum;
}

// Overflow runs: a header, then the value, then nothing of meaning to the end of the last page.
[[nodiscard]] constexpr std::uint32_t run_pages(std::uint64_t value_size,
                                                std::size_t page_size) noexcept {
    return static_cast<std::uint32_t>((page_header_size + value_size + page_size - 1) / page_size);
}

} // namespace quire::format
