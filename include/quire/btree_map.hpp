// quire::btree_map<K, V, Policies...>: an ordered map whose contents survive.
//
//   quire::btree_map<std::uint64_t, order> orders{"orders.quire"};
//   orders.insert_or_assign(17, order{...});
//   for (auto [id, o] : orders.range(10, 20)) ...
//
// Policies (policies.hpp) choose at compile time where pages live, which page leaves the cache,
// what a transaction is, how keys and values are encoded and how large a page is.
//
// Under a transactional policy every call is a transaction of its own, durable as options say;
// transaction() groups calls, snapshot() reads one version. Iterators read the version that was
// committed when they were made. Under txn::none changes are made in place, flush() makes them
// durable, and the map is for one thread.
//
// Invariants: the file always holds a whole committed version; read_face.hpp and write_face.hpp
// give cost, exceptions and guarantees of each group of members.
// Thread-safety: transactional maps: any number of threads may read and call snapshot(), and
// writers queue. Moving, swapping and destroying a map is for its owner. Transactions, snapshots
// and iterators go on after their map was moved or swapped; they end before it is destroyed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <quire/backup.hpp>
#include <quire/compaction.hpp>
#include <quire/compaction_steps.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/owned.hpp>
#include <quire/core/raise.hpp>
#include <quire/options.hpp>
#include <quire/policies.hpp>
#include <quire/read_face.hpp>
#include <quire/replay.hpp>
#include <quire/space_use.hpp>
#include <quire/transaction.hpp>
#include <quire/types.hpp>
#include <quire/write_face.hpp>

namespace quire {

template <class K, class V, class... Policies>
class btree_map;

// What a map holds and what it did since it was opened.
struct map_stats {
    std::uint64_t entries = 0;
    std::uint32_t height = 0; // levels; 0: empty
    std::size_t page_size = 0;
    std::uint64_t pages = 0;         // of the store, header included
    std::uint64_t live_pages = 0;    // of them, in use by the newest version
    std::uint64_t free_pages = 0;    // ready for use
    std::uint64_t pending_pages = 0; // freed, but seen by snapshots or not yet by the medium
    std::uint64_t kept_pages = 0;    // of them, seen by snapshots and iterators
    std::uint64_t cached_bytes = 0;  // in frames, or of memory pages
    std::uint64_t pages_read = 0;
    std::uint64_t pages_written = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t syncs = 0;
    std::uint64_t log_bytes = 0;           // of the log that recovery would read
    version committed{};                   // newest version readers see
    version durable{};                     // newest version on the medium
    recovery_report recovery;              // what opening did, of a store that was not closed
    growing_array<held_version> snapshots; // oldest version first
};

namespace detail {

template <class K, class V, class... Policies>
consteval bool check_map() {
    if constexpr (check_policies<Policies...>()) {
        using policies = policy_set<Policies...>;
        using key_codec = typename policies::template key_codec<K>;
        using value_codec = typename policies::template value_codec<V>;
        if constexpr (count_of<key_codec_tag, Policies...> == 0)
            static_assert(codec::check_storable<K, codec::role::key>());
        else static_assert(codec::check_codec<key_codec, codec::role::key, K>());
        if constexpr (count_of<value_codec_tag, Policies...> == 0)
            static_assert(codec::check_storable<V, codec::role::value>());
        else static_assert(codec::check_codec<value_codec, codec::role::value, V>());
    }
    return true;
}

template <class K, class V, class... Policies>
struct face_traits<btree_map<K, V, Policies...>> {
    static_assert(check_map<K, V, Policies...>());
    using types = map_types<K, V, Policies...>;
};

} // namespace detail

template <class K, class V, class... Policies>
class btree_map : public detail::write_face<btree_map<K, V, Policies...>,
                                            detail::read_face<btree_map<K, V, Policies...>>> {
    using types = typename detail::face_traits<btree_map>::types;
    using store = typename types::store;

public:
    using snapshot_type = basic_snapshot<types>;
    using transaction_type = basic_transaction<types>;
    static constexpr std::size_t page_bytes = types::page_bytes;

    // An empty map in memory. Throws std::bad_alloc.
    btree_map() requires(!store::on_device) : store_(new store) {}
    // A store in memory takes options too, and no path.
    explicit btree_map(quire::options how) requires(!store::on_device)
        : store_(new store), durability_(how.durability) {
        QUIRE_PRECONDITION(!how.read_only, "a new map in memory that is only read stays empty");
    }
    // Opens the store at `path`, or creates it. Throws io_error, format_mismatch, schema_mismatch,
    // corruption, already_open, storage_full, std::bad_alloc. Nothing that exists is changed before
    // it has been recognised.
    explicit btree_map(std::string path, quire::options how = {}) requires(store::on_device)
        : store_(new store(txn::store_options{std::move(path), how.cache_bytes, how.create,
                                              how.read_only, how.wal_limit_bytes},
                           types::schema())),
          durability_(how.durability) {
        recover(how);
        if (how.untrusted) verify();
        if constexpr (types::transactional)
            if (how.auto_compact > 0 && !how.read_only)
                state_->follower = owned<detail::commit_follower>(
                    new detail::compaction_steps<types>(*store_, *state_, how.auto_compact));
    }
    btree_map(btree_map&&) noexcept = default;
    btree_map& operator=(btree_map&& other) noexcept {
        if (this == &other) return *this;
        close();
        store_ = std::move(other.store_);
        state_ = std::move(other.state_);
        durability_ = other.durability_;
        return *this;
    }
    // Closes the store: everything committed is durable afterwards. Compacts first what has changed
    // and has much to gain, for a second at most (options.auto_compact). Never throws.
    ~btree_map() { close(); }

    void swap(btree_map& other) noexcept {
        std::swap(store_, other.store_);
        std::swap(state_, other.state_);
        std::swap(durability_, other.durability_);
    }
    friend void swap(btree_map& a, btree_map& b) noexcept { a.swap(b); }

    // ---- transactions ----

    // Waits for the writer's place and takes it: one writer works at a time. While a thread has a
    // transaction open, a change of the map itself, checkpoint, verify, stats or another
    // transaction on the same thread waits for ever. Throws read_only, poisoned, std::bad_alloc,
    // io_error.
    [[nodiscard]] transaction_type transaction() requires(types::transactional) {
        store_->begin();
        state_->trail = {};
        return {*store_, *state_, durability_};
    }
    // The same, waiting at most `timeout`, a std::chrono::duration.
    template <class Duration>
    [[nodiscard]] std::optional<transaction_type>
    try_transaction(Duration timeout) requires(types::transactional) {
        using period = typename Duration::period;
        const long double nanoseconds = static_cast<long double>(timeout.count()) * 1e9L *
                                        static_cast<long double>(period::num) /
                                        static_cast<long double>(period::den);
        constexpr std::uint64_t longest = 1'000'000'000'000'000'000; // 31 years
        if (nanoseconds >= static_cast<long double>(longest)) return wait_for(longest);
        return wait_for(nanoseconds > 0 ? static_cast<std::uint64_t>(nanoseconds) : 0);
    }
    [[nodiscard]] snapshot_type snapshot() const requires(types::transactional) {
        return snapshot_type(source());
    }

    // ---- care ----

    // Makes everything committed (under txn::none: everything done) durable. Waits for the writer's
    // place, but for txn::wal. Throws io_error, storage_full, poisoned, read_only, std::bad_alloc.
    void flush() { store_->flush(); }
    // Moves what is in the log to the store's file, beside readers and writers, so that the log can
    // be short; where there is no log, the same as flush. Throws as flush does.
    void checkpoint() { store_->checkpoint(); }
    // Returns when the version (of a snapshot, say) and all before it are durable: after commits
    // with less than durability::full, by making them so.
    void wait_durable(version v) requires(types::transactional) { store_->wait_durable(v); }
    // Checks every page of the map and that each page of the store is exactly one of: in use, free,
    // pending. Reads everything; waits for the writer's place. Throws corruption, io_error.
    void verify();
    // Makes the store's file as short as what it holds, beside readers and writers: moves pages
    // from its end to free places, packs leaves that are thin, cuts it. Records stay as they are,
    // and so do open snapshots, which keep the pages they see; the report says how many. In memory,
    // leaves are packed and pages become free. go_on(const compaction_report&) is asked before the
    // first step, when the report says what can be gained, and after each; false ends the
    // compaction, as its budget does, in order. Cost: see compaction.hpp. Commits wait for a step
    // of a millisecond at most, under txn::shadow also for a flush. Throws io_error, storage_full,
    // corruption, poisoned, read_only, std::bad_alloc: no record has changed then, and what moved
    // has moved.
    compaction_report compact(compaction_budget budget = {}) {
        return compact(budget, [](const compaction_report&) { return true; });
    }
    template <class GoOn>
    compaction_report compact(compaction_budget budget, GoOn&& go_on) {
        return detail::compactor<types>(*store_, *state_).run(budget, go_on);
    }
    // What compact() would find, without what packing leaves would save. Reads no page; waits for
    // the writer's place.
    [[nodiscard]] compaction_report reclaimable() const {
        return detail::compactor<types>(*store_, *state_).look();
    }
    // Writes the newest committed version (under txn::none: the map as it is) to a store of its own
    // at `path`, which must not exist, while readers and writers go on; of a map in memory to a
    // file. To restore it, open it. go_on(const backup_report&) is asked before the first page and
    // after each MiB; false ends the backup. The copy has its name once it is whole and durable;
    // else nothing is left (but if making the name itself durable fails, the copy is there). Pages
    // that only the copied version needs stay until the backup ends. Cost: see backup.hpp. Throws
    // io_error (EEXIST: the name is taken), storage_full, corruption, std::bad_alloc, and what
    // go_on throws.
    backup_report backup(const std::string& to, backup_options how = {}) const {
        return backup(to, how, [](const backup_report&) { return true; });
    }
    template <class GoOn>
    backup_report backup(const std::string& to, backup_options how, GoOn&& go_on) const {
        return detail::copier<types, detail::version_share<types>>(source(), to, how).run(go_on);
    }
    // The same with full leaves: a store as small as it can be.
    backup_report rebuild(const std::string& to) const { return backup(to, {.packed = true}); }
    template <class GoOn>
    backup_report rebuild(const std::string& to, GoOn&& go_on) const {
        return backup(to, {.packed = true}, go_on);
    }
    // Waits for the writer's place. No page is read. O(pending pages * snapshots).
    [[nodiscard]] map_stats stats();
    // What each kind of page takes. Reads all pages of the newest version, beside readers and
    // writers. Throws corruption, io_error.
    [[nodiscard]] space_use measure_space() const {
        return detail::measure_space<types>(*store_, source());
    }
    // The store's file; empty in memory.
    [[nodiscard]] const std::string& path() const noexcept { return store_->path(); }

private:
    template <class>
    friend class detail::read_face;
    template <class, class>
    friend class detail::write_face;

    static constexpr bool changes_commit = types::transactional;

    void close() noexcept {
        if (state_ && state_->follower) state_->follower->closing();
    }

    [[nodiscard]] detail::version_share<types> source() const noexcept {
        if constexpr (types::transactional) return {*store_, store_->share_current()};
        else return {*store_, nullptr};
    }
    // Before a change commits: the version it makes.
    [[nodiscard]] detail::version_share<types> share_written() const noexcept {
        return {*store_, store_->share_written()};
    }
    template <class Read>
    decltype(auto) with_root(Read&& read) const {
        return store_->with_current(types::tree_index, read);
    }
    [[nodiscard]] store& store_ref() const noexcept { return *store_; }
    [[nodiscard]] detail::writer_state<types>& state() noexcept { return *state_; }

    // Does again what the log of a store that was not closed says.
    void recover(const quire::options& how) requires(store::on_device) {
        if constexpr (store::logs)
            if (store_->has_log_to_replay())
                store_->recover(detail::replay_window<types>({*store_, *state_}, how.cache_bytes),
                                [&](const recovery_report& so_far) {
                                    if (how.on_recovery != nullptr)
                                        how.on_recovery(so_far, how.on_recovery_with);
                                });
    }
    [[nodiscard]] std::optional<transaction_type> wait_for(std::uint64_t nanoseconds) {
        if (!store_->try_begin(nanoseconds)) return std::nullopt;
        state_->trail = {};
        return transaction_type(*store_, *state_, durability_);
    }
    template <class Work>
    auto change(Work&& work) {
        if constexpr (!types::transactional) {
            store_->require_writable();
            return work();
        } else {
            store_->begin();
            if constexpr (std::is_void_v<decltype(work())>) {
                attempt(work);
                store_->commit(durability_);
                state_->committed(1);
            } else {
                auto result = attempt(work);
                store_->commit(durability_);
                state_->committed(1);
                return result;
            }
        }
    }
    // The same for a change of one record, which work() describes so that it can be called again.
    template <class Work>
    auto change_record(Work&& work) {
        if constexpr (store::logs) {
            if (store_->begin_record(durability_)) {
                if (auto result = attempt_lazily(work)) {
                    store_->commit_lazily(durability_);
                    state_->committed(1);
                    return *std::move(result);
                }
            }
            auto result = attempt(work);
            store_->commit(durability_);
            state_->committed(1);
            return result;
        } else {
            return change(work);
        }
    }
    // Nothing: it is to be a transaction, which has begun.
    template <class Work>
    auto attempt_lazily(Work& work) -> std::optional<decltype(work())> {
        try {
            return work();
        } catch (const txn::not_lazy&) {
        } catch (...) {
            state_->trail = {};
            store_->leave_lazily();
            throw;
        }
        state_->trail = {};
        store_->end_lazily();
        return std::nullopt;
    }
    template <class Work>
    auto attempt(Work& work) {
        try {
            return work();
        } catch (...) {
            state_->trail = {};
            store_->roll_back();
            throw;
        }
    }
    template <class Work>
    void all_or_nothing(Work&& work) {
        work();
    }

    owned<store> store_;
    owned<detail::writer_state<types>> state_{new detail::writer_state<types>};
    durability durability_ = durability::full;
};

template <class K, class V, class... Policies>
void btree_map<K, V, Policies...>::verify() {
    store& s = *store_;
    space::page_bitmap used;
    const auto seen = [&](page_id first, std::uint32_t pages) {
        for (std::uint32_t i = 0; i < pages; ++i) {
            const std::uint64_t id = to_integer(first) + std::uint64_t{i};
            const bool behind = id >= s.space().end();
            if (behind || !used.insert(first + i))
                detail::raise<corruption>(
                    behind ? "a page lies behind the end of the store; restore a backup"
                           : "a page is used twice; restore a backup",
                    path(), first + i);
        }
    };
    s.verifying([&](const format::root_record& root) {
        used = {};
        used.cover(s.space().end());
        const auto guarded = [&](auto&& operation) { s.guarded(operation); };
        tree::tree_checker<typename types::layout, typename types::cache, decltype(guarded),
                           decltype(seen)>
            checker(s.cache(), guarded, seen);
        static_cast<void>(checker.check(root));
        s.check_space(seen, used);
    });
}

template <class K, class V, class... Policies>
map_stats btree_map<K, V, Policies...>::stats() {
    map_stats facts;
    store_->verifying([&](const format::root_record& root) {
        const auto& space = store_->space();
        facts.entries = root.entries;
        facts.height = root.root ? root.level + 1 : 0;
        facts.page_size = page_bytes;
        facts.pages = space.end();
        facts.free_pages = space.free().size();
        facts.pending_pages = space.waiting().pages();
        facts.live_pages = facts.pages - facts.free_pages - facts.pending_pages;
        facts.cached_bytes = store_->cache().resident_bytes();
        const io_counters& io = store_->counters();
        facts.pages_read = io.pages_read.value();
        facts.pages_written = io.pages_written.value();
        facts.bytes_read = io.bytes_read.value();
        facts.bytes_written = io.bytes_written.value();
        facts.syncs = io.syncs.value();
        facts.committed = store_->committed_version();
        facts.durable = store_->durable_version();
        facts.log_bytes = store_->log_bytes();
        facts.recovery = store_->recovered();
        if constexpr (types::transactional) facts.snapshots = store_->held_versions();
        space.waiting().for_each_freed([&](const space::freed_run& run, version freed) {
            bool kept = false;
            for (held_version& each : facts.snapshots) {
                const bool sees = !(each.number < run.birth) && each.number < freed;
                each.pages += sees ? run.pages : 0;
                kept = kept || sees;
            }
            facts.kept_pages += kept ? run.pages : 0;
        });
    });
    return facts;
}

} // namespace quire
