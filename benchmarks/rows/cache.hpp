// What the rows of `cache` have in common: the maps, the keys, two things done in turns, and the
// line that says what was measured and what it is held to.
// Thread-safety: one thread, but for get_all, which reads.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <quire/btree_map.hpp>

#include "support/scratch.hpp"
#include "support/timing.hpp"

namespace bench::cache {

constexpr std::size_t page_bytes = 4096;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

using file_map = quire::btree_map<std::uint64_t, std::uint64_t>;
using memory_map =
    quire::btree_map<std::uint64_t, std::uint64_t, quire::storage::memory, quire::txn::none>;

// What the command line asked for.
struct session {
    scratch_directory scratch;
    std::size_t scale;
    std::vector<std::string> rows;

    [[nodiscard]] bool wanted(const std::string& row) const {
        return rows.empty() || std::find(rows.begin(), rows.end(), row) != rows.end();
    }
};

enum class bound { at_most, at_least };

inline void report(const std::string& name, double measured, bound kind, double must,
                   const std::string& note = {}) {
    const bool reached = kind == bound::at_most ? measured <= must : measured >= must;
    std::printf("%-58s %8.3f  %s %.2f  %-7s %s\n", name.c_str(), measured,
                kind == bound::at_most ? "at most " : "at least", must,
                reached ? "reached" : "MISSED", note.c_str());
    std::fflush(stdout);
}

[[nodiscard]] inline std::string text(const char* form, double a, double b = 0) {
    char buffer[128];
    std::snprintf(buffer, sizeof buffer, form, a, b);
    return buffer;
}

[[noreturn]] inline void wrong(const char* what) { throw std::runtime_error(what); }

[[nodiscard]] inline std::vector<std::uint64_t> random_keys(std::size_t n, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> keys(n);
    for (std::uint64_t& key : keys) key = random();
    return keys;
}

template <class Map>
void load(Map& map, const std::vector<std::uint64_t>& keys) {
    if constexpr (requires { map.transaction(); }) {
        auto transaction = map.transaction();
        for (const std::uint64_t key : keys) transaction.insert_or_assign(key, key + 1);
        transaction.commit();
    } else {
        for (const std::uint64_t key : keys) map.insert_or_assign(key, key + 1);
    }
}

template <class From>
void get_all(const From& from, const std::vector<std::uint64_t>& keys, std::size_t first,
             std::size_t n) {
    std::uint64_t sum = 0;
    std::uint64_t expected = 0;
    for (std::size_t i = first; i < first + n; ++i) {
        sum += from.get(keys[i % keys.size()]).value();
        expected += keys[i % keys.size()] + 1;
    }
    if (sum != expected) wrong("a lookup gave another value");
}

inline void shuffle(std::vector<std::uint64_t>& keys) {
    std::mt19937_64 random(2);
    std::shuffle(keys.begin(), keys.end(), random);
}

// Median ratio of two things done in turns, and the medians of each in seconds.
struct compared {
    double ratio;
    double subject;
    double against;
};
template <class Subject, class Against>
[[nodiscard]] compared in_turns(int rounds, Subject&& subject, Against&& against) {
    std::vector<double> ratios;
    std::vector<double> own;
    std::vector<double> others;
    for (int round = -1; round < rounds; ++round) {
        const double other = against(round + 1);
        const double mine = subject(round + 1);
        if (round < 0) continue; // to warm up
        own.push_back(mine);
        others.push_back(other);
        ratios.push_back(mine / other);
    }
    return {median(ratios), median(own), median(others)};
}

inline void drop(const descriptor& file) {
    if (::fsync(file.number()) != 0) fail("flush");
    if (::posix_fadvise(file.number(), 0, 0, POSIX_FADV_DONTNEED) != 0) fail("forget a file");
}

[[nodiscard]] inline std::uint64_t bytes_of(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) fail("stat " + path);
    return static_cast<std::uint64_t>(facts.st_size);
}

void measure_misses(session& in); // misses, direct, limited

} // namespace bench::cache
