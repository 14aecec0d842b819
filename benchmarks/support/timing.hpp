// Time and the figures made of it. The clock on the wall is the measure; on a machine that does
// other work besides, work that waits for nothing may be measured in the processor time of its
// thread instead. Medians, not means: other work lengthens some rounds and shortens none.
// Thread-safety: pure functions; a stopwatch and the choice of the clock belong to one thread.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace bench {

enum class clock_kind : clockid_t { wall = CLOCK_MONOTONIC, processor = CLOCK_THREAD_CPUTIME_ID };

class stopwatch {
public:
    // What every stopwatch started from now on reads.
    static void use(clock_kind kind) { clock_ = kind; }

    [[nodiscard]] double seconds() const { return now() - start_; }

private:
    [[nodiscard]] static double now() {
        timespec time{};
        ::clock_gettime(static_cast<clockid_t>(clock_), &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    }

    static inline clock_kind clock_ = clock_kind::wall;
    double start_ = now();
};

template <class Work>
[[nodiscard]] double seconds_of(Work&& work) {
    const stopwatch watch;
    work();
    return watch.seconds();
}

// The value below which the given share of the values lies. Requires: values are not empty.
[[nodiscard]] inline double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

// Requires: values are not empty.
[[nodiscard]] inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// The compiler must assume that the value is read: work that leads to it is not removed.
template <class T>
void keep(const T& value) {
    asm volatile("" : : "r,m"(value) : "memory");
}

} // namespace bench
