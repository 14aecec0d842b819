// The cache's own figures, each against what it is held to: memory against the budget, a file
// against memory, readers against one another and beside a writer, a miss against one raw read, a
// scan against a raw one, and the space that an idle snapshot keeps. Ratios of medians of rounds
// that take turns; results are checked.
//
// For a cold scan the kernel is asked to forget the file (POSIX_FADV_DONTNEED); a cache of a host
// below may still serve it, and then serves the raw reads beside it too.
#include <sys/wait.h>

#include <atomic>
#include <cinttypes>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <quire/btree_map.hpp>

#include "rows/cache.hpp"
#include "support/machine.hpp"
#include "support/scratch.hpp"
#include "support/timing.hpp"

namespace {

using namespace bench;
using namespace bench::cache;

constexpr std::string_view usage =
    "usage: cache [--quick] [--dir PATH] [--row NAME]...\n"
    "  rows: budget cached readers writer misses direct limited multi-get "
    "scan snapshot\n";
using value = std::array<std::byte, 150>;

// ---- rows ----------------------------------------------------------------------------------

// In a process of its own, whose peak is the system's figure.
void measure_budget(session& in) {
    for (const std::uint64_t budget : {std::uint64_t{256} << 10, 4 * mebibyte, 64 * mebibyte}) {
        const std::string path = in.scratch.fresh("budget");
        std::fflush(stdout);
        const pid_t child = ::fork();
        if (child < 0) fail("fork");
        if (child == 0) {
            {
                const auto before =
                    std::strtod(field_of("/proc/self/status", "VmRSS").c_str(), nullptr);
                quire::btree_map<std::uint64_t, value> map(path, {.cache_bytes = budget});
                const std::size_t records = 10 * budget / 158;
                std::mt19937_64 random(1);
                {
                    auto transaction = map.transaction();
                    for (std::size_t i = 0; i < records; ++i)
                        transaction.insert_or_assign(random(), value{});
                    transaction.commit();
                }
                random.seed(1);
                std::size_t found = 0;
                for (std::size_t i = 0; i < records; ++i)
                    found += map.get(random()).has_value() ? 1U : 0U;
                if (found != records) ::_exit(1);
                const double peak =
                    std::strtod(field_of("/proc/self/status", "VmHWM").c_str(), nullptr) - before;
                const double allowed =
                    static_cast<double>(budget) * 1.10 + 8 * static_cast<double>(mebibyte);
                report("peak memory, budget " + std::to_string(budget >> 10) + " KiB, data x10",
                       peak * 1024 / static_cast<double>(budget), bound::at_most,
                       allowed / static_cast<double>(budget),
                       text("%.1f MiB beyond the empty process", peak / 1024));
            }
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        if (status != 0) wrong("the process that loads under a budget failed");
        ::unlink(path.c_str());
    }
}

void measure_cached(session& in) {
    std::vector<std::uint64_t> keys = random_keys(4'000'000 / in.scale, 1);
    file_map file(in.scratch.fresh("cached"), {.cache_bytes = std::size_t{1} << 30});
    memory_map memory;
    load(file, keys);
    load(memory, keys);
    shuffle(keys);
    const auto snapshot = file.snapshot();
    const std::size_t n = keys.size() / 10;
    const auto at = [&](int round) { return static_cast<std::size_t>(round) * n; };
    const compared get = in_turns(
        10, [&](int r) { return seconds_of([&] { get_all(snapshot, keys, at(r), n); }); },
        [&](int r) { return seconds_of([&] { get_all(memory, keys, at(r), n); }); });
    if (in.wanted("cached"))
        report("u64 random get, all cached, file / memory", get.ratio, bound::at_most, 1.25,
               text("%.0f and %.0f ns", get.subject / static_cast<double>(n) * 1e9,
                    get.against / static_cast<double>(n) * 1e9));
    const auto many = [&](const auto& from, int round) {
        std::vector<std::optional<std::uint64_t>> found(64);
        std::uint64_t sum = 0;
        std::uint64_t expected = 0;
        const std::size_t first = at(round) % (keys.size() - n + 1);
        return seconds_of([&] {
            for (std::size_t i = first; i + 64 <= first + n; i += 64) {
                from.multi_get({keys.data() + i, 64}, found);
                for (std::size_t k = 0; k < 64; ++k) {
                    sum += *found[k];
                    expected += keys[i + k] + 1;
                }
            }
            if (sum != expected) wrong("multi_get gave another value");
        });
    };
    if (in.wanted("multi-get")) {
        const auto one = [&](const auto& from) {
            return in_turns(
                10, [&](int r) { return many(from, r); },
                [&](int r) { return seconds_of([&] { get_all(from, keys, at(r), n); }); });
        };
        report("multi_get of 64 / get, u64, memory", one(memory).ratio, bound::at_most, 0.5);
        report("multi_get of 64 / get, u64, file, all cached", one(snapshot).ratio, bound::at_most,
               0.5);
    }
}

// Lookups in a second by each of so many threads together.
template <class Beside>
[[nodiscard]] double lookups(const file_map& map, const std::vector<std::uint64_t>& keys,
                             unsigned threads, double seconds, Beside&& beside) {
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> done{0};
    std::vector<std::jthread> readers;
    const stopwatch watch;
    for (unsigned t = 0; t < threads; ++t)
        readers.emplace_back([&, t] {
            const auto snapshot = map.snapshot();
            std::uint64_t mine = 0;
            for (std::size_t i = keys.size() / 2 * t; !over; i += 100, mine += 100)
                get_all(snapshot, keys, i, 100);
            done += mine;
        });
    beside(watch, seconds);
    over = true;
    readers.clear();
    return static_cast<double>(done) / watch.seconds();
}

// Steps in a second of threads that share nothing and wait for no memory: what the machine itself
// makes of so many threads.
[[nodiscard]] double steps(unsigned threads, double seconds) {
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> done{0};
    const stopwatch watch;
    {
        std::vector<std::jthread> running;
        for (unsigned t = 0; t < threads; ++t)
            running.emplace_back([&, t] {
                std::uint64_t state = t + 1;
                std::uint64_t mine = 0;
                for (; !over; mine += 1000)
                    for (int i = 0; i < 1000; ++i) {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                    }
                keep(state);
                done += mine;
            });
        while (watch.seconds() < seconds) ::usleep(1000);
        over = true;
    }
    return static_cast<double>(done) / watch.seconds();
}

void wait_until(const stopwatch& watch, double seconds) {
    while (watch.seconds() < seconds) ::usleep(1000);
}

void measure_threads(session& in) {
    std::vector<std::uint64_t> keys = random_keys(1'000'000 / in.scale, 1);
    file_map map(in.scratch.fresh("threads"), {.cache_bytes = std::size_t{1} << 30});
    load(map, keys);
    shuffle(keys);
    const double span = in.scale == 1 ? 1.0 : 0.3;
    const auto idle = [](const stopwatch& watch, double seconds) { wait_until(watch, seconds); };
    if (in.wanted("readers")) {
        const compared two = in_turns(
            7, [&](int) { return lookups(map, keys, 2, span, idle); },
            [&](int) { return lookups(map, keys, 1, span, idle); });
        const compared machine = in_turns(
            7, [&](int) { return steps(2, span); }, [&](int) { return steps(1, span); });
        report("two reader threads / one", two.ratio, bound::at_least, 1.85,
               text("%.2f M lookups/s with one; threads that share nothing %.2f", two.against / 1e6,
                    machine.ratio));
    }
    if (in.wanted("writer")) {
        std::uint64_t commits = 0;
        const auto writing = [&](const stopwatch& watch, double seconds) {
            while (watch.seconds() < seconds) {
                auto transaction = map.transaction();
                for (int i = 0; i < 10; ++i) {
                    const std::uint64_t key =
                        keys[(commits * 31 + static_cast<unsigned>(i) * 997) % keys.size()];
                    transaction.insert_or_assign(key, key + 1);
                }
                transaction.commit();
                ++commits;
            }
        };
        const compared beside = in_turns(
            7, [&](int) { return lookups(map, keys, 1, span, writing); },
            [&](int) { return lookups(map, keys, 1, span, idle); });
        report("reader beside a writer that commits / alone", beside.ratio, bound::at_least, 0.80,
               std::to_string(commits) + " commits");
    }
}

void measure_scan(session& in) {
    const std::string path = in.scratch.fresh("scan");
    const std::size_t records = 16'000'000 / in.scale;
    {
        file_map map(path, {.cache_bytes = std::size_t{1} << 30});
        auto transaction = map.transaction();
        for (std::uint64_t i = 0; i < records; ++i) transaction.insert_or_assign(i, i);
        transaction.commit();
    }
    const descriptor raw(path, O_RDONLY | O_CLOEXEC);
    const std::uint64_t size = bytes_of(path);
    std::vector<std::byte> buffer(mebibyte);
    const auto rate_of = [&](double seconds) { return static_cast<double>(size) / seconds; };
    const auto scan = [&](auto&& walk) {
        return in_turns(
            5,
            [&](int) {
                const file_map map(path, {.cache_bytes = 64 * mebibyte});
                drop(raw);
                std::uint64_t sum = 0;
                const double took = seconds_of([&] { sum = walk(map); });
                if (sum != records * (records - 1) / 2) wrong("a scan gave another sum");
                return rate_of(took);
            },
            [&](int) {
                drop(raw);
                return rate_of(seconds_of([&] {
                    for (std::uint64_t at = 0; at < size; at += mebibyte)
                        read_all(raw, buffer.data(),
                                 static_cast<std::size_t>(std::min(mebibyte, size - at)),
                                 static_cast<off_t>(at));
                }));
            });
    };
    const compared steps = scan([](const file_map& map) {
        std::uint64_t sum = 0;
        for (const auto& entry : map) sum += entry.second;
        return sum;
    });
    report("full scan, cold, ascending file / raw sequential read", steps.ratio, bound::at_least,
           0.7, text("%.0f and %.0f MB/s", steps.subject / 1e6, steps.against / 1e6));
    const compared leaves = scan([](const file_map& map) {
        std::uint64_t sum = 0;
        map.for_each_leaf([&](auto, auto values) {
            for (const std::uint64_t v : values) sum += v;
        });
        return sum;
    });
    report("the same by for_each_leaf", leaves.ratio, bound::at_least, 0.7,
           text("%.0f and %.0f MB/s", leaves.subject / 1e6, leaves.against / 1e6));
}

void measure_snapshot(session& in) {
    const std::vector<std::uint64_t> keys = random_keys(1'000'000 / in.scale, 1);
    file_map map(in.scratch.fresh("snapshot"), {.cache_bytes = 256 * mebibyte});
    load(map, keys);
    map.flush();
    const auto idle = map.snapshot();
    const std::uint64_t seen = map.stats().pages;
    for (int round = 0; round < 10; ++round) {
        auto transaction = map.transaction();
        for (std::size_t i = 0; i < keys.size() / 2; ++i)
            transaction.insert_or_assign(keys[i], keys[i] + 1);
        transaction.commit();
        map.flush();
    }
    // Beyond what the newest version needs, and what the next commit may reuse.
    const auto stats = map.stats();
    get_all(idle, keys, 0, keys.size() / 10);
    report("pages held by an idle snapshot / pages that it can see",
           static_cast<double>(stats.pending_pages) / static_cast<double>(seen), bound::at_most,
           1.1, std::to_string(seen) + " pages seen");
}

int run(int count, char** words) {
    std::string directory;
    std::size_t scale = 1;
    std::vector<std::string> rows;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--quick") scale = 10;
        else if (word == "--dir" && i + 1 < count) directory = words[++i];
        else if (word == "--row" && i + 1 < count) rows.emplace_back(words[++i]);
        else {
            std::fputs(std::string(usage).c_str(), word == "--help" ? stdout : stderr);
            return word == "--help" ? 0 : 1;
        }
    }
    session in{scratch_directory(directory), scale, rows};
    if (in.wanted("budget")) measure_budget(in);
    if (in.wanted("cached") || in.wanted("multi-get")) measure_cached(in);
    if (in.wanted("readers") || in.wanted("writer")) measure_threads(in);
    if (in.wanted("misses") || in.wanted("direct") || in.wanted("limited")) measure_misses(in);
    if (in.wanted("scan")) measure_scan(in);
    if (in.wanted("snapshot")) measure_snapshot(in);
    return 0;
}

} // namespace

int main(int count, char** words) {
    try {
        return run(count, words);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "cache: %s\n", e.what());
        return 1;
    }
}
