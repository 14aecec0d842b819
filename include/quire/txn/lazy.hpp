// Lazy commits: changes of one record, of a store with a log, that need not be durable at once.
// store.hpp includes this header.
//
// A commit makes a version, and the next one copies every page that it changes, because somebody
// may be reading the version before. Where nobody is, a commit is its record in the log and no
// more: the working state stays open, and the next change is made in place.
//
//   change    what can fail comes first: code that makes the value, room in the log, the session's
//             first slot; then `editing`, a look at whether anybody holds the prepared record, and
//             the pages of the working state
//   commit    append the record; the version's number and roots stand in the prepared record, which
//             readers find as newest_lazy; `editing` is over; give up the writer's place; wait for
//             the log
//   read      share newest_lazy; if `editing`, give it back and try again; wait for the log
//   publish   transactions, checkpoints, and a change that finds the record held: one version of
//             all lazy commits so far is built, in the writer's place, and the log waited for
//
// Who shares the record and then sees that nothing is being edited holds a version that stays as it
// is: a writer that begins to edit looks for holders after it has said so, and publishes. So a
// reader waits for one change of a few pages, never for the writer's place, user code or a
// transaction. It waits for the log like the one who commits: for a flush, if a full commit before
// it does.
//
// If the log fails, those who wait for it are told; what they have done stays visible until the
// store is closed, and so does what is below it.
#pragma once

#include <sched.h>

#include <quire/txn/store.hpp>

namespace quire::txn {

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
bool store<Storage, Replacement, Txn, PageSize>::begin_record(durability wanted) {
    if constexpr (logs) {
        gate_.enter();
        const bool lazily = wanted != durability::full;
        // A checkpoint that is wanted is under way, or has failed: see limit_log.
        if (lazily && log_.lazy && !poisoned() && !snapshots_.prepare().held() &&
            !wants_checkpoint()) {
            log_.records.start(largest_logged());
            return true;
        }
        begin_here();
        log_.lazy = lazily;
        log_.lazily = version::none;
        return lazily;
    }
    return false;
}

// Before the change: what its commit needs.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::prepare_lazily(std::size_t key,
                                                                std::size_t value) {
    if constexpr (logs) {
        const std::size_t bytes = format::aligned_group(
            format::begin_size + format::update_size(key, value) + format::commit_size);
        if (bytes + format::group_alignment > largest_logged()) throw not_lazy{};
        require_writable();
        mark_session();
        must(log_.log.reserve(bytes));
        log_.editing.store(true, std::memory_order_seq_cst);
        if (snapshots_.prepare().held()) {
            stop_editing();
            throw not_lazy{};
        }
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::stop_editing() noexcept {
    if constexpr (logs) log_.editing.store(false, std::memory_order_seq_cst);
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::commit_lazily(durability wanted) {
    if constexpr (logs) {
        if (log_.records.empty()) { // nothing was changed
            const quire::wal::ticket until = log_.promised;
            const bool on_built = log_.lazily == version::none;
            const version newest = snapshots_.newest()->number;
            leave_lazily();
            return on_built ? promise(until, newest) : keep(until);
        }
        if (log_.lazily != version::none) last_ = next(last_);
        log_.log.append(log_.records, last_);
        log_.lazily = last_;
        const quire::wal::ticket until = promise_appended(wanted);
        version_record& record = snapshots_.prepare();
        fill_record(last_);
        record.written = until.written;
        record.durable = until.durable;
        log_.newest_lazy.store(&record, std::memory_order_release);
        stop_editing();
        const bool cuts = begin_if_long();
        gate_.leave();
        if (cuts) return finish_begun();
        keep(until);
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::leave_lazily() noexcept {
    stop_editing();
    gate_.leave();
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::end_lazily() {
    begin_here();
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
        log_.newest_lazy.store(nullptr, std::memory_order_release);
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
version_record* store<Storage, Replacement, Txn, PageSize>::find_lazy() {
    if constexpr (logs) {
        for (;;) {
            version_record* record = nullptr;
            {
                guard in(epoch_); // the record is not given to another version meanwhile
                record = log_.newest_lazy.load(std::memory_order_seq_cst);
                if (record == nullptr) return nullptr; // readers find it by now
                record->share();
                if (log_.editing.load(std::memory_order_seq_cst)) {
                    record->unshare();
                    record = nullptr;
                }
            }
            if (record != nullptr) {
                static_cast<void>(log_.log.wait({record->written, record->durable}));
                return record;
            }
            ::sched_yield();
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
