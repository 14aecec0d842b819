// What the pages of a store are used for, by kind and by tree: btree_map::measure_space.
// Thread-safety: any thread; the map goes on meanwhile, so free and pending pages are those of the
// moment after the tree was read.
#pragma once

#include <cstdint>

#include <quire/core/ids.hpp>
#include <quire/read_face.hpp>
#include <quire/tree/walk.hpp>
#include <quire/txn/compacting.hpp>

namespace quire {

// Numbers of pages. The map's tree is the only one besides the catalog.
struct space_use {
    std::uint64_t header = 0;
    std::uint64_t catalog = 0;
    std::uint64_t free_map = 0;
    std::uint64_t leaf = 0;
    std::uint64_t inner = 0;
    std::uint64_t overflow = 0;
    std::uint64_t free = 0;
    std::uint64_t pending = 0;
    std::uint64_t kept = 0;      // of those pending, by snapshots and iterators
    std::uint64_t all = 0;       // of the store
    std::uint64_t records = 0;
    std::uint64_t leaf_bytes = 0; // of records in leaves; the rest of a leaf is room
};

namespace detail {

// `share` holds the version that is read, and is given back before pages are counted.
template <class Types, class Share>
[[nodiscard]] space_use measure_space(typename Types::store& s, Share share) {
    using layout = typename Types::layout;
    const auto guarded = [&](auto&& operation) { s.guarded(operation); };
    const auto seen = [](page_id, std::uint32_t) {};
    tree::tree_checker<layout, typename Types::cache, decltype(guarded), decltype(seen)> walk(
        s.cache(), guarded, seen);
    const format::root_record root = share.root();
    const tree::tree_facts facts = walk.check(root);
    share = Share();
    space_use use;
    use.leaf = facts.leaf_pages;
    use.inner = facts.inner_pages;
    use.overflow = facts.overflow_pages;
    use.records = facts.records;
    use.leaf_bytes = facts.used_bytes;
    txn::compacting<typename Types::store> space(s);
    const txn::reclaimable_pages now = space.count([&] {
        use.header = s.space().header();
        use.free_map = space.map_pages();
        use.catalog = Types::store::on_device ? 1 : 0;
    });
    use.free = now.free;
    use.pending = now.soon + now.kept;
    use.kept = now.kept;
    use.all = now.all;
    return use;
}

} // namespace detail

} // namespace quire
