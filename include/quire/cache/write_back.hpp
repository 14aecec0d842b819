// The writer's part of cache::page_cache: making pages, giving them up, writing them.
// page_cache.hpp says what each member does and includes this header.
#pragma once

#include <array>

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
    const std::uint32_t n = take_reserved();
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
        n = take_reserved();
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
    latch_guard hold(latch_);
    const std::uint32_t n = frame_of(page);
    frame_facts& facts = facts_[n];
    if (facts.state.load(std::memory_order_relaxed) != frame_state::clean) return nullptr;
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

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
template <class Spare>
auto page_cache<Device, Replacement, PageSize, Epoch>::write_back(Spare&& spare) -> written {
    // Page id above, frame below: sorted by page.
    order_.clear();
    for (const std::uint32_t n : dirty_)
        if (facts_[n].state.load(std::memory_order_relaxed) == frame_state::dirty)
            order_.push_back(std::uint64_t{to_integer(facts_[n].page)} << 32 | n);
        else facts_[n].listed = false;
    sort_ascending(order_.data(), order_.size());
    const auto frame_at = [this](std::size_t i) { return static_cast<std::uint32_t>(order_[i]); };
    const auto page_at = [this](std::size_t i) { return static_cast<page_id>(order_[i] >> 32); };
    dirty_.clear();
    for (std::size_t i = 0; i < order_.size(); ++i) dirty_.push_back(frame_at(i));
    static constexpr std::array<std::byte, PageSize> zeros{};
    // Pages from `next` to the i-th dirty one, if they may be written over; else none.
    const auto gap_before = [&](page_id next, std::size_t i) -> std::uint32_t {
        const std::uint32_t gap = to_integer(page_at(i)) - to_integer(next);
        if (gap > widest_gap) return 0;
        for (std::uint32_t k = 0; k < gap; ++k)
            if (!spare(next + k)) return 0;
        return gap;
    };
    written done;
    constexpr std::size_t most_parts = 256;
    bytes_view parts[most_parts + widest_gap];
    std::uint64_t waiting = 0; // bytes written since the medium was set to work
    std::uint64_t waiting_from = 0;
    for (std::size_t i = 0; i < order_.size();) {
        const page_id first = page_at(i);
        std::size_t n = 0;
        for (; n < most_parts && i < order_.size(); ++i) {
            const page_id next = first + static_cast<std::uint32_t>(n);
            if (page_at(i) != next) {
                const std::uint32_t gap = gap_before(next, i);
                if (gap == 0) break;
                for (std::uint32_t k = 0; k < gap; ++k) parts[n++] = zeros;
            }
            std::byte* const page = frame(frame_at(i));
            done.digest += format::digest_of(page_at(i), format::seal({page, PageSize}));
            parts[n++] = {page, PageSize};
            ++done.pages;
        }
        done.status = device_.write_gather(offset_of(first), {parts, n});
        if (!done.status.ok()) return done;
        counters_.pages_written.add(n);
        counters_.bytes_written.add(n * PageSize);
        if (waiting == 0) waiting_from = offset_of(first);
        waiting += n * PageSize;
        if (waiting >= writing_step) {
            storage::start_writing(device_, waiting_from,
                                   offset_of(first) + n * PageSize - waiting_from);
            waiting = 0;
        }
    }
    latch_guard hold(latch_);
    for (const std::uint32_t f : dirty_) {
        facts_[f].listed = false;
        // The mapping shows what was written; it is the page's home from now on. Operations in
        // flight may still read the frame, and both hold the same bytes.
        if constexpr (Device::maps)
            entry_of(facts_[f].page).store(mapped, std::memory_order_release);
        else enter_clean(f, replacement::arrival::wanted);
    }
    if constexpr (Device::maps) {
        // An operation that begins after this finds no frame of these.
        const epoch_stamp stamp = epoch_.advance();
        for (const std::uint32_t f : dirty_) retire(f, stamp);
    }
    dirty_.clear();
    dirty_count_ = 0;
    return done;
}

} // namespace quire::cache
