// The pages of a store whose home is a device: a translation array from page id to frame, a region of
// frames of fixed number, and a replacement policy that decides which clean page leaves.
//
//   page id --translation--> 0             not in memory
//                            frame + 1     in that frame; the mark bit: not used since the hand passed
//                            mapped        clean, verified, in the device's own mapping (storage::mmap)
//
// Thread-safety: fetch, pin and unpin from any thread inside an epoch guard; a hit writes nothing
// shared. The other members from the one writer, outside or inside its guard as they say.
// Invariants:
//   1. A frame's page does not change while it can be reached through the translation array, but
//      for the pages the writer made in its own version, which no reader can reach.
//   2. A frame that leaves the array rests in limbo until every operation that may have seen it has
//      ended and nobody pins it. An evicted pinned frame lives on as an orphan; a second copy of an
//      immutable page does no harm.
//   3. Only clean frames are evicted. Dirty frames become clean when write_back wrote them.
//   4. Every page read from the device is checked before anybody sees it: checksum, own id, birth,
//      and the bounds of its layout. Through a mapping, at its first use.
// It does not know trees, versions or which page is free.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <quire/cache/epoch.hpp>
#include <quire/cache/region.hpp>
#include <quire/cache/replacement/concepts.hpp>
#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/counters.hpp>
#include <quire/core/error.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/sync.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/storage/concepts.hpp>

namespace quire::cache {

// Thrown by fetch when no frame is free at that moment. The operation ends its guard, calls
// ensure_frames and starts over; it is never seen outside the library.
struct out_of_frames {};

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
class page_cache {
public:
    static constexpr bool persistent = true;
    static constexpr std::size_t page_size = PageSize;
    // Frames that one operation may hold at once, and a budget below it is raised to.
    static constexpr std::uint32_t fewest_frames = 128;

    page_cache(Device& device, Epoch& epoch, io_counters& counters, const std::string& path,
               std::uint64_t cache_bytes);

    // The page's bytes, valid until the caller's guard ends or, pinned, until it is unpinned.
    // `validate(page)` gives nullptr or a sentence of what is wrong with its layout. Loads the page
    // if need be (one read). Throws corruption, io_error, out_of_frames.
    template <class Validate>
    [[nodiscard]] QUIRE_INLINE const std::byte* fetch(page_ref ref, Validate&& validate) {
        const std::size_t id = to_integer(ref.id);
        if (QUIRE_LIKELY(id < translation_size_)) {
            const std::uint32_t entry = translation_[id].load(std::memory_order_acquire);
            if (QUIRE_LIKELY(entry - 1 < frame_count_)) return frame(entry - 1);
            if constexpr (Device::maps)
                if (QUIRE_LIKELY(entry == mapped)) return device_.mapping() + id * PageSize;
        }
        return load(ref, validate);
    }

    // The writer's: `page` is a page of its own version, fetched before; it will be written again.
    [[nodiscard]] std::byte* writable(page_ref ref, std::byte* page);

    // The writer's: makes sure that the translation array covers the page. Throws std::bad_alloc.
    void admit(page_id id) const {
        if (to_integer(id) >= translation_size_) throw std::bad_alloc();
    }

    [[nodiscard]] bool has_frames(std::uint32_t n) const noexcept {
        return free_count_.load(std::memory_order_relaxed) >= n;
    }
    // Makes room for n pages: evicts clean pages. Outside any guard of this thread. Throws
    // out_of_frames when all others are dirty or pinned.
    void ensure_frames(std::uint32_t n);

    // The writer's: a frame for a page that has just been allocated; its bytes are undefined.
    // Requires: admitted, and frames ensured.
    [[nodiscard]] std::byte* create(page_id id) noexcept;
    // The writer's: the page is given up in the version it was born in. Its frame is free at once
    // unless an iterator pins it.
    void discard(page_id id) noexcept;

    void pin(const std::byte* page) noexcept {
        if (in_frames(page)) facts_[frame_of(page)].pins.fetch_add(1, std::memory_order_relaxed);
    }
    void unpin(const std::byte* page) noexcept {
        if (in_frames(page)) facts_[frame_of(page)].pins.fetch_sub(1, std::memory_order_release);
    }

    // What write_back did: pages written, and the digest of them (format::digest_of).
    struct written {
        storage::status status;
        std::uint64_t pages = 0;
        std::uint64_t digest = 0;
    };
    // The writer's: seals and writes every dirty page in page order, neighbours in one call. On an
    // error the pages stay dirty. Does not sync.
    [[nodiscard]] written write_back();
    [[nodiscard]] std::size_t dirty_pages() const noexcept { return dirty_count_; }

    // Overflow runs pass the cache by.
    [[nodiscard]] storage::status write_run(page_id first, std::span<const bytes_view> parts) {
        std::size_t bytes = 0;
        for (const bytes_view part : parts) bytes += part.size();
        counters_.pages_written.add((bytes + PageSize - 1) / PageSize);
        counters_.bytes_written.add(bytes);
        return device_.write_gather(offset_of(first), parts);
    }
    [[nodiscard]] storage::status read_run(page_id first, std::size_t skip,
                                           mutable_bytes to) const {
        counters_.bytes_read.add(to.size());
        return device_.read(offset_of(first) + skip, to);
    }

    [[nodiscard]] std::uint64_t resident_bytes() const noexcept {
        return std::uint64_t{frame_count_ - free_count_.load(std::memory_order_relaxed)} * PageSize;
    }
    [[nodiscard]] std::uint32_t frames() const noexcept { return frame_count_; }

private:
    static constexpr std::uint32_t mark = 0x80000000U;
    static constexpr std::uint32_t mapped = 0x7FFFFFFFU;
    static constexpr std::uint32_t eviction_batch = 32;
    enum class frame_state : std::uint8_t { free, clean, dirty, limbo };
    struct frame_facts {
        std::atomic<std::uint32_t> pins{0};
        page_id page = page_id::none;
        std::atomic<frame_state> state{frame_state::free};
        bool listed = false; // in dirty_
    };
    struct resting {
        std::uint32_t frame;
        epoch_stamp stamp;
    };

    [[nodiscard]] QUIRE_INLINE std::byte* frame(std::uint32_t n) const noexcept {
        return frames_base_ + std::size_t{n} * PageSize;
    }
    [[nodiscard]] bool in_frames(const std::byte* page) const noexcept {
        return static_cast<std::size_t>(page - frames_base_) < std::size_t{frame_count_} * PageSize;
    }
    [[nodiscard]] std::uint32_t frame_of(const std::byte* page) const noexcept {
        return static_cast<std::uint32_t>(static_cast<std::size_t>(page - frames_base_) / PageSize);
    }
    [[nodiscard]] static std::uint64_t offset_of(page_id id) noexcept {
        return std::uint64_t{to_integer(id)} * PageSize;
    }
    [[nodiscard]] std::atomic<std::uint32_t>& entry_of(page_id id) noexcept {
        return translation_[to_integer(id)];
    }

    template <class Validate>
    QUIRE_COLD const std::byte* load(page_ref ref, Validate& validate);
    [[nodiscard]] bool unmark(page_ref ref, std::uint32_t entry) noexcept;
    template <class Validate>
    void check(page_ref ref, const std::byte* page, Validate& validate) const;
    [[noreturn]] QUIRE_COLD void fail(page_ref ref, const char* field, std::uint64_t found,
                                      std::uint64_t expected) const;
    // Under the latch.
    void collect();
    void evict(std::uint32_t n);
    void retire(std::uint32_t n, epoch_stamp stamp) {
        facts_[n].state.store(frame_state::limbo, std::memory_order_relaxed);
        limbo_.push_back({n, stamp});
    }
    [[nodiscard]] std::uint32_t take_free() noexcept {
        const std::uint32_t n = free_.back();
        free_.pop_back();
        free_count_.store(static_cast<std::uint32_t>(free_.size()), std::memory_order_relaxed);
        return n;
    }
    void give_free(std::uint32_t n) noexcept {
        facts_[n].page = page_id::none;
        facts_[n].state.store(frame_state::free, std::memory_order_relaxed);
        free_.push_back(n); // reserved for all frames
        free_count_.store(static_cast<std::uint32_t>(free_.size()), std::memory_order_relaxed);
    }
    void make_dirty(std::uint32_t n) noexcept {
        facts_[n].state.store(frame_state::dirty, std::memory_order_relaxed);
        ++dirty_count_;
        if (!facts_[n].listed) {
            facts_[n].listed = true;
            dirty_.push_back(n); // reserved for all frames
        }
    }

    Device& device_;
    Epoch& epoch_;
    io_counters& counters_;
    const std::string& path_;
    Replacement replacement_;
    region translation_region_;
    region frames_region_;
    std::atomic<std::uint32_t>* translation_ = nullptr;
    std::size_t translation_size_ = 0;
    std::byte* frames_base_ = nullptr;
    std::uint32_t frame_count_ = 0;
    std::vector<frame_facts> facts_;
    latch latch_; // over all below, the states in facts_, and every change of a translation entry
                  // but the removal of a mark
    std::vector<std::uint32_t> free_;
    std::vector<resting> limbo_;
    std::atomic<std::uint32_t> free_count_{0};
    std::vector<std::uint32_t> dirty_; // the writer's; may hold frames that are no longer dirty
    std::size_t dirty_count_ = 0;
    std::vector<std::uint32_t> order_; // scratch of write_back
};

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
page_cache<Device, Replacement, PageSize, Epoch>::page_cache(Device& device, Epoch& epoch,
                                                             io_counters& counters,
                                                             const std::string& path,
                                                             std::uint64_t cache_bytes)
    : device_(device), epoch_(epoch), counters_(counters), path_(path) {
    constexpr std::uint64_t frame_cost = PageSize + sizeof(frame_facts) + 4 * sizeof(std::uint32_t);
    const std::uint64_t wanted = cache_bytes / frame_cost;
    frame_count_ = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(wanted, fewest_frames, 0x40000000U));
    translation_region_ = region::largest(std::size_t{1} << 34, std::size_t{1} << 24,
                                          backing::small_pages);
    translation_ = reinterpret_cast<std::atomic<std::uint32_t>*>(translation_region_.data());
    translation_size_ = translation_region_.size() / sizeof(std::uint32_t);
    const std::size_t frame_bytes = std::size_t{frame_count_} * PageSize;
    frames_region_ = region(frame_bytes, frame_bytes >= 4 * huge_page ? backing::huge_pages
                                                                      : backing::small_pages);
    frames_base_ = frames_region_.data();
    facts_ = std::vector<frame_facts>(frame_count_);
    free_.reserve(frame_count_);
    dirty_.reserve(frame_count_);
    limbo_.reserve(frame_count_);
    order_.reserve(frame_count_);
    for (std::uint32_t n = frame_count_; n != 0; --n) free_.push_back(n - 1);
    free_count_.store(frame_count_, std::memory_order_relaxed);
    replacement_.reset(frame_count_);
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::fail(page_ref ref, const char* field,
                                                            std::uint64_t found,
                                                            std::uint64_t expected) const {
    throw corruption("the page read is not the page that was written; restore a backup",
                     {path_, ref.id, field, std::to_string(found), std::to_string(expected)});
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
template <class Validate>
void page_cache<Device, Replacement, PageSize, Epoch>::check(page_ref ref, const std::byte* page,
                                                             Validate& validate) const {
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
template <class Validate>
const std::byte* page_cache<Device, Replacement, PageSize, Epoch>::load(page_ref ref,
                                                                        Validate& validate) {
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
            throw io_error("reading the size of the file failed", status.number, {path_, ref.id, {}, {}, {}});
        if (offset_of(ref.id) + PageSize > bytes || offset_of(ref.id) + PageSize > device_.mapping_size())
            fail(ref, "page_id", to_integer(ref.id), bytes / PageSize);
        const std::byte* const page = device_.mapping() + offset_of(ref.id);
        check(ref, page, validate);
        entry_of(ref.id).store(mapped, std::memory_order_release);
        return page;
    } else {
        if (free_.empty()) collect();
        if (free_.empty()) {
            evict(eviction_batch);
            collect();
        }
        if (free_.empty()) throw out_of_frames{};
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
        if (passed && facts_[r.frame].pins.load(std::memory_order_acquire) == 0)
            give_free(r.frame);
        else
            limbo_[kept++] = r;
    }
    limbo_.resize(kept);
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
        return entry.compare_exchange_strong(seen, 0, std::memory_order_acq_rel) ? frame_use::unused
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

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::ensure_frames(std::uint32_t n) {
    latch_guard hold(latch_);
    for (std::uint32_t tries = 0; free_.size() < n; ++tries) {
        collect();
        if (free_.size() >= n) return;
        if constexpr (!Device::maps) {
            const std::size_t before = limbo_.size();
            evict(std::max(n, eviction_batch));
            if (limbo_.size() != before) {
                collect();
                continue;
            }
        }
        // Nothing more to evict. What rests in limbo only waits for operations of other threads.
        bool waits = false;
        for (const resting r : limbo_)
            waits = waits || facts_[r.frame].pins.load(std::memory_order_relaxed) == 0;
        if (!waits || tries > 1'000'000) throw out_of_frames{};
        sched_yield();
    }
}

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
            entry_of(ref.id).store(n + 1, std::memory_order_release);
            make_dirty(n);
            return page;
        }
    }
    latch_guard hold(latch_);
    QUIRE_ASSERT(!free_.empty(), "frames are ensured before a page is changed");
    const std::uint32_t n = take_free();
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
    if (entry != 0 && entry != mapped &&
        facts_[entry - 1].pins.load(std::memory_order_acquire) == 0) {
        n = entry - 1;
        if (facts_[n].state.load(std::memory_order_relaxed) == frame_state::dirty) --dirty_count_;
    } else {
        if (entry != 0 && entry != mapped) retire(entry - 1, epoch_stamp::none);
        QUIRE_ASSERT(!free_.empty(), "frames are ensured before a page is made");
        n = take_free();
    }
    facts_[n].page = id;
    make_dirty(n);
    entry_of(id).store(n + 1, std::memory_order_release);
    return frame(n);
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::discard(page_id id) noexcept {
    latch_guard hold(latch_);
    const std::uint32_t entry = entry_of(id).load(std::memory_order_relaxed) & ~mark;
    entry_of(id).store(0, std::memory_order_release);
    if (entry == 0 || entry == mapped) return;
    const std::uint32_t n = entry - 1;
    if (facts_[n].state.load(std::memory_order_relaxed) == frame_state::dirty) --dirty_count_;
    if (facts_[n].pins.load(std::memory_order_acquire) == 0)
        give_free(n);
    else
        retire(n, epoch_stamp::none);
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
auto page_cache<Device, Replacement, PageSize, Epoch>::write_back() -> written {
    order_.clear();
    for (const std::uint32_t n : dirty_)
        if (facts_[n].state.load(std::memory_order_relaxed) == frame_state::dirty)
            order_.push_back(n);
        else
            facts_[n].listed = false;
    std::sort(order_.begin(), order_.end(), [this](std::uint32_t a, std::uint32_t b) {
        return facts_[a].page < facts_[b].page;
    });
    dirty_.assign(order_.begin(), order_.end());
    written done;
    constexpr std::size_t most_parts = 256;
    std::array<bytes_view, most_parts> parts;
    for (std::size_t i = 0; i < order_.size();) {
        const page_id first = facts_[order_[i]].page;
        std::size_t n = 0;
        for (; n < most_parts && i + n < order_.size(); ++n) {
            const std::uint32_t f = order_[i + n];
            if (facts_[f].page != first + static_cast<std::uint32_t>(n)) break;
            const std::uint32_t checksum = format::seal({frame(f), PageSize});
            done.digest += format::digest_of(facts_[f].page, checksum);
            parts[n] = {frame(f), PageSize};
        }
        done.status = device_.write_gather(offset_of(first), {parts.data(), n});
        if (!done.status.ok()) return done;
        counters_.pages_written.add(n);
        counters_.bytes_written.add(n * PageSize);
        done.pages += n;
        i += n;
    }
    latch_guard hold(latch_);
    const epoch_stamp stamp = Device::maps ? epoch_.advance() : epoch_stamp::none;
    for (const std::uint32_t f : order_) {
        facts_[f].listed = false;
        if constexpr (Device::maps) {
            // The mapping shows what was written; it is the page's home from now on. Operations in
            // flight may still read the frame, and both hold the same bytes.
            entry_of(facts_[f].page).store(mapped, std::memory_order_release);
            retire(f, stamp);
        } else {
            facts_[f].state.store(frame_state::clean, std::memory_order_relaxed);
        }
    }
    dirty_.clear();
    dirty_count_ = 0;
    return done;
}

} // namespace quire::cache
