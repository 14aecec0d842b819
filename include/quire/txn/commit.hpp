// Committing and closing: the part of txn::store that decides what is on the medium between any two
// steps. store.hpp holds the argument and includes this header; logged.hpp has the commits of a
// store with a log.
#pragma once

#include <quire/core/raise.hpp>
#include <quire/txn/store.hpp>

namespace quire::txn {

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::commit(durability wanted) {
    if constexpr (logs) {
        commit_logged(wanted);
    } else {
        return_stash();
        const bool changed = has_changed();
        const bool all_durable = !on_device || snapshots_.current()->number <= durable();
        if (!changed && (wanted == durability::none || all_durable)) return roll_back();
        try {
            require_writable(); // a write of this very transaction may have failed
            space_.prepare_commit();
            space_.trim_new(begun_.space.end);
            if (on_device && wanted != durability::none) make_durable(working_.at);
            else note_space();
        } catch (...) {
            roll_back();
            throw;
        }
        build(working_.at);
        publish(working_.at);
        if (on_device && durable() != working_.at) vouchable_ = false;
        note_change(); // iterators on the working state are over
        gate_.leave();
    }
}

// Writes version v, which is the working state, into the prepared record. Once: if that was for a
// lazy commit, somebody may be reading it.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::fill_record(version v) noexcept {
    version_record& record = snapshots_.prepare();
    if (record.number == v) return;
    record.number = v;
    record.roots = working_.roots;
}

// The working state is a version, upon which the next one is built. Prepared before, so that it
// does not throw.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::build(version v) noexcept {
    fill_record(v);
    snapshots_.build();
    space_.commit(v, space::pending::unseen);
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::publish(version v) noexcept {
    snapshots_.publish(v);
    observe();
}

// The writer's: takes notice of what others have published.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::observe() noexcept {
    cache::epoch_stamp stamp{};
    version seen{};
    if (snapshots_.observe(epoch_, stamp, seen)) space_.seen(seen, stamp);
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::flush() {
    if constexpr (logs) {
        check_writable();
        wait_durable(version::none);
    } else if constexpr (transactional) {
        begin();
        commit(durability::full);
    } else if constexpr (on_device) {
        check_writable();
        if (!space_.changed() && working_.roots == begun_.roots) return;
        flush_now();
    }
}

// Without transactions: what was done so far is a version, and durable.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::flush_now() {
    if constexpr (on_device && !transactional) {
        return_stash();
        space_.prepare_commit();
        space_.trim_new(begun_.space.end);
        make_durable(working_.at);
        space_.commit(working_.at, epoch_.advance());
        last_ = next(last_);
        working_.at = last_;
        space_.collect(space_.ready([](cache::epoch_stamp) { return true; }), {}, durable());
        begun_ = {space_.now(), working_.roots, working_.at};
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::wait_durable(version v) {
    if constexpr (logs) {
        if (v != version::none && v <= durable_version()) return;
        if (!log_.log.wait_for_all()) must({log_.log.failure()});
    } else {
        flush();
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
template <class Error>
void store<Storage, Replacement, Txn, PageSize>::sync(const char* sentence) {
    counters_.syncs.add();
    QUIRE_WATCH(const std::uint64_t watched = monitor_.unsynced());
    if (const auto status = device_.file.device().sync_data(); !status.ok()) {
        poison();
        detail::raise_io<Error>(sentence, status.number, path());
    }
    QUIRE_WATCH(monitor_.synced(watched));
}

// Brings the image of the free map up to date with what the transaction did; all or nothing.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::note_space() {
    if constexpr (on_device) {
        flipped_.clear();
        try {
            space_.apply([this](page_id id) {
                device_.map.changed(id);
                flipped_.push_back(id);
            });
        } catch (...) {
            undo_flips();
            throw;
        }
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::undo_flips() noexcept {
    for (std::size_t n = flipped_.size(); n-- != 0;)
        space_.set_dead(flipped_[n], !space_.dead().contains(flipped_[n]), [](page_id) {});
}

// Makes version v and all before it durable. On an exception before the slot is written nothing has
// happened, and the free map is as it was; after it, the store is poisoned.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::make_durable(version v) {
    if constexpr (on_device) {
        mark_session();
        placing([&] { write_durable(v); });
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::write_durable(version v) {
    if constexpr (on_device) {
        auto& file = device_.file;
        space_.apply([this](page_id id) {
            device_.map.changed(id);
            flipped_.push_back(id);
        });
        write_left_over();
        place_map(v);

        // Behind the end of the file there is nothing that anybody could still need.
        const auto done = cache_.write_back([&](page_id id) {
            return to_integer(id) >= file.slot().page_count && space_.free().contains(id);
        });
        std::uint64_t size = 0;
        storage::status status = done.status;
        if (status.ok()) status = file.device().size(size);
        // Pages that were allocated and given back may leave the end of the file unwritten.
        if (status.ok() && size < space_.end() * PageSize)
            status = file.device().resize(space_.end() * PageSize);
        must_write(status, "writing the pages of a commit failed");
        const bool vouched = !logs && vouchable_ && done.pages <= most_vouched_pages;
        if (!vouched) sync("making the pages of a commit durable failed");

        format::header_slot slot = describe(file.slot(), v);
        slot.commit_pages = vouched ? done.pages : 0;
        slot.commit_digest = vouched ? done.digest : 0;
        if constexpr (logs) rotate_log(v, slot, quire::wal::goes_on::in_new_segment);
        QUIRE_WATCH(monitor_.name(space_));
        QUIRE_WATCH(monitor_.slot(slot.commit_pages));
        put_slot<outcome_unknown>(slot);
        QUIRE_WATCH(monitor_.settle());
        durable_.store(v, std::memory_order_release);
        vouchable_ = true;
        if constexpr (logs) {
            numbered_from_.store(v, std::memory_order_relaxed);
            release_held();
            if (!closing_) log_.log.release(v, log_.from_lsn);
        }
    }
}

// Places for the changed parts of the free map, and their pages.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::place_map(version v) {
    if constexpr (on_device) {
        device_.map.place(space_, v, flipped_);
        cache_.admit(static_cast<page_id>(space_.end() - 1));
        ensure_frames(device_.map.placed());
        device_.map.fill(cache_, space_, v);
        space_.prepare_commit(); // for the places that it gave up
    }
}

// The slot of version v, which follows what `slot` describes; all of its pages are durable.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
format::header_slot store<Storage, Replacement, Txn, PageSize>::describe(format::header_slot slot,
                                                                         version v) const noexcept {
    if constexpr (on_device) {
        slot.flags = 0;
        slot.base = slot.committed;
        slot.committed = v;
        slot.page_count = space_.end();
        slot.free_map_root = device_.map.root();
        slot.free_map_level = device_.map.level();
        slot.roots = working_.roots;
        slot.commit_pages = 0;
        slot.commit_digest = 0;
    }
    return slot;
}

// Runs place(), which changes the free map and takes pages for it. On an exception all of that is
// as it was.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
template <class Place>
void store<Storage, Replacement, Txn, PageSize>::placing(Place&& place) {
    if constexpr (on_device) {
        space::free_map<PageSize> map_before = device_.map;
        const space::page_space::mark space_before = space_.now();
        flipped_.clear();
        try {
            place();
        } catch (...) {
            undo_flips();
            device_.map = std::move(map_before); // needs no memory
            undo_space(space_before);
            vouchable_ = false; // some pages may have been written
            throw;
        }
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
template <class Error>
void store<Storage, Replacement, Txn, PageSize>::put_slot(format::header_slot slot) {
    if constexpr (on_device) {
        if (const auto status = device_.file.write_slot(slot); !status.ok()) {
            poison();
            detail::raise_io<Error>("writing a header slot failed; open the store again to see "
                                    "whether the commit that it was for has happened",
                                    status.number, path());
        }
        sync<Error>("making a header slot durable failed; open the store again to see whether the "
                    "commit that it was for has happened");
        device_.file.accept(slot);
    }
}

// The first write of a session is a slot with the state that was found, a version of its own and no
// `clean`. It keeps a file that has begun to grow from being taken for one with bytes appended; and
// after a crash no version of this session is given out again, so that a page it left behind cannot
// pass for another.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::mark_session() {
    if constexpr (on_device) {
        if (marked_) return;
        format::header_slot slot = device_.file.slot();
        slot.flags = 0;
        slot.base = slot.committed;
        slot.committed = reserved_;
        slot.commit_pages = 0;
        slot.commit_digest = 0;
        if constexpr (logs) {
            // The log that is there is still needed.
            if (!recovering_ && !closing_ && !log_.log.started()) {
                must(log_.log.start(reserved_));
                slot.log_version = log_.log.first_version();
                slot.log_salt = log_.log.salt();
                slot.log_base = version::none;
            }
        }
        put_slot(slot);
        marked_ = true;
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::close() {
    if constexpr (on_device) {
        if (options_.read_only || poisoned() || recovering_) return;
        closing_ = true;
        const auto& file = device_.file;
        if constexpr (logs) {
            wait_durable(version::none);
            snapshots_.publish(snapshots_.newest()->number);
            begin();
            if (file.slot().log_salt != 0) { // what is in the log is to be in the file
                make_durable(working_.at);
                build(working_.at);
                publish(working_.at);
            }
            gate_.leave();
            begin();
        } else if constexpr (transactional) {
            begin();
            commit(durability::full);
            begin();
        } else {
            flush();
        }
        // Free pages at the end are not worth keeping; their bits in the map are a commit.
        flipped_.clear();
        space_.trim([this](page_id id) { device_.map.changed(id); },
                    [this](page_id id) noexcept { cache_.discard(id); });
        begun_.space = space_.now();
        if (space_.end() != file.slot().page_count) {
            make_durable(working_.at);
            if constexpr (transactional) {
                build(working_.at);
                publish(working_.at);
            }
        }
        if constexpr (transactional) gate_.leave();
        close_file();
        if constexpr (logs) log_.log.remove();
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::close_file() {
    if constexpr (on_device) {
        auto& file = device_.file;
        format::header_slot slot = file.slot();
        if ((slot.flags & format::flag_clean) != 0) return;
        const std::uint64_t exact = slot.page_count * PageSize;
        if (file.bytes() != exact) {
            if (const auto status = file.device().resize(exact); !status.ok())
                fail_io("shortening the store failed", status, path());
            counters_.syncs.add();
            if (const auto status = file.device().sync_all(); !status.ok())
                fail_io("making the store's length durable failed", status, path());
        }
        // Both slots tell the same in the end, so that one of them may rot.
        slot.flags = format::flag_clean;
        slot.commit_pages = 0;
        slot.commit_digest = 0;
        for (int i = 0; i < 2; ++i) {
            slot.base = slot.committed;
            last_ = next(last_); // above all that were given out, also to what was rolled back
            slot.committed = last_;
            put_slot(slot);
        }
    }
}

} // namespace quire::txn
