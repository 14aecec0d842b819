// Which page of a store is free, pending or live; who gets which page next. Lowest page first, so
// that stores stay dense at the front.
//
// Two sets of pages are kept: `free_`, what may be handed out now, and `dead_`, what the newest
// version does not reach (free, pending, or freed by it) - the image of the free map on disk.
//
// A transaction's effects are two lists, what it allocated and what it freed; a mark remembers
// their lengths. Rolling back to a mark allocates nothing and cannot fail.
// Thread-safety: none; owned by the writer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include <quire/core/assert.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/space/page_bitmap.hpp>
#include <quire/space/pending.hpp>
#if QUIRE_MONITOR
#include <quire/space/reuse_monitor.hpp>
#endif

namespace quire::space {

class page_space {
public:
    struct run {
        page_id first;
        std::uint32_t pages;
    };
    struct mark {
        std::size_t allocated;
        std::size_t freed;
        std::uint64_t end;
    };

    // Whether the lists of a transaction are kept; a store that neither rolls back nor writes a
    // free map does without.
    enum class lists : std::uint8_t { kept, not_kept };

    // The first `header_pages` pages are never handed out.
    page_space(std::uint32_t header_pages, lists kept)
        : header_(header_pages), end_(header_pages), tracking_(kept == lists::kept) {
        cover(end_);
    }

    // Neighbouring pages for the transaction: the lowest free ones, or new ones behind the end. The
    // pages' old content is nobody's. Throws std::bad_alloc, also when 2^32 pages are used up.
    [[nodiscard]] page_id allocate(std::uint32_t pages) {
        if (tracking_ && allocated_.size() == allocated_.capacity())
            allocated_.reserve(2 * allocated_.size() + 16);
        page_id first = pages == 1 ? free_.lowest() : free_.lowest_run(pages);
        if (first == page_id::none) {
            if (end_ + pages > longest) throw std::bad_alloc();
            cover(end_ + pages);
            first = static_cast<page_id>(end_);
            end_ += pages;
        } else {
            for (std::uint32_t i = 0; i < pages; ++i) free_.erase(first + i);
        }
        if (tracking_) allocated_.push_back({first, pages});
        count();
        QUIRE_WATCH(monitor.reused(first, pages));
        return first;
    }

    // Gives back pages that the transaction allocated in its current version: free at once.
    void release_new(page_id first, std::uint32_t pages) noexcept {
        for (std::uint32_t i = 0; i < pages; ++i) free_.insert(first + i);
    }
    // Makes the next n calls of release_old noexcept. Throws std::bad_alloc without effect.
    void reserve_freed(std::size_t n) {
        if (freed_.capacity() - freed_.size() < n) freed_.reserve(2 * freed_.size() + n);
    }
    // Frees pages that older versions may still reach.
    void release_old(const freed_run& freed) { freed_.push_back(freed); }

    [[nodiscard]] mark now() const noexcept { return {allocated_.size(), freed_.size(), end_}; }

    // Undoes everything since the mark; calls forget(first, pages) for every run allocated since.
    template <class Forget>
    void roll_back(const mark& to, Forget&& forget) noexcept {
        while (allocated_.size() > to.allocated) {
            const run r = allocated_.back();
            allocated_.pop_back();
            forget(r.first, r.pages);
            for (std::uint32_t i = 0; i < r.pages; ++i)
                if (to_integer(r.first + i) < to.end) free_.insert(r.first + i);
                else free_.erase(r.first + i);
        }
        freed_.shorten(to.freed);
        // Pages that an earlier part of the transaction put beyond the mark's end and gave back.
        for (std::uint64_t n = to.end; n < end_; ++n) free_.erase(static_cast<page_id>(n));
        end_ = to.end;
    }

    // Drops the free tail of what the transaction put behind `begin`, its first mark's end.
    void trim_new(std::uint64_t begin) noexcept {
        while (end_ > begin && free_.erase(static_cast<page_id>(end_ - 1))) --end_;
    }
    // Drops the free tail of the store; calls gone(page) for each page of it, whose content, should
    // the cache still have it, is not to be written any more. Between transactions.
    template <class Changed, class Gone>
    void trim(Changed&& changed, Gone&& gone) {
        while (end_ > header_ && free_.contains(static_cast<page_id>(end_ - 1))) {
            const auto last = static_cast<page_id>(end_ - 1);
            set_dead(last, false, changed);
            free_.erase(last);
            --end_;
            gone(last);
        }
    }

    // Where the committed image of the free map differs from before: calls changed(page) for every
    // page whose bit in dead() flips. The lists stay until `forget_lists`.
    template <class Changed>
    void apply(Changed&& changed) {
        for (const run& r : allocated_)
            for (std::uint32_t i = 0; i < r.pages; ++i) {
                const page_id id = r.first + i;
                set_dead(id, to_integer(id) >= end_ ? false : free_.contains(id), changed);
            }
        for (const freed_run& f : freed_)
            for (std::uint32_t i = 0; i < f.pages; ++i)
                set_dead(f.first + i, to_integer(f.first + i) < end_, changed);
    }

    template <class Changed>
    void set_dead(page_id id, bool dead, Changed&& changed) {
        // Told first, so that what is told and what is done agree if telling throws.
        if (dead_.contains(id) == dead) return;
        changed(id);
        if (dead) dead_.insert(id);
        else dead_.erase(id);
    }

    // Ends the transaction: what it freed becomes pending as of version `freed`.
    void commit(version freed, cache::epoch_stamp stamp) {
        QUIRE_WATCH(for (const freed_run& each : freed_) monitor.freed(each, freed));
        pending_.add(freed_, freed, stamp);
        allocated_.clear();
    }

    // See pending.hpp.
    void seen(version v, cache::epoch_stamp stamp) noexcept { pending_.seen(v, stamp); }

    // Makes the next `commit` noexcept.
    void prepare_commit() { pending_.prepare(freed_.size()); }

    // See pending.hpp.
    template <class Passed>
    [[nodiscard]] std::size_t ready(Passed&& passed) const {
        return pending_.ready(passed);
    }
    void collect(std::size_t ready, std::span<const version> snapshots, version durable) {
        pending_.collect(ready, snapshots, durable, [this](const freed_run& r) noexcept {
            for (std::uint32_t i = 0; i < r.pages; ++i)
                if (to_integer(r.first + i) < end_) free_.insert(r.first + i);
        });
        count();
    }
    // From any thread: free pages (above) and all (the low half), as of the last allocation, or
    // collect().
    [[nodiscard]] std::uint64_t counted() const noexcept {
        return counted_.value.load(std::memory_order_relaxed);
    }

    // While a store is opened: the pages of its file, and those that its free map names.
    void start(std::uint64_t end) {
        cover(end);
        end_ = end;
    }
    void start_free(page_id id) noexcept {
        free_.insert(id);
        dead_.insert(id);
    }

    [[nodiscard]] QUIRE_TRIVIAL std::uint64_t end() const noexcept { return end_; }
    [[nodiscard]] QUIRE_TRIVIAL std::uint32_t header() const noexcept { return header_; }
    [[nodiscard]] QUIRE_TRIVIAL const page_bitmap& free() const noexcept { return free_; }
    [[nodiscard]] QUIRE_TRIVIAL const page_bitmap& dead() const noexcept { return dead_; }
    [[nodiscard]] QUIRE_TRIVIAL const pending& waiting() const noexcept { return pending_; }
    [[nodiscard]] const growing_array<run>& allocated() const noexcept { return allocated_; }
    [[nodiscard]] const growing_array<freed_run>& freed() const noexcept { return freed_; }
    [[nodiscard]] bool changed() const noexcept { return !allocated_.empty() || !freed_.empty(); }

#if QUIRE_MONITOR
    reuse_monitor monitor;
#endif

private:
    // Copied like a number.
    struct shared_count {
        std::atomic<std::uint64_t> value{0};

        shared_count() = default;
        shared_count(const shared_count& other) noexcept : value(other.value.load()) {}
        shared_count& operator=(const shared_count& other) noexcept {
            value.store(other.value.load());
            return *this;
        }
    };
    static constexpr std::uint64_t longest = 0xFFFFFFFFU;

    void count() noexcept {
        counted_.value.store(free_.size() << 32 | end_, std::memory_order_relaxed);
    }
    void cover(std::uint64_t pages) {
        free_.cover(pages);
        dead_.cover(pages);
    }

    std::uint32_t header_;
    std::uint64_t end_;
    bool tracking_;
    page_bitmap free_;
    page_bitmap dead_;
    growing_array<run> allocated_;
    growing_array<freed_run> freed_;
    pending pending_;
    shared_count counted_;
};

} // namespace quire::space
