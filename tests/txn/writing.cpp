// Changing and going back: what a transaction leaves of pages, frames and the file when it is
// rolled back, wholly or to a savepoint, through the map on top of it.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/inspect/check.hpp>
#include <quire/txn/writing.hpp>

#include "support/recorded_disk.hpp"

namespace {

using quire_test::recorded_device;
using quire_test::recorded_disk;
template <class Storage>
using words = quire::btree_map<std::string, std::string, Storage, quire::txn::shadow,
                               quire::page_size<512>>;
using file_words = words<recorded_device<false>>;
using mapped_words = words<recorded_device<true>>;
using memory_words =
    quire::btree_map<std::string, std::string, quire::storage::memory, quire::page_size<512>>;
using state = std::map<std::string, std::string>;

template <class Map>
Map make() {
    recorded_disk::the().clear();
    if constexpr (std::is_default_constructible_v<Map>) return Map();
    else return Map("store", {.cache_bytes = 1});
}
template <class On>
void change(On& on, state& model, std::mt19937_64& random) {
    const std::string key = "key " + std::to_string(random() % 200);
    if (random() % 3 == 0) {
        on.erase(key);
        model.erase(key);
    } else {
        const std::size_t size = random() % 20 == 0 ? 200 + random() % 2000 : random() % 50;
        on.insert_or_assign(key, std::string(size, 'v'));
        model[key] = std::string(size, 'v');
    }
}
template <class On>
state content(const On& on) {
    return state(on.begin(), on.end());
}

} // namespace

TEST_CASE_TEMPLATE("a transaction goes back to any of its savepoints, any number of times", Map,
                   file_words, mapped_words, memory_words) {
    constexpr std::uint64_t seed = 41;
    INFO("seed ", seed);
    std::mt19937_64 random(seed);
    Map map = make<Map>();
    state committed;
    for (int round = 0; round < 40; ++round) {
        state now = committed;
        auto tx = map.transaction();
        using savepoint = typename decltype(tx)::savepoint_type;
        std::vector<std::pair<savepoint, state>> points;
        for (int step = 0; step < 30; ++step) {
            switch (random() % 6) {
            case 0: points.emplace_back(tx.savepoint(), now); break;
            case 1:
                if (!points.empty()) {
                    points.erase(points.begin() + 1 +
                                     static_cast<std::ptrdiff_t>(random() % points.size()),
                                 points.end());
                    tx.rollback(points.back().first);
                    now = points.back().second;
                }
                break;
            default: change(tx, now, random);
            }
        }
        REQUIRE(content(tx) == now);
        REQUIRE(content(map) == committed);
        if (random() % 3 == 0) {
            tx.rollback();
        } else {
            tx.commit();
            committed = now;
        }
        REQUIRE(content(map) == committed);
        map.verify();
    }
}

TEST_CASE_TEMPLATE("what is rolled back leaves no page behind", Map, file_words, mapped_words,
                   memory_words) {
    constexpr std::uint64_t seed = 42;
    INFO("seed ", seed);
    std::mt19937_64 random(seed);
    Map map = make<Map>();
    state model;
    for (int i = 0; i < 300; ++i) change(map, model, random);
    const quire::map_stats before = map.stats();
    for (int round = 0; round < 30; ++round) {
        state ignored = model;
        auto tx = map.transaction();
        for (int i = 0; i < 100; ++i) change(tx, ignored, random);
        if (round % 2 == 0) tx.rollback();
    }
    const quire::map_stats after = map.stats();
    CHECK(after.pages == before.pages);
    CHECK(after.free_pages + after.pending_pages == before.free_pages + before.pending_pages);
    CHECK(after.entries == before.entries);
    CHECK(after.committed == before.committed);
    CHECK(content(map) == model);
    map.verify();
}

TEST_CASE_TEMPLATE("a file is as it was after a session that was rolled back", Map, file_words,
                   mapped_words) {
    { make<Map>().insert("a", "b"); }
    const auto size = recorded_disk::the().get("store").size();
    for (const std::size_t value : {std::size_t{10}, std::size_t{20000}, std::size_t{500000}}) {
        {
            Map map("store", {.cache_bytes = 1});
            auto tx = map.transaction();
            tx.insert("large", std::string(value, 'x'));
            for (int i = 0; i < 2000; ++i) tx.insert(std::to_string(i), "many");
        }
        const auto image = recorded_disk::the().get("store");
        CHECK(image.size() == size);
        const auto report = quire::inspect::check(quire_test::image_reader(image));
        CHECK_MESSAGE(report.ok(), text_of(report));
        Map map("store");
        CHECK(content(map) == state{{"a", "b"}});
    }
}

TEST_CASE("a transaction may be larger than the cache") {
    file_words map = make<file_words>();
    state model;
    {
        auto tx = map.transaction();
        for (int i = 0; i < 5000; ++i) {
            tx.insert_or_assign("key " + std::to_string(i * 7919 % 5000), "value");
            model["key " + std::to_string(i * 7919 % 5000)] = "value";
        }
        CHECK(content(tx) == model);
        CHECK(map.empty());
        tx.commit();
    }
    CHECK(map.stats().pages > 200);
    CHECK(content(map) == model);
    map.verify();
}

TEST_CASE("a single call that throws leaves the map as it was") {
    struct refused {};
    file_words map = make<file_words>();
    state model;
    std::mt19937_64 random(43);
    for (int i = 0; i < 200; ++i) change(map, model, random);
    const quire::version before = map.stats().committed;
    CHECK_THROWS_AS(map.update(model.begin()->first, [](std::string& v) {
        v += "changed";
        throw refused{};
    }), refused);
    int asked = 0;
    CHECK_THROWS_AS(map.erase_if([&](const auto&) -> bool {
        if (++asked == 50) throw refused{};
        return true;
    }), refused);
    CHECK_THROWS_AS(map.insert(std::string(200, 'k'), ""), quire::key_too_large);
    CHECK(content(map) == model);
    CHECK(map.stats().committed == before);
    map.verify();
    map.insert("the writer's place", "was given up");
}

TEST_CASE("a transaction moves, holds the writer's place, and ends once") {
    file_words map = make<file_words>();
    auto waiting = map.try_transaction(std::chrono::milliseconds(0));
    REQUIRE(waiting.has_value());
    CHECK(waiting->active());
    CHECK_FALSE(map.try_transaction(std::chrono::milliseconds(1)).has_value());
    waiting->insert("a", "b");
    auto moved = std::move(*waiting);
    waiting.reset();
    CHECK(moved.active());
    moved.insert("c", "d");
    moved.commit();
    CHECK_FALSE(moved.active());
    moved.rollback(); // nothing to do
    CHECK(content(map) == state{{"a", "b"}, {"c", "d"}});
}
