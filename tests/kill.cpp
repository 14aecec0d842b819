// A process that loads a store is killed, again and again: every commit it told about is there.
// The moment is given by the number of acknowledgements read, so no clock is asked; how far the
// process is into its next commit by then is up to the machine.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/inspect/file.hpp>

#include "support/killed_child.hpp"
#include "support/temp_dir.hpp"

namespace {

using by_reading = quire::storage::file;
using by_mapping = quire::storage::mmap;
using state = std::map<std::string, std::string>;
template <class Storage>
using words = quire::btree_map<std::string, std::string, Storage, quire::page_size<512>>;

// Commit number n of a load, the same in every process: `put(key, value)` and `erase(key)`.
template <class Put, class Erase>
void changes_of(std::uint64_t seed, std::uint32_t n, Put&& put, Erase&& erase) {
    std::mt19937_64 random(seed * 1000003 + n);
    const std::uint64_t changes = n % 7 == 0 ? 120 : 1 + random() % 5;
    for (std::uint64_t i = 0; i < changes; ++i) {
        const std::string key = "key " + std::to_string(random() % 400);
        const std::size_t size = random() % 15 == 0 ? 300 + random() % 4000 : random() % 60;
        if (random() % 4 == 0) erase(key);
        else put(key, std::string(size, static_cast<char>('a' + n % 26)));
    }
    put("commit", std::to_string(n));
}
void apply(state& model, std::uint64_t seed, std::uint32_t n) {
    changes_of(
        seed, n, [&](const std::string& k, const std::string& v) { model[k] = v; },
        [&](const std::string& k) { model.erase(k); });
}

// The child: commits from number `first` on, telling each, until it is killed.
template <class Storage>
[[noreturn]] void load(const std::string& path, std::uint64_t seed, std::uint32_t first, int to) {
    try {
        words<Storage> map(path, {.cache_bytes = 1});
        for (std::uint32_t n = first;; ++n) {
            auto tx = map.transaction();
            changes_of(
                seed, n,
                [&](const std::string& k, const std::string& v) { tx.insert_or_assign(k, v); },
                [&](const std::string& k) { tx.erase(k); });
            tx.commit();
            if (::write(to, &n, sizeof n) != sizeof n) break;
        }
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
    }
    ::_exit(1); // nobody reads, or an exception: not what was to happen
}

// Kills a load after that many acknowledgements; gives the last commit told, or `first` - 1.
template <class Storage>
std::uint32_t load_and_kill(const std::string& path, std::uint64_t seed, std::uint32_t first,
                            std::uint64_t acknowledgements) {
    std::uint32_t told = first - 1;
    quire_test::run_and_kill<std::uint32_t>(
        acknowledgements, [&](int to) { load<Storage>(path, seed, first, to); },
        [&](std::uint32_t n) { told = n; });
    CHECK(told + 1 >= first + acknowledgements);
    return told;
}

// Opens what is left, and says which commit it holds.
template <class Storage>
std::uint32_t recovered(const std::string& path, std::uint64_t seed, std::uint32_t told) {
    const auto report =
        quire::inspect::check_file(path, quire::inspect::file_lock::shared);
    REQUIRE_MESSAGE(report.sound(), text_of(report));
    words<Storage> map(path, {.cache_bytes = 1});
    map.verify();
    const state found(map.begin(), map.end());
    const std::uint32_t holds =
        found.empty() ? 0 : static_cast<std::uint32_t>(std::stoul(found.at("commit")));
    REQUIRE(holds >= told);
    REQUIRE(holds <= told + 1);
    state model;
    for (std::uint32_t n = 1; n <= holds; ++n) apply(model, seed, n);
    REQUIRE(found == model);
    return holds;
}

// One store, killed `kills` times; loaded through one storage and reopened through the other.
template <class Loads, class Reads>
void kill_again_and_again(std::uint64_t seed, int kills) {
    const quire_test::temp_dir dir;
    const std::string path = dir.path("store");
    std::mt19937_64 random(seed);
    std::uint32_t holds = 0;
    for (int i = 0; i < kills; ++i) {
        INFO("seed ", seed, ", kill ", i);
        const std::uint64_t acknowledgements = i % 5 == 4 ? 0 : 1 + random() % 12;
        const std::uint32_t told =
            load_and_kill<Loads>(path, seed, holds + 1, acknowledgements);
        // A child that was killed before it had made the store has left none.
        if (told == 0 && ::access(path.c_str(), F_OK) != 0) continue;
        holds = recovered<Reads>(path, seed, told);
        if (i % 3 == 0) {
            const auto report = quire::inspect::check_file(path);
            CHECK_MESSAGE(report.ok(), text_of(report)); // closed in order by now
        }
    }
    CHECK(holds > 10);
}

} // namespace

TEST_CASE("fifty kills lose nothing that was acknowledged") {
    kill_again_and_again<by_reading, by_reading>(1, 13);
    kill_again_and_again<by_mapping, by_mapping>(2, 13);
    kill_again_and_again<by_reading, by_mapping>(3, 12);
    kill_again_and_again<by_mapping, by_reading>(4, 12);
}

TEST_CASE("a store that is only killed, never closed") {
    const quire_test::temp_dir dir;
    const std::string path = dir.path("store");
    std::mt19937_64 random(5);
    std::uint32_t told = 0;
    for (int i = 0; i < 10; ++i) {
        // The next child finds what the last one left, and at most one commit more than it told;
        // commits are numbered anew only if that one is there.
        const std::uint32_t before = told;
        told = load_and_kill<by_reading>(path, 6, told + 1, 1 + random() % 6);
        CHECK(told > before);
    }
    // Doing commit n twice is doing it once.
    words<by_reading> map(path, {.read_only = true});
    state model;
    const auto holds = static_cast<std::uint32_t>(std::stoul(map.at("commit")));
    CHECK((holds == told || holds == told + 1));
    for (std::uint32_t n = 1; n <= holds; ++n) apply(model, 6, n);
    CHECK(state(map.begin(), map.end()) == model);
    map.verify();
}

TEST_SUITE("long") {
TEST_CASE("five hundred kills") {
    for (std::uint64_t seed = 10; seed < 20; ++seed) {
        kill_again_and_again<by_reading, by_reading>(seed, 25);
        kill_again_and_again<by_mapping, by_mapping>(seed, 25);
    }
}
}
