// Copies of a map's content as stores of their own: btree_map::backup, snapshot::backup and
// btree_map::rebuild. The tree of one version is read leaf by leaf, in the order of keys, and built
// again from below in a new file (tree/bulk_load.hpp, txn/new_store.hpp): leaves as they are, or
// packed. The pages of the copy have other numbers, so it has no free pages and is no longer than
// what it holds.
//
// What is on the medium: nothing of the store that is copied changes. The copy has a temporary name
// until all of it is durable; a crash leaves a stray file `<path>.new-<number>`, or the whole copy.
//
// Cost: every leaf is read once, past the cache's frequently used pages, every page is written
// once, from the file's beginning to its end. Memory: a buffer of 1 MiB, or the largest value.
// Thread-safety: any thread, beside readers and writers; under txn::none as the map.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <type_traits>
#include <utility>

#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/record_change.hpp>
#include <quire/tree/bulk_load.hpp>
#include <quire/tree/overflow.hpp>
#include <quire/txn/compacting.hpp>
#include <quire/txn/new_store.hpp>

namespace quire {

struct backup_options {
    // Leaves are filled, so that the copy is as small as it can be, instead of copied as they are.
    bool packed = false;
    // At most so much is written, on average since the beginning. 0: no limit.
    std::uint64_t bytes_per_second = 0;
};

// What a backup has done so far.
struct backup_report {
    std::uint64_t records = 0;
    std::uint64_t all_records = 0; // that will be copied
    std::uint64_t bytes = 0;       // of the copy
    bool stopped = false;          // by whoever was asked: there is no copy
};

namespace detail {

template <class Types, class Share>
class copier {
    using layout = typename Types::layout;
    using storage_policy = typename Types::policies::storage;
    // A map in memory is copied to a file as well.
    using device =
        std::conditional_t<storage::memory_policy<storage_policy>, storage::file, storage_policy>;
    static constexpr std::size_t page_size = Types::page_bytes;
    using new_store = txn::new_store<device, page_size>;

public:
    copier(Share share, const std::string& path, const backup_options& how)
        : share_(std::move(share)), path_(path), how_(how), file_(free_path(path), buffer_pages()),
          loader_(file_, Types::tree, 1.0), root_(share_.root()), changes_(share_.of().changes()),
          began_(txn::monotonic_microseconds()) {
        report_.all_records = root_.entries;
    }

    template <class GoOn>
    backup_report run(GoOn&& go_on) {
        auto& store = share_.of();
        typename Types::cursor at;
        if (!ask(go_on)) return report_;
        store.guarded([&] { at.to_first(store.cache(), root_); });
        while (!at.at_end()) {
            const std::uint64_t before = file_.written();
            copy_leaf(at.leaf());
            if (file_.written() != before && !(ask(go_on) && keep_pace(go_on))) return report_;
            store.guarded([&] { at.next_leaf(store.cache()); });
        }
        make_room();
        if (!file_.finish(Types::schema(), loader_.finish())) fail_taken(path_);
        report_.records = root_.entries;
        report_.bytes = file_.pages() * page_size;
        return report_;
    }

private:
    [[nodiscard]] static constexpr std::uint32_t buffer_pages() noexcept {
        constexpr std::size_t bytes = std::size_t{1} << 20;
        return bytes / page_size < 64 ? 64 : bytes / page_size;
    }
    [[noreturn]] static void fail_taken(const std::string& path) {
        raise_io("a file of that name exists; choose another name for the copy", EEXIST, path);
    }
    // Before the work, not only after it.
    [[nodiscard]] static const std::string& free_path(const std::string& path) {
        device probe;
        const storage::status found = probe.open(path, storage::access::read_only);
        if (found.ok() || found.number == EISDIR || found.number == EINVAL) fail_taken(path);
        return path;
    }

    void make_room() { file_.make_room(loader_.level() + 2); }
    void copy_leaf(const std::byte* leaf) {
        const std::uint32_t count = format::count_of(leaf);
        bool as_it_is = !how_.packed;
        if constexpr (!Types::is_fixed)
            for (std::uint32_t i = 0; i < count && as_it_is; ++i)
                as_it_is = !layout::value(leaf, i).overflow;
        if (as_it_is) {
            make_room();
            loader_.add_leaf(leaf);
        } else {
            for (std::uint32_t i = 0; i < count; ++i) copy_record(leaf, i);
        }
        report_.records += count;
    }
    void copy_record(const std::byte* leaf, std::uint32_t i) {
        typename layout::key_buffer scratch;
        const auto key = layout::arg_of(layout::key(leaf, i, scratch));
        const node::stored_value value = layout::value(leaf, i);
        if (!value.overflow) {
            if (loader_.wants_page(key, value)) make_room();
            return loader_.add(key, value);
        }
        auto& cache = share_.of().cache();
        const tree::run_ref from = tree::decode_run(value.bytes, cache.path());
        const page_ref first = file_.write_run(from.value_size, Types::tree, [&](mutable_bytes to) {
            tree::read_run(cache, from, to);
        });
        const auto reference = tree::encode(tree::run_ref{first, from.value_size});
        make_room();
        loader_.add(key, {reference, true});
    }

    template <class GoOn>
    [[nodiscard]] bool ask(GoOn& go_on) {
        report_.bytes = file_.pages() * page_size;
        report_.stopped = !go_on(static_cast<const backup_report&>(report_));
        if constexpr (!Types::transactional)
            if (share_.of().changes() != changes_) fail_reentered();
        return !report_.stopped;
    }
    // Rests until what was written is due; false if it was stopped meanwhile.
    template <class GoOn>
    [[nodiscard]] bool keep_pace(GoOn& go_on) {
        constexpr double longest = 100'000; // microseconds
        while (how_.bytes_per_second != 0) {
            const double due = static_cast<double>(file_.written() * page_size) * 1e6 /
                               static_cast<double>(how_.bytes_per_second);
            const double rest = due - static_cast<double>(txn::monotonic_microseconds() - began_);
            if (rest <= 0) return true;
            const timespec pause{0, static_cast<long>((rest < longest ? rest : longest) * 1000)};
            ::nanosleep(&pause, nullptr);
            if (!ask(go_on)) return false;
        }
        return true;
    }

    Share share_;
    const std::string& path_;
    backup_options how_;
    new_store file_;
    tree::bulk_loader<layout, new_store> loader_;
    format::root_record root_;
    std::uint64_t changes_;
    std::uint64_t began_;
    backup_report report_;
};

} // namespace detail

} // namespace quire
