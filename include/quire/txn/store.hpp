// One store: pages in memory or in a file, their versions, one writer at a time, any readers.
// Transaction, snapshot and map are faces of it; it knows trees only as root records.
//
// What a store adds to the floors below is when a version is visible and when it is durable:
//
//   begin     take the writer's place; collect pages nobody can see any more; next version
//   change    tree/ edits pages through own, create, release; each is born in this version
//   commit    1. place the free map's changed parts              nothing is on the medium
//             2. write all dirty pages, grow the file            free pages have other bytes
//             3. sync, unless 5. can vouch for step 2            the pages are durable
//             4. write the slot that does not hold the root      either slot may be chosen
//             5. sync                                            the commit is durable
//             6. publish                                         readers see it
//
// A crash before 4 finds the old slot, and pages that it does not reach have changed. A crash
// between 4 and 5 finds the new slot torn, and the old one is used; or whole, and then its pages
// are durable because of 3. A commit of few pages skips 3: its slot carries the number and the
// digest of its pages, and whoever opens the store after a crash walks the pages born in that
// commit and compares; on a difference the commit has never happened. Pages that a commit frees are
// handed out again only after step 5, so the old slot's pages are whole until then.
//
// That is txn::shadow. Under txn::wal a commit appends its records to the log and is durable with
// the log; the steps above are a checkpoint, and what a transaction does that is too large for the
// log (logged.hpp, recovery.hpp).
//
// Failures: a full medium before step 4 rolls the transaction back. Any other failed write, and any
// failed sync, poisons the store: what is on the medium is not known, so nothing more is written.
//
// Thread-safety: reading members from any thread; the writer's from whoever holds the writer's
// place. Under txn::none all members from one thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <quire/cache/epoch.hpp>
#include <quire/cache/memory_pages.hpp>
#include <quire/cache/page_cache.hpp>
#include <quire/core/assert.hpp>
#include <quire/core/counters.hpp>
#include <quire/core/error.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/sync.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/log_record.hpp>
#include <quire/space/free_map.hpp>
#include <quire/space/page_space.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/tree/batch.hpp>
#include <quire/tree/editor.hpp>
#include <quire/tree/overflow.hpp>
#include <quire/txn/policy.hpp>
#include <quire/txn/snapshots.hpp>
#include <quire/txn/store_file.hpp>
#if QUIRE_MONITOR
#include <quire/txn/write_monitor.hpp>
#endif
#include <quire/wal/records.hpp>
#include <quire/wal/writer.hpp>

namespace quire::txn {

// Thrown when a change cannot be lazy, before anything is changed: end_lazily, and do it again.
struct not_lazy {};
template <class Store>
class compacting; // compacting.hpp

// What a store needs to know to be opened.
struct store_options {
    std::string path;
    std::uint64_t cache_bytes = 0;
    bool create = true;
    bool read_only = false;
    std::uint64_t wal_limit_bytes = std::uint64_t{64} << 20;
};

// Members that only a store with a log has.
template <class Device, class Txn, bool Logs>
struct log_part {
    explicit log_part(io_counters&) noexcept {}
};
template <class Device, class Txn>
struct log_part<Device, Txn, true> {
    explicit log_part(io_counters& counters) noexcept : log(counters) {}

    quire::wal::writer<storage::log_device_of<Device>, typename Txn::sync_method> log;
    quire::wal::records records; // of the transaction that is open
    quire::wal::ticket promised; // how far the log must have come before what is built is published
    gate checkpointing;          // held while a checkpoint, or whoever writes a slot, is at work
    growing_array<std::uint64_t> taken;       // the checkpoint's pages, yet to be written
    growing_array<version_record*> held;      // versions that these pages belong to
    format::header_slot slot;                 // the one the checkpoint will write
    std::uint64_t from_lsn = 0;               // where the log goes on behind the checkpoint
    std::atomic<std::uint64_t> not_before{0}; // bytes of the log, after a checkpoint that failed
    recovery_report recovered;

    // Of lazy changes, see lazy.hpp. The writer's, but for the atomics.
    bool lazy = false;              // the working state goes on from change to change
    version lazily = version::none; // of the newest lazy commit in it
    std::atomic<version_record*> newest_lazy{nullptr}; // its record, while it is not published
    std::atomic<bool> editing{false};                  // pages of that version are being changed
};

// Members that only a store on a device has.
template <class Storage, std::size_t PageSize, bool OnDevice>
struct device_part {};
template <class Device, std::size_t PageSize>
struct device_part<Device, PageSize, true> {
    store_file<Device, PageSize> file;
    space::free_map<PageSize> map;
};

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
class store {
public:
    static constexpr bool on_device = !storage::memory_policy<Storage>;
    static constexpr bool transactional = Txn::transactional;
    static constexpr bool logs = on_device && Txn::logs;
    friend class compacting<store>;
    // One thread, nothing evicted, nothing published: no reader can be in anybody's way.
    using epoch_type =
        std::conditional_t<on_device || transactional, cache::epoch, cache::null_epoch>;
    template <class S, bool OnDevice>
    struct cache_of {
        using type = cache::memory_pages<PageSize>;
    };
    template <class S>
    struct cache_of<S, true> {
        using type = cache::page_cache<S, Replacement, PageSize, epoch_type>;
    };
    using cache_type = typename cache_of<Storage, on_device>::type;
    using guard = typename epoch_type::guard;

    // Memory only. Throws std::bad_alloc.
    store();
    // On a device: opens or creates. Throws io_error, format_mismatch, schema_mismatch, corruption,
    // already_open, storage_full, std::bad_alloc.
    store(store_options options, const format::schema& main_tree);
    store(const store&) = delete;
    store& operator=(const store&) = delete;
    // A clean close: everything committed is durable, the file is as long as its pages, both slots
    // say so. Does not throw; what cannot be written is as after a crash.
    ~store();

    [[nodiscard]] QUIRE_TRIVIAL const std::string& path() const noexcept { return options_.path; }
    [[nodiscard]] QUIRE_TRIVIAL cache_type& cache() noexcept { return cache_; }
    [[nodiscard]] QUIRE_TRIVIAL bool read_only() const noexcept { return options_.read_only; }
    [[nodiscard]] bool poisoned() const noexcept {
        return poisoned_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] const io_counters& counters() const noexcept { return counters_; }

    // ---- reading ----

    // Runs read(root) with the newest committed root of a tree, inside a guard.
    template <class Read>
    decltype(auto) with_current(std::uint32_t tree, Read&& read) {
        if constexpr (logs)
            if (version_record* const lazy = share_lazy(); QUIRE_UNLIKELY(lazy != nullptr)) {
                const version_record::share_guard until_read{*lazy};
                return guarded([&]() -> decltype(auto) { return read(lazy->roots[tree]); });
            }
        return guarded([&]() -> decltype(auto) {
            if constexpr (transactional) return read(snapshots_.current()->roots[tree]);
            else return read(working_.roots[tree]);
        });
    }
    // Keys that one operation may look up together: their pages must fit the cache at once.
    [[nodiscard]] std::uint32_t batch_size() const noexcept {
        if constexpr (!on_device) return tree::most_in_batch;
        else return cache_.batch_size();
    }
    // Runs operate() inside a guard; false when it ran out of frames on the way.
    template <class Operate>
    [[nodiscard]] bool try_guarded(Operate&& operate) {
        if constexpr (on_device) {
            try {
                guard in(epoch_);
                operate();
            } catch (const cache::out_of_frames&) {
                return false;
            }
        } else {
            guard in(epoch_);
            operate();
        }
        return true;
    }
    // Runs operate() inside a guard, again from the start when it ran out of frames. It may want a
    // path or two at once.
    template <class Operate>
    decltype(auto) guarded(Operate&& operate) {
        if constexpr (!on_device) {
            guard in(epoch_);
            return operate();
        } else {
            for (;;) {
                try {
                    guard in(epoch_);
                    return operate();
                } catch (const cache::out_of_frames&) {
                    // Outside the guard, which would keep the very frames from being freed.
                }
                make_room(12);
            }
        }
    }
    // A share of the newest committed version, to be given back by unshare().
    [[nodiscard]] version_record* share_current() {
        if (version_record* const lazy = share_lazy(); QUIRE_UNLIKELY(lazy != nullptr)) return lazy;
        guard in(epoch_);
        version_record* const record = snapshots_.current();
        record->share();
        return record;
    }

    // ---- the writer ----

    struct mark {
        space::page_space::mark space;
        root_records roots;
        version at{};
        quire::wal::records::mark records{};
    };

    // Takes the writer's place, waiting for it. Throws read_only, poisoned, std::bad_alloc.
    void begin();
    // The same, waiting at most that long; false if the place was not free.
    [[nodiscard]] bool try_begin(std::uint64_t nanoseconds);
    // Makes what was done visible, and durable as asked, and gives up the writer's place. On an
    // exception the transaction is rolled back and the place given up too.
    void commit(durability wanted);
    // Before commit: a share of the version that will hold what was done, to be given back by
    // unshare(). Nobody else can have it before the commit. Requires: transactional.
    [[nodiscard]] version_record* share_written() noexcept;

    // ---- the writer, for a change of one record; see lazy.hpp ----

    // Takes the writer's place, as begin. True: for a lazy change, to be ended by commit_lazily or
    // leave_lazily; it makes one note and may throw not_lazy before it does. False: for a
    // transaction. Requires: logs.
    [[nodiscard]] bool begin_record(durability wanted);
    // As commit. On outcome_unknown the change stays visible.
    void commit_lazily(durability wanted);
    // Gives up the writer's place; nothing was changed.
    void leave_lazily() noexcept;
    // Goes on in a transaction. On an exception the place is given up. Requires: nothing was
    // changed.
    void end_lazily();
    // Undoes everything since begin and gives up the writer's place.
    void roll_back() noexcept;
    // A place to go back to within the transaction.
    [[nodiscard]] mark set_mark();
    void roll_back_to(const mark& to) noexcept;
    // Makes everything committed durable; without transactions, everything done so far.
    void flush();
    void flush_now();
    // Moves what is in a log to the file; the same as flush where there is no log.
    void checkpoint();
    // Returns when version v, and those before it, are durable.
    void wait_durable(version v);

    // ---- the log; nothing where there is none ----

    // Makes the next note of so many bytes noexcept. Throws std::bad_alloc.
    // For a lazy change also what is needed to commit it: throws what commit would, or not_lazy.
    void reserve_note(std::size_t key, std::size_t value) {
        if constexpr (logs) {
            log_.records.reserve(key, value);
            if (log_.lazy) prepare_lazily(key, value);
        }
    }
    // What the transaction has just done.
    void note_put(tree_id tree, bytes_view key, bytes_view value) noexcept {
        if constexpr (logs) log_.records.put(tree, key, value);
    }
    void note_erase(tree_id tree, bytes_view key) noexcept {
        if constexpr (logs) log_.records.erase(tree, key);
    }
    void note_clear(tree_id tree) noexcept {
        if constexpr (logs) log_.records.clear(tree);
    }
    // What the transaction has just done has no note: it commits by a checkpoint.
    void leave_out_of_log() noexcept {
        if constexpr (logs) log_.records.leave_out();
    }
    // Whether the store was not closed and has a log: recover() comes before anything else.
    [[nodiscard]] bool has_log_to_replay() const noexcept { return recovering_; }
    // Does again what the log says: calls apply.add(format::log_update) for each operation of every
    // transaction in it, and apply.apply() behind the last, within one transaction, and goes on in
    // that log (read-only: keeps the result in memory). progress(recovery_report) is called now and
    // then.
    template <class Apply, class Progress>
    void recover(Apply&& apply, Progress&& progress);
    // Throws poisoned, read_only.
    void require_writable() const {
        if (QUIRE_UNLIKELY(poisoned() || options_.read_only)) check_writable();
    }
    // Runs look(root) while no writer is at work, with the newest committed root of the first tree.
    template <class Look>
    void verifying(Look&& look);
    // Marks the store's own pages, and checks that every page is exactly one of used, free,
    // pending.
    template <class Seen>
    void check_space(Seen&& seen, const space::page_bitmap& used);

    [[nodiscard]] format::root_record& root(std::uint32_t tree) noexcept {
        return working_.roots[tree];
    }
    [[nodiscard]] QUIRE_TRIVIAL version write_version() const noexcept { return working_.at; }
    [[nodiscard]] version durable_version() noexcept;
    [[nodiscard]] version committed_version() const noexcept {
        if constexpr (transactional) return snapshots_.current()->number;
        else return working_.at;
    }
    // Counts the changes of the working state, so that iterators on it can notice.
    [[nodiscard]] QUIRE_TRIVIAL std::uint64_t changes() const noexcept { return changes_; }
    void note_change() noexcept { ++changes_; }

    // Runs change() inside a guard with everything reserved that one operation on a tree of that
    // height can need.
    template <class Change>
    decltype(auto) changing(std::uint32_t level, Change&& change);

    // Pages of the writer, as tree/editor.hpp asks for them.
    [[nodiscard]] bool owns(const std::byte* page) const noexcept {
        return format::birth_of(page) == working_.at;
    }
    [[nodiscard]] std::byte* own(const std::byte* page) noexcept;
    [[nodiscard]] std::byte* create(format::page_facts facts) noexcept;
    void release(const std::byte* page) noexcept;
    void check_used(const std::byte* page) const;

    // Overflow runs. write_run throws storage_full, io_error, std::bad_alloc without effect.
    [[nodiscard]] tree::run_ref write_run(bytes_view value, tree_id tree);
    // Requires: reserve_freed and check_run.
    void release_run(const tree::run_ref& run) noexcept;
    // Frees pages of any version by reference. Requires: reserve_freed(n) of that many.
    void reserve_freed(std::size_t n) { space_.reserve_freed(n); }
    // Throws corruption unless the pages can be a tree's: a damaged page may refer to any.
    void check_pages(page_id first, std::uint32_t pages) const;
    void check_run(const tree::run_ref& run) const {
        check_pages(run.first.id, format::run_pages(run.value_size, PageSize));
    }
    void release_page(page_ref ref) noexcept { release_pages(ref, 1); }

    // ---- facts ----
    [[nodiscard]] QUIRE_TRIVIAL const space::page_space& space() const noexcept { return space_; }
    [[nodiscard]] growing_array<held_version> held_versions();
    [[nodiscard]] recovery_report recovered() const noexcept {
        if constexpr (logs) return log_.recovered;
        else return {};
    }
    // Of the log that recovery would read.
    [[nodiscard]] std::uint64_t log_bytes() const noexcept {
        if constexpr (logs) return log_.log.bytes();
        else return 0;
    }
    [[nodiscard]] const format::header_slot* slot() const noexcept {
        if constexpr (on_device) return &device_.file.slot();
        else return nullptr;
    }

private:
    static constexpr std::uint32_t header_pages = on_device ? format::header_pages(PageSize) : 1;
    static constexpr std::uint32_t most_reserved = 3 * (tree::most_levels + 2);
    // A commit of at most that many pages is vouched for by its digest instead of a second sync.
    static constexpr std::uint64_t most_vouched_pages = 64;
    // Versions that one session gives out at most beyond the newest slot; see mark_session.
    static constexpr std::uint64_t lost_versions = std::uint64_t{1} << 20;

    // A transaction of so few bytes is logged whatever the limits are.
    static constexpr std::uint64_t least_logged = std::uint64_t{64} << 10;

    struct working_state {
        root_records roots{};
        version at{};
    };

    void open(const format::schema& main_tree);
    void check_schema(const format::schema& wanted);
    [[nodiscard]] bool commit_is_whole(const format::schema& main_tree,
                                       growing_array<page_id>& visited);
    void write_again(const growing_array<page_id>& pages);
    void check_writable() const;
    void start_working();
    void collect();
    void make_room(std::uint32_t frames);
    QUIRE_COLD void fail_exhausted() const;
    QUIRE_COLD void write_early();
    template <class Find>
    QUIRE_COLD void find_frames(Find&& find);
    void refill(std::uint32_t pages);
    void ensure_frames(std::uint32_t pages);
    void return_stash() noexcept;
    void undo_space(const space::page_space::mark& to) noexcept;
    void release_pages(page_ref ref, std::uint32_t pages) noexcept;
    void fill_record(version v) noexcept;
    void build(version v) noexcept;
    void publish(version v) noexcept;
    void observe() noexcept;
    [[nodiscard]] version durable() const noexcept {
        return durable_.load(std::memory_order_acquire);
    }
    // A transaction of more records reaches the medium by a checkpoint.
    [[nodiscard]] std::uint64_t largest_logged() const noexcept {
        const std::uint64_t of_log = options_.wal_limit_bytes / 4;
        const std::uint64_t of_cache = options_.cache_bytes / 8;
        const std::uint64_t most = of_log < of_cache ? of_log : of_cache;
        return most < least_logged ? least_logged : most;
    }
    // Since the newest slot.
    [[nodiscard]] std::uint64_t versions_given_out() const noexcept {
        return to_integer(last_) - to_integer(numbered_from_.load(std::memory_order_relaxed));
    }
    void poison() noexcept {
        poisoned_.store(true, std::memory_order_relaxed);
        if constexpr (on_device) cache_.distrust_mapping();
    }
    void commit_logged(durability wanted);
    [[nodiscard]] quire::wal::ticket promise_appended(durability wanted) noexcept;
    [[nodiscard]] bool begin_if_long() noexcept;
    void finish_begun() noexcept;
    void keep(const quire::wal::ticket& until);
    [[nodiscard]] bool has_changed() const noexcept;
    void prepare_lazily(std::size_t key, std::size_t value);
    void publish_lazily();
    // A share of the newest lazy commit; null when readers can see it in the current version.
    [[nodiscard]] QUIRE_INLINE version_record* share_lazy() {
        if constexpr (logs)
            if (QUIRE_UNLIKELY(log_.newest_lazy.load(std::memory_order_acquire) != nullptr))
                return find_lazy();
        return nullptr;
    }
    QUIRE_COLD version_record* find_lazy();
    void stop_editing() noexcept;
    void commit_large();
    void must(storage::status of_log);
    void must_write(storage::status status, const char* sentence, page_id page = page_id::none);
    [[nodiscard]] format::header_slot describe(format::header_slot slot, version v) const noexcept;
    template <class Place>
    void placing(Place&& place);
    void begin_here();
    void promise(const quire::wal::ticket& until, version v);
    [[nodiscard]] bool wants_checkpoint() const noexcept;
    void limit_log();
    void begin_checkpoint(quire::wal::goes_on where = quire::wal::goes_on::in_new_segment);
    void finish_checkpoint();
    void place_map(version v);
    void write_left_over();
    void release_held() noexcept;
    void rotate_log(version v, format::header_slot& slot, quire::wal::goes_on where);
    void remove_segments_but(std::span<const quire::wal::segment_facts> log) noexcept;
    void check_no_log();
    void note_space();
    void undo_flips() noexcept;
    void make_durable(version v);
    void write_durable(version v);
    template <class Error = io_error>
    void sync(const char* sentence);
    void mark_session();
    void prepare_early_write();
    template <class Error = io_error>
    void put_slot(format::header_slot slot);
    void close();
    void close_file();
    [[nodiscard]] page_id take() noexcept { return stash_[--stashed_]; }

    store_options options_;
    io_counters counters_;
    [[no_unique_address]] device_part<Storage, PageSize, on_device> device_;
    epoch_type epoch_;
    cache_type cache_;
    space::page_space space_;
    snapshots<epoch_type> snapshots_;
    gate gate_;
    working_state working_;
    mark begun_;                   // what to go back to on roll_back
    page_id stash_[most_reserved]; // ids allocated ahead, so that changes cannot fail
    std::uint32_t stashed_ = 0;
    std::uint64_t changes_ = 0;
    version last_{};                       // the newest number given to any version
    std::atomic<version> durable_{};       // the newest version in the file, and on the medium
    std::atomic<version> numbered_from_{}; // of the newest slot, or the session's first one
    version reserved_{};                   // the number this session's first slot will have
    bool marked_ = false;                  // that slot has been written
    bool vouchable_ = true;   // everything since durable_ is one commit, in dirty pages only
    bool recovering_ = false; // the log is yet to be read
    bool closing_ = false;    // no log is needed any more
    std::atomic<bool> poisoned_{false};
    page_ref catalog_;
    growing_array<page_id> flipped_; // scratch of make_durable
    [[no_unique_address]] log_part<Storage, Txn, logs> log_;
#if QUIRE_MONITOR
    write_monitor monitor_;

    // Watches from now on. The present state is durable.
    void watch() noexcept {
        space_.monitor.ask(
            [](const void* of, version birth, version freed) {
                const store& self = *static_cast<const store*>(of);
                if (on_device && !(self.durable() < birth) && self.durable() < freed) return true;
                return transactional && self.snapshots_.can_read(birth, freed);
            },
            this);
        if constexpr (on_device) {
            monitor_.name(space_);
            monitor_.settle();
            cache_.watch_writes(
                [](void* of, page_id first, std::uint64_t pages, std::uint64_t kept) noexcept {
                    static_cast<write_monitor*>(of)->write(first, pages, kept);
                },
                &monitor_);
        }
    }
#endif
};

} // namespace quire::txn

#include <quire/txn/commit.hpp>
#include <quire/txn/lazy.hpp>
#include <quire/txn/logged.hpp>
#include <quire/txn/opening.hpp>
#include <quire/txn/recovery.hpp>
#include <quire/txn/writing.hpp>
