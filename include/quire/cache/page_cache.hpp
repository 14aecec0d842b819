// The pages of a store whose home is a device: a translation array from page id to frame, a region
// of frames of fixed number, and a replacement policy that decides which clean page leaves.
//
//   page id --translation--> 0           not in memory
//                            frame + 1   in that frame; mark bit: not used since it was marked
//                            arriving    being read into a frame, by one thread
//                            mapped      clean and verified, in the device's own mapping
//
// Thread-safety: fetch, pin and unpin from any thread inside an epoch guard; a hit writes nothing
// shared, but for a policy that wants hits: those are noted in a buffer of the thread's epoch slot
// and handed over in batches (X. Ding, S. Jiang, X. Zhang, "BP-Wrapper", ICDE 2009), those of one
// thread in their order. A page is read from the device without the latch. The other members from
// the one writer, outside or inside its guard as they say.
// Invariants:
//   1. A frame's page does not change while it can be reached through the translation array, but
//      for the pages the writer made in its own version, which no reader reaches meanwhile.
//   2. A frame that leaves the array rests in limbo until every operation that may have seen it has
//      ended and nobody pins it. An evicted pinned frame lives on as an orphan; a second copy of an
//      immutable page does no harm.
//   3. Only clean frames are evicted. Dirty frames become clean when write_back wrote them.
//   4. Every page read from the device is checked before anybody sees it: checksum, own id, birth,
//      and the bounds of its layout. Through a mapping, at its first use.
// It does not know trees, versions or which page is free.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include <quire/cache/epoch.hpp>
#include <quire/cache/region.hpp>
#include <quire/cache/replacement/concepts.hpp>
#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/counters.hpp>
#include <quire/core/error.hpp>
#include <quire/core/growing_array.hpp>
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
    // What a budget below it is raised to: enough for operations on a tree of six levels.
    static constexpr std::uint32_t fewest_frames = 60;

    page_cache(Device& device, Epoch& epoch, io_counters& counters, const std::string& path,
               std::uint64_t cache_bytes);
    page_cache(const page_cache&) = delete;
    page_cache& operator=(const page_cache&) = delete;
    ~page_cache() {
        for (const kept_run& run : kept_) delete[] run.bytes;
    }

    // The page's bytes, valid until the caller's guard ends or, pinned, until it is unpinned.
    // `validate(page)` gives nullptr or a sentence of what is wrong with its layout. Loads the page
    // if need be (one read). Throws corruption, io_error, out_of_frames.
    // `why` is for the replacement policy.
    [[nodiscard]] QUIRE_INLINE const std::byte*
    fetch(page_ref ref, page_validator validate,
          replacement::arrival why = replacement::arrival::wanted) {
        const std::size_t id = to_integer(ref.id);
        if (QUIRE_LIKELY(id < translation_size_)) {
            // Sequentially consistent with the announcement of the guard: see take_over.
            const std::uint32_t entry = translation_[id].load(std::memory_order_seq_cst);
            if (QUIRE_LIKELY(entry - 1 < frame_count_)) {
                // A scan's own fetch of what was read ahead for it is no second use.
                if constexpr (Replacement::wants_hits)
                    if (why != replacement::arrival::once) note_hit(entry - 1);
                return frame(entry - 1);
            }
            if constexpr (Device::maps)
                if (QUIRE_LIKELY(entry == mapped)) return device_.mapping() + id * PageSize;
        }
        return load(ref, validate, why);
    }

    // Where the page lies in memory, or null; reads nothing. For hints only.
    [[nodiscard]] QUIRE_INLINE const std::byte* peek(page_ref ref) const noexcept {
        const std::size_t id = to_integer(ref.id);
        if (id >= translation_size_) return nullptr;
        const std::uint32_t entry = translation_[id].load(std::memory_order_relaxed);
        if (is_frame(entry)) return frame((entry & ~mark) - 1);
        if constexpr (Device::maps)
            if (entry == mapped) return device_.mapping() + id * PageSize;
        return nullptr;
    }

    // Where the page most likely lies, if it is in memory: for asking for its lines while its entry
    // is still on its way. A wrong guess asks for lines of another page, nothing more. Good for
    // pages that the writer made, and those read in about their order, of a file that fits the
    // cache: a tenth of such a lookup's time, where the entries share a small cache with the rest.
    [[nodiscard]] QUIRE_INLINE const std::byte* likely_place(page_ref ref) const noexcept {
        const std::size_t id = to_integer(ref.id);
        if constexpr (Device::maps) return device_.mapping() + id * PageSize;
        else return frame(id < frame_count_ ? to_integer(ref.id) : 0);
    }

    // Pages that will be fetched soon: the medium is asked for those that are not in memory,
    // neighbours in one call, and nobody waits. In page order at best. Who will read on and on asks
    // only for the first `most` of each run of neighbours: the kernel notices such a reader, and
    // its own reading ahead costs half as much, since it fills its cache by larger pieces. (Not in
    // a mapping, which it does not see read.)
    void expect(std::span<const page_ref> pages, std::uint64_t most = ~std::uint64_t{0})
        const noexcept;
    // Reads neighbours that are not in memory by one call, as far as there are frames. What cannot
    // be read, or is not what it should be, stays out: fetch will say so. Inside the guard.
    // Requires: ascending ids without a gap.
    void read_together(std::span<const page_ref> pages, page_validator validate) noexcept;
    static constexpr std::size_t most_together = 16;

    // A write or a sync failed, and what a mapping shows may have gone back to what it was before:
    // its pages count as not checked, and whoever reads them next checks them again.
    void distrust_mapping() noexcept;

    // The writer's: `page` is a page of its own version, fetched before; it will be written again.
    [[nodiscard]] std::byte* writable(page_ref ref, std::byte* page);

    // The writer's: makes sure that the translation array covers the page. Throws std::bad_alloc.
    void admit(page_id id) const {
        if (to_integer(id) >= translation_size_) throw std::bad_alloc();
    }

    // Makes room for reading n pages: evicts clean pages. Outside any guard of this thread. Throws
    // out_of_frames when all others are dirty, pinned or reserved.
    void ensure_frames(std::uint32_t n) { find_frames(n, frames_for::reading); }
    // The writer's: the same for n frames that create and writable alone will take, so that reading
    // threads cannot use them up. What is not taken stays reserved.
    void reserve_frames(std::uint32_t n) { find_frames(n, frames_for::writing); }
    // A good number to ask for beyond what is needed, for a cache of this size.
    [[nodiscard]] std::uint32_t some_frames() const noexcept {
        return frame_count_ / 16 < 24 ? frame_count_ / 16 : 24;
    }
    // Pages of one level that one operation may want at once.
    [[nodiscard]] std::uint32_t batch_size() const noexcept {
        return frame_count_ / 8 < 64 ? frame_count_ / 8 : 64;
    }
    [[nodiscard]] bool has_reserved(std::uint32_t n) const noexcept { return reserved_ >= n; }
    // How many pages may be dirty if so many frames are reserved: the rest is for readers, who can
    // neither write pages nor use what is reserved, and need a path or two.
    [[nodiscard]] std::uint32_t most_dirty(std::uint32_t reserved) const noexcept {
        constexpr std::uint32_t for_readers = 16;
        const std::uint32_t kept = (reserved < reserved_ ? reserved_ : reserved) + for_readers;
        const std::uint32_t rest = kept < frame_count_ ? frame_count_ - kept : 0;
        const std::uint32_t share = frame_count_ / 8 * 3;
        return rest < share ? rest : share;
    }

    // The writer's: a frame for a page that has just been allocated; its bytes are undefined.
    // Requires: admitted, and frames reserved.
    [[nodiscard]] std::byte* create(page_id id) noexcept;
    // The writer's, inside its guard: lets page `to` take over the frame of a clean page, bytes and
    // all, instead of copying them; the old page can be read again from the device. Null, and
    // nothing has happened, when a reader may be looking at the frame. Requires: `to` is admitted.
    [[nodiscard]] std::byte* take_over(const std::byte* page, page_id to) noexcept;
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
    [[nodiscard]] written write_back() {
        return write_back([](page_id) { return false; });
    }
    // The same, and writes zeros over gaps of a few pages for which spare(page) holds, so that what
    // surrounds them is one write and one extent of the file. Requires: nobody needs such a page.
    template <class Spare>
    [[nodiscard]] written write_back(Spare&& spare);
    // Dirty pages, but for those that take_dirty gave away.
    [[nodiscard]] std::size_t dirty_pages() const noexcept { return dirty_count_; }

    // Pages to be written beside the writer, in page order.
    using dirty_list = growing_array<std::uint64_t>;
    // The writer's: moves every dirty page for which worth(page) holds to the list, for
    // write_taken. They stay as they are, and in their frames, until they were written. Requires:
    // nobody changes, discards or makes these pages anew until then. Throws std::bad_alloc without
    // effect.
    template <class Worth>
    void take_dirty(dirty_list& taken, Worth&& worth);
    // Any one thread: seals and writes the pages of the list, and takes them out of it; what could
    // not be written stays in it, dirty. Does not sync.
    [[nodiscard]] storage::status write_taken(dirty_list& taken);

    // Overflow runs pass the cache by.
    [[nodiscard]] storage::status write_run(page_id first, std::span<const bytes_view> parts) {
        std::size_t bytes = 0;
        for (const bytes_view part : parts) bytes += part.size();
        counters_.pages_written.add((bytes + PageSize - 1) / PageSize);
        counters_.bytes_written.add(bytes);
        QUIRE_WATCH(report_write(first, bytes / PageSize, bytes / PageSize));
        return device_.write_gather(offset_of(first), parts);
    }
    [[nodiscard]] storage::status read_run(page_id first, std::size_t skip,
                                           mutable_bytes to) const {
        if (QUIRE_UNLIKELY(!kept_.empty()))
            for (std::size_t i = kept_.size(); i-- != 0;)
                if (kept_[i].first == first) {
                    if (skip + to.size() > kept_[i].size)
                        return {storage::status::short_transfer};
                    copy_bytes(to.data(), kept_[i].bytes + skip, to.size());
                    return {};
                }
        counters_.bytes_read.add(to.size());
        return device_.read(offset_of(first) + skip, to);
    }
    // Instead of writing it: the run stays in memory, beyond the budget, until the cache goes. For
    // a store that must not be written, before others read. Throws std::bad_alloc.
    void keep_run(page_id first, std::span<const bytes_view> parts);

    [[nodiscard]] std::uint64_t resident_bytes() const noexcept {
        return std::uint64_t{frame_count_ - free_count_.load(std::memory_order_relaxed)} * PageSize;
    }
    // The store's file, for errors.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::uint32_t frames() const noexcept { return frame_count_; }
    // Of them, kept free or soon to be, so that a reader finds one: the policy has the others.
    [[nodiscard]] std::uint32_t spare_frames() const noexcept { return spare_; }

#if QUIRE_MONITOR
    // Before pages are written: so many from `first` on, so many of which are read again.
    using write_watcher = void (*)(void* watcher, page_id first, std::uint64_t pages,
                                   std::uint64_t kept) noexcept;
    void watch_writes(write_watcher watch, void* watcher) noexcept {
        watch_ = watch;
        watcher_ = watcher;
    }
#endif

private:
    static constexpr std::uint32_t mark = 0x80000000U;
    static constexpr std::uint32_t mapped = 0x7FFFFFFFU;
    static constexpr std::uint32_t arriving = 0x7FFFFFFEU;
    static constexpr std::uint32_t most_spare = 64;
    // Writing so many pages more is cheaper than a write and an extent more (decision 0008).
    static constexpr std::uint32_t widest_gap = 8;
    // The medium is set to work on what was written whenever so many bytes are.
    static constexpr std::uint64_t writing_step = std::uint64_t{8} << 20;
    enum class frame_state : std::uint8_t { free, arriving, clean, dirty, limbo };
    struct frame_facts {
        std::atomic<std::uint32_t> pins{0};
        page_id page = page_id::none;
        std::atomic<frame_state> state{frame_state::free};
        bool listed = false;  // in dirty_
        bool inner = false;   // an inner page, if clean
        bool stacked = false; // in free_, though it may be in use again
    };
    struct resting {
        std::uint32_t frame;
        epoch_stamp stamp;
    };
    // Hits that the policy has not been told of. `busy` keeps a second thread out, should two share
    // a slot; the one that comes second does without.
    struct alignas(64) noted_hits {
        std::atomic<bool> busy{false};
        std::uint32_t count = 0;
        std::array<std::uint32_t, 62> frames;
    };
    class pool;

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

    // Whether an entry names a frame; marked or not.
    [[nodiscard]] bool is_frame(std::uint32_t entry) const noexcept {
        return (entry & ~mark) - 1 < frame_count_;
    }
    QUIRE_INLINE void note_hit(std::uint32_t n) noexcept {
        noted_hits& mine = hits_[epoch_.slot_index()];
        if (mine.busy.exchange(true, std::memory_order_acquire)) return;
        mine.frames[mine.count++] = n;
        if (QUIRE_UNLIKELY(mine.count == mine.frames.size())) {
            latch_guard hold(latch_);
            tell_hits(mine);
        }
        mine.busy.store(false, std::memory_order_release);
    }
    void tell_hits(noted_hits& noted) noexcept;
    void tell_own_hits() noexcept;
    QUIRE_COLD const std::byte* load(page_ref ref, page_validator validate,
                                     replacement::arrival why);
    // The page is checked again by whoever reads it next.
    void take_trust(page_id id) noexcept {
        std::uint32_t entry = mapped;
        entry_of(id).compare_exchange_strong(entry, 0, std::memory_order_seq_cst);
    }
    // Before a page's entry becomes `mapped`. Afterwards it is asked whether distrust_mapping has
    // come in between, which may have passed the page by.
    void extend_mapped(page_id id) noexcept {
        std::uint32_t end = mapped_end_.load(std::memory_order_relaxed);
        while (end <= to_integer(id) &&
               !mapped_end_.compare_exchange_weak(end, to_integer(id) + 1)) {}
    }
    [[nodiscard]] const std::byte* load_mapped(page_ref ref, page_validator validate);
    // The frame for a page to be read; under the latch. Throws out_of_frames.
    [[nodiscard]] std::uint32_t obtain_frame(page_id id);
    void check(page_ref ref, const std::byte* page, page_validator validate) const;
    [[noreturn]] QUIRE_COLD void fail(page_ref ref, const char* field, std::uint64_t found,
                                      std::uint64_t expected) const;
    // Under the latch.
    void drop(page_id id) noexcept;
    void collect() noexcept;
    bool evict(page_id incoming) noexcept;
    [[nodiscard]] std::size_t obtainable() const noexcept;
    void enter_clean(std::uint32_t n, replacement::arrival why) noexcept;
    void leave_clean(std::uint32_t n) noexcept;
    // Takes the latch itself.
    enum class frames_for : std::uint8_t { reading, writing };
    void find_frames(std::uint32_t n, frames_for whom);
    void retire(std::uint32_t n, epoch_stamp stamp) noexcept {
        facts_[n].state.store(frame_state::limbo, std::memory_order_relaxed);
        limbo_.push_back({n, stamp}); // reserved for all frames
    }
    [[nodiscard]] std::uint32_t free_frames() const noexcept {
        return free_count_.load(std::memory_order_relaxed);
    }
    // Frames that are free, or will be when operations in flight have ended.
    [[nodiscard]] std::size_t to_spare() const noexcept {
        return free_frames() + (limbo_.size() - orphans_);
    }
    // For that page: the frame of its own number if it is free, so that likely_place is right, else
    // any. Those that never were used come last, so a cache takes no more memory than it needs;
    // a page's own frame may lie a little beyond them, not far: there, memory is touched for the
    // first time by huge pages.
    [[nodiscard]] std::uint32_t take_free(page_id id) noexcept {
        constexpr std::uint32_t not_far = huge_page / PageSize;
        const auto is_free = [this](std::uint32_t n) {
            return facts_[n].state.load(std::memory_order_relaxed) == frame_state::free;
        };
        std::uint32_t n = to_integer(id);
        if (n >= frame_count_ || n >= untouched_ + not_far || !is_free(n)) {
            do {
                if (free_.empty()) {
                    n = untouched_++;
                } else {
                    n = free_.back();
                    free_.pop_back();
                    facts_[n].stacked = false;
                }
            } while (!is_free(n));
        }
        QUIRE_ASSERT(n < frame_count_, "a frame is free");
        free_count_.store(free_frames() - 1, std::memory_order_relaxed);
        return n;
    }
    [[nodiscard]] std::uint32_t take_reserved(page_id id) noexcept {
        QUIRE_ASSERT(free_frames() != 0, "frames are reserved before a page is made or changed");
        if (reserved_ != 0) --reserved_;
        return take_free(id);
    }
    void give_free(std::uint32_t n) noexcept {
        facts_[n].page = page_id::none;
        facts_[n].state.store(frame_state::free, std::memory_order_relaxed);
        if (!facts_[n].stacked) free_.push_back(n); // reserved for all frames
        QUIRE_ASSERT(free_.size() <= frame_count_, "a frame is in the list of free ones once");
        facts_[n].stacked = true;
        free_count_.store(free_frames() + 1, std::memory_order_relaxed);
    }
    // What a list has of a dirty frame: its page above, which it is sorted by.
    [[nodiscard]] std::uint64_t listing_of(std::uint32_t n) const noexcept {
        return std::uint64_t{to_integer(facts_[n].page)} << 32 | n;
    }
    template <class Spare, class Done>
    written write_list(const dirty_list& list, Spare&& spare, Done&& done);
    void make_clean(const dirty_list& list, std::size_t from, std::size_t to,
                    std::uint32_t trusted) noexcept;
    void make_dirty(std::uint32_t n) noexcept {
        facts_[n].state.store(frame_state::dirty, std::memory_order_relaxed);
        ++dirty_count_;
        if (!facts_[n].listed) {
            facts_[n].listed = true;
            dirty_.push_back(n); // reserved for all frames
        }
    }

#if QUIRE_MONITOR
    void report_write(page_id first, std::uint64_t pages, std::uint64_t kept) noexcept {
        if (watch_ != nullptr) watch_(watcher_, first, pages, kept);
    }

    write_watcher watch_ = nullptr;
    void* watcher_ = nullptr;
#endif
    Device& device_;
    Epoch& epoch_;
    io_counters& counters_;
    const std::string& path_;
    Replacement replacement_;
    region translation_region_;
    region frames_region_;
    region facts_region_;
    std::atomic<std::uint32_t>* translation_ = nullptr;
    std::size_t translation_size_ = 0;
    std::atomic<std::uint32_t> mapped_end_{0}; // no page from here on has been mapped
    std::atomic<std::uint32_t> distrusted_{0}; // how often the mapping was
    std::byte* frames_base_ = nullptr;
    std::uint32_t frame_count_ = 0;
    frame_facts* facts_ = nullptr;
    latch latch_; // over all below, the states in facts_, and every change of a translation entry
                  // but the removal of a mark
    // Every free frame is in free_ or from untouched_ on; some that are not free may be as well.
    growing_array<std::uint32_t> free_;
    std::uint32_t untouched_ = 0; // frames from here on were used by their own pages first, if ever
    std::uint32_t spare_ = 0;     // frames kept free or in limbo, so that a reader finds one
    growing_array<resting> limbo_;
    std::uint32_t evictions_ = 0; // in this epoch
    std::uint32_t orphans_ = 0;   // of limbo_: pinned, when it was last looked at
    std::atomic<std::uint32_t> free_count_{0};
    std::uint32_t reserved_ = 0;         // of the free frames; changed by the writer alone
    growing_array<std::uint32_t> dirty_; // the writer's; may hold frames that are no longer dirty
    std::size_t dirty_count_ = 0;        // changed by the writer alone
    growing_array<std::uint64_t> order_; // scratch of write_back
    struct kept_run {
        page_id first;
        std::byte* bytes;
        std::size_t size;
    };
    growing_array<kept_run> kept_;
    struct no_hits {};
    [[no_unique_address]] std::conditional_t<Replacement::wants_hits,
                                             std::array<noted_hits, Epoch::slots>, no_hits>
        hits_;
};

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
page_cache<Device, Replacement, PageSize, Epoch>::page_cache(Device& device, Epoch& epoch,
                                                             io_counters& counters,
                                                             const std::string& path,
                                                             std::uint64_t cache_bytes)
    : device_(device), epoch_(epoch), counters_(counters), path_(path) {
    // Free list, limbo, dirty list and order of writing; the entries of the frames' pages.
    constexpr std::uint64_t frame_cost =
        PageSize + sizeof(frame_facts) + Replacement::bytes_per_frame + 2 * sizeof(std::uint32_t) +
        sizeof(resting) + sizeof(std::uint64_t) + sizeof(std::uint32_t);
    const std::uint64_t fixed_cost = Replacement::wants_hits ? sizeof(hits_) : 0;
    const std::uint64_t wanted =
        cache_bytes < fixed_cost ? 0 : (cache_bytes - fixed_cost) / frame_cost;
    constexpr std::uint64_t most_frames = 0x40000000U;
    frame_count_ = wanted < fewest_frames ? fewest_frames
                   : wanted > most_frames ? static_cast<std::uint32_t>(most_frames)
                                          : static_cast<std::uint32_t>(wanted);
    translation_region_ =
        region::largest(std::size_t{1} << 34, std::size_t{1} << 24, backing::small_pages);
    translation_ = reinterpret_cast<std::atomic<std::uint32_t>*>(translation_region_.data());
    translation_size_ = translation_region_.size() / sizeof(std::uint32_t);
    const std::size_t frame_bytes = std::size_t{frame_count_} * PageSize;
    frames_region_ = region(frame_bytes, frame_bytes >= 4 * huge_page ? backing::huge_pages
                                                                      : backing::small_pages);
    frames_base_ = frames_region_.data();
    // Zeroed memory is what a free frame's facts are, and costs nothing until a frame is used.
    static_assert(page_id::none == page_id{0} && frame_state::free == frame_state{0});
    facts_region_ = region(std::size_t{frame_count_} * sizeof(frame_facts), backing::small_pages);
    facts_ = reinterpret_cast<frame_facts*>(facts_region_.data());
    free_.reserve(frame_count_);
    dirty_.reserve(frame_count_);
    limbo_.reserve(frame_count_);
    order_.reserve(frame_count_);
    free_count_.store(frame_count_, std::memory_order_relaxed);
    spare_ = frame_count_ / 8 < most_spare ? frame_count_ / 8 : most_spare;
    replacement_.reset(frame_count_, frame_count_ - spare_);
}

} // namespace quire::cache

#include <quire/cache/page_load.hpp>
#include <quire/cache/write_back.hpp>
