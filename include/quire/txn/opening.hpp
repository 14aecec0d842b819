// Construction and destruction of txn::store: finding the newest whole commit, reading the free
// map, comparing what the tree holds with what the caller expects. store.hpp includes this header.
#pragma once

#include <quire/core/raise.hpp>
#include <quire/format/schema.hpp>
#include <quire/node/children.hpp>
#include <quire/node/slotted.hpp>
#include <quire/txn/store.hpp>

namespace quire::txn {

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
store<Storage, Replacement, Txn, PageSize>::store()
    : space_(header_pages,
             transactional ? space::page_space::lists::kept : space::page_space::lists::not_kept),
      log_(counters_) {
    static_assert(!on_device, "quire: a store on a device needs a path");
    working_.roots[0].tree = static_cast<tree_id>(1);
    last_ = working_.at = static_cast<version>(1);
    QUIRE_WATCH(watch());
    if constexpr (transactional) {
        static_cast<void>(snapshots_.prepare());
        build(last_);
        publish(last_);
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
store<Storage, Replacement, Txn, PageSize>::store(store_options options,
                                                  const format::schema& main_tree)
    : options_(std::move(options)),
      cache_(device_.file.device(), epoch_, counters_, options_.path, options_.cache_bytes),
      space_(header_pages, space::page_space::lists::kept), log_(counters_) {
    open(main_tree);
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
store<Storage, Replacement, Txn, PageSize>::~store() {
    QUIRE_PRECONDITION(gate_.is_free(), "a transaction ends before its map");
    [[maybe_unused]] std::size_t own = 0; // of a checkpoint that failed
    if constexpr (logs) own = log_.held.size();
    [[maybe_unused]] bool lazily_held = false;
    if constexpr (logs)
        if (const version_record* const lazy = log_.newest_lazy) lazily_held = lazy->held();
    QUIRE_PRECONDITION(snapshots_.open(epoch_).size() <= own && !lazily_held,
                       "snapshots and iterators end before their map");
    try {
        close();
    } catch (...) {
        // As after a crash: everything acknowledged is on the medium, the next open finds it.
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::open(const format::schema& main_tree) {
    auto& file = device_.file;
    file.open(options_.path,
              {options_.read_only ? storage::access::read_only : storage::access::read_write,
               options_.create},
              main_tree);
    check_schema(main_tree);
    const bool unclean = (file.slot().flags & format::flag_clean) == 0;
    const version newest = file.slot().committed;
    growing_array<page_id> vouched_for;
    const bool whole = file.slot().commit_pages == 0 || commit_is_whole(main_tree, vouched_for);
    if (!whole) file.fall_back();
    // What was found may be in the system's cache alone, left there by a process that was killed,
    // or by a sync that failed, after which the system takes for clean what the medium lacks.
    // Nothing is built on it before it was written and synced again.
    if (!options_.read_only) {
        if (unclean && whole) write_again(vouched_for);
        sync("making the newest commit durable failed");
    }
    const format::header_slot& slot = file.slot();
    space_.start(slot.page_count);
    device_.map.load(cache_, space_, slot.free_map_root, slot.free_map_level, path());
    working_.roots = slot.roots;
    // Versions given out before a crash and never committed are not given out again; see
    // mark_session.
    reserved_ = unclean ? static_cast<version>(to_integer(newest) + lost_versions) : next(newest);
    last_ = reserved_;
    numbered_from_ = reserved_;
    durable_ = slot.committed;
    QUIRE_WATCH(watch());
    catalog_ = slot.catalog_root;
    if constexpr (logs) {
        log_.log.attach(path(), slot.database_id, options_.wal_limit_bytes);
        recovering_ = slot.log_salt != 0;
        if (!recovering_) check_no_log();
        vouchable_ = false;
    } else if (slot.log_salt != 0) {
        detail::raise<format_mismatch>("the store was not closed, and its log is to be read by a "
                                       "map with txn::wal; open it with that policy once",
                                       path(), page_id::none, "log", "one", "none");
    }
    if constexpr (transactional) {
        static_cast<void>(snapshots_.prepare());
        build(slot.committed);
        publish(slot.committed);
    } else {
        last_ = next(last_);
        working_.at = last_;
        begun_ = {space_.now(), working_.roots, working_.at};
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::check_schema(const format::schema& wanted) {
    using layout = node::slotted<PageSize>;
    const auto name = bytes_view{reinterpret_cast<const std::byte*>(format::main_tree_name.data()),
                                 format::main_tree_name.size()};
    guard in(epoch_);
    const std::byte* const catalog =
        cache_.fetch(device_.file.slot().catalog_root,
                     [](const std::byte* p) noexcept { return layout::validate(p); });
    node::search_result at{0, false};
    if (format::kind_of(catalog) == layout::leaf_kind) at = layout::find(catalog, name);
    if (!at.found)
        detail::raise<schema_mismatch>(
            "the store has no map under the name main; it was written by another "
            "kind of program",
            path(), device_.file.slot().catalog_root.id, "tree", "none", "main");
    const auto parsed = format::parse_schema(layout::value(catalog, at.index).bytes);
    if (!parsed)
        detail::raise<corruption>("the catalog's record of the map is damaged; restore a backup",
                                  path(), device_.file.slot().catalog_root.id, parsed.why());
    const auto differs = [&](const fault& what) {
        detail::raise<schema_mismatch>("the store holds other types than this map; open it with "
                                       "the types and codecs it was made with",
                                       path(), page_id::none, what);
    };
    if (parsed->key_codec != wanted.key_codec)
        differs({"key codec", parsed->key_codec, wanted.key_codec});
    if (parsed->value_codec != wanted.value_codec)
        differs({"value codec", parsed->value_codec, wanted.value_codec});
    if (parsed->layout != wanted.layout || parsed->order != wanted.order ||
        parsed->key_size != wanted.key_size || parsed->value_size != wanted.value_size)
        differs({"layout",
                 std::to_string(parsed->key_size) + "+" + std::to_string(parsed->value_size),
                 std::to_string(wanted.key_size) + "+" + std::to_string(wanted.value_size)});
    const auto& slot = device_.file.slot();
    if (slot.tree_count == 0 || slot.roots[0].tree != parsed->tree)
        detail::raise<corruption>("the header slot does not name the map's tree; restore a backup",
                                  path(), page_id::none, "tree_id", "another", "main");
    if (slot.roots[0].level >= tree::most_levels)
        detail::raise<corruption>("the map's tree is higher than any can be; restore a backup",
                                  path(), page_id::none, "level", slot.roots[0].level,
                                  {"at most ", tree::most_levels - 1});
}

// Whether every page that the newest slot's commit wrote is on the medium as it was written: walks
// from its roots along references born in that commit, and says which pages these are. Reads at
// most commit_pages + 1 pages.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
bool store<Storage, Replacement, Txn, PageSize>::commit_is_whole(const format::schema& main_tree,
                                                                 growing_array<page_id>& visited) {
    const format::header_slot& slot = device_.file.slot();
    if (device_.file.bytes() < slot.page_count * PageSize) return false;
    const std::uint64_t span = to_integer(slot.committed) - to_integer(slot.base);
    const auto is_new = [&](page_ref ref) {
        const std::uint32_t distance = ref.birth - low_bits(slot.base);
        return ref && distance != 0 && distance <= span;
    };
    growing_array<page_ref> left;
    for (std::uint32_t i = 0; i < slot.tree_count; ++i)
        if (is_new(slot.roots[i].root)) left.push_back(slot.roots[i].root);
    if (is_new(slot.catalog_root)) left.push_back(slot.catalog_root);
    if (is_new(slot.free_map_root)) left.push_back(slot.free_map_root);
    std::uint64_t pages = 0;
    std::uint64_t digest = 0;
    bool whole = true;
    while (whole && !left.empty()) {
        const page_ref ref = left.back();
        left.pop_back();
        whole = ++pages <= slot.commit_pages;
        visited.push_back(ref.id);
        try {
            guarded([&] {
                const std::byte* const page = cache_.fetch(ref, [](const std::byte*) noexcept {
                    return static_cast<const char*>(nullptr); // children() checks what it reads
                });
                digest += format::digest_of(ref.id, format::stored_checksum(page));
                node::for_each_child(page, PageSize, main_tree.key_size, [&](page_ref child) {
                    if (is_new(child) && left.size() <= slot.commit_pages) left.push_back(child);
                });
            });
        } catch (const corruption&) {
            whole = false;
        }
    }
    // Nobody has checked the layouts of these pages; whoever reads them next shall.
    for (const page_id id : visited) cache_.discard(id);
    return whole && pages == slot.commit_pages && digest == slot.commit_digest;
}

// Writes what the newest commit wrote, the same bytes to the same places: the pages that it vouches
// for (others were durable before their slot was written), then its slot.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::write_again(const growing_array<page_id>& pages) {
    auto& device = device_.file.device();
    const auto must = [this](storage::status status) {
        if (!status.ok()) fail_io("writing the newest commit again failed", status, path());
    };
    std::byte page[PageSize];
    for (const page_id id : pages) {
        const std::uint64_t at = std::uint64_t{to_integer(id)} * PageSize;
        must(device.read(at, {page, PageSize}));
        must(device.write(at, {page, PageSize}));
    }
    must(device_.file.write_slot_again());
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
growing_array<held_version> store<Storage, Replacement, Txn, PageSize>::held_versions() {
    return snapshots_.held(epoch_);
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
template <class Look>
void store<Storage, Replacement, Txn, PageSize>::verifying(Look&& look) {
    if constexpr (!transactional) {
        look(static_cast<const format::root_record&>(working_.roots[0]));
    } else {
        gate_.enter();
        const gate_guard leave(gate_);
        publish_lazily();
        collect(); // what nobody can see any more is free
        look(static_cast<const format::root_record&>(snapshots_.newest()->roots[0]));
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
template <class Seen>
void store<Storage, Replacement, Txn, PageSize>::check_space(Seen&& seen,
                                                             const space::page_bitmap& used) {
    for (std::uint32_t id = 0; id < header_pages; ++id) seen(static_cast<page_id>(id), 1U);
    if constexpr (on_device) {
        device_.map.for_each_page([&](page_id id) { seen(id, 1U); });
        seen(catalog_.id, 1U);
    }
    for (std::uint32_t n = 0; n < stashed_; ++n) seen(stash_[n], 1U);
    space_.waiting().for_each([&](const space::freed_run& run) { seen(run.first, run.pages); });
    if constexpr (!transactional) // not yet pending
        for (const space::freed_run& run : space_.freed()) seen(run.first, run.pages);
    for (std::uint64_t n = 0; n < space_.end(); ++n)
        if (const auto id = static_cast<page_id>(n); space_.free().contains(id)) seen(id, 1U);
    for (std::uint64_t n = 0; n < space_.end(); ++n)
        if (!used.contains(static_cast<page_id>(n)))
            detail::raise<corruption>("a page is neither used nor free; restore a backup", path(),
                                      static_cast<page_id>(n));
}

} // namespace quire::txn
