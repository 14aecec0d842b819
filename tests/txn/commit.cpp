// What is on the medium between any two steps of a commit: every crash image of recorded lives of
// stores, and the order of writes that the argument of docs/format/commit.md rests on.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/txn/commit.hpp>

#include "txn/history.hpp"

namespace {

namespace format = quire::format;
using quire_test::bytes;
using quire_test::crash_replay;
using quire_test::disk_event;
using quire_test::expectation;
using quire_test::history;
using quire_test::recorded_device;
using quire_test::recorded_disk;

using words = quire::btree_map<std::string, std::string, recorded_device<false>,
                               quire::page_size<512>,
                               quire::txn::shadow>;
using numbers = quire::btree_map<std::uint64_t, std::uint64_t, recorded_device<true>,
                                 quire::page_size<512>,
                                 quire::txn::shadow>;

using plain_words = quire::btree_map<std::string, std::string, recorded_device<false>,
                                     quire::page_size<512>, quire::txn::none>;

std::size_t hash_of(const bytes& image, std::uint64_t salt) {
    std::size_t hash = 0xCBF29CE484222325U ^ salt;
    for (std::size_t i = 0; i + 8 <= image.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, image.data() + i, 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
        hash ^= hash >> 29;
    }
    return hash ^ image.size();
}

struct effort {
    std::size_t random_images;  // at each point before a sync
    std::size_t images_between; // at each other point
};

// Every crash image of the trace of a store; gives how many distinct ones there were.
template <class Map>
std::size_t check_crashes(const std::vector<typename history<Map>::state>& states,
                          std::uint64_t seed, effort how) {
    const std::vector<disk_event> trace = recorded_disk::the().trace;
    std::mt19937_64 random(seed);
    crash_replay file;
    expectation expected;
    std::unordered_set<std::size_t> seen;
    bool named = false;
    std::uint64_t marks = 0;
    for (std::size_t i = 0; i < trace.size(); ++i) {
        file.apply(trace[i]);
        expected.apply(trace[i]);
        if (trace[i].what == disk_event::kind::mark) ++marks;
        if (trace[i].what == disk_event::kind::rename) named = true;
        if (!named) continue; // under the temporary name
        const bool before_sync =
            i + 1 < trace.size() && trace[i + 1].what == disk_event::kind::sync;
        std::size_t number = 0;
        file.for_each_image(random, before_sync,
                            before_sync ? how.random_images : how.images_between,
                            [&](const bytes& image) {
            ++number;
            if (!seen.insert(hash_of(image, marks)).second) return;
            const std::string wrong = quire_test::judge_image<Map>(image, states, expected);
            if (!wrong.empty())
                FAIL("seed ", seed, ", event ", i, " of ", trace.size(), ", image ", number, ": ",
                     wrong);
        });
    }
    return seen.size();
}

template <class Map>
std::size_t live_and_crash(std::uint64_t seed, std::size_t steps, effort how) {
    recorded_disk::the().clear();
    history<Map> life(seed);
    life.open();
    for (std::size_t i = 0; i < steps; ++i) {
        life.any_step();
        REQUIRE(life.wrong() == "");
    }
    life.map().verify();
    life.close();
    return check_crashes<Map>(life.states, seed, how);
}

// A process that dies between two changes leaves its writes to the system; the next one builds on
// them; then the power fails. Several times.
template <class Map>
std::size_t die_reopen_and_crash(std::uint64_t seed, std::size_t deaths, effort how) {
    recorded_disk& disk = recorded_disk::the();
    disk.clear();
    std::mt19937_64 random(seed);
    history<Map> life(seed);
    life.open();
    for (int i = 0; i < 4; ++i) life.any_step();
    for (std::size_t death = 0; death < deaths; ++death) {
        disk.changes_left = 1 + random() % 24;
        try {
            while (disk.changes_left != 0) life.any_step();
        } catch (const quire::error&) {
        }
        disk.changes_left = 0;
        INFO("seed ", seed, ", death ", death);
        REQUIRE(life.reopen_after_crash());
        life.map().verify();
        for (std::uint64_t n = random() % 4; n != 0; --n) life.put_one();
    }
    life.close();
    return check_crashes<Map>(life.states, seed, how);
}

// Without transactions a flush and a close are the commits.
std::size_t live_without_transactions(std::uint64_t seed, effort how) {
    recorded_disk& disk = recorded_disk::the();
    disk.clear();
    std::mt19937_64 random(seed);
    std::vector<history<plain_words>::state> states(1);
    const auto commit = [&](auto&& work) {
        disk.mark(2 * (states.size() - 1));
        work();
        disk.mark(2 * (states.size() - 1) + 1);
    };
    std::optional<plain_words> map;
    const auto open = [&] { map.emplace("store", history<plain_words>::how); };
    commit(open);
    for (int step = 0; step < 12; ++step) {
        states.push_back(states.back());
        auto& next = states.back();
        for (std::uint64_t i = random() % (step % 4 == 3 ? 900 : 30); i != 0; --i) {
            const auto k = quire_test::random_key<std::string>(random);
            if (random() % 3 == 0) {
                map->erase(k);
                next.erase(k);
            } else {
                next[k] = quire_test::random_value<std::string>(random);
                map->insert_or_assign(k, next[k]);
            }
        }
        if (random() % 3 == 0) {
            commit([&] { map.reset(); });
            open();
        } else {
            commit([&] { map->flush(); });
        }
        REQUIRE(history<plain_words>::state(map->begin(), map->end()) == next);
    }
    map->verify();
    commit([&] { map.reset(); });
    return check_crashes<plain_words>(states, seed, how);
}

} // namespace

TEST_CASE("after a crash at any point a store holds what was acknowledged, or one commit more") {
    std::size_t images = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        images += live_and_crash<words>(seed, 10, {40, 3});
        images += live_and_crash<numbers>(seed, 10, {40, 3});
    }
    MESSAGE(images, " images");
    CHECK(images > 1500);
}

TEST_CASE("and a map without transactions holds what was flushed last, or the flush in flight") {
    std::size_t images = 0;
    for (std::uint64_t seed = 1; seed <= 2; ++seed)
        images += live_without_transactions(seed, {30, 1});
    MESSAGE(images, " images");
    CHECK(images > 1000);
}

TEST_CASE("after a killed process and then a crash, too") {
    std::size_t images = 0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        images += die_reopen_and_crash<words>(seed, 4, {30, 3});
        images += die_reopen_and_crash<numbers>(seed, 4, {30, 3});
    }
    MESSAGE(images, " images");
    CHECK(images > 3000);
}

TEST_SUITE("long") {
TEST_CASE("crashes of long lives") {
    std::size_t images = 0;
    for (std::uint64_t seed = 100; seed < 120; ++seed) {
        images += live_and_crash<words>(seed, 40, {300, 8});
        images += live_and_crash<numbers>(seed, 40, {300, 8});
        images += die_reopen_and_crash<words>(seed, 12, {300, 8});
        images += die_reopen_and_crash<numbers>(seed, 12, {300, 8});
        images += live_without_transactions(seed, {300, 8});
    }
    MESSAGE(images, " images");
}
}
