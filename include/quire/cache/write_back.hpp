// The writer's part of cache::page_cache: making pages, giving them up, writing them.
// page_cache.hpp says what each member does and includes this header.
#pragma once


#include <quire/cache/page_cache.hpp>
#include <quire/core/sort.hpp>

namespace quire::cache {

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
std::byte* page_cache<Device, Replacement, PageSize, Epoch>::writable(page_ref ref,
                                                                      std::byte* page) {
    if (in_frames(page)) {
        const std::uint32_t n = frame_of(page);
        if (QUIRE_LIKELY(facts_[n].state.load(std::memory_order_relaxed) == frame_state::dirty))
            return page;
        latch_guard hold(latch_);
        // Written early by this transaction; being changed again, it must be written again. It may
        // have been evicted under our guard and then needs its frame back.
        if (facts_[n].state.load(std::memory_order_relaxed) == frame_state::clean) {
            leave_clean(n);
            entry_of(ref.id).store(n + 1, std::memory_order_release);
            make_dirty(n);
            return page;
        }
    }
    latch_guard hold(latch_);
    // Evicted and read again meanwhile: that copy is the one that others find.
    const std::uint32_t entry = entry_of(ref.id).load(std::memory_order_relaxed) & ~mark;
    if (is_frame(entry)) {
        if (facts_[entry - 1].state.load(std::memory_order_relaxed) == frame_state::clean) {
            leave_clean(entry - 1);
            entry_of(ref.id).store(entry, std::memory_order_release);
            make_dirty(entry - 1);
        }
        return frame(entry - 1);
    }
    const std::uint32_t n = take_reserved(ref.id);
    std::memcpy(frame(n), page, PageSize);
    facts_[n].page = ref.id;
    make_dirty(n);
    entry_of(ref.id).store(n + 1, std::memory_order_release);
    return frame(n);
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
std::byte* page_cache<Device, Replacement, PageSize, Epoch>::create(page_id id) noexcept {
    latch_guard hold(latch_);
    // A page that used this id before and was freed may still have its frame; nobody reads it now.
    const std::uint32_t entry = entry_of(id).load(std::memory_order_relaxed) & ~mark;
    std::uint32_t n;
    if (is_frame(entry) && facts_[entry - 1].pins.load(std::memory_order_acquire) == 0) {
        n = entry - 1;
        leave_clean(n);
        if (facts_[n].state.load(std::memory_order_relaxed) == frame_state::dirty) --dirty_count_;
    } else {
        if (is_frame(entry)) {
            leave_clean(entry - 1);
            retire(entry - 1, epoch_stamp::none);
        }
        n = take_reserved(id);
    }
    facts_[n].page = id;
    make_dirty(n);
    entry_of(id).store(n + 1, std::memory_order_release);
    return frame(n);
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
std::byte* page_cache<Device, Replacement, PageSize, Epoch>::take_over(const std::byte* page,
                                                                       page_id to) noexcept {
    if (!in_frames(page)) return nullptr;
    const std::uint32_t n = frame_of(page);
    frame_facts& facts = facts_[n];
    const auto is_clean = [&] {
        return facts.state.load(std::memory_order_relaxed) == frame_state::clean;
    };
    if (!is_clean()) return nullptr; // most are not; who has just been written is copied once more
    latch_guard hold(latch_);
    if (!is_clean()) return nullptr;
    auto& old = entry_of(facts.page);
    const std::uint32_t entry = old.exchange(0, std::memory_order_seq_cst);
    // Whoever looks the page up from now on misses it and waits for the latch; whoever did before
    // is still announced, or has pinned the frame.
    if (!epoch_.alone() || facts.pins.load(std::memory_order_acquire) != 0) {
        old.store(entry, std::memory_order_release);
        return nullptr;
    }
    leave_clean(n);
    drop(to); // what an earlier page of that id left behind
    facts.page = to;
    make_dirty(n);
    entry_of(to).store(n + 1, std::memory_order_release);
    return frame(n);
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::discard(page_id id) noexcept {
    latch_guard hold(latch_);
    drop(id);
}

// Under the latch.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::drop(page_id id) noexcept {
    if (to_integer(id) >= translation_size_) return; // never admitted
    const std::uint32_t entry = entry_of(id).load(std::memory_order_relaxed) & ~mark;
    entry_of(id).store(0, std::memory_order_release);
    if (!is_frame(entry)) return;
    const std::uint32_t n = entry - 1;
    leave_clean(n);
    if (facts_[n].state.load(std::memory_order_relaxed) == frame_state::dirty) --dirty_count_;
    if (facts_[n].pins.load(std::memory_order_acquire) == 0) give_free(n);
    else retire(n, epoch_stamp::none);
}

// Seals and writes the pages of a list, neighbours in one call; calls done(from, to) when those of
// that part of the list have been written.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
template <class Spare, class Done>
auto page_cache<Device, Replacement, PageSize, Epoch>::write_list(const dirty_list& list,
                                                                  Spare&& spare, Done&& done)
    -> written {
    // Page id above, frame below.
    const auto frame_at = [&](std::size_t i) { return static_cast<std::uint32_t>(list[i]); };
    const auto page_at = [&](std::size_t i) { return static_cast<page_id>(list[i] >> 32); };
    static constexpr std::byte zeros[PageSize]{};
    // Pages from `next` to the i-th of the list, if they may be written over; else none.
    const auto gap_before = [&](page_id next, std::size_t i) -> std::uint32_t {
        const std::uint32_t gap = to_integer(page_at(i)) - to_integer(next);
        if (gap > widest_gap) return 0;
        for (std::uint32_t k = 0; k < gap; ++k)
            if (!spare(next + k)) return 0;
        return gap;
    };
    written all;
    constexpr std::size_t most_parts = 256;
    bytes_view parts[most_parts + widest_gap];
    std::uint64_t waiting = 0; // bytes written since the medium was set to work
    std::uint64_t waiting_from = 0;
    for (std::size_t i = 0; i < list.size();) {
        const std::size_t from = i;
        const page_id first = page_at(i);
        std::size_t n = 0;
        for (; n < most_parts && i < list.size(); ++i) {
            const page_id next = first + static_cast<std::uint32_t>(n);
            if (page_at(i) != next) {
                const std::uint32_t gap = gap_before(next, i);
                if (gap == 0) break;
                for (std::uint32_t k = 0; k < gap; ++k) parts[n++] = {zeros, PageSize};
            }
            std::byte* const page = frame(frame_at(i));
            all.digest += format::digest_of(page_at(i), format::seal({page, PageSize}));
            parts[n++] = {page, PageSize};
            ++all.pages;
        }
        QUIRE_WATCH(report_write(first, n, i - from)); // not zeros in gaps
        all.status = device_.write_gather(offset_of(first), {parts, n});
        if (!all.status.ok()) return all;
        counters_.pages_written.add(n);
        counters_.bytes_written.add(n * PageSize);
        done(from, i);
        if (waiting == 0) waiting_from = offset_of(first);
        waiting += n * PageSize;
        if (waiting >= writing_step) {
            storage::start_writing(device_, waiting_from,
                                   offset_of(first) + n * PageSize - waiting_from);
            waiting = 0;
        }
    }
    return all;
}

// Under the latch: the pages of that part of a list stand on the device as in their frames.
// `trusted`: distrusted_ before they were written.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::make_clean(const dirty_list& list,
                                                                  std::size_t from,
                                                                  std::size_t to,
                                                                  std::uint32_t trusted) noexcept {
    for (std::size_t i = from; i < to; ++i) {
        const auto f = static_cast<std::uint32_t>(list[i]);
        // The mapping shows what was written; it is the page's home from now on. Operations in
        // flight may still read the frame, and both hold the same bytes.
        if constexpr (Device::maps) {
            extend_mapped(facts_[f].page);
            entry_of(facts_[f].page).store(mapped, std::memory_order_seq_cst);
            if (distrusted_.load(std::memory_order_seq_cst) != trusted)
                take_trust(facts_[f].page);
        } else enter_clean(f, replacement::arrival::wanted);
    }
    if constexpr (Device::maps) {
        // An operation that begins after this finds no frame of these.
        const epoch_stamp stamp = epoch_.advance();
        for (std::size_t i = from; i < to; ++i)
            retire(static_cast<std::uint32_t>(list[i]), stamp);
    }
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
template <class Spare>
auto page_cache<Device, Replacement, PageSize, Epoch>::write_back(Spare&& spare) -> written {
    order_.clear();
    for (const std::uint32_t n : dirty_)
        if (facts_[n].state.load(std::memory_order_relaxed) == frame_state::dirty)
            order_.push_back(listing_of(n));
        else facts_[n].listed = false;
    sort_ascending(order_.data(), order_.size());
    dirty_.clear();
    for (std::size_t i = 0; i < order_.size(); ++i)
        dirty_.push_back(static_cast<std::uint32_t>(order_[i]));
    const std::uint32_t trusted = distrusted_.load(std::memory_order_seq_cst);
    const written all = write_list(order_, spare, [](std::size_t, std::size_t) {});
    if (!all.status.ok()) return all;
    latch_guard hold(latch_);
    for (const std::uint32_t f : dirty_) facts_[f].listed = false;
    make_clean(order_, 0, order_.size(), trusted);
    dirty_.clear();
    dirty_count_ = 0;
    return all;
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
template <class Worth>
void page_cache<Device, Replacement, PageSize, Epoch>::take_dirty(dirty_list& taken,
                                                                  Worth&& worth) {
    taken.reserve(taken.size() + dirty_.size());
    std::size_t kept = 0;
    for (const std::uint32_t n : dirty_) {
        const bool is_dirty = facts_[n].state.load(std::memory_order_relaxed) == frame_state::dirty;
        if (is_dirty && !worth(facts_[n].page)) {
            dirty_[kept++] = n;
            continue;
        }
        facts_[n].listed = false;
        if (!is_dirty) continue;
        taken.push_back(listing_of(n));
        --dirty_count_;
    }
    dirty_.shorten(kept);
    sort_ascending(taken.data(), taken.size());
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::keep_run(
    page_id first, std::span<const bytes_view> parts) {
    std::size_t size = 0;
    for (const bytes_view part : parts) size += part.size();
    kept_.reserve(kept_.size() + 1);
    std::byte* to = new std::byte[size];
    kept_.push_back({first, to, size});
    for (const bytes_view part : parts) {
        copy_bytes(to, part.data(), part.size());
        to += part.size();
    }
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
storage::status
page_cache<Device, Replacement, PageSize, Epoch>::write_taken(dirty_list& taken) {
    std::size_t gone = 0;
    const std::uint32_t trusted = distrusted_.load(std::memory_order_seq_cst);
    const written all = write_list(
        taken, [](page_id) { return false; },
        [&](std::size_t from, std::size_t to) {
            latch_guard hold(latch_);
            make_clean(taken, from, to, trusted);
            gone = to;
        });
    for (std::size_t i = gone; i < taken.size(); ++i) taken[i - gone] = taken[i];
    taken.shorten(taken.size() - gone);
    return all.status;
}

} // namespace quire::cache
