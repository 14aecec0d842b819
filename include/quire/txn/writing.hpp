// The writer's part of txn::store: beginning, changing, rolling back. store.hpp says what each
// member does and includes this header.
#pragma once

#include <quire/core/raise.hpp>
#include <quire/txn/store.hpp>

namespace quire::txn {

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::check_writable() const {
    if (poisoned())
        detail::raise<quire::poisoned>("an earlier write or sync failed and what is on the medium "
                                       "is not known; close the store and open it again",
                                       path());
    if (options_.read_only)
        detail::raise<quire::read_only>("the store was opened read-only; open it for writing",
                                        path());
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::begin() {
    gate_.enter();
    begin_here();
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
bool store<Storage, Replacement, Txn, PageSize>::try_begin(std::uint64_t nanoseconds) {
    if (!gate_.try_enter(nanoseconds)) return false;
    begin_here();
    return true;
}

// In the writer's place, which is given up on an exception.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::begin_here() {
    try {
        check_writable();
        publish_lazily();
        check_writable(); // the log may have failed
        limit_log();
        start_working();
    } catch (...) {
        gate_.leave();
        throw;
    }
}

// Throws what a failed write of pages stands for, which poisons the store unless there is no room.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::must_write(storage::status status,
                                                            const char* sentence, page_id page) {
    if (status.ok()) return;
    if (!status.is_full()) poison();
    fail_io(sentence, status, path(), page);
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::start_working() {
    collect();
    static_cast<void>(snapshots_.prepare()); // so that the commit needs none
    working_.roots = snapshots_.newest()->roots;
    // Nothing of this session is on the medium yet: the numbers given out so far do not count.
    if (on_device && !marked_ && !recovering_) numbered_from_ = reserved_ = last_;
    last_ = next(last_);
    if constexpr (logs) {
        log_.records.start(largest_logged());
    } else if constexpr (on_device) {
        // Before the numbers come near those of the next session, should this one end in a crash.
        if (to_integer(last_) - to_integer(device_.file.slot().committed) > lost_versions / 2 &&
            marked_) {
            marked_ = false;
            reserved_ = last_;
            last_ = next(last_);
            mark_session();
        }
    }
    working_.at = last_;
    begun_ = {space_.now(), working_.roots, working_.at};
    note_change();
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::collect() {
    observe();
    // Asked first, see space/pending.hpp.
    const std::size_t ready =
        space_.ready([this](cache::epoch_stamp stamp) { return epoch_.passed(stamp); });
    // And the snapshots before what is durable: a checkpoint gives its share up after it is.
    const std::span<const version> held = snapshots_.open(epoch_);
    space_.collect(ready, held, on_device ? durable() : last_);
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::make_room(std::uint32_t frames) {
    if constexpr (on_device) {
        try {
            cache_.ensure_frames(frames);
        } catch (const cache::out_of_frames&) {
            fail_exhausted();
        }
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::fail_exhausted() const {
    if constexpr (on_device)
        detail::raise<cache_exhausted>(
            "every page of the cache is in use by iterators or by this transaction; close "
            "iterators or raise cache_bytes",
            path(), page_id::none, "frames", cache_.frames(), "more");
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::refill(std::uint32_t pages) {
    QUIRE_ASSERT(pages <= most_reserved, "an operation needs few pages");
    while (stashed_ < pages) {
        const page_id id = space_.allocate(1);
        try {
            cache_.admit(id);
        } catch (...) {
            space_.release_new(id, 1);
            throw;
        }
        // Descending, so that the lowest is taken first.
        std::uint32_t at = stashed_++;
        for (; at != 0 && stash_[at - 1] < id; --at) stash_[at] = stash_[at - 1];
        stash_[at] = id;
    }
    space_.reserve_freed(pages);
    ensure_frames(pages);
}

// Before pages are written ahead of their commit.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::prepare_early_write() {
    require_writable();
    mark_session();
    vouchable_ = false; // a digest of what the commit writes would not cover these
}

// Frames for so many new pages.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::ensure_frames(std::uint32_t pages) {
    if constexpr (on_device) {
        // A few more, so that most operations find theirs.
        const std::uint32_t wanted = pages + cache_.some_frames();
        const bool many_dirty = cache_.dirty_pages() > cache_.most_dirty(wanted);
        if (QUIRE_LIKELY(cache_.has_reserved(pages) && !many_dirty)) return;
        if (many_dirty) write_early();
        find_frames([&] { cache_.reserve_frames(wanted); });
    }
}

// Pages of this transaction go to their new places early; nothing durable refers to them.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::write_early() {
    if constexpr (on_device) {
        if constexpr (logs) {
            if (recovering_ && options_.read_only)
                detail::raise<cache_exhausted>(
                    "the log of a store that was not closed does not fit the cache; raise "
                    "cache_bytes, or open the store for writing once",
                    path(), page_id::none, "frames", cache_.frames(), "more");
        }
        prepare_early_write();
        if constexpr (logs)
            if (log_.checkpointing.try_enter(0)) {
                const gate_guard leave(log_.checkpointing);
                write_left_over();
            }
        must_write(cache_.write_back().status, "writing pages of a transaction failed");
    }
}

// Runs find(), again after the dirty pages were written if there were not enough clean ones.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
template <class Find>
void store<Storage, Replacement, Txn, PageSize>::find_frames(Find&& find) {
    if constexpr (on_device) {
        try {
            return find();
        } catch (const cache::out_of_frames&) {
        }
        write_early();
        try {
            find();
        } catch (const cache::out_of_frames&) {
            fail_exhausted();
        }
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
template <class Change>
decltype(auto) store<Storage, Replacement, Txn, PageSize>::changing(std::uint32_t level,
                                                                    Change&& change) {
    const std::uint32_t pages = 3 * (level + 2);
    if constexpr (!on_device) {
        if (QUIRE_UNLIKELY(stashed_ < pages)) refill(pages);
        space_.reserve_freed(pages);
        return change();
    } else {
        for (;;) {
            refill(pages);
            try {
                guard in(epoch_);
                return change();
            } catch (const cache::out_of_frames&) {
            }
            stop_editing(); // nothing was changed, and whoever waits may be in our way
            const std::uint32_t some = cache_.some_frames();
            find_frames([&] { cache_.ensure_frames(pages > some ? pages : some); });
        }
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
std::byte* store<Storage, Replacement, Txn, PageSize>::own(const std::byte* page) noexcept {
    if (QUIRE_LIKELY(owns(page)))
        return cache_.writable(format::ref_of(page), const_cast<std::byte*>(page));
    const page_id id = take();
    space_.release_old({format::id_of(page), 1, format::birth_of(page)});
    std::byte* fresh = nullptr;
    if constexpr (on_device)
        // Leaves alone: whoever reads the old version meanwhile needs the inner pages most.
        if (format::level_of(page) == 0) fresh = cache_.take_over(page, id);
    if (fresh == nullptr) {
        fresh = cache_.create(id);
        // But for its checksum, which whoever writes the page may just be computing.
        std::memcpy(fresh + 4, page + 4, PageSize - 4);
    }
    format::set_identity(fresh, id, working_.at);
    return fresh;
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
std::byte* store<Storage, Replacement, Txn, PageSize>::create(format::page_facts facts) noexcept {
    const page_id id = take();
    std::byte* const page = cache_.create(id);
    format::start_page(page, facts, id, working_.at);
    return page;
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::release(const std::byte* page) noexcept {
    const page_id id = format::id_of(page);
    if (owns(page)) {
        cache_.discard(id);
        space_.release_new(id, 1);
    } else {
        space_.release_old({id, 1, format::birth_of(page)});
    }
}

// By reference: the version is the newest with those low bits.
template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::release_pages(page_ref ref,
                                                               std::uint32_t pages) noexcept {
    const std::uint32_t age = low_bits(working_.at) - ref.birth;
    if (age == 0) {
        for (std::uint32_t i = 0; i < pages; ++i) cache_.discard(ref.id + i);
        space_.release_new(ref.id, pages);
    } else {
        space_.release_old({ref.id, pages, static_cast<version>(to_integer(working_.at) - age)});
    }
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
tree::run_ref store<Storage, Replacement, Txn, PageSize>::write_run(bytes_view value,
                                                                    tree_id tree) {
    const std::uint32_t pages = format::run_pages(value.size(), PageSize);
    const page_id first = space_.allocate(pages);
    try {
        for (std::uint32_t i = 0; i < pages; ++i) {
            cache_.admit(first + i);
            cache_.discard(first + i); // what an earlier owner of the id left in the cache
        }
        std::byte header[format::page_header_size];
        const bytes_view front{header, sizeof header};
        format::start_page(header, {format::page_kind::overflow, 0, tree}, first,
                           working_.at);
        format::set_value_size(header, static_cast<std::uint32_t>(value.size()));
        const std::uint32_t checksum = crc32c(value, format::checksum_of(front));
        store_le<std::uint32_t>(header, checksum);
        if constexpr (on_device) {
            // To the end of the last page, so that the file holds what its page count says.
            static constexpr std::byte zeros[PageSize]{};
            const std::size_t rest = std::size_t{pages} * PageSize - sizeof header - value.size();
            const bytes_view parts[]{front, value, {zeros, rest}};
            const std::span<const bytes_view> all{parts, rest == 0 ? 2U : 3U};
            if (logs && options_.read_only) {
                cache_.keep_run(first, all);
            } else {
                prepare_early_write();
                must_write(cache_.write_run(first, all), "writing an overflow run failed", first);
            }
        } else {
            cache_.write_run(first, front, value);
        }
    } catch (...) {
        space_.release_new(first, pages);
        throw;
    }
    return {{first, low_bits(working_.at)}, static_cast<std::uint32_t>(value.size())};
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::check_pages(page_id first,
                                                             std::uint32_t pages) const {
    const std::uint64_t from = to_integer(first);
    if (from >= header_pages && from + pages <= space_.end()) return;
    detail::raise<corruption>("a reference names pages that no tree can have; restore a backup",
                              path(), first, "page_id", from,
                              {"a page behind the header, below ", space_.end()});
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::check_used(const std::byte* page) const {
    const page_id id = format::id_of(page);
    bool unused = space_.free().contains(id);
    for (std::uint32_t i = 0; i < stashed_; ++i) unused = unused || stash_[i] == id;
    if (QUIRE_LIKELY(!unused)) return;
    detail::raise<corruption>("the free map names a page that a tree uses; restore a backup",
                              path(), id);
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::release_run(const tree::run_ref& run) noexcept {
    release_pages(run.first, format::run_pages(run.value_size, PageSize));
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::return_stash() noexcept {
    while (stashed_ != 0) space_.release_new(stash_[--stashed_], 1);
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
auto store<Storage, Replacement, Txn, PageSize>::set_mark() -> mark {
    return_stash();
    // Nothing is copied back: the next version copies what it touches.
    last_ = next(last_);
    working_.at = last_;
    vouchable_ = false; // pages of the versions before may have died in this transaction
    mark here{space_.now(), working_.roots, working_.at};
    if constexpr (logs) here.records = log_.records.now();
    return here;
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::undo_space(
    const space::page_space::mark& to) noexcept {
    space_.roll_back(to, [this](page_id first, std::uint32_t pages) noexcept {
        for (std::uint32_t i = 0; i < pages; ++i) cache_.discard(first + i);
    });
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::roll_back_to(const mark& to) noexcept {
    stashed_ = 0; // allocated after the mark, or given back when it was set
    undo_space(to.space);
    working_.roots = to.roots;
    if constexpr (logs) log_.records.go_back(to.records);
    last_ = next(last_);
    working_.at = last_;
    note_change();
}

template <class Storage, class Replacement, class Txn, std::size_t PageSize>
void store<Storage, Replacement, Txn, PageSize>::roll_back() noexcept {
    roll_back_to(begun_);
    gate_.leave();
}

} // namespace quire::txn
