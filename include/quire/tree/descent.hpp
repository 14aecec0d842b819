// Ways down a tree: reading a page of a known level, finding the leaf of a key, and the path that a
// change or an iterator remembers.
//
// Thread-safety: pure functions over a cache; see there.
// Requires: an epoch guard is held while page pointers are in use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <quire/core/assert.hpp>
#include <quire/core/error.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/node/layout.hpp>

namespace quire::tree {

// Levels of the highest tree: 2^32 pages of the smallest fan-out stay well below.
inline constexpr std::uint32_t most_levels = 32;

[[noreturn]] QUIRE_COLD inline void fail_level(const std::string& path, page_ref ref,
                                               std::uint32_t found, std::uint32_t expected) {
    throw corruption("a page stands on the wrong level of its tree; restore a backup",
                     {path, ref.id, "level", std::to_string(found), std::to_string(expected)});
}

// The page, which stands `level` above the leaves.
template <class Layout, class Cache>
[[nodiscard]] QUIRE_INLINE const std::byte* read_page(Cache& cache, page_ref ref,
                                                      std::uint32_t level) {
    const std::byte* const page =
        cache.fetch(ref, [](const std::byte* p) noexcept { return Layout::validate(p); });
    if constexpr (Cache::persistent)
        if (QUIRE_UNLIKELY(format::level_of(page) != level))
            fail_level(cache.path(), ref, format::level_of(page), level);
    return page;
}

// Asks for the lines of a leaf that its search will read, all at once: one wait for memory instead
// of one after the other. A key array of a few lines, or the first slots and the common prefix.
template <class Layout>
QUIRE_INLINE void prefetch_leaf(const std::byte* page) noexcept {
    constexpr std::size_t line = 64;
    if constexpr (Layout::kind == format::layout_kind::fixed) {
        if constexpr (Layout::values_offset <= 10 * line)
            for (std::size_t at = line; at < Layout::values_offset; at += line)
                __builtin_prefetch(page + at);
    } else {
        for (std::size_t at = line; at < 4 * line; at += line) __builtin_prefetch(page + at);
        __builtin_prefetch(page + Layout::page_size - line);
    }
}

// The leaf whose range holds the key. Requires: the tree is not empty.
template <class Layout, class Cache>
[[nodiscard]] QUIRE_INLINE const std::byte* find_leaf(Cache& cache, const format::root_record& root,
                                                      typename Layout::key_arg key) {
    page_ref ref = root.root;
    for (std::uint32_t level = root.level;; --level) {
        const std::byte* const page = read_page<Layout>(cache, ref, level);
        if (level == 0) {
            prefetch_leaf<Layout>(page);
            return page;
        }
        ref = Layout::child(page, Layout::child_index(page, key));
    }
}

// A path from the root to a record, by page pointers: good inside one guard.
template <class Layout>
struct descent {
    struct step {
        const std::byte* page;
        std::uint32_t index; // of the child taken; in the leaf, of the record
    };
    std::array<step, most_levels> steps; // [0] is the root
    std::uint32_t depth = 0;             // 0: the tree is empty
    bool found = false;

    [[nodiscard]] step& leaf() noexcept { return steps[depth - 1]; }
    [[nodiscard]] const step& leaf() const noexcept { return steps[depth - 1]; }

    // To where the key is or would be.
    template <class Cache>
    void to(Cache& cache, const format::root_record& root, typename Layout::key_arg key) {
        depth = 0;
        found = false;
        if (!root.root) return;
        page_ref ref = root.root;
        for (std::uint32_t level = root.level;; --level) {
            const std::byte* const page = read_page<Layout>(cache, ref, level);
            if (level == 0) {
                prefetch_leaf<Layout>(page);
                const node::search_result at = Layout::find(page, key);
                steps[depth++] = {page, at.index};
                found = at.found;
                return;
            }
            const std::uint32_t index = Layout::child_index(page, key);
            steps[depth++] = {page, index};
            ref = Layout::child(page, index);
        }
    }
};

} // namespace quire::tree
