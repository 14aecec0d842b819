// Lazy commits: changes of one record, of a store with a log, that need not be durable at once.
// store.hpp includes this header.
//
// A commit makes a version, and the next one copies every page that it changes, because somebody
// may be reading the version before. Where nobody is, a commit is its record in the log and no
// more: the working state stays open, and the next change is made in place.
//
//   change    prepared before it begins, so that nothing can fail behind it: room in the log, the
//             session's first slot; then the pages of the working state
//   commit    append the record; the version's number and roots stand in the prepared record; give
//             up the writer's place; wait for the log
//   publish   whoever reads, opens a transaction, or makes a checkpoint first makes one version of
//             all lazy commits so far, in the writer's place, and waits for the log
//
// An iterator that a lazy change gave has a share of the prepared record. The next change sees that
// it is held and publishes first, so what the iterator stands on does not change.
// A reader that has to publish makes the writer publish the next commits at once: reading beside a
// writer costs it the writer's place once in `eagerly` commits.
// If the log fails, those who wait for it are told; what they have done stays visible until the
// store is closed.
#pragma once

#include <quire/txn/store.hpp>

namespace quire::txn {

// Commits that are published at once after a reader had to do it.
inline constexpr std::uint32_t eagerly = 256;

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
bool store<Storage, Replacement, Txn, PageSize>::begin_record(durability wanted) {
    if constexpr (logs) {
        gate_.enter();
        if (wanted == durability::full || (!log_.lazy && log_.eager != 0)) {
            if (log_.eager != 0) --log_.eager;
            begin_here();
            return false;
        }
        try {
            check_writable();
            if (log_.lazy &&
                (snapshots_.prepare().holders.load(std::memory_order_acquire) != 0 ||
                 wants_checkpoint())) // one is under way, or failed: see limit_log
                publish_lazily();
            if (log_.lazy) {
                log_.records.start(largest_logged());
            } else {
                limit_log();
                start_working();
                log_.lazy = true;
                log_.lazily = version::none;
            }
        } catch (...) {
            gate_.leave();
            throw;
        }
        log_.changing.store(pthread_self(), std::memory_order_relaxed);
    }
    return logs;
}

// Before the change: what its commit needs.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::prepare_lazily(std::size_t key,
                                                                std::size_t value) {
    if constexpr (logs) {
        const std::size_t bytes = format::aligned_group(
            format::begin_size + format::update_size(key, value) + format::commit_size);
        // User code that makes the value may have made an iterator on the state that it found.
        const bool held = snapshots_.prepare().holders.load(std::memory_order_acquire) != 0;
        if (held || bytes + format::group_alignment > largest_logged()) throw not_lazy{};
        require_writable();
        mark_session();
        must(log_.log.reserve(bytes));
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::commit_lazily(durability wanted) {
    if constexpr (logs) {
        auto& log = log_.log;
        quire::wal::ticket until = log_.promised;
        bool cuts = false;
        if (!log_.records.empty()) {
            if (log_.lazily != version::none) last_ = next(last_);
            log.append(log_.records, last_);
            log_.lazily = last_;
            fill_record(last_);
            until = promise_appended(wanted);
            log_.unpublished.store(true, std::memory_order_release);
            log_.changing.store({}, std::memory_order_relaxed);
            cuts = begin_if_long();
        }
        leave_lazily();
        if (cuts) return finish_begun();
        keep(until);
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::leave_lazily() noexcept {
    if constexpr (logs) {
        log_.changing.store({}, std::memory_order_relaxed);
        gate_.leave();
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::end_lazily() {
    if constexpr (logs) {
        log_.changing.store({}, std::memory_order_relaxed);
        begin_here();
    }
}

// In the writer's place: one version of all lazy commits. Throws std::bad_alloc without effect.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::publish_lazily() {
    if constexpr (logs) {
        if (QUIRE_LIKELY(!log_.lazy)) return;
        if (log_.lazily == version::none) {
            roll_back_to(begun_); // nothing was changed, but pages may have been taken
        } else {
            return_stash();
            space_.prepare_commit();
            space_.trim_new(begun_.space.end);
            note_space();
            if (!log_.log.wait(log_.promised)) poison();
            build(log_.lazily);
            publish(log_.lazily);
            note_change();
        }
        log_.lazy = false;
        log_.unpublished.store(false, std::memory_order_release);
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
version_record* store<Storage, Replacement, Txn, PageSize>::publish_for_reader() {
    if constexpr (logs) {
        // User code that makes a value reads the map: it sees what was committed before.
        if (log_.changing.load(std::memory_order_relaxed) == pthread_self())
            return &snapshots_.prepare();
        gate_.enter();
        const gate_guard leave(gate_);
        if (log_.unpublished.load(std::memory_order_relaxed)) {
            publish_lazily();
            log_.eager = eagerly;
        }
    }
    return nullptr;
}

// Whether there is anything that the version before the writer's does not hold.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
bool store<Storage, Replacement, Txn, PageSize>::has_changed() const noexcept {
    if constexpr (logs)
        if (log_.lazy) return log_.lazily != version::none || !log_.records.empty();
    return working_.roots != begun_.roots; // any change of a tree changes its root record
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
version_record* store<Storage, Replacement, Txn, PageSize>::share_written() noexcept {
    version_record* const record = has_changed() ? &snapshots_.prepare() : snapshots_.newest();
    record->share();
    return record;
}

} // namespace quire::txn
