// Ways down a tree: reading a page of a known level, finding the leaf of a key, and the path that a
// change or an iterator remembers.
//
// Thread-safety: pure functions over a cache; see there.
// Requires: an epoch guard is held while page pointers are in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/core/assert.hpp>
#include <quire/core/error.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/node/layout.hpp>

namespace quire::tree {

// Levels of the highest tree: 2^32 pages of the smallest fan-out stay well below.
inline constexpr std::uint32_t most_levels = 32;

[[noreturn]] QUIRE_COLD inline void fail_place(const std::string& path, page_ref ref,
                                               std::uint32_t found, std::uint32_t expected) {
    const auto text = [](std::uint32_t kind_and_level) {
        return "kind " + std::to_string(kind_and_level & 0xFF) + " on level " +
               std::to_string(kind_and_level >> 8);
    };
    detail::raise<corruption>("a page stands where another kind of page should; restore a backup",
                              path, ref.id, {"level", text(found), text(expected)});
}

[[noreturn]] QUIRE_COLD inline void fail_empty(const std::string& path, page_ref ref) {
    detail::raise<corruption>("a leaf is empty, which no commit leaves behind; restore a backup",
                              path, ref.id, "count", "0", "1 or more");
}

// The page, which stands `level` above the leaves.
template <class Layout, class Cache>
[[nodiscard]] QUIRE_INLINE const std::byte*
read_page(Cache& cache, page_ref ref, std::uint32_t level,
          replacement::arrival why = replacement::arrival::wanted) {
    const std::byte* const page = cache.fetch(
        ref, [](const std::byte* p) noexcept { return Layout::validate(p); }, why);
    // Every time, not only when the page is read: it may be in the cache as what it really is, and
    // a damaged reference names it as something else.
    if constexpr (Cache::persistent) {
        const format::page_kind kind = level == 0 ? Layout::leaf_kind : Layout::inner_kind;
        if (QUIRE_UNLIKELY(format::kind_and_level_of(page) != format::kind_and_level(kind, level)))
            fail_place(cache.path(), ref, format::kind_and_level_of(page),
                       format::kind_and_level(kind, level));
    }
    return page;
}

// Asks for the lines of a leaf that its search will read, all at once: one wait for memory instead
// of one after the other. A key array of a few lines, or the first slots and the common prefix.
enum class asking : std::uint8_t {
    by_prefetch,
    // A key array, when the value is copied next: a page not used for long has no entry in the TLB
    // either, and what a prefetch then brings comes later (10 lines and what follows: 190 instead
    // of 214 ns). For who reads the value's first line alone, a loss.
    by_reading,
};
template <class Layout, asking How>
QUIRE_INLINE void ask_for_leaf(const std::byte* page) noexcept {
    constexpr std::size_t line = 64;
    if constexpr (Layout::kind == format::layout_kind::fixed) {
        if constexpr (Layout::values_offset <= node::most_lines_asked * line) {
            for (std::size_t at = line; at < Layout::values_offset; at += line) {
                if constexpr (How == asking::by_prefetch) __builtin_prefetch(page + at);
                else static_cast<void>(*static_cast<const volatile std::byte*>(page + at));
            }
        }
    } else {
        for (std::size_t at = line; at < 4 * line; at += line) __builtin_prefetch(page + at);
        __builtin_prefetch(page + Layout::page_size - line);
    }
}

// Asks for a whole page, to be read in an order that no processor foresees.
template <class Layout>
QUIRE_INLINE void ask_for_all(const std::byte* page) noexcept {
    for (std::size_t at = 64; at < Layout::page_size; at += 64) __builtin_prefetch(page + at);
}

// The page as read_page gives it, for a search: a leaf's lines are asked for. A page that lies
// where it most likely does is on its way before the cache has said where it is. `share`: how far
// into a leaf the key is, if that is known.
template <class Layout, asking How, class Cache>
[[nodiscard]] QUIRE_INLINE const std::byte* read_to_search(Cache& cache, page_ref ref,
                                                           std::uint32_t level, float share) {
    const std::byte* likely = nullptr;
    if constexpr (Cache::persistent) {
        likely = cache.likely_place(ref);
        __builtin_prefetch(likely);
        if (level == 0) {
            ask_for_leaf<Layout, asking::by_prefetch>(likely);
            Layout::prefetch_share(likely, share);
        }
    }
    const std::byte* const page = read_page<Layout>(cache, ref, level);
    if (level == 0 && (How == asking::by_reading || page != likely)) {
        ask_for_leaf<Layout, How>(page);
            if (page != likely) Layout::prefetch_share(page, share);
    }
    return page;
}

// The leaf whose range holds the key. Requires: the tree is not empty.
template <class Layout, class Cache>
[[nodiscard]] QUIRE_INLINE const std::byte* find_leaf(Cache& cache, const format::root_record& root,
                                                      typename Layout::key_arg key) {
    page_ref ref = root.root;
    float share = -1;
    for (std::uint32_t level = root.level;; --level) {
        const std::byte* const page =
            read_to_search<Layout, asking::by_reading>(cache, ref, level, share);
        if (level == 0) return page;
        const std::uint32_t index = Layout::child_index(page, key);
            if (level == 1) share = Layout::share_of_child(page, index, key);
        ref = Layout::child(page, index);
    }
}

// Asks for the leaf of a key that will be changed soon, if it is in memory. The pages above it are
// read. Throws as reading does.
template <class Layout, class Cache>
void ask_for_leaf_of(Cache& cache, const format::root_record& root, typename Layout::key_arg key) {
    page_ref ref = root.root;
    if (!ref) return;
    for (std::uint32_t level = root.level; level != 0; --level) {
        const std::byte* const page = read_page<Layout>(cache, ref, level);
        ref = Layout::child(page, Layout::child_index(page, key));
    }
    if (const std::byte* const leaf = cache.peek(ref); leaf != nullptr) {
        __builtin_prefetch(leaf);
        ask_for_all<Layout>(leaf);
    }
}

// A path from the root to a record, by page pointers: good inside one guard.
template <class Layout>
struct descent {
    struct step {
        const std::byte* page;
        std::uint32_t index; // of the child taken; in the leaf, of the record
    };
    step steps[most_levels]; // [0] is the root
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
        float share = -1;
        for (std::uint32_t level = root.level;; --level) {
            const std::byte* const page =
                read_to_search<Layout, asking::by_prefetch>(cache, ref, level, share);
            if (level == 0) {
                const node::search_result at = Layout::find(page, key);
                steps[depth++] = {page, at.index};
                found = at.found;
                return;
            }
            const std::uint32_t index = Layout::child_index(page, key);
                if (level == 1) share = Layout::share_of_child(page, index, key);
            steps[depth++] = {page, index};
            ref = Layout::child(page, index);
        }
    }
};

// Makes all pages of a path the writer's own, see tree/editor.hpp; gives the last one.
template <class Layout, class Writer>
std::byte* own_path_of(Writer& writer, format::root_record& root, descent<Layout>& way) noexcept {
    std::byte* above = nullptr;
    for (std::uint32_t i = 0; i < way.depth; ++i) {
        std::byte* const page = writer.own(way.steps[i].page);
        way.steps[i].page = page;
        if (above == nullptr) root.root = format::ref_of(page);
        else Layout::set_child(above, way.steps[i - 1].index, format::ref_of(page));
        above = page;
    }
    return above;
}

} // namespace quire::tree
