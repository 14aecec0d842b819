// Commits of a store with a log, and the checkpoints that cut it. store.hpp includes this header.
//
//   commit       append the records to the log; the version is built, and the next writer may build
//                on it; give up the writer's place; wait for the log; publish
//   checkpoint   in the writer's place: the log's end is durable and a new segment begins; the free
//                map is placed; the dirty pages are taken. They belong to a version that is held
//                like a snapshot's, so nobody changes them or uses their places.
//                beside writer and readers: they are written; sync; the slot; sync; then what the
//                log held before is not needed any more
//
// Whoever finds the log too long after a commit of his own makes the checkpoint; the library has no
// threads of its own. The slot names the log's segment that begins behind its state, so whatever
// becomes of a checkpoint half done, the slot before it and its log say everything.
// A transaction too large for the log is a checkpoint in the writer's place.
#pragma once

#include <quire/core/raise.hpp>
#include <quire/txn/store.hpp>

namespace quire::txn {

// Throws what a failed call of the log's stands for.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::must(storage::status of_log) {
    if constexpr (logs) {
        if (of_log.ok()) return;
        if (log_.log.failure() != 0) {
            poison();
            detail::raise_io("writing the log failed; open the store again to see which of the "
                             "last commits have happened",
                             of_log.number, path());
        }
        fail_io("making a segment of the log failed", of_log, path());
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::commit_logged(durability wanted) {
    if constexpr (logs) {
        return_stash();
        auto& log = log_.log;
        if (!has_changed()) {
            quire::wal::ticket until = log_.promised;
            if (wanted == durability::full) until.durable = log.appended();
            const version newest = snapshots_.newest()->number;
            roll_back();
            return promise(until, newest);
        }
        const version v = working_.at;
        try {
            require_writable(); // a write of this very transaction may have failed
            space_.prepare_commit();
            space_.trim_new(begun_.space.end);
            if (log_.records.too_large()) return commit_large();
            mark_session();
            must(log.reserve(log_.records.group_bytes()));
            note_space();
        } catch (...) {
            roll_back();
            throw;
        }
        log.append(log_.records, v);
        build(v);
        const quire::wal::ticket until = promise_appended(wanted);
        note_change(); // iterators on the working state are over
        const bool cuts = begin_if_long();
        gate_.leave();
        if (!cuts) return promise(until, v);
        finish_begun(); // it has made the commit durable, and published it
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
version store<Storage, Replacement, Txn, PageSize>::durable_version() noexcept {
    if constexpr (logs)
        if (const version v = log_.log.durable_version(); durable() < v) return v;
    return durable();
}

// How far the log must come for what has just been appended, and all before it.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
quire::wal::ticket
store<Storage, Replacement, Txn, PageSize>::promise_appended(durability wanted) noexcept {
    if constexpr (logs) {
        auto& log = log_.log;
        quire::wal::ticket& promised = log_.promised;
        if (wanted == durability::full) promised.durable = log.appended();
        if (wanted != durability::none || log.has_much_waiting()) promised.written = log.appended();
        return promised;
    } else {
        return {};
    }
}

// In the writer's place, no transaction open: begins the checkpoint that a log too long wants, if
// nobody else makes one. A later commit tries again if that fails.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
bool store<Storage, Replacement, Txn, PageSize>::begin_if_long() noexcept {
    if constexpr (logs) {
        if (QUIRE_LIKELY(!wants_checkpoint()) || !log_.checkpointing.try_enter(0)) return false;
        try {
            begin_checkpoint();
            return true;
        } catch (...) {
            log_.checkpointing.leave();
        }
    }
    return false;
}

// Finishes the checkpoint that begin_if_long began.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::finish_begun() noexcept {
    if constexpr (logs) {
        try {
            finish_checkpoint();
        } catch (...) {
            // Commits are durable all the same; a poisoned store says so with the next change.
        }
        log_.checkpointing.leave();
    }
}

// Waits until the log has come so far.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::keep(const quire::wal::ticket& until) {
    if constexpr (logs) {
        if (log_.log.wait(until)) return;
        poison();
        detail::raise_io<outcome_unknown>(
            "making a commit durable failed; open the store again to see whether it has happened",
            log_.log.failure(), path());
    }
}

// Waits until the log has come so far, then lets readers see version v.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::promise(const quire::wal::ticket& until,
                                                         version v) {
    if constexpr (logs) {
        keep(until);
        snapshots_.publish(v);
    }
}

// Commits what is too large for the log, in the writer's place.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::commit_large() {
    if constexpr (logs) {
        const version v = working_.at;
        log_.checkpointing.enter();
        {
            const gate_guard leave(log_.checkpointing);
            require_writable(); // the checkpoint that was waited for may have failed
            make_durable(v);
        }
        build(v);
        publish(v);
        note_change();
        gate_.leave();
    }
}

// Goes on in a new segment of the log, behind version v, or in the one that it has come to, and has
// the slot name it. Everything in the log is durable afterwards.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::rotate_log(version v, format::header_slot& slot,
                                                            quire::wal::goes_on where) {
    if constexpr (logs) {
        auto& log = log_.log;
        slot.log_base = version::none;
        if (closing_) {
            slot.log_version = version::none;
            slot.log_salt = 0;
            return;
        }
        if (!log.started()) {
            must(log.start(v));
        } else if (where == quire::wal::goes_on::here) {
            if (!log.wait_for_all()) must({log.failure()});
            slot.log_base = log.newest();
        } else {
            must(log.reserve(log.checkpoint_bytes));
            log.append_checkpoint(v);
            must(log.rotate());
        }
        log_.from_lsn = log.segment_lsn();
        slot.log_version = log.first_version();
        slot.log_salt = log.salt();
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
bool store<Storage, Replacement, Txn, PageSize>::wants_checkpoint() const noexcept {
    if constexpr (logs) {
        const std::uint64_t bytes = log_.log.bytes();
        // Before the versions come near those of the next session, should this one end in a crash.
        return (bytes > options_.wal_limit_bytes &&
                bytes > log_.not_before.load(std::memory_order_relaxed)) ||
               versions_given_out() > lost_versions / 2;
    } else {
        return false;
    }
}

// In the writer's place: when those who should cut the log do not keep up, the writer does it.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::limit_log() {
    if constexpr (logs) {
        const auto is_urgent = [this] { return versions_given_out() > lost_versions / 4 * 3; };
        const auto is_long = [this] {
            return log_.log.bytes() / 2 > options_.wal_limit_bytes &&
                   log_.log.bytes() > log_.not_before.load(std::memory_order_relaxed);
        };
        if (QUIRE_LIKELY(!is_urgent() && !is_long()) || closing_) return;
        log_.checkpointing.enter();
        const gate_guard leave(log_.checkpointing);
        if (!is_urgent() && !is_long()) return;
        try {
            begin_checkpoint();
            finish_checkpoint();
        } catch (...) {
            if (is_urgent() || poisoned()) throw;
        }
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::checkpoint() {
    if constexpr (logs) {
        for (;;) {
            check_writable();
            gate_.enter();
            if (!log_.log.started()) return gate_.leave(); // nothing was written
            if (log_.checkpointing.try_enter(0)) break;
            gate_.leave();
            log_.checkpointing.enter(); // another one is at work; what it does may not be enough
            log_.checkpointing.leave();
        }
        const gate_guard leave(log_.checkpointing);
        {
            const gate_guard leave_writing(gate_);
            // Nothing came after the last one.
            if (log_.log.bytes() == 0 && log_.taken.empty()) return;
            begin_checkpoint();
        }
        finish_checkpoint();
    } else {
        flush();
    }
}

// In the writer's place, no transaction open. The checkpoint is a version of its own. On an
// exception nothing has happened, but that the log may have a record of it, which says nothing.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::begin_checkpoint(quire::wal::goes_on where) {
    if constexpr (logs) {
        check_writable();
        publish_lazily();
        check_writable(); // the log may have failed
        mark_session();
        // Not at once again, if this one fails.
        log_.not_before = log_.log.bytes() + options_.wal_limit_bytes / 4;
        write_left_over();
        collect();
        working_.roots = snapshots_.newest()->roots;
        last_ = next(last_);
        const version v = working_.at = last_;
        static_cast<void>(snapshots_.prepare());
        log_.held.reserve(log_.held.size() + 1);
        auto& file = device_.file;
        format::header_slot slot = file.slot();
        placing([&] {
            place_map(v);
            // To be as long as the slot will say; now, for later the writer may lengthen it too.
            if (file.bytes() < space_.end() * PageSize)
                must_write(file.device().resize(space_.end() * PageSize),
                           "lengthening the store failed");
            rotate_log(v, slot, where);
            cache_.take_dirty(log_.taken, [this](page_id id) {
                return !space_.dead().contains(id); // what only snapshots see need not be written
            });
        });
        log_.slot = describe(slot, v);
        QUIRE_WATCH(monitor_.name(space_));
        build(v);
        snapshots_.newest()->hold();
        log_.held.push_back(snapshots_.newest());
        publish(v); // what it holds is durable in the log
    }
}

// Pages that a checkpoint could not write. Requires: nobody else checkpoints.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::write_left_over() {
    if constexpr (logs) {
        QUIRE_WATCH(monitor_.write_taken(log_.taken.size()));
        must_write(cache_.write_taken(log_.taken), "writing the pages of a checkpoint failed");
    }
}

// What was held for its pages is in a durable slot, or older.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::release_held() noexcept {
    if constexpr (logs) {
        for (version_record* const record : log_.held) record->let_go();
        log_.held.clear();
    }
}

// Beside the writer and the readers. On an exception the slot before stands, and the log with it;
// the pages that are still to be written stay held until a later checkpoint writes them.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::finish_checkpoint() {
    if constexpr (logs) {
        write_left_over(); // all that was taken
        sync("making the pages of a checkpoint durable failed");
        QUIRE_WATCH(monitor_.slot_of_checkpoint());
        put_slot(log_.slot);
        QUIRE_WATCH(monitor_.settle());
        durable_.store(log_.slot.committed, std::memory_order_release);
        numbered_from_.store(log_.slot.committed, std::memory_order_relaxed);
        release_held();
        log_.not_before = 0;
        log_.log.release(log_.slot.committed, log_.from_lsn);
    }
}

} // namespace quire::txn
