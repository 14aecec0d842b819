// Appends groups to the log, and makes them durable for everybody who waits by as few flushes as
// can be: of all who wait one leads, writes what has been appended until then and flushes it, while
// those who come meanwhile wait for the next leader.
//
//   store's writer          append: the group is in memory, in its order
//   whoever waits for it    lead: write, flush; or wait for the one who does
//   checkpoint, close       rotate: everything durable, then a new segment
//
// Invariants
// 1. Groups are on the medium in the order of their LSNs: what is durable is a prefix.
// 2. A segment is wholly durable before the next one gets its name.
// 3. After a failed write or flush nothing more is written, and everybody who waits is told.
// Thread-safety: append, reserve, rotate, start, resume: whoever holds the store's writer's place.
// release: one thread at a time. wait and the positions: any thread.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <sched.h>
#include <span>
#include <string>
#include <sys/random.h>
#include <utility>

#include <quire/core/bytes.hpp>
#include <quire/core/counters.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/sync.hpp>
#include <quire/format/log_record.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/wal/records.hpp>
#include <quire/wal/segment.hpp>
#include <quire/wal/sync.hpp>

namespace quire::wal {

// How far the log must have come for a commit: LSNs up to which it is written, and durable.
struct ticket {
    std::uint64_t written = 0;
    std::uint64_t durable = 0;
};

// Where the log goes on behind a checkpoint: making a segment takes three flushes and cuts the log;
// without one, what comes before stays in it for a while and is passed over.
enum class goes_on : std::uint8_t { in_new_segment, here };

template <class Device, class Sync>
class writer {
    using segment = wal::segment<Device>;

public:
    static constexpr std::uint64_t smallest_segment = std::uint64_t{64} << 10;
    static constexpr std::uint64_t largest_segment = std::uint64_t{8} << 20;
    // Groups that nobody waits for are written when they come to so many bytes.
    static constexpr std::size_t most_waiting = std::size_t{1} << 20;

    explicit writer(io_counters& counters) noexcept : counters_(counters) {}
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    ~writer() {
        for (segment** const list : {&current_, &used_, &spare_}) delete_all(*list);
    }

    // Whose log it is. A log of more than `limit` bytes is to be cut by a checkpoint.
    void attach(const std::string& store_path, const std::array<std::byte, 16>& database_id,
                std::uint64_t limit) {
        store_path_ = store_path;
        database_id_ = database_id;
        largest_ = limit / 8 / smallest_segment * smallest_segment;
        if (largest_ < smallest_segment) largest_ = smallest_segment;
        if (largest_ > largest_segment) largest_ = largest_segment;
        limit_ = limit;
    }

    // Whether there is a segment to append to.
    [[nodiscard]] bool started() const noexcept { return current_ != nullptr; }
    [[nodiscard]] version first_version() const noexcept { return current_->first; }
    [[nodiscard]] std::uint64_t salt() const noexcept { return current_->salt; }
    // The version of the newest group, or the one that the log begins with.
    [[nodiscard]] version newest() const noexcept { return newest_; }

    // A log whose first group is built on `base`; its segment is durable. The status of what failed
    // otherwise, and nothing has happened. Throws std::bad_alloc without effect.
    [[nodiscard]] storage::status start(version base) {
        segment* made = nullptr;
        bool stays = false;
        const storage::status status = make(base, 0, made, stays);
        if (status.ok()) {
            newest_ = base;
            enter(made);
            kept_from_.store(made->first_lsn, std::memory_order_relaxed);
        }
        return status;
    }
    // Goes on with a log that was read back: behind `end`, in the last of its segments. All of it
    // is durable then, and `newest` its last group. The status of what failed otherwise, and the
    // log is what it was. Throws std::bad_alloc, likewise. Requires: not started, one segment or
    // more.
    [[nodiscard]] storage::status resume(std::span<const segment_facts> all, std::uint64_t end,
                                         version newest, version durable) {
        segment* opened = nullptr;
        storage::status status;
        try {
            for (const segment_facts& each : all) {
                opened = new segment{each, {}, opened};
                const std::string path = format::segment_path(store_path_, each.first);
                status = &each == &all.back()
                             ? reopen_segment(*opened, path, end - each.first_lsn, counters_)
                             : opened->device.open(path, storage::access::read_write);
                if (!status.ok()) break;
            }
        } catch (...) {
            delete_all(opened);
            throw;
        }
        if (!status.ok()) {
            delete_all(opened);
            return status;
        }
        latch_guard hold(latch_);
        current_ = opened;
        used_ = std::exchange(opened->next, nullptr);
        appended_ = written_ = durable_ = end;
        newest_ = newest;
        durable_version_ = durable;
        kept_from_.store(all.front().first_lsn, std::memory_order_relaxed);
        return status;
    }
    // Makes sure that there is room for a group of so many bytes, in memory and in a segment.
    // A full segment is made durable first, see rotate.
    [[nodiscard]] storage::status reserve(std::size_t bytes) {
        if (appended_ + bytes > current_->first_lsn + current_->size) {
            const storage::status status = is_empty() ? lengthen(bytes) : rotate(bytes);
            if (!status.ok()) return status;
        }
        if (fresh_.capacity() < bytes) fresh_.reserve(bytes + bytes / 2);
        latch_guard hold(latch_);
        const std::size_t wanted = waiting_.size() + bytes;
        if (waiting_.capacity() < wanted) waiting_.reserve(wanted + wanted / 2);
        return {};
    }
    // Makes everything appended durable and goes on in a new segment, which is durable too; in the
    // present one, if it has no group. If it fails and failure() is 0, everything appended is
    // durable, and that is all. Throws std::bad_alloc without effect.
    [[nodiscard]] storage::status rotate(std::size_t bytes = 0) {
        if (!wait({appended_, appended_})) return {failure()};
        if (is_empty()) return {};
        segment* made = nullptr;
        bool stays = false;
        const storage::status status = make(newest_, bytes, made, stays);
        if (status.ok()) {
            {
                latch_guard hold(latch_);
                current_->next = used_;
                used_ = current_;
            }
            enter(made);
        } else if (stays) {
            // It may be found, and then the log must end with what it was to follow.
            fail(status);
        }
        return status;
    }

    // The group of a transaction. Requires: reserved.
    void append(records& of, version at) noexcept {
        const bytes_view group = of.seal(facts(at), format::seed_of(current_->salt));
        append_bytes(group, at);
    }
    // The group of a checkpoint: a version that holds what its base holds. Requires: reserved.
    void append_checkpoint(version at) noexcept {
        std::byte group[format::begin_size];
        static_cast<void>(format::write_begin(group, format::record_type::checkpoint, facts(at),
                                              format::seed_of(current_->salt)));
        append_bytes({group, sizeof group}, at);
    }
    static constexpr std::size_t checkpoint_bytes = format::begin_size;

    // Where the log ends now.
    [[nodiscard]] std::uint64_t appended() const noexcept { return appended_; }
    [[nodiscard]] bool has_much_waiting() noexcept {
        latch_guard hold(latch_);
        return waiting_.size() >= most_waiting;
    }
    // Bytes of the log that recovery would read.
    [[nodiscard]] std::uint64_t bytes() const noexcept {
        if (current_ == nullptr) return 0;
        return appended_ - kept_from_.load(std::memory_order_relaxed) - format::segment_header_size;
    }
    // Where the current segment begins.
    [[nodiscard]] std::uint64_t segment_lsn() const noexcept { return current_->first_lsn; }

    // Returns when the log has come so far, leading if nobody else does; false when a write or a
    // flush failed before that.
    [[nodiscard]] bool wait(const ticket& until) noexcept {
        latch_guard hold(latch_);
        for (;;) {
            if (durable_ >= until.durable && written_ >= until.written) return true;
            if (failure_ != 0) return false;
            if (leading_) {
                ++sleeping_;
                moved_.wait(latch_);
                --sleeping_;
            } else lead(durable_ < until.durable);
        }
    }
    // The same for everything appended so far.
    [[nodiscard]] bool wait_for_all() noexcept {
        std::uint64_t end = 0;
        {
            latch_guard hold(latch_);
            end = appended_;
        }
        return wait({end, end});
    }
    // The newest version that is durable by the log; none before the first.
    [[nodiscard]] version durable_version() noexcept {
        latch_guard hold(latch_);
        return durable_version_;
    }
    // The errno of the failure; 0: none.
    [[nodiscard]] int failure() noexcept {
        latch_guard hold(latch_);
        return failure_;
    }

    // The state of version `base`, behind which the log goes on at `from`, is in the store's file:
    // what came before it may go. Segments that are not needed any more are kept for later use, as
    // far as the limit allows.
    void release(version base, std::uint64_t from) noexcept {
        kept_from_.store(from, std::memory_order_relaxed);
        segment* gone = nullptr;
        {
            latch_guard hold(latch_);
            std::uint64_t kept = 0;
            for (const segment* s = spare_; s != nullptr; s = s->next) kept += s->size;
            for (segment** at = &used_; *at != nullptr;) {
                segment* const s = *at;
                // A slot may name the segment it was written in, which may be full by now.
                if (s->first > base || s->first_lsn >= from) {
                    at = &s->next;
                    continue;
                }
                *at = s->next;
                const bool keep = kept + s->size <= limit_ / 2 && s->size <= largest_;
                if (keep) kept += s->size;
                segment*& to = keep ? spare_ : gone;
                s->next = to;
                to = s;
            }
        }
        remove_all(gone);
    }
    // The store was closed in order: nothing of the log is needed, and no file of it is left.
    void remove() noexcept {
        if (current_ == nullptr) return;
        for (segment** const list : {&current_, &used_, &spare_}) remove_all(*list);
        static_cast<void>(Device::sync_directory_of(store_path_));
    }

private:
    [[nodiscard]] format::group_facts facts(version at) noexcept {
        latch_guard hold(latch_);
        return {appended_, at, newest_, durable_};
    }
    void append_bytes(bytes_view group, version at) noexcept {
        latch_guard hold(latch_);
        // A leader may have taken what was reserved, and left an empty array of any size.
        if (waiting_.capacity() - waiting_.size() < group.size()) std::swap(waiting_, fresh_);
        waiting_.append(group.data(), group.size());
        appended_ += group.size();
        ++groups_;
        newest_ = at;
    }

    // Writes what waits, and flushes if asked to. Requires: the latch is held, nobody leads.
    void lead(bool flush) noexcept {
        leading_ = true;
        // Threads that commit again and again were woken by the flush before and are about to
        // append. They are given the processor, and no more than that (decision 0014).
        const std::uint32_t turns = flush ? most_turns * committing_ : 0;
        for (std::uint32_t turn = 0; turn < turns && groups_ < committing_; ++turn) {
            latch_.unlock();
            ::sched_yield();
            latch_.lock();
        }
        groups_ = 0;
        std::swap(waiting_, writing_);
        const std::uint64_t from = written_;
        const std::uint64_t to = from + writing_.size();
        const bool earlier = durable_ < from;
        const version newest = newest_;
        segment& into = *current_;
        latch_.unlock();
        const bytes_view bytes{writing_.data(), writing_.size()};
        const std::uint64_t at = from - into.first_lsn;
        storage::status status;
        if (flush) {
            counters_.syncs.add();
            status = Sync::write(into.device, at, bytes, earlier);
        } else if (!bytes.empty()) {
            status = write_unsynced(into, at, bytes);
        }
        counters_.bytes_written.add(bytes.size());
        latch_.lock();
        writing_.clear();
        leading_ = false;
        committing_ = sleeping_ + 1;
        if (status.ok()) {
            written_ = to;
            if (flush) {
                durable_ = to;
                durable_version_ = newest;
            }
        } else {
            failure_ = status.number == 0 ? EIO : status.number;
        }
        moved_.wake_all();
    }

    [[nodiscard]] bool is_empty() const noexcept {
        return appended_ == current_->first_lsn + format::segment_header_size;
    }
    void fail(storage::status status) noexcept {
        latch_guard hold(latch_);
        failure_ = status.number == 0 ? EIO : status.number;
        moved_.wake_all();
    }
    // Makes the segment, which has no group, large enough for one of so many bytes: another would
    // have the same name.
    [[nodiscard]] storage::status lengthen(std::size_t bytes) noexcept {
        const std::uint64_t wanted = room_for(bytes);
        storage::status status =
            write_zeros(current_->device, current_->size, wanted, counters_);
        if (status.ok()) {
            counters_.syncs.add();
            status = current_->device.sync_all();
            if (!status.ok()) fail(status);
        } else {
            // As it was, and durable: the next segment's place in the log must be known, and the
            // next group may be made durable by itself.
            storage::status back = current_->device.resize(current_->size);
            if (back.ok()) {
                counters_.syncs.add();
                back = current_->device.sync_all();
            }
            if (!back.ok()) fail(back);
        }
        current_->unmap(); // it is empty, and nobody writes to it
        if (status.ok()) current_->size = wanted;
        return status;
    }
    // A new or used segment that goes on behind the current one, durable under its name. `stays`:
    // it could not be made, and a crash may bring it back with its header.
    [[nodiscard]] storage::status make(version base, std::size_t bytes, segment*& made,
                                       bool& stays) {
        const version first = next(base);
        const std::string path = format::segment_path(store_path_, first);
        std::string before = path;
        const std::uint64_t wanted = room_for(bytes);
        segment* fresh = take_spare(wanted);
        const bool reused = fresh != nullptr;
        if (!reused) {
            fresh = new segment;
            fresh->size = wanted;
        }
        format::rename_segment(before, fresh->first);
        fresh->first = first;
        if (current_ != nullptr) fresh->first_lsn = current_->first_lsn + current_->size;
        storage::status status;
        if (::getrandom(&fresh->salt, sizeof fresh->salt, 0) !=
            static_cast<ssize_t>(sizeof fresh->salt))
            status = {errno};
        fresh->salt |= 1; // never 0
        const format::segment_header header{database_id_, base, fresh->first_lsn, fresh->salt,
                                            current_ == nullptr ? 0 : current_->salt};
        if (status.ok())
            status = reused ? reuse_segment(*fresh, before, path, header, counters_, stays)
                            : create_segment(*fresh, path, header, counters_, stays);
        if (status.ok()) {
            made = fresh;
            return status;
        }
        // Whatever of it is there belongs to no log.
        static_cast<void>(fresh->device.close());
        static_cast<void>(Device::remove(path));
        if (reused) static_cast<void>(Device::remove(before));
        delete fresh;
        return status;
    }
    // A segment is as large as the one before, and twice that when it was not the first since the
    // last checkpoint: a log of little is little.
    [[nodiscard]] std::uint64_t room_for(std::size_t bytes) const noexcept {
        std::uint64_t size = smallest_segment;
        if (current_ != nullptr) size = current_->size;
        if (bytes != 0 && size < largest_) size *= 2;
        if (size > largest_) size = largest_;
        const std::uint64_t least = bytes + record_room;
        while (size < least) size += smallest_segment;
        return size;
    }
    [[nodiscard]] segment* take_spare(std::uint64_t size) noexcept {
        latch_guard hold(latch_);
        for (segment** at = &spare_; *at != nullptr; at = &(*at)->next) {
            segment* const s = *at;
            if (s->size < size) continue;
            *at = s->next;
            s->next = nullptr;
            return s;
        }
        return nullptr;
    }
    void enter(segment* made) noexcept {
        latch_guard hold(latch_);
        current_ = made;
        appended_ = written_ = durable_ = made->first_lsn + format::segment_header_size;
    }
    void delete_all(segment*& list) noexcept {
        while (list != nullptr) delete std::exchange(list, list->next);
    }
    void remove_all(segment*& list) noexcept {
        for (segment* s = list; s != nullptr; s = s->next) {
            static_cast<void>(s->device.close());
            remove_file(s->first);
        }
        delete_all(list);
    }
    void remove_file(version first) noexcept {
        try {
            static_cast<void>(Device::remove(format::segment_path(store_path_, first)));
        } catch (const std::bad_alloc&) {
            // Left behind; the next open finds that it belongs to no log.
        }
    }

    static constexpr std::uint32_t most_turns = 32;
    static constexpr std::uint64_t record_room =
        format::segment_header_size + checkpoint_bytes + format::group_alignment;

    io_counters& counters_;
    std::string store_path_;
    std::array<std::byte, 16> database_id_{};
    std::uint64_t limit_ = 0;
    std::uint64_t largest_ = largest_segment;
    // Changed by the writer alone.
    segment* current_ = nullptr;
    std::uint64_t appended_ = 0;
    std::atomic<std::uint64_t> kept_from_{0}; // recovery would read from here on
    version newest_{};
    growing_array<std::byte> fresh_; // empty, with room for the group that was reserved
    latch latch_; // over all below, and the lists' ends
    condition moved_;
    segment* used_ = nullptr;
    segment* spare_ = nullptr;
    growing_array<std::byte> waiting_; // appended, not written
    growing_array<std::byte> writing_; // in the leader's hands
    std::uint64_t written_ = 0;
    std::uint64_t durable_ = 0;
    std::uint32_t groups_ = 0;     // in waiting_
    std::uint32_t sleeping_ = 0;   // threads that wait for the leader
    std::uint32_t committing_ = 0; // threads that waited, or led, when the last flush ended
    version durable_version_{};
    int failure_ = 0;
    bool leading_ = false;
};

} // namespace quire::wal
