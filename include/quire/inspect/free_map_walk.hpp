// Reads the free map: a radix tree whose leaves are bitmaps of free pages.
// Thread-safety: as page_loader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/free_map.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/inspect/page_loader.hpp>

namespace quire::inspect {

class free_map_walk {
public:
    explicit free_map_walk(page_loader& pages) : pages_(pages), free_(pages.reached().limit()) {}

    void walk(); // once
    // What the map calls free, as far as the file reaches.
    [[nodiscard]] const page_set& free() const noexcept { return free_; }

private:
    void walk_part(const page_place& at, std::uint32_t level, std::uint64_t part);
    void take_bits(bytes_view bits, std::uint64_t part, page_id page);

    page_loader& pages_;
    page_set free_;
};

// ------------------------------------------------------------------------------------------------

inline void free_map_walk::walk() {
    const format::header_slot& slot = pages_.slot();
    if (!slot.free_map_root) return;
    const std::uint32_t level = format::free_map_levels(slot.page_count, slot.page_size);
    if (pages_.judges() && slot.free_map_level != level)
        pages_.finds(page_id::none, "free_map_level", std::to_string(slot.free_map_level),
                     std::to_string(level), cause::writer);
    walk_part({slot.free_map_root, {}, slot.committed}, slot.free_map_level, 0);
}

inline void free_map_walk::walk_part(const page_place& at, std::uint32_t level,
                                     std::uint64_t part) {
    if (pages_.skips(at.ref) || pages_.stopped()) return;
    page_frame& page = pages_.frame_at(at.depth);
    if (!pages_.load(at, page)) return;
    const page_seen seen = page_loader::header_of(page.bytes, at, page_use::free_map);
    pages_.hand_over(seen);
    pages_.judge_owner(seen, tree_id::catalog, at.newest);
    const std::uint32_t stored_part = load_le<std::uint32_t>(page.bytes.data() + 28);
    if (seen.kind != format::page_kind::free_map)
        return pages_.breaks(seen.id, "kind", static_cast<unsigned>(seen.kind), "6");
    if (seen.level != level)
        return pages_.breaks(seen.id, "level", seen.level, std::to_string(level));
    if (stored_part != part)
        return pages_.breaks(seen.id, "part", stored_part, std::to_string(part));
    const bytes_view body = bytes_view(page.bytes).subspan(format::page_header_size);
    if (level == 0) return take_bits(body, part, seen.id);
    const std::uint64_t fanout = body.size() / 8;
    for (std::size_t i = 0; i < fanout; ++i) {
        const page_ref child = format::load_ref(body.data() + 8 * i);
        if (child)
            walk_part({child, seen.id, seen.birth, at.depth + 1}, level - 1, part * fanout + i);
    }
}

inline void free_map_walk::take_bits(bytes_view bits, std::uint64_t part, page_id page) {
    const format::header_slot& slot = pages_.slot();
    const std::uint64_t header = format::header_pages(slot.page_size);
    bool outside = false;
    for (std::size_t i = 0; i < bits.size() * 8; ++i) {
        if ((static_cast<unsigned>(bits[i / 8]) >> (i % 8) & 1U) == 0) continue;
        const std::uint64_t free = part * bits.size() * 8 + i;
        if (free >= header && free < slot.page_count) {
            if (free < free_.limit()) free_.insert(free);
            continue;
        }
        if (!outside && pages_.judges()) // one finding a page of the map says enough
            pages_.finds(page, "bitmap", "a bit for page " + std::to_string(free),
                         std::to_string(header) + " to " + std::to_string(slot.page_count - 1),
                         cause::writer);
        outside = true;
    }
}

} // namespace quire::inspect
