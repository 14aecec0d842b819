// Counts of what a store did, kept where the work is done and read by stats(). Relaxed atomics:
// each count is exact, two counts read together may be a moment apart.
#pragma once

#include <atomic>
#include <cstdint>

namespace quire {

class counter {
public:
    void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

// I/O done by one store since it was opened.
struct io_counters {
    counter pages_read;
    counter pages_written;
    counter bytes_read;
    counter bytes_written;
    counter syncs;
};

} // namespace quire
