// A process in which four threads commit, and sometimes one compacts and copies beside them, is
// killed, again and again, each time with other options: every commit that was told is there, and
// at most the one in flight of each thread besides. What was committed relaxed outlives the process
// too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>

#include "support/killed_child.hpp"
#include "support/temp_dir.hpp"

namespace {

constexpr std::uint32_t writers = 4;

// Key `w` holds how many transactions writer w committed; key `w n` what it wrote in its n-th.
template <class Storage>
using map_on =
    quire::btree_map<std::string, std::string, Storage, quire::txn::wal, quire::page_size<512>>;

struct told {
    std::uint32_t writer;
    std::uint32_t commit;
};

std::string record(std::uint32_t writer, std::uint32_t n) {
    return std::string((n * 37 + writer) % 700, static_cast<char>('a' + n % 26));
}

quire::options options_of(std::mt19937_64& random) {
    constexpr std::uint64_t budgets[] = {1, 1 << 20, 16 << 20};
    constexpr std::uint64_t limits[] = {1, 100'000, 1 << 20};
    return {.cache_bytes = budgets[random() % 3],
            .durability = random() % 2 == 0 ? quire::durability::full : quire::durability::relaxed,
            .wal_limit_bytes = limits[random() % 3]};
}

template <class Storage>
[[noreturn]] void load(const std::string& path, std::uint64_t seed, int to) {
    try {
        std::mt19937_64 random(seed);
        map_on<Storage> map(path, options_of(random));
        const bool single_calls = random() % 2 == 0; // lazy commits, if they are relaxed
        std::vector<std::thread> threads;
        if (random() % 2 == 0) // who makes the file shorter, and copies it, beside them
            threads.emplace_back([&map, copy = path + "-copy"] {
                for (std::uint64_t pages = 20;; pages = pages * 2 % 1000 + 20) {
                    static_cast<void>(map.compact({.pages = pages}));
                    ::unlink(copy.c_str());
                    map.backup(copy, {.packed = pages % 3 == 0});
                }
            });
        for (std::uint32_t w = 0; w < writers; ++w)
            threads.emplace_back([&map, w, to, single_calls] {
                const std::string name = std::to_string(w);
                auto n = static_cast<std::uint32_t>(std::stoul(map.get(name).value_or("0")));
                for (;;) {
                    ++n;
                    const auto put_both = [&](auto& into) {
                        into.insert_or_assign(name + " " + std::to_string(n % 50), record(w, n));
                        into.insert_or_assign(name, std::to_string(n));
                    };
                    if (single_calls) {
                        put_both(map);
                    } else {
                        auto transaction = map.transaction();
                        put_both(transaction);
                        transaction.commit(); // so what is told next outlives this process
                    }
                    const told line{w, n};
                    if (::write(to, &line, sizeof line) != sizeof line) ::_exit(1);
                }
            });
        for (std::thread& each : threads) each.join();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
    }
    ::_exit(1);
}

// Kills a load after it has told of that many commits.
template <class Storage>
void load_and_kill(const std::string& path, std::uint64_t seed, std::uint64_t commits,
                   std::vector<std::uint32_t>& acknowledged) {
    quire_test::run_and_kill<told>(
        commits, [&](int to) { load<Storage>(path, seed, to); },
        [&](const told& line) {
            acknowledged[line.writer] = std::max(acknowledged[line.writer], line.commit);
        });
}

template <class Loads, class Reads>
void kill_again_and_again(std::uint64_t seed, std::uint64_t kills) {
    const quire_test::temp_dir dir;
    const std::string path = dir.path("store");
    std::mt19937_64 random(seed);
    std::vector<std::uint32_t> acknowledged(writers, 0);
    for (std::uint64_t i = 0; i < kills; ++i) {
        INFO("seed ", seed, ", kill ", i);
        load_and_kill<Loads>(path, seed * 1000 + i, 1 + random() % 60, acknowledged);
        // The next load recovers, and what this one had in flight may not be told before the next
        // one has something in flight.
        if (i % 4 == 3) continue;
        const std::uint32_t in_flight = i % 4 == 0 && i != 0 ? 2 : 1;
        map_on<Reads> map(path, options_of(random));
        map.verify();
        for (std::uint32_t w = 0; w < writers; ++w) {
            const std::string name = std::to_string(w);
            const auto n = static_cast<std::uint32_t>(std::stoul(map.get(name).value_or("0")));
            REQUIRE(n >= acknowledged[w]);
            REQUIRE(n <= acknowledged[w] + in_flight);
            acknowledged[w] = n;
            // Single calls in flight may have written over the records of 50 commits before.
            for (std::uint32_t k = n > 47 ? n - 47 : 1; k <= n; ++k)
                REQUIRE(map.get(name + " " + std::to_string(k % 50)) == record(w, k));
        }
    }
}

} // namespace

TEST_CASE("kills of four writers lose nothing that was acknowledged") {
    kill_again_and_again<quire::storage::file, quire::storage::mmap>(1, 8);
    kill_again_and_again<quire::storage::mmap, quire::storage::file>(2, 8);
}

TEST_SUITE("long") {
    TEST_CASE("five hundred kills of four writers") {
        for (std::uint64_t seed = 10; seed < 20; ++seed) {
            kill_again_and_again<quire::storage::file, quire::storage::file>(seed, 25);
            kill_again_and_again<quire::storage::mmap, quire::storage::mmap>(seed, 25);
        }
    }
}
