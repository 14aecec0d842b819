// Pages coming into cache::page_cache and leaving it: misses, checks, eviction. page_cache.hpp says
// what each member does and includes this header.
#pragma once

#include <quire/cache/page_cache.hpp>

namespace quire::cache {

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::fail(page_ref ref, const char* field,
                                                            std::uint64_t found,
                                                            std::uint64_t expected) const {
    throw corruption("the page read is not the page that was written; restore a backup",
                     {path_, ref.id, field, std::to_string(found), std::to_string(expected)});
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::check(page_ref ref, const std::byte* page,
                                                             page_validator validate) const {
    if (format::kind_of(page) == format::page_kind::none) fail(ref, "kind", 0, 1);
    const std::uint32_t stored = format::stored_checksum(page);
    if (const auto computed = format::checksum_of({page, PageSize}); stored != computed)
        fail(ref, "checksum", stored, computed);
    if (format::id_of(page) != ref.id)
        fail(ref, "page_id", to_integer(format::id_of(page)), to_integer(ref.id));
    if (low_bits(format::birth_of(page)) != ref.birth)
        fail(ref, "birth", low_bits(format::birth_of(page)), ref.birth);
    if (const char* const wrong = validate(page); wrong != nullptr)
        throw corruption(wrong, {path_, ref.id, {}, {}, {}});
}

// Removes the mark from a marked entry; false when the page has left meanwhile.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
bool page_cache<Device, Replacement, PageSize, Epoch>::unmark(page_ref ref,
                                                              std::uint32_t entry) noexcept {
    return entry_of(ref.id).compare_exchange_strong(entry, entry & ~mark,
                                                    std::memory_order_acq_rel);
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
const std::byte* page_cache<Device, Replacement, PageSize, Epoch>::load(page_ref ref,
                                                                        page_validator validate) {
    if (to_integer(ref.id) >= translation_size_)
        fail(ref, "page_id", to_integer(ref.id), translation_size_ - 1);
    latch_guard hold(latch_);
    for (;;) {
        const std::uint32_t entry = entry_of(ref.id).load(std::memory_order_acquire);
        if (entry == 0) break;
        if constexpr (Device::maps)
            if (entry == mapped) return device_.mapping() + offset_of(ref.id);
        if ((entry & mark) == 0) return frame(entry - 1);
        if (unmark(ref, entry)) return frame((entry & ~mark) - 1);
    }
    counters_.pages_read.add();
    counters_.bytes_read.add(PageSize);
    if constexpr (Device::maps) {
        std::uint64_t bytes = 0;
        const storage::status status = device_.size(bytes);
        if (!status.ok())
            throw io_error("reading the size of the file failed", status.number,
                           {path_, ref.id, {}, {}, {}});
        if (offset_of(ref.id) + PageSize > bytes ||
            offset_of(ref.id) + PageSize > device_.mapping_size())
            fail(ref, "page_id", to_integer(ref.id), bytes / PageSize);
        const std::byte* const page = device_.mapping() + offset_of(ref.id);
        check(ref, page, validate);
        entry_of(ref.id).store(mapped, std::memory_order_release);
        return page;
    } else {
        if (free_.size() <= reserved_) collect();
        if (free_.size() <= reserved_) {
            evict(eviction_batch);
            collect();
        }
        if (free_.size() <= reserved_) throw out_of_frames{};
        const std::uint32_t n = take_free();
        try {
            const storage::status status = device_.read(offset_of(ref.id), {frame(n), PageSize});
            if (status.number == storage::status::short_transfer)
                throw corruption("the file ends inside a page that is in use; restore a backup",
                                 {path_, ref.id, {}, {}, {}});
            if (!status.ok())
                throw io_error("reading a page failed", status.number, {path_, ref.id, {}, {}, {}});
            check(ref, frame(n), validate);
        } catch (...) {
            give_free(n);
            throw;
        }
        facts_[n].page = ref.id;
        facts_[n].state.store(frame_state::clean, std::memory_order_relaxed);
        entry_of(ref.id).store(n + 1, std::memory_order_release);
        return frame(n);
    }
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::collect() {
    // Stamps rise along the list, but pinned orphans may stay behind at its front.
    std::size_t kept = 0;
    bool passed = true;
    epoch_stamp known = epoch_stamp::none;
    for (const resting r : limbo_) {
        if (passed && r.stamp != known) {
            passed = epoch_.passed(r.stamp);
            known = r.stamp;
        }
        if (passed && facts_[r.frame].pins.load(std::memory_order_acquire) == 0) give_free(r.frame);
        else limbo_[kept++] = r;
    }
    limbo_.shorten(kept);
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::evict(std::uint32_t n) {
    const auto examine = [this](std::uint32_t f) noexcept {
        using replacement::frame_use;
        if (facts_[f].state.load(std::memory_order_relaxed) != frame_state::clean ||
            facts_[f].pins.load(std::memory_order_relaxed) != 0)
            return frame_use::occupied;
        auto& entry = entry_of(facts_[f].page);
        std::uint32_t seen = entry.load(std::memory_order_relaxed);
        if (seen == f + 1) {
            entry.store(seen | mark, std::memory_order_relaxed); // only the latch's holder marks
            return frame_use::used;
        }
        // A reader may remove the mark at this moment, and then the page stays.
        return entry.compare_exchange_strong(seen, 0, std::memory_order_seq_cst) ? frame_use::unused
                                                                                 : frame_use::used;
    };
    const std::size_t before = limbo_.size();
    for (std::uint32_t i = 0; i < n; ++i) {
        const std::uint32_t f = replacement_.victim(examine);
        if (f == replacement::no_frame) break;
        retire(f, epoch_stamp::none);
    }
    if (limbo_.size() == before) return;
    const epoch_stamp stamp = epoch_.advance();
    for (std::size_t i = before; i < limbo_.size(); ++i) limbo_[i].stamp = stamp;
}

// Frames that are free, or will be once operations of other threads end: all but the dirty and the
// pinned ones. Under the latch.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
std::size_t page_cache<Device, Replacement, PageSize, Epoch>::obtainable() const noexcept {
    std::size_t n = 0;
    for (std::uint32_t f = 0; f < frame_count_; ++f) {
        const frame_state state = facts_[f].state.load(std::memory_order_relaxed);
        const bool pinned = facts_[f].pins.load(std::memory_order_relaxed) != 0;
        n += state == frame_state::free || (state != frame_state::dirty && !pinned) ? 1U : 0U;
    }
    return n;
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::find_frames(std::uint32_t n,
                                                                   frames_for whom) {
    for (;;) {
        {
            latch_guard hold(latch_);
            const bool writing = whom == frames_for::writing;
            const std::size_t wanted = writing ? n : std::size_t{n} + reserved_;
            const auto found = [&] {
                if (free_.size() < wanted) return false;
                if (writing && reserved_ < n) reserved_ = n;
                return true;
            };
            if (found()) return;
            collect();
            if (found()) return;
            if constexpr (!Device::maps) {
                evict(n > eviction_batch ? n : eviction_batch);
                collect();
                if (found()) return;
            }
            if (obtainable() < wanted) throw out_of_frames{};
        }
        // Without the latch, which an operation that is to end may be waiting for.
        sched_yield();
    }
}

} // namespace quire::cache
