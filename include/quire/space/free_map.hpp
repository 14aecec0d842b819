// Keeps the free map on disk (format/free_map.hpp) in step with page_space: copy on write, only the
// parts that changed.
//
// The map describes the pages it is written on. So places for the changed parts are taken first;
// taking one changes bits, which may concern another part; this repeats until no part is new. It
// ends, because each part is placed once.
// Thread-safety: none; owned by the writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/error.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/format/free_map.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/space/page_space.hpp>

namespace quire::space {

template <std::size_t PageSize>
class free_map {
public:
    // A page's bit in the map differs from what is on disk.
    void changed(page_id id) { touch(0, to_integer(id) / shape.pages_per_part); }

    // Reads the map of a slot into `space`. Every bit is checked to name a data page of the file,
    // every part to stand once. Throws corruption, io_error.
    template <class Cache>
    void load(Cache& cache, page_space& space, page_ref root, std::uint32_t level,
              const std::string& path);

    // Places of the map for `write`; a copy of this object from before undoes it all.
    // Allocates in `space` and frees the old places there. Throws std::bad_alloc.
    void place(page_space& space, version birth, growing_array<page_id>& flipped);
    // Pages that `fill` will create.
    [[nodiscard]] std::uint32_t placed() const noexcept { return placed_; }
    // Places anew what lies at or behind the limit. Gives how many pages that are.
    std::uint32_t move_behind(page_id limit) noexcept {
        std::uint32_t found = 0;
        for (std::size_t level = 0; level < count_; ++level)
            for (part& p : levels_[level]) {
                if (p.id == page_id::none || p.id < limit) continue;
                p.stale = true;
                ++found;
            }
        return found;
    }
    // Pages of the map, at most, once all of its parts have changed.
    [[nodiscard]] static std::uint64_t most_pages(std::uint64_t pages) noexcept {
        std::uint64_t all = 0;
        for (std::uint64_t n = pages / shape.pages_per_part + 1;; n = n / shape.fanout + 1) {
            all += n;
            if (n == 1) return all;
        }
    }
    // Creates the placed pages in the cache. Requires: admitted, and frames ensured.
    template <class Cache>
    void fill(Cache& cache, const page_space& space, version birth) noexcept;
    // Calls visit(id) for every page of the map.
    template <class Visit>
    void for_each_page(Visit&& visit) const {
        for (std::size_t level = 0; level < count_; ++level)
            for (const part& p : levels_[level])
                if (p.id != page_id::none) visit(p.id);
    }

    [[nodiscard]] page_ref root() const noexcept {
        if (count_ == 0 || levels_[count_ - 1].empty()) return {};
        const part& p = levels_[count_ - 1][0];
        return {p.id, p.id == page_id::none ? 0 : low_bits(p.birth)};
    }
    [[nodiscard]] std::uint32_t level() const noexcept {
        return count_ == 0 ? 0 : static_cast<std::uint32_t>(count_ - 1);
    }

private:
    static constexpr format::free_map_shape shape = format::free_map_of(PageSize);
    struct part {
        page_id id = page_id::none;
        version birth{};
        bool stale = false; // the page on disk, if any, no longer tells the truth
        bool fresh = false; // placed, not yet filled
    };

    void touch(std::size_t level, std::size_t index) {
        if (level == count_) ++count_;
        if (index >= levels_[level].size()) levels_[level].resize(index + 1);
        if (!levels_[level][index].fresh) levels_[level][index].stale = true;
    }
    [[nodiscard]] bool empty(const page_space& space, std::size_t level,
                             std::size_t index) const noexcept {
        if (level == 0) {
            const std::uint64_t first = std::uint64_t{index} * shape.pages_per_part;
            for (std::uint64_t n = first; n < first + shape.pages_per_part; n += 32)
                if (bits(space, n) != 0) return false;
            return true;
        }
        for (std::size_t c = index * shape.fanout;
             c < (index + 1) * shape.fanout && c < levels_[level - 1].size(); ++c)
            if (levels_[level - 1][c].id != page_id::none) return false;
        return true;
    }
    // 32 bits of the map from page n on; parts are multiples of 32 pages.
    [[nodiscard]] static std::uint32_t bits(const page_space& space, std::uint64_t n) noexcept {
        return static_cast<std::uint32_t>(space.dead().word(n / 64) >> (n % 64));
    }
    template <class Cache>
    void load_page(Cache& cache, page_space& space, page_ref ref, std::uint32_t level,
                   std::uint32_t index, const std::string& path);

    static constexpr std::size_t most_levels = 6; // one above what 2^32 pages need

    growing_array<part> levels_[most_levels];
    std::size_t count_ = 0; // levels in use
    std::uint32_t placed_ = 0;
};

template <std::size_t PageSize>
template <class Cache>
void free_map<PageSize>::load(Cache& cache, page_space& space, page_ref root, std::uint32_t level,
                              const std::string& path) {
    if (!root) return;
    count_ = level + std::size_t{1};
    load_page(cache, space, root, level, 0, path);
}

template <std::size_t PageSize>
template <class Cache>
void free_map<PageSize>::load_page(Cache& cache, page_space& space, page_ref ref,
                                   std::uint32_t level, std::uint32_t index,
                                   const std::string& path) {
    const auto fails = [&](page_id id, const char* field, std::uint64_t found,
                           std::uint64_t expected) {
        detail::raise<corruption>("the free map is damaged; restore a backup", path, id, field,
                                  found, expected);
    };
    // Copied, for a page is only good until the next one is fetched.
    std::byte page[PageSize];
    std::memcpy(page,
                cache.fetch(ref,
                            [](const std::byte* p) noexcept -> const char* {
                                return format::kind_of(p) == format::page_kind::free_map
                                           ? nullptr
                                           : "the page is no free-map page";
                            }),
                PageSize);
    if (format::level_of(page) != level)
        fails(ref.id, "level", format::level_of(page), level);
    if (format::part_of(page) != index)
        fails(ref.id, "part", format::part_of(page), index);
    if (index >= levels_[level].size()) levels_[level].resize(index + 1);
    levels_[level][index] = {ref.id, format::birth_of(page), false, false};
    const std::byte* const body = page + format::page_header_size;
    if (level != 0) {
        for (std::uint32_t c = 0; c < shape.fanout; ++c) {
            const page_ref child = format::load_ref(body + std::size_t{c} * 8);
            if (!child) continue;
            const std::uint64_t first = std::uint64_t{index} * shape.fanout + c;
            if (first >= (space.end() + shape.pages_per_part - 1) / shape.pages_per_part)
                fails(ref.id, "part", first, space.end() / shape.pages_per_part);
            load_page(cache, space, child, level - 1, static_cast<std::uint32_t>(first), path);
        }
        return;
    }
    const std::uint64_t first = std::uint64_t{index} * shape.pages_per_part;
    for (std::uint32_t b = 0; b < shape.bitmap_bytes; ++b) {
        const auto byte = static_cast<unsigned>(body[b]);
        for (unsigned bit = 0; byte >> bit != 0; ++bit) {
            if ((byte >> bit & 1U) == 0) continue;
            const std::uint64_t id = first + std::uint64_t{b} * 8 + bit;
            if (id < space.header() || id >= space.end()) fails(ref.id, "bit", id, space.end());
            space.start_free(static_cast<page_id>(id));
        }
    }
}

template <std::size_t PageSize>
void free_map<PageSize>::place(page_space& space, version birth, growing_array<page_id>& flipped) {
    const auto flip = [&](page_id id) {
        changed(id);
        flipped.push_back(id); // last, so that what is logged is done
    };
    placed_ = 0;
    bool again = true;
    while (again) {
        again = false;
        const std::size_t wanted = format::free_map_levels(space.end(), PageSize) + std::size_t{1};
        while (count_ < wanted) {
            ++count_;
            if (count_ > 1) touch(count_ - 1, 0);
        }
        for (std::size_t level = 0; level < count_; ++level) {
            for (std::size_t i = 0; i < levels_[level].size(); ++i) {
                if (!levels_[level][i].stale) continue;
                again = true;
                levels_[level][i].stale = false;
                if (const part old = levels_[level][i]; old.id != page_id::none) {
                    levels_[level][i].id = page_id::none;
                    space.release_old({old.id, 1, old.birth});
                    space.set_dead(old.id, true, flip);
                }
                // A level above the root's, left over from a larger file, is given up.
                if (level < wanted && !empty(space, level, i)) {
                    const page_id id = space.allocate(1);
                    space.set_dead(id, false, flip);
                    part& p = levels_[level][i];
                    p.id = id;
                    p.birth = birth;
                    p.fresh = true;
                    p.stale = false; // its own bits are written with it
                    ++placed_;
                }
                if (level + 1 < count_) touch(level + 1, i / shape.fanout);
            }
        }
        for (std::size_t level = wanted; level < count_; ++level)
            for (std::size_t i = 0; i < levels_[level].size(); ++i)
                if (levels_[level][i].id != page_id::none) levels_[level][i].stale = again = true;
        while (!again && count_ > wanted) levels_[--count_].clear();
    }
}

template <std::size_t PageSize>
template <class Cache>
void free_map<PageSize>::fill(Cache& cache, const page_space& space, version birth) noexcept {
    for (std::size_t level = 0; level < count_; ++level)
        for (std::size_t i = 0; i < levels_[level].size(); ++i) {
            part& p = levels_[level][i];
            if (!p.fresh) continue;
            p.fresh = false;
            std::byte* const page = cache.create(p.id);
            format::start_page(
                page,
                {format::page_kind::free_map, static_cast<std::uint8_t>(level), tree_id::catalog},
                p.id, birth);
            format::set_part(page, static_cast<std::uint32_t>(i));
            std::byte* const body = page + format::page_header_size;
            if (level == 0) {
                const std::uint64_t first = std::uint64_t{i} * shape.pages_per_part;
                for (std::uint32_t at = 0; at < shape.pages_per_part; at += 32)
                    store_le<std::uint32_t>(body + at / 8, bits(space, first + at));
            } else {
                for (std::size_t c = 0; c < shape.fanout; ++c) {
                    const std::size_t child = i * shape.fanout + c;
                    const part* const q =
                        child < levels_[level - 1].size() ? &levels_[level - 1][child] : nullptr;
                    format::store_ref(body + c * 8, q == nullptr || q->id == page_id::none
                                                        ? page_ref{}
                                                        : page_ref{q->id, low_bits(q->birth)});
                }
            }
        }
}

} // namespace quire::space
