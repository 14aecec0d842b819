// What compaction asks of a store, besides changing its trees: transactions that move pages and
// change no record, making the pages that they freed usable, and shortening the file.
//
// What is on the medium between any two steps (D: the newest durable slot, L: the log it names):
//
//   1. pages move in small versions   nothing is written, or free places    D, and L
//   2. settle: a checkpoint, or a commit with the steps of store.hpp, by which the moved pages are
//      durable before their slot is   free places, then the slot            D and L, or the new one
//   3. what the moved pages left is free once 2. is durable; the next settle gives up the free end
//      of the store: its slot names fewer pages                             as 2.
//   4. shorten: in the writer's place, with no checkpoint under way, the file is cut to the pages
//      that both the durable slot and the store now have                    the new one
//   5. sync                                                                 the new one
//
// A crash after 4 finds the newest slot, which is durable and names no page behind the cut; the
// other slot may name more, but is chosen only when the newest is not valid, and then the newest is
// one that was being written and this one is the durable one. That is the argument of a close.
//
// Under txn::wal a version that moved pages has no record in the log: it holds what its base holds,
// and a group names as its base the group before it in the log, not the version that it was built
// on. So recovery, which begins with the trees of D, never misses it; what it moved is moved again
// some day. Its number is given out like that of a transaction rolled back.
//
// Thread-safety: any thread, but for the members that say otherwise. Under txn::none as the store.
#pragma once

#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <type_traits>

#include <quire/core/raise.hpp>
#include <quire/tree/relocate.hpp>
#include <quire/txn/store.hpp>

namespace quire::txn {

[[nodiscard]] inline std::uint64_t monotonic_microseconds() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

// Of pages, what there is to gain.
struct reclaimable_pages {
    std::uint64_t all = 0;  // of the store
    std::uint64_t free = 0; // can be used at once
    std::uint64_t soon = 0; // pending, but no snapshot holds them
    std::uint64_t kept = 0; // pending, because a snapshot sees them
};

template <class Store>
class compacting {
public:
    explicit compacting(Store& s) noexcept : store_(s) {}

    // ---- for tree/relocate.hpp, in the writer's place ----
    [[nodiscard]] auto& cache() noexcept { return store_.cache(); }
    [[nodiscard]] bool owns(const std::byte* page) const noexcept { return store_.owns(page); }
    [[nodiscard]] std::byte* own(const std::byte* page) noexcept {
        written_ += store_.owns(page) ? 0 : 1;
        return store_.own(page);
    }
    [[nodiscard]] std::byte* create(format::page_facts facts) noexcept {
        ++written_;
        return store_.create(facts);
    }
    void release(const std::byte* page) noexcept { store_.release(page); }
    void check_used(const std::byte* page) const { store_.check_used(page); }
    [[nodiscard]] page_id next_page() const noexcept {
        return store_.stashed_ == 0 ? tree::relocation_aim::nowhere
                                    : store_.stash_[store_.stashed_ - 1];
    }
    [[nodiscard]] page_id lowest_run(std::uint32_t pages) const noexcept {
        return store_.space_.free().lowest_run(pages);
    }
    [[nodiscard]] tree::run_ref write_run(bytes_view value, tree_id tree) {
        const tree::run_ref run = store_.write_run(value, tree);
        written_ += format::run_pages(value.size(), Store::cache_type::page_size);
        return run;
    }
    void release_run(const tree::run_ref& run) noexcept { store_.release_run(run); }
    void check_run(const tree::run_ref& run) const { store_.check_run(run); }
    void reserve_freed(std::size_t n) { store_.reserve_freed(n); }

    // ---- the writer's place ----

    // Pages that moved so far, those of the free map included.
    [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
    // Pages that a settle writes at most besides those that moved.
    [[nodiscard]] std::uint64_t most_for_settling() const noexcept {
        if constexpr (Store::on_device)
            return space::free_map<Store::cache_type::page_size>::most_pages(store_.space_.end());
        else return 0;
    }
    // Of the free map.
    [[nodiscard]] std::uint64_t map_pages() const {
        std::uint64_t pages = 0;
        if constexpr (Store::on_device)
            store_.device_.map.for_each_page([&](page_id) { ++pages; });
        return pages;
    }
    // Frames of the cache that moved pages may take.
    [[nodiscard]] std::uint64_t some_frames() const noexcept {
        if constexpr (Store::on_device) return store_.cache_.frames() / 8;
        else return 4096;
    }

    void begin() {
        if constexpr (Store::transactional) store_.begin();
        else store_.require_writable();
    }
    void roll_back() noexcept {
        if constexpr (Store::transactional) store_.roll_back();
    }
    // Whether commit_moved waits until readers may see the version, which is when they may see what
    // came before; or leaves that to whoever commits next.
    enum class publishing : std::uint8_t { now, later };
    // Ends a transaction in which pages moved and nothing else happened. Throws as commit.
    void commit_moved(publishing when = publishing::now);
    // Gives writers who have waited the writer's place.
    void let_others() noexcept {
        for (int tries = 0; tries < 20'000 && store_.gate_.is_wanted(); ++tries) ::sched_yield();
    }

    // As of the beginning of the last transaction; from any thread.
    struct page_counts {
        std::uint64_t all;
        std::uint64_t free;
    };
    [[nodiscard]] page_counts counts() const noexcept {
        const std::uint64_t counted = store_.space_.counted();
        return {counted & 0xFFFFFFFFU, counted >> 32};
    }
    // Whether nobody has the writer's place.
    [[nodiscard]] bool is_idle() const noexcept { return store_.gate_.is_free(); }
    [[nodiscard]] version durable() const noexcept { return store_.durable(); }
    // In a transaction that has changed nothing else: gives up the free end of the store. False if
    // there is none.
    bool trim();
    // As shorten, if nobody is at work, and durable with the next sync. False if there is more to
    // cut, once the durable slot allows it.
    [[nodiscard]] bool try_shorten();

    // ---- making room ----

    // Makes everything durable, and gives up the free end of the store before; pages of the free
    // map at or behind the limit move. What was freed before can be used afterwards, unless
    // somebody sees it. Throws as checkpoint.
    void settle(page_id limit);
    // Cuts the file to what the durable slot, and the store as it is now, need. Throws io_error.
    void shorten();
    // Gives the blocks of long runs of free pages back to the file system, where it takes them: the
    // file stays as long as it is. The number of pages.
    std::uint64_t punch();
    // Whether the last page of the store is free.
    [[nodiscard]] bool has_free_end();
    // Runs also() in the writer's place too.
    template <class Also>
    [[nodiscard]] reclaimable_pages count(Also&& also);

private:
    void trim_end(page_id limit);
    enum class cut_result : std::uint8_t { nothing, goes_on, done };
    [[nodiscard]] cut_result cut();
    // What the system is given back by one call.
    static constexpr std::uint64_t cut_bytes = std::uint64_t{1} << 20;
    // Shorter runs of free pages keep their blocks: they are used again soon, in one piece with
    // what is beside them.
    static constexpr std::uint64_t punched_bytes = std::uint64_t{256} << 10;
    template <class Work>
    decltype(auto) undisturbed(Work&& work);
    void enter_checkpointing();

    Store& store_;
    std::uint64_t written_ = 0;
};

template <class Store>
void compacting<Store>::commit_moved([[maybe_unused]] publishing when) {
    Store& s = store_;
    if constexpr (Store::logs) {
        s.return_stash();
        if (!s.has_changed()) return s.roll_back();
        const version v = s.working_.at;
        try {
            s.require_writable();
            s.space_.prepare_commit();
            s.space_.trim_new(s.begun_.space.end);
            s.note_space();
        } catch (...) {
            s.roll_back();
            throw;
        }
        s.build(v);
        const quire::wal::ticket until = s.log_.promised;
        s.note_change();
        s.gate_.leave();
        if (when == publishing::now) s.promise(until, v);
    } else if constexpr (Store::transactional) {
        s.commit(durability::none);
    } else {
        s.note_change();
    }
}

// No transaction is open, and nobody else is at work.
template <class Store>
void compacting<Store>::trim_end([[maybe_unused]] page_id limit) {
    Store& s = store_;
    // A page that has gone may be a new one while a checkpoint writes: what it was is not written.
    s.space_.trim(
        [&]([[maybe_unused]] page_id id) {
            if constexpr (Store::on_device) s.device_.map.changed(id);
        },
        [&](page_id id) noexcept { s.cache_.discard(id); });
    if constexpr (Store::on_device) s.device_.map.move_behind(limit);
    s.begun_.space = s.space_.now();
}

template <class Store>
void compacting<Store>::settle(page_id limit) {
    Store& s = store_;
    if constexpr (!Store::on_device) {
        if constexpr (Store::transactional) {
            s.begin();
            trim_end(limit);
            s.roll_back();
        }
    } else if constexpr (Store::logs) {
        enter_checkpointing();
        const gate_guard leave(s.log_.checkpointing);
        {
            const gate_guard leave_writing(s.gate_);
            s.check_writable();
            s.publish_lazily();
            s.collect();
            trim_end(limit);
            s.begin_checkpoint(quire::wal::goes_on::here);
            written_ += s.device_.map.placed();
        }
        s.finish_checkpoint();
    } else if constexpr (Store::transactional) {
        s.begin();
        try {
            trim_end(limit);
            s.make_durable(s.working_.at);
        } catch (...) {
            s.roll_back();
            throw;
        }
        written_ += s.device_.map.placed();
        s.build(s.working_.at);
        s.publish(s.working_.at);
        s.gate_.leave();
    } else {
        s.flush();
        trim_end(limit);
        s.flush_now();
        written_ += s.device_.map.placed();
    }
}

// Takes the writer's place while no checkpoint is under way, and keeps one from beginning.
template <class Store>
void compacting<Store>::enter_checkpointing() {
    if constexpr (Store::logs) {
        for (;;) {
            store_.gate_.enter();
            if (store_.log_.checkpointing.try_enter(0)) return;
            store_.gate_.leave();
            store_.log_.checkpointing.enter();
            store_.log_.checkpointing.leave();
        }
    }
}

// In the writer's place, with no checkpoint under way. Giving back much of a file takes the system
// long, so it goes by pieces.
template <class Store>
auto compacting<Store>::cut() -> cut_result {
    Store& s = store_;
    s.check_writable();
    auto& file = s.device_.file;
    std::uint64_t pages = file.slot().page_count;
    if (pages < s.space_.end()) pages = s.space_.end();
    const std::uint64_t wanted = pages * Store::cache_type::page_size;
    const std::uint64_t now = file.bytes();
    if (now <= wanted) return cut_result::nothing;
    const bool is_last = now - wanted <= cut_bytes;
    const auto status = file.device().resize(is_last ? wanted : now - cut_bytes);
    if (!status.ok()) fail_io("shortening the store failed", status, s.path());
    return is_last ? cut_result::done : cut_result::goes_on;
}

// Runs work() in the writer's place, with no checkpoint under way.
template <class Store>
template <class Work>
decltype(auto) compacting<Store>::undisturbed(Work&& work) {
    if constexpr (Store::logs) {
        enter_checkpointing();
        const gate_guard leave(store_.log_.checkpointing);
        const gate_guard leave_writing(store_.gate_);
        return work();
    } else if constexpr (Store::transactional) {
        store_.gate_.enter();
        const gate_guard leave_writing(store_.gate_);
        return work();
    } else {
        return work();
    }
}

// What is free may be written over at any time, so that it reads as zeros from now on changes
// nothing for whoever finds the store after a crash.
template <class Store>
std::uint64_t compacting<Store>::punch() {
    std::uint64_t punched = 0;
    if constexpr (Store::on_device) {
        Store& s = store_;
        constexpr std::uint64_t size = Store::cache_type::page_size;
        constexpr std::uint64_t most = cut_bytes / size;
        constexpr std::uint64_t looked_at = 16384;
        std::uint64_t at = s.space_.header();
        bool more =
            storage::punching_device<std::remove_cvref_t<decltype(s.device_.file.device())>>;
        while (more) {
            undisturbed([&] {
                s.check_writable();
                std::uint64_t first = at;
                const std::uint64_t end = s.space_.end();
                for (std::uint64_t n = 0; at < end && n < looked_at && at - first < most; ++n) {
                    if (s.space_.free().contains(static_cast<page_id>(at++))) continue;
                    if ((at - 1 - first) * size >= punched_bytes) {
                        --at; // looked at again, by the next piece
                        break;
                    }
                    first = at;
                }
                more = at < end;
                if ((at - first) * size < punched_bytes) return;
                punched += at - first;
                const auto status =
                    storage::punch(s.device_.file.device(), first * size, (at - first) * size);
                if (!status.ok()) fail_io("giving free pages back failed", status, s.path());
            });
            let_others();
        }
    }
    return punched;
}

template <class Store>
void compacting<Store>::shorten() {
    if constexpr (Store::on_device) {
        Store& s = store_;
        cut_result last = cut_result::nothing;
        bool shorter = false;
        do {
            last = undisturbed([&] { return cut(); });
            shorter = shorter || last != cut_result::nothing;
            let_others();
        } while (last == cut_result::goes_on);
        if (!shorter) return;
        s.counters_.syncs.add();
        if (const auto status = s.device_.file.device().sync_all(); !status.ok()) {
            s.poison();
            detail::raise_io("making the store's length durable failed", status.number, s.path());
        }
    }
}

template <class Store>
bool compacting<Store>::try_shorten() {
    if constexpr (Store::on_device && Store::transactional) {
        Store& s = store_;
        if (!s.gate_.try_enter(0)) return false;
        const gate_guard leave_writing(s.gate_);
        if constexpr (Store::logs) {
            if (!s.log_.checkpointing.try_enter(0)) return false;
            const gate_guard leave(s.log_.checkpointing);
            if (cut() == cut_result::goes_on) return false;
        } else {
            if (cut() == cut_result::goes_on) return false;
        }
        return s.device_.file.slot().page_count <= s.space_.end();
    }
    return true;
}

template <class Store>
bool compacting<Store>::trim() {
    if (store_.has_changed()) return false; // it could not be undone
    store_.return_stash();
    const std::uint64_t before = store_.space_.end();
    trim_end(tree::relocation_aim::nowhere);
    return store_.space_.end() != before;
}

template <class Store>
bool compacting<Store>::has_free_end() {
    bool is_free = false;
    store_.verifying([&](const format::root_record&) {
        is_free = store_.space_.free().contains(static_cast<page_id>(store_.space_.end() - 1));
    });
    return is_free;
}

template <class Store>
template <class Also>
reclaimable_pages compacting<Store>::count(Also&& also) {
    reclaimable_pages facts;
    store_.verifying([&](const format::root_record&) {
        also();
        facts.all = store_.space_.end();
        facts.free = store_.space_.free().size() + store_.stashed_;
        growing_array<held_version> held;
        if constexpr (Store::transactional) held = store_.held_versions();
        store_.space_.waiting().for_each_freed([&](const space::freed_run& run, version freed) {
            bool seen = false;
            for (const held_version& each : held)
                seen = seen || (!(each.number < run.birth) && each.number < freed);
            (seen ? facts.kept : facts.soon) += run.pages;
        });
    });
    return facts;
}

} // namespace quire::txn
