// Bringing back a store with a log that was not closed: the state of the newest slot, and what the
// log says was committed after it, done again by the ordinary code in one transaction. What the log
// was stays the log, and the next commit is appended to it; the next checkpoint cuts it. So opening
// costs the reading and no checkpoint, and a crash on the way changes nothing: pages that memory
// does not hold are written to free places, after a slot that names the old state and this log.
//
// A store opened read-only writes nothing.
// store.hpp includes this header.
#pragma once

#include <quire/core/raise.hpp>
#include <quire/core/sync.hpp>
#include <quire/txn/store.hpp>
#include <quire/wal/reader.hpp>

namespace quire::txn {

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
template <class Apply, class Progress>
void store<Storage, Replacement, Txn, PageSize>::recover(Apply&& apply, Progress&& progress) {
    if constexpr (logs) {
        using device = storage::log_device_of<Storage>;
        const std::int64_t began = coarse_milliseconds();
        const format::header_slot& slot = device_.file.slot();
        const version first = slot.log_version;
        const version base = slot.log_base;
        recovery_report& report = log_.recovered;
        format::log_group group;
        { // Whether it is whole is seen before anything is changed.
            quire::wal::reader<device> log(path(), slot.database_id, first, slot.log_salt);
            while (log.next(group)) {}
            report.bytes_total = log.bytes_total();
            last_ = static_cast<version>(to_integer(reserved_) + lost_versions);
            if (last_ < log.last()) last_ = log.last(); // above all that the log has given out
        }
        quire::wal::reader<device> log(path(), slot.database_id, first, slot.log_salt);
        const auto tell = [&] {
            report.bytes = log.bytes_done();
            report.discarded = log.discarded();
            report.milliseconds = static_cast<std::uint64_t>(coarse_milliseconds() - began);
            progress(static_cast<const recovery_report&>(report));
        };
        gate_.enter();
        try {
            start_working();
            while (log.next(group)) {
                if (!(base < group.facts.at)) continue; // the state that was found holds it
                format::for_each_update(group, [&](const format::log_update& update) {
                    apply.add(update);
                    if (++report.operations % 8192 == 0) tell();
                });
                if (!group.is_checkpoint) ++report.transactions;
            }
            apply.apply();
            return_stash();
            static_cast<void>(snapshots_.prepare());
            space_.prepare_commit();
            if (!options_.read_only) {
                remove_segments_but(log.segments());
                const storage::status status =
                    log_.log.resume(log.segments(), log.end(), log.last(), working_.at);
                if (!status.ok())
                    fail_io("making the log of a store that was not closed durable failed", status,
                            path());
            }
            note_space();
        } catch (...) {
            roll_back();
            throw;
        }
        recovering_ = false;
        // The next slot gets a version above all that may be on the medium.
        marked_ = false;
        numbered_from_ = reserved_ = last_;
        build(working_.at);
        publish(working_.at);
        gate_.leave();
        tell();
    }
}

// Removes segments that are not of the log: of an older one, or made and never used. What stays is
// found by the next open.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::remove_segments_but(
    std::span<const quire::wal::segment_facts> log) noexcept {
    if constexpr (logs) {
        using device = storage::log_device_of<Storage>;
        try {
            for (const std::uint64_t v : quire::wal::list_segments<device>(path())) {
                bool needed = false;
                for (const auto& each : log) needed = needed || to_integer(each.first) == v;
                if (!needed)
                    static_cast<void>(
                        device::remove(format::segment_path(path(), static_cast<version>(v))));
            }
        } catch (const std::exception&) {
        }
    }
}

// A store that says it has no log: segments beside it are left over from one that was given up, or
// do not belong to it.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::check_no_log() {
    if constexpr (logs) {
        using device = storage::log_device_of<Storage>;
        for (const std::uint64_t v : quire::wal::list_segments<device>(path())) {
            quire::wal::segment_content<device> segment(path(), v);
            const format::header_slot& slot = device_.file.slot();
            segment.check_id(slot.database_id);
            if (slot.committed < segment.header().base && segment.has_group())
                detail::raise<corruption>(
                    "the log beside the store is newer than the store, which must have been "
                    "replaced by an older copy; bring back the one that belongs to the log, or "
                    "move the log away",
                    segment.path(), page_id::none, "base_version",
                    to_integer(segment.header().base),
                    {"at most ", to_integer(slot.committed)});
            if (!options_.read_only) static_cast<void>(device::remove(segment.path()));
        }
    }
}

} // namespace quire::txn
