// A replacement policy that notes every page it is asked for: the trace that benchmarks/replay
// reads and says of which policy and which size of cache suit the program. The program starts a
// trace and ends it; all stores of the process whose maps name recording<> write to it.
//
//   quire::btree_map<std::uint64_t, order, quire::replacement::recording<>> orders{"orders.quire"};
//   {
//       quire::replacement::trace trace{"program.trace"};
//       ... // work as usual
//   }
//
// The file holds the 8 bytes "quiretrc" and then page ids, 32 bits each, little-endian. The ids of
// the first store that is heard of are its own; those of others are changed at the upper bits, so
// that pages of several stores do not meet. A store that is opened anew counts as another one.
//
// Noted are pages that come in, whether read or written by a commit, and hits. Hits of one thread
// come in their order, in batches (cache/page_cache.hpp): up to 61 of each thread are missing at
// the end of a trace, or from the time before it. Hits of pages that were changed and are not yet
// written are not told to policies and so not noted: long transactions and commits with
// durability::none leave gaps. storage::mmap and storage::memory ask no policy.
//
// Invariants:
//   1. Victims are those of Policy. What it learns from marks in the translation array, it learns
//      here from the hits: a hit of a marked page would pass by unnoted.
//   2. Noting never throws and never waits but for other caches that note. After a failure nothing
//      more is noted, and stop() throws.
// Thread-safety: a trace belongs to one thread; caches of any threads note at once.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include <quire/cache/replacement/clock.hpp>
#include <quire/cache/replacement/concepts.hpp>
#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/error.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/core/sync.hpp>

namespace quire::replacement {

class trace;

namespace detail {

// The one trace of the process.
struct recorder {
    latch hold; // over all below and the inside of the trace
    std::atomic<trace*> current{nullptr};
    std::uint64_t started = 0; // traces so far
    std::uint32_t caches = 0;  // heard of in this trace
};
inline recorder the_recorder;

} // namespace detail

class trace {
public:
    static constexpr std::string_view magic = "quiretrc";

    // Keeps the trace in memory. Requires, as the other one: no other trace is alive. Throws
    // std::bad_alloc.
    trace() { start(); }
    // Writes it to a file, which is made or begun anew. Throws io_error, std::bad_alloc.
    explicit trace(const std::string& path)
        : path_(path), file_(std::fopen(path.c_str(), "wbe")), to_file_(true) {
        if (file_ == nullptr) quire::detail::raise_io("making a trace failed", errno, path_);
        if (std::fwrite(magic.data(), 1, magic.size(), file_) != magic.size()) failed_ = errno;
        try {
            start();
        } catch (...) {
            std::fclose(file_);
            throw;
        }
    }
    trace(const trace&) = delete;
    trace& operator=(const trace&) = delete;
    // Stops, and says nothing of what failed.
    ~trace() { end(); }

    // Ends the trace. Throws io_error when not everything is in the file, std::bad_alloc when not
    // everything found room in memory.
    void stop() {
        end();
        if (failed_ == 0) return;
        if (!to_file_) throw std::bad_alloc();
        quire::detail::raise_io("writing a trace failed", failed_, path_);
    }
    // Requests noted so far.
    [[nodiscard]] std::uint64_t size() const noexcept {
        latch_guard hold(detail::the_recorder.hold);
        return noted_;
    }
    // What was noted, in order. Requires: kept in memory, and stopped.
    [[nodiscard]] std::span<const std::uint32_t> pages() const noexcept {
        QUIRE_PRECONDITION(ended_ && !to_file_, "a trace in memory is read when it has ended");
        return {pages_.data(), pages_.size()};
    }

private:
    template <replacement_policy>
    friend class recording;
    static constexpr std::size_t batch = 16384; // requests written at once

    void start() {
        pages_.reserve(batch);
        detail::recorder& all = detail::the_recorder;
        latch_guard hold(all.hold);
        QUIRE_PRECONDITION(all.current.load(std::memory_order_relaxed) == nullptr,
                           "one trace is alive at a time");
        ++all.started;
        all.caches = 0;
        all.current.store(this, std::memory_order_relaxed);
    }
    void end() noexcept {
        if (ended_) return;
        ended_ = true;
        {
            latch_guard hold(detail::the_recorder.hold);
            detail::the_recorder.current.store(nullptr, std::memory_order_relaxed);
        }
        if (!to_file_) return;
        write_out();
        if (std::fclose(file_) != 0 && failed_ == 0) failed_ = errno;
    }
    // Under the latch.
    void add(std::uint32_t page) noexcept {
        if (failed_ != 0) return;
        try {
            pages_.push_back(page);
        } catch (const std::bad_alloc&) {
            failed_ = ENOMEM;
            return;
        }
        ++noted_;
        if (to_file_ && pages_.size() == batch) write_out();
    }
    void write_out() noexcept {
        for (std::uint32_t& page : pages_) {
            const std::uint32_t id = page;
            store_le<std::uint32_t>(reinterpret_cast<std::byte*>(&page), id);
        }
        const std::size_t bytes = pages_.size() * sizeof(std::uint32_t);
        if (failed_ == 0 && bytes != 0 && std::fwrite(pages_.data(), 1, bytes, file_) != bytes)
            failed_ = errno;
        pages_.clear();
    }

    std::string path_;
    std::FILE* file_ = nullptr;
    growing_array<std::uint32_t> pages_; // not yet written, if there is a file
    std::uint64_t noted_ = 0;
    int failed_ = 0; // an errno
    bool to_file_ = false;
    bool ended_ = false;
};

template <replacement_policy Policy = clock>
class recording : public policy_base {
public:
    static constexpr std::string_view name = "recording";
    static constexpr bool wants_hits = true;
    static constexpr std::size_t bytes_per_frame = Policy::bytes_per_frame + 5;

    void reset(std::uint32_t frames, std::uint32_t pages) {
        page_in_.clear();
        page_in_.resize(frames);
        used_.clear();
        used_.resize(frames);
        policy_.reset(frames, pages);
    }
    void on_load(std::uint32_t frame, page_id page, arrival why) noexcept {
        note(page);
        page_in_[frame] = page;
        used_[frame] = Policy::load_is_use && (Policy::wants_hits || why != arrival::once);
        policy_.on_load(frame, page, why);
    }
    void on_hit(std::uint32_t frame) noexcept {
        if (page_in_[frame] == page_id::none) return;
        note(page_in_[frame]);
        used_[frame] = true;
        if constexpr (Policy::wants_hits) policy_.on_hit(frame);
    }
    void on_leave(std::uint32_t frame) noexcept {
        page_in_[frame] = page_id::none;
        policy_.on_leave(frame);
    }
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        const std::uint32_t frame = policy_.victim(asked_frames<Frames>{*this, frames});
        if (frame != no_frame) page_in_[frame] = page_id::none;
        return frame;
    }

private:
    // The frames as Policy sees them: what was used is known here.
    template <class Frames>
    struct asked_frames {
        recording& of;
        Frames& frames;

        [[nodiscard]] frame_use ask(std::uint32_t frame) const noexcept {
            if (of.page_in_[frame] == page_id::none) return frame_use::occupied;
            if (of.used_[frame]) {
                of.used_[frame] = false;
                return frame_use::used;
            }
            return frames.take(frame) ? frame_use::unused : frame_use::occupied;
        }
        [[nodiscard]] bool take(std::uint32_t frame) const noexcept { return frames.take(frame); }
        [[nodiscard]] page_id incoming() const noexcept { return frames.incoming(); }
    };

    void note(page_id page) noexcept {
        detail::recorder& all = detail::the_recorder;
        if (all.current.load(std::memory_order_relaxed) == nullptr) return;
        latch_guard hold(all.hold);
        trace* const to = all.current.load(std::memory_order_relaxed);
        if (to == nullptr) return;
        if (known_ != all.started) {
            known_ = all.started;
            apart_ = upper_bits(all.caches++);
        }
        to->add(to_integer(page) ^ apart_);
    }
    // The number with its bits in reverse order: numbers grow from the top, pages from the bottom.
    [[nodiscard]] static std::uint32_t upper_bits(std::uint32_t number) noexcept {
        std::uint32_t reversed = 0;
        for (int bit = 0; bit < 32; ++bit) reversed = reversed << 1 | (number >> bit & 1);
        return reversed;
    }

    Policy policy_;
    growing_array<page_id> page_in_; // by frame
    growing_array<bool> used_;       // by frame: since it was asked about
    std::uint64_t known_ = 0;        // the trace that this cache was heard of in
    std::uint32_t apart_ = 0;
};

} // namespace quire::replacement
