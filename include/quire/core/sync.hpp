// Short and long mutual exclusion on POSIX threads, without the compile cost of <mutex>.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <pthread.h>

#include <quire/core/assert.hpp>

namespace quire {

// Milliseconds on a clock that only goes forward, as coarse as the system's tick (1 to 10 ms) and
// as cheap to read as memory.
[[nodiscard]] inline std::int64_t coarse_milliseconds() noexcept {
#if defined(CLOCK_MONOTONIC_COARSE)
    constexpr clockid_t clock = CLOCK_MONOTONIC_COARSE;
#else
    constexpr clockid_t clock = CLOCK_MONOTONIC;
#endif
    timespec now{};
    clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// A latch: held for a few instructions, never across user code or a page read.
class latch {
public:
    latch() = default;
    latch(const latch&) = delete;
    latch& operator=(const latch&) = delete;
    ~latch() { pthread_mutex_destroy(&mutex_); }

    void lock() noexcept { pthread_mutex_lock(&mutex_); }
    void unlock() noexcept { pthread_mutex_unlock(&mutex_); }

private:
    friend class gate;
    friend class condition;
#if defined(PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP)
    // Tries a few times before it sleeps: what it waits for is shorter than falling asleep.
    pthread_mutex_t mutex_ = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
#else
    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
#endif
};

class latch_guard {
public:
    QUIRE_TRIVIAL explicit latch_guard(latch& l) noexcept : latch_(l) { latch_.lock(); }
    latch_guard(const latch_guard&) = delete;
    latch_guard& operator=(const latch_guard&) = delete;
    QUIRE_TRIVIAL ~latch_guard() { latch_.unlock(); }

private:
    latch& latch_;
};

// What threads wait for that hold a latch.
class condition {
public:
    condition() = default;
    condition(const condition&) = delete;
    condition& operator=(const condition&) = delete;
    ~condition() { pthread_cond_destroy(&changed_); }

    // Gives the latch up while it waits; may return without a reason. Requires: the latch is held.
    void wait(latch& held) noexcept { pthread_cond_wait(&changed_, &held.mutex_); }
    void wake_all() noexcept { pthread_cond_broadcast(&changed_); }

private:
    pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER;
};

// Admits one holder at a time. Unlike a mutex it belongs to no thread: whoever has the right to
// leave may leave, so a transaction can move between threads.
class gate {
public:
    gate() noexcept {
        pthread_condattr_t attributes;
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&freed_, &attributes);
        pthread_condattr_destroy(&attributes);
    }
    gate(const gate&) = delete;
    gate& operator=(const gate&) = delete;
    ~gate() { pthread_cond_destroy(&freed_); }

    void enter() noexcept {
        // A change of one record is over sooner than this thread would be asleep.
        for (int tries = 0; tries < tries_awake; ++tries) {
            if (!held_.load(std::memory_order_relaxed) && try_enter(0)) return;
            pause();
        }
        latch_guard hold(latch_);
        ++waiting_;
        while (held_) pthread_cond_wait(&freed_, &latch_.mutex_);
        --waiting_;
        held_ = true;
    }

    // Waits at most `nanoseconds`; false when the gate was held all that time.
    [[nodiscard]] bool try_enter(std::uint64_t nanoseconds) noexcept {
        latch_guard hold(latch_);
        if (held_ && nanoseconds != 0) {
            timespec until{};
            clock_gettime(CLOCK_MONOTONIC, &until);
            constexpr std::uint64_t second = 1'000'000'000;
            const std::uint64_t nanos =
                static_cast<std::uint64_t>(until.tv_nsec) + nanoseconds % second;
            until.tv_sec += static_cast<time_t>(nanoseconds / second + nanos / second);
            until.tv_nsec = static_cast<long>(nanos % second);
            ++waiting_;
            while (held_)
                if (pthread_cond_timedwait(&freed_, &latch_.mutex_, &until) == ETIMEDOUT) break;
            --waiting_;
        }
        if (held_) return false;
        held_ = true;
        return true;
    }

    // Whether somebody has waited for long enough to be asleep: who comes back at once would always
    // be faster.
    [[nodiscard]] bool is_wanted() const noexcept {
        return waiting_.load(std::memory_order_relaxed) != 0;
    }

    [[nodiscard]] bool is_free() noexcept {
        latch_guard hold(latch_);
        return !held_;
    }

    void leave() noexcept {
        latch_guard hold(latch_);
        QUIRE_ASSERT(held_, "only the holder leaves a gate");
        held_ = false;
        pthread_cond_signal(&freed_);
    }

private:
    static constexpr int tries_awake = 1000; // of about 10 ns
    static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }

    latch latch_;
    pthread_cond_t freed_{};
    std::atomic<bool> held_{false};         // changed under the latch, like
    std::atomic<std::uint32_t> waiting_{0}; // those asleep
};

// Leaves a gate that has been entered.
class gate_guard {
public:
    QUIRE_TRIVIAL explicit gate_guard(gate& entered) noexcept : gate_(entered) {}
    gate_guard(const gate_guard&) = delete;
    gate_guard& operator=(const gate_guard&) = delete;
    QUIRE_TRIVIAL ~gate_guard() { gate_.leave(); }

private:
    gate& gate_;
};

} // namespace quire
