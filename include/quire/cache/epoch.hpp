// Epochs: how memory and page ids retired by a writer wait for the operations that may still read
// them. An operation announces the current epoch in a slot while it runs; something retired in
// epoch e may be reused when no slot shows an epoch of e or earlier.
// Source: K. Fraser, "Practical lock-freedom", 2004; slots are claimed by each operation rather
// than owned by a thread, so threads need no registration and may end at any time.
//
// Thread-safety: all members, from any thread.
// Invariants:
//   1. Announcing is a sequentially consistent read-modify-write, so what an operation loads after
//      it is at least as new as what a writer published before it looked at that slot and found it
//      empty.
//   2. A guard is held for one operation, never across user code that may wait.
#pragma once

#include <atomic>
#include <cstdint>
#include <sched.h>

#include <quire/core/config.hpp>

namespace quire::cache {

// Names the point in time at which something was retired.
enum class epoch_stamp : std::uint64_t { none = 0 };

class epoch {
public:
    epoch() noexcept { slots_[0].announced.store(reserved, std::memory_order_relaxed); }

    class guard {
    public:
        explicit guard(epoch& e) noexcept : slot_(&e.announce()) {}
        guard(const guard&) = delete;
        guard& operator=(const guard&) = delete;
        ~guard() { slot_->store(0, std::memory_order_release); }

    private:
        std::atomic<std::uint64_t>* slot_;
    };

    // More operations than slots at one moment wait for a slot; each is held for microseconds.
    static constexpr std::uint32_t slots = 64;
    // The slot that this thread's latest guard took; for what is kept by slot. Another guard may
    // have it by now.
    [[nodiscard]] QUIRE_INLINE std::uint32_t slot_index() const noexcept {
        return favourite_ % slots;
    }
    // The stamp of what is unlinked now. It has passed once advance() was called and those
    // operations have ended that began before.
    [[nodiscard]] epoch_stamp now() const noexcept {
        return static_cast<epoch_stamp>(current_.load(std::memory_order_seq_cst));
    }

    // Ends the current epoch. What was unlinked before the call is retired with the stamp it
    // returns.
    [[nodiscard]] epoch_stamp advance() noexcept {
        return static_cast<epoch_stamp>(current_.fetch_add(1, std::memory_order_seq_cst));
    }

    // Whether every operation that began in the stamp's epoch or before has ended.
    [[nodiscard]] bool passed(epoch_stamp stamp) const noexcept {
        for (const slot& s : slots_) {
            const std::uint64_t seen = s.announced.load(std::memory_order_seq_cst);
            if (seen != 0 && seen <= static_cast<std::uint64_t>(stamp)) return false;
        }
        return true;
    }

    // Whether no operation but one of the caller's is running. Those that begin later see what was
    // stored, sequentially consistent, before the call.
    [[nodiscard]] bool alone() const noexcept {
        std::uint32_t running = 0;
        for (const slot& s : slots_)
            running += s.announced.load(std::memory_order_seq_cst) != 0 ? 1U : 0U;
        return running <= 2; // the reserved slot and the caller's own
    }

private:
    struct alignas(64) slot {
        std::atomic<std::uint64_t> announced{0};
    };

    // Slot 0 is never free: a thread that has no favourite yet finds it taken and chooses one.
    static constexpr std::uint64_t reserved = ~std::uint64_t{0};

    [[nodiscard]] QUIRE_INLINE std::atomic<std::uint64_t>& announce() noexcept {
        const std::uint64_t now = current_.load(std::memory_order_acquire);
        std::uint64_t empty = 0;
        auto& mine = slots_[favourite_ % slots].announced;
        if (QUIRE_LIKELY(mine.compare_exchange_strong(empty, now, std::memory_order_seq_cst)))
            return mine;
        return announce_elsewhere();
    }

    QUIRE_COLD std::atomic<std::uint64_t>& announce_elsewhere() noexcept {
        if (favourite_ == 0) {
            static constinit std::atomic<std::uint32_t> threads{0};
            favourite_ = 1 + threads.fetch_add(1, std::memory_order_relaxed) % (slots - 1);
        }
        for (std::uint32_t tries = 0;; ++tries) {
            const std::uint64_t now = current_.load(std::memory_order_acquire);
            const std::uint32_t at = favourite_ + tries;
            std::uint64_t empty = 0;
            auto& other = slots_[at % slots].announced;
            if (other.compare_exchange_strong(empty, now, std::memory_order_seq_cst)) {
                favourite_ = at % slots;
                return other;
            }
            if (tries % slots == slots - 1) sched_yield();
        }
    }

    // Where this thread found a free slot last; any value is right.
    static inline constinit thread_local std::uint32_t favourite_ = 0;

    std::atomic<std::uint64_t> current_{1};
    slot slots_[slots]{};
};

// For stores that only one thread uses: nothing is ever in flight when a writer asks.
class null_epoch {
public:
    class guard {
    public:
        explicit guard(null_epoch&) noexcept {}
        guard(const guard&) = delete;
        guard& operator=(const guard&) = delete;
        ~guard() {} // user-provided, so that a guard is not an unused variable
    };
    [[nodiscard]] epoch_stamp advance() noexcept { return epoch_stamp::none; }
    [[nodiscard]] bool passed(epoch_stamp) const noexcept { return true; }
    [[nodiscard]] bool alone() const noexcept { return true; }
};

} // namespace quire::cache
