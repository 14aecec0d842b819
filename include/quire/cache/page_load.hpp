// Pages coming into cache::page_cache and leaving it: misses, checks, eviction. page_cache.hpp says
// what each member does and includes this header.
#pragma once

#include <exception>
#include <sched.h>

#include <quire/cache/page_cache.hpp>
#include <quire/core/raise.hpp>

namespace quire::cache {

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::fail(page_ref ref, const char* field,
                                                            std::uint64_t found,
                                                            std::uint64_t expected) const {
    detail::raise<corruption>("the page read is not the page that was written; restore a backup",
                              path_, ref.id, field, found, expected);
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
        detail::raise<corruption>(wrong, path_, ref.id);
}

// What a replacement policy sees of the frames while it chooses; under the latch.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
class page_cache<Device, Replacement, PageSize, Epoch>::pool {
public:
    // Inner pages are kept while there are leaves to give up: each is above a hundred of them.
    pool(page_cache& cache, page_id incoming, bool inner_too) noexcept
        : cache_(cache), incoming_(incoming), inner_too_(inner_too) {}

    [[nodiscard]] replacement::frame_use ask(std::uint32_t f) noexcept {
        using replacement::frame_use;
        if (is_occupied(f)) return frame_use::occupied;
        auto& entry = cache_.entry_of(cache_.facts_[f].page);
        std::uint32_t seen = entry.load(std::memory_order_relaxed);
        if (seen == f + 1) {
            entry.store(seen | mark, std::memory_order_relaxed); // only the latch's holder marks
            return frame_use::used;
        }
        // A reader may remove the mark at this moment, and then the page stays.
        if (!entry.compare_exchange_strong(seen, 0, std::memory_order_seq_cst))
            return frame_use::used;
        taken_ = f;
        return frame_use::unused;
    }
    [[nodiscard]] bool take(std::uint32_t f) noexcept {
        if (is_occupied(f)) return false;
        cache_.entry_of(cache_.facts_[f].page).exchange(0, std::memory_order_seq_cst);
        taken_ = f;
        return true;
    }
    [[nodiscard]] page_id incoming() const noexcept { return incoming_; }
    [[nodiscard]] std::uint32_t taken() const noexcept { return taken_; }

private:
    [[nodiscard]] bool is_occupied(std::uint32_t f) const noexcept {
        const frame_facts& facts = cache_.facts_[f];
        return facts.state.load(std::memory_order_relaxed) != frame_state::clean ||
               facts.pins.load(std::memory_order_relaxed) != 0 || (facts.inner && !inner_too_) ||
               taken_ != replacement::no_frame;
    }

    page_cache& cache_;
    page_id incoming_;
    bool inner_too_;
    std::uint32_t taken_ = replacement::no_frame;
};

// Takes a page out of memory; false when none can go. Under the latch.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
bool page_cache<Device, Replacement, PageSize, Epoch>::evict(page_id incoming) noexcept {
    for (const bool inner_too : {false, true}) {
        pool frames(*this, incoming, inner_too);
        [[maybe_unused]] const std::uint32_t f = replacement_.victim(frames);
        QUIRE_ASSERT(f == frames.taken(), "victim gives the frame whose page went out");
        if (frames.taken() == replacement::no_frame) continue;
        retire(frames.taken(), epoch_.now());
        // Now and then a new epoch, so that what went out a while ago does not wait for operations
        // that began since.
        if (++evictions_ > spare_ / 4) {
            evictions_ = 0;
            static_cast<void>(epoch_.advance());
        }
        return true;
    }
    return false;
}

// The frame's page can be given up from now on.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::enter_clean(
    std::uint32_t n, replacement::arrival why) noexcept {
    frame_facts& facts = facts_[n];
    facts.state.store(frame_state::clean, std::memory_order_relaxed);
    facts.inner = format::level_of(frame(n)) != 0;
    replacement_.on_load(n, facts.page, why);
    const bool marked = !Replacement::wants_hits &&
                        (why == replacement::arrival::once || !Replacement::load_is_use);
    entry_of(facts.page).store(marked ? (n + 1) | mark : n + 1, std::memory_order_release);
}

// The same no more: its page is changed, or gone.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::leave_clean(std::uint32_t n) noexcept {
    if (facts_[n].state.load(std::memory_order_relaxed) == frame_state::clean)
        replacement_.on_leave(n);
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::tell_hits(noted_hits& noted) noexcept {
    for (std::uint32_t i = 0; i < noted.count; ++i)
        if (facts_[noted.frames[i]].state.load(std::memory_order_relaxed) == frame_state::clean)
            replacement_.on_hit(noted.frames[i]);
    noted.count = 0;
}

// Before a victim is chosen, so that the choice of one thread alone is that of the textbook.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::tell_own_hits() noexcept {
    if constexpr (Replacement::wants_hits) {
        noted_hits& mine = hits_[epoch_.slot_index()];
        if (mine.busy.exchange(true, std::memory_order_acquire)) return;
        {
            latch_guard hold(latch_);
            tell_hits(mine);
        }
        mine.busy.store(false, std::memory_order_release);
    }
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
const std::byte* page_cache<Device, Replacement, PageSize, Epoch>::load(page_ref ref,
                                                                        page_validator validate,
                                                                        replacement::arrival why) {
    if (to_integer(ref.id) >= translation_size_)
        fail(ref, "page_id", to_integer(ref.id), translation_size_ - 1);
    if constexpr (Device::maps) return load_mapped(ref, validate);
    auto& place = entry_of(ref.id);
    tell_own_hits();
    for (;;) {
        std::uint32_t entry = place.load(std::memory_order_seq_cst);
        if (is_frame(entry)) {
            // Marked when fetch met it; the mark is the reader's to remove. What it finds stays
            // while its guard does.
            if ((entry & mark) == 0 || why == replacement::arrival::once ||
                place.compare_exchange_strong(entry, entry & ~mark, std::memory_order_seq_cst))
                return frame((entry & ~mark) - 1);
            continue;
        }
        if (entry == arriving) { // another thread reads it
            sched_yield();
            continue;
        }
        std::uint32_t n = 0;
        {
            latch_guard hold(latch_);
            if (place.load(std::memory_order_relaxed) != 0) continue;
            n = obtain_frame(ref.id);
            facts_[n].page = ref.id;
            facts_[n].state.store(frame_state::arriving, std::memory_order_relaxed);
            place.store(arriving, std::memory_order_relaxed);
        }
        try {
            counters_.pages_read.add();
            counters_.bytes_read.add(PageSize);
            const storage::status status = device_.read(offset_of(ref.id), {frame(n), PageSize});
            if (status.number == storage::status::short_transfer)
                detail::raise<corruption>(
                    "the file ends inside a page that is in use; restore a backup", path_, ref.id);
            if (!status.ok())
                detail::raise_io("reading a page failed", status.number, path_, ref.id);
            check(ref, frame(n), validate);
        } catch (...) {
            latch_guard hold(latch_);
            if (place.load(std::memory_order_relaxed) == arriving)
                place.store(0, std::memory_order_release);
            give_free(n);
            throw;
        }
        latch_guard hold(latch_);
        // A damaged reference may name a page that the writer makes at this moment.
        if (place.load(std::memory_order_relaxed) != arriving) {
            give_free(n);
            continue;
        }
        while (to_spare() < spare_ + reserved_ && evict(ref.id)) {
        }
        enter_clean(n, why);
        return frame(n);
    }
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
const std::byte*
page_cache<Device, Replacement, PageSize, Epoch>::load_mapped(page_ref ref,
                                                              page_validator validate) {
    if constexpr (Device::maps) {
        auto& place = entry_of(ref.id);
        for (;;) {
            std::uint32_t entry = place.load(std::memory_order_seq_cst);
            if (entry == mapped) return device_.mapping() + offset_of(ref.id);
            if (entry != 0) return frame(entry - 1);
            counters_.pages_read.add();
            counters_.bytes_read.add(PageSize);
            const std::uint32_t before = distrusted_.load(std::memory_order_seq_cst);
            std::uint64_t bytes = 0;
            const storage::status status = device_.size(bytes);
            if (!status.ok())
                detail::raise_io("reading the size of the file failed", status.number, path_,
                                 ref.id);
            if (offset_of(ref.id) + PageSize > bytes ||
                offset_of(ref.id) + PageSize > device_.mapping_size())
                fail(ref, "page_id", to_integer(ref.id), bytes / PageSize);
            check(ref, device_.mapping() + offset_of(ref.id), validate);
            extend_mapped(ref.id);
            place.compare_exchange_strong(entry, mapped, std::memory_order_seq_cst);
            if (distrusted_.load(std::memory_order_seq_cst) != before) take_trust(ref.id);
        }
    }
    return nullptr;
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::distrust_mapping() noexcept {
    if constexpr (Device::maps) {
        distrusted_.fetch_add(1, std::memory_order_seq_cst);
        // Not as far as the file: that may have become shorter.
        const std::uint32_t end = mapped_end_.load(std::memory_order_seq_cst);
        for (std::uint32_t id = 0; id < end; ++id) take_trust(static_cast<page_id>(id));
    }
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::expect(
    std::span<const page_ref> pages, std::uint64_t most) const noexcept {
    std::uint64_t first = 0;
    std::uint64_t n = 0;
    const auto ask = [&] {
        if constexpr (!Device::maps) n = n < most ? n : most;
        if (n != 0) storage::start_reading(device_, first * PageSize, n * PageSize);
    };
    for (const page_ref ref : pages) {
        if (to_integer(ref.id) >= translation_size_ || peek(ref) != nullptr) continue;
        if (n == 0 || to_integer(ref.id) != first + n) {
            ask();
            first = to_integer(ref.id);
            n = 0;
        }
        ++n;
    }
    ask();
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::read_together(
    std::span<const page_ref> pages, page_validator validate) noexcept {
    if constexpr (!Device::maps && storage::scattering_device<Device>) {
        std::uint32_t frames[most_together];
        mutable_bytes parts[most_together];
        std::size_t n = 0;
        tell_own_hits();
        {
            latch_guard hold(latch_);
            const std::uint32_t kept = reserved_ + spare_ / 2; // for other readers
            if (free_frames() < kept + pages.size()) collect();
            for (; n < pages.size() && n < most_together; ++n) {
                if (to_integer(pages[n].id) >= translation_size_ || free_frames() <= kept) break;
                auto& place = entry_of(pages[n].id);
                if (place.load(std::memory_order_relaxed) != 0) break;
                frames[n] = take_free(pages[n].id);
                parts[n] = {frame(frames[n]), PageSize};
                facts_[frames[n]].page = pages[n].id;
                facts_[frames[n]].state.store(frame_state::arriving, std::memory_order_relaxed);
                place.store(arriving, std::memory_order_relaxed);
            }
        }
        if (n == 0) return;
        const std::size_t bytes = device_.read_scatter(offset_of(pages[0].id), {parts, n});
        bool good[most_together] = {};
        for (std::size_t i = 0; i < n && (i + 1) * PageSize <= bytes; ++i) {
            try {
                check(pages[i], frame(frames[i]), validate);
                good[i] = true;
            } catch (const std::exception&) { // damage, or no memory to say so
            }
        }
        latch_guard hold(latch_);
        for (std::size_t i = 0; i < n; ++i) {
            auto& place = entry_of(pages[i].id);
            const bool still = place.load(std::memory_order_relaxed) == arriving;
            if (!still || !good[i]) {
                if (still) place.store(0, std::memory_order_release);
                give_free(frames[i]);
                continue;
            }
            counters_.pages_read.add();
            counters_.bytes_read.add(PageSize);
            while (to_spare() < spare_ + reserved_ && evict(pages[i].id)) {
            }
            enter_clean(frames[i], replacement::arrival::once);
        }
    }
}

template <class Device, class Replacement, std::size_t PageSize, class Epoch>
std::uint32_t page_cache<Device, Replacement, PageSize, Epoch>::obtain_frame(page_id id) {
    if (free_frames() <= reserved_) collect();
    // What the caller's own operation may have seen cannot be had before it ends.
    if (free_frames() <= reserved_) throw out_of_frames{};
    return take_free(id);
}

// Frees what nobody can see any more. Under the latch.
template <class Device, class Replacement, std::size_t PageSize, class Epoch>
void page_cache<Device, Replacement, PageSize, Epoch>::collect() noexcept {
    if (limbo_.empty()) return;
    static_cast<void>(epoch_.advance());
    // Stamps rise along the list, but pinned orphans may stay behind at its front.
    std::size_t kept = 0;
    orphans_ = 0;
    bool passed = true;
    epoch_stamp known = epoch_stamp::none;
    for (const resting r : limbo_) {
        if (passed && r.stamp != known) {
            passed = epoch_.passed(r.stamp);
            known = r.stamp;
        }
        const bool pinned = facts_[r.frame].pins.load(std::memory_order_acquire) != 0;
        if (passed && !pinned) {
            give_free(r.frame);
        } else {
            limbo_[kept++] = r;
            orphans_ += pinned ? 1U : 0U;
        }
    }
    limbo_.shorten(kept);
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
                if (free_frames() < wanted) return false;
                if (writing && reserved_ < n) reserved_ = n;
                return true;
            };
            if (found()) return;
            collect();
            if (found()) return;
            if constexpr (!Device::maps) {
                while (to_spare() < wanted && evict(page_id::none)) {
                }
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
