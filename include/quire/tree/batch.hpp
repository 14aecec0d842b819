// Looking up many keys at once: all go down together, level by level, so that what one of them
// waits for is on its way while the others are looked at. From memory, their pages are asked for a
// level ahead; from the medium, those of a level that are missing are asked for together, in page
// order.
// Source: S. Chen, A. Ailamaki, P. B. Gibbons, T. C. Mowry, "Improving Hash Join Performance
// through Prefetching", ICDE 2004 (group prefetching).
//
// Thread-safety: pure functions over a cache; see there.
// Requires: an epoch guard is held while page pointers are in use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <quire/core/sort.hpp>
#include <quire/tree/descent.hpp>

namespace quire::tree {

// Keys that go down together: enough to hide a wait for memory, and to keep a medium busy.
inline constexpr std::uint32_t most_in_batch = 64;

// Asks the medium for those of the pages that are not in memory, if there are several.
template <class Cache>
void expect_missing(Cache& cache, std::span<const page_ref> refs) {
    std::array<std::uint64_t, most_in_batch> missing;
    std::size_t n = 0;
    for (const page_ref ref : refs)
        if (cache.peek(ref) == nullptr)
            missing[n++] = std::uint64_t{to_integer(ref.id)} << 32 | ref.birth;
    if (n < 2) return;
    sort_ascending(missing.data(), n);
    std::array<page_ref, most_in_batch> wanted;
    std::size_t distinct = 0;
    for (std::size_t i = 0; i < n; ++i)
        if (i == 0 || missing[i] != missing[i - 1])
            wanted[distinct++] = {static_cast<page_id>(missing[i] >> 32),
                                  static_cast<std::uint32_t>(missing[i])};
    cache.expect({wanted.data(), distinct});
}

// Calls found(i, leaf, index) for each key that is there. Each page of the tree is fetched once for
// each key that passes it. Requires: at most most_in_batch keys, a tree that is not empty.
template <class Layout, class Cache, class Found>
void find_batch(Cache& cache, const format::root_record& root,
                std::span<const typename Layout::key_arg> keys, Found&& found) {
    const auto n = static_cast<std::uint32_t>(keys.size());
    std::array<page_ref, most_in_batch> refs;
    std::array<const std::byte*, most_in_batch> pages;
    for (std::uint32_t i = 0; i < n; ++i) refs[i] = root.root;
    bool missing = false;
    for (std::uint32_t level = root.level;; --level) {
        if (missing) expect_missing(cache, {refs.data(), n});
        for (std::uint32_t i = 0; i < n; ++i) {
            pages[i] = read_page<Layout>(cache, refs[i], level);
            if (level == 0) Layout::prefetch_search(pages[i], keys[i]); // those above are near
        }
        if (level == 0) break;
        missing = false;
        for (std::uint32_t i = 0; i < n; ++i) {
            const std::uint32_t index =
                Layout::template child_index<node::pace::steady>(pages[i], keys[i]);
            refs[i] = Layout::child(pages[i], index);
            const std::byte* const child = cache.peek(refs[i]);
            __builtin_prefetch(child);
            missing = missing || child == nullptr;
        }
    }
    std::array<node::search_result, most_in_batch> at;
    for (std::uint32_t i = 0; i < n; ++i) {
        at[i] = Layout::template find<node::pace::steady>(pages[i], keys[i]);
        if (at[i].found) Layout::prefetch_value(pages[i], at[i].index);
    }
    for (std::uint32_t i = 0; i < n; ++i)
        if (at[i].found) found(i, pages[i], at[i].index);
}

} // namespace quire::tree
