// Transactions: what is seen by whom, what is undone, what lives how long.
#include <quire/transaction.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "support/changes.hpp"
#include "support/death.hpp"
#include "support/model.hpp"

namespace {

using namespace quire_test;
using namespace std::chrono_literals;
using quire::durability;

using model = std::map<std::string, std::string>;

template <class C>
using map_of = typename C::template map<std::string, std::string, quire::page_size<512>>;

#define CONFIGURATIONS memory_shadow, file_shadow, mmap_shadow

TEST_CASE_TEMPLATE("a transaction reads what it wrote, the map what was committed", C,
                   CONFIGURATIONS) {
    opened<map_of<C>> map(tight);
    model committed;
    change(*map, committed, 1);
    for (std::uint64_t round = 2; round < 8; ++round) {
        CAPTURE(round);
        model expected = committed;
        auto tx = map->transaction();
        CHECK(tx.active());
        change(tx, expected, round, 200);
        CHECK(difference(tx, expected) == "");
        CHECK(difference(*map, committed) == "");
        tx.commit();
        CHECK_FALSE(tx.active());
        committed = expected;
        CHECK(difference_verified(*map, committed) == "");
    }
    map.reopen();
    CHECK(difference_verified(*map, committed) == "");
}

TEST_CASE_TEMPLATE("without commit nothing happened", C, CONFIGURATIONS) {
    opened<map_of<C>> map(tight);
    model committed;
    change(*map, committed, 1);
    const auto pages = [&] { return map->stats().pages; };
    std::uint64_t settled = 0;
    for (std::uint64_t round = 0; round < 20; ++round) {
        model expected = committed;
        {
            auto tx = map->transaction();
            change(tx, expected, round + 2, 150);
            if (round % 4 == 1) tx.clear();
            if (round % 4 == 2) tx.rollback(); // early
            CHECK(tx.active() == (round % 4 != 2));
        }
        CHECK(difference_verified(*map, committed) == "");
        if (round == 4) settled = pages();
    }
    CHECK(pages() < settled * 2); // rolled back pages are used again
    try {
        auto tx = map->transaction();
        tx.clear();
        throw std::runtime_error("in the middle");
    } catch (const std::runtime_error&) {
    }
    CHECK(difference_verified(*map, committed) == "");
    map.reopen();
    CHECK(difference_verified(*map, committed) == "");
}

TEST_CASE_TEMPLATE("an empty transaction commits", C, CONFIGURATIONS) {
    opened<map_of<C>> map;
    map->transaction().commit();
    { static_cast<void>(map->transaction()); }
    map->insert("a", "1");
    auto tx = map->transaction();
    CHECK(tx.erase("b") == 0);
    CHECK_FALSE(tx.insert("a", "2").second);
    tx.commit(durability::full);
    tx.rollback(); // over already
    CHECK(difference_verified(*map, model{{"a", "1"}}) == "");
}

TEST_CASE_TEMPLATE("savepoints nest and are used again", C, CONFIGURATIONS) {
    opened<map_of<C>> map(tight);
    model committed;
    change(*map, committed, 1);
    for (int commit = 0; commit < 2; ++commit) {
        auto tx = map->transaction();
        model now = committed;
        change(tx, now, 2);
        const model at_first = now;
        const auto first = tx.savepoint();
        change(tx, now, 3);
        const model at_second = now;
        const auto second = tx.savepoint();
        change(tx, now, 4);

        tx.rollback(second);
        CHECK(difference(tx, at_second) == "");
        tx.rollback(second); // nothing in between
        CHECK(difference(tx, at_second) == "");
        now = at_second;
        change(tx, now, 5);
        CHECK(difference(tx, now) == "");
        const auto third = tx.savepoint();
        tx.clear();
        CHECK(tx.empty());
        tx.rollback(third);
        CHECK(difference(tx, now) == "");
        tx.rollback(second);
        CHECK(difference(tx, at_second) == "");

        tx.rollback(first); // second is gone with it
        CHECK(difference(tx, at_first) == "");
        now = at_first;
        change(tx, now, 6);
        tx.rollback(first);
        CHECK(difference(tx, at_first) == "");
        now = at_first;
        change(tx, now, 7);
        const auto fourth = tx.savepoint();
        const auto fifth = tx.savepoint(); // of the same state
        change(tx, now, 8);
        const model end = now;
        if (commit == 0) {
            tx.rollback(fifth);
            tx.rollback(fourth);
            tx.rollback();
            CHECK(difference_verified(*map, committed) == "");
        } else {
            tx.commit();
            CHECK(difference_verified(*map, end) == "");
            committed = end;
        }
    }
    map.reopen();
    CHECK(difference_verified(*map, committed) == "");
}

TEST_CASE_TEMPLATE("many savepoints over one record", C, CONFIGURATIONS) {
    opened<map_of<C>> map(tight);
    map->insert("n", "none");
    auto tx = map->transaction();
    std::vector<typename map_of<C>::transaction_type::savepoint_type> points;
    for (int i = 0; i < 50; ++i) {
        points.push_back(tx.savepoint());
        tx.insert_or_assign("n", std::to_string(i));
        tx.insert_or_assign("long", text_of(2000, static_cast<std::uint64_t>(i)));
    }
    for (int i = 49; i >= 0; i -= 7) {
        tx.rollback(points[static_cast<std::size_t>(i)]);
        CHECK(tx.at("n") == (i == 0 ? "none" : std::to_string(i - 1)));
        if (i > 0) CHECK(tx.at("long") == text_of(2000, static_cast<std::uint64_t>(i - 1)));
    }
    CHECK(tx.at("n") == "none");
    CHECK_FALSE(tx.contains("long"));
    tx.commit();
    CHECK(difference_verified(*map, model{{"n", "none"}}) == "");
}

TEST_CASE_TEMPLATE("a savepoint of an empty transaction on an empty map", C, CONFIGURATIONS) {
    opened<map_of<C>> map;
    auto tx = map->transaction();
    const auto start = tx.savepoint();
    model now;
    change(tx, now, 1);
    tx.rollback(start);
    CHECK(tx.empty());
    CHECK(tx.begin() == tx.end());
    change(tx, now = {}, 2);
    tx.commit();
    CHECK(difference_verified(*map, now) == "");
}

TEST_CASE_TEMPLATE("one writer at a time", C, CONFIGURATIONS) {
    opened<map_of<C>> map;
    map->insert("n", "0");
    {
        auto tx = map->transaction();
        CHECK_FALSE(map->try_transaction(0ms));
        CHECK_FALSE(map->try_transaction(1ms));
        CHECK_FALSE(map->try_transaction(-1s));
        CHECK_FALSE(map->try_transaction(100us));
        CHECK_FALSE(map->try_transaction(std::chrono::duration<double>(0.001)));
        tx.insert_or_assign("n", "1");
        tx.commit();
    }
    {
        auto tx = map->try_transaction(0ms);
        REQUIRE(tx);
        CHECK(tx->at("n") == "1");
        tx->insert_or_assign("n", "2");
        tx->commit();
        CHECK(map->try_transaction(0ms)); // its place is free again, though it still stands
    }
    CHECK(map->at("n") == "2");
    // Writers on other threads queue.
    std::atomic<bool> started = false;
    std::thread other;
    {
        auto tx = map->transaction();
        other = std::thread([&] {
            started = true;
            map->update("n", [](std::string& n) { n += " other"; });
        });
        while (!started) std::this_thread::yield();
        tx.insert_or_assign("n", "3");
        tx.commit();
    }
    other.join();
    CHECK(map->at("n") == "3 other");
    std::thread last([&] {
        auto tx = map->try_transaction(1h);
        REQUIRE(tx);
        tx->insert_or_assign("n", "4");
        tx->commit();
    });
    last.join();
    CHECK(map->at("n") == "4");
}

TEST_CASE_TEMPLATE("the longest timeouts wait, the oddest do not", C, CONFIGURATIONS) {
    opened<map_of<C>> map;
    const auto waits_for_its_turn = [&](auto timeout) {
        std::atomic<bool> started = false;
        std::atomic<bool> got = false;
        std::thread other;
        {
            auto tx = map->transaction();
            other = std::thread([&] {
                started = true;
                got = map->try_transaction(timeout).has_value();
            });
            while (!started) std::this_thread::yield();
            for (int i = 0; i < 200; ++i) std::this_thread::yield();
        }
        other.join();
        return got.load();
    };
    CHECK(waits_for_its_turn(std::chrono::hours(1)));
    CHECK(waits_for_its_turn(std::chrono::hours::max()));
    CHECK(waits_for_its_turn(std::chrono::seconds::max()));
    CHECK(waits_for_its_turn(std::chrono::nanoseconds::max()));
    CHECK(waits_for_its_turn(std::chrono::duration<double>(1e30)));
    auto tx = map->transaction();
    CHECK_FALSE(map->try_transaction(std::chrono::hours::min()));
    CHECK_FALSE(map->try_transaction(std::chrono::nanoseconds(1)));
}

TEST_CASE_TEMPLATE("user code may read the map that it is called from", C, CONFIGURATIONS) {
    opened<map_of<C>> map;
    model expected;
    change(*map, expected, 1);
    const std::string key = expected.begin()->first;
    const std::string old = expected.begin()->second;
    CHECK(map->update(key, [&](std::string& value) {
        value = "new";
        CHECK(map->at(key) == old);
        CHECK(map->snapshot().at(key) == old);
        CHECK(difference(*map, expected) == "");
    }));
    CHECK(map->at(key) == "new");
    const auto size = map->size();
    CHECK(map->erase_if([&](const auto& record) {
        return map->contains(record.first) && map->size() == size && record.first == key;
    }) == 1);
    CHECK_FALSE(map->contains(key));
    map->verify();
}

TEST_CASE_TEMPLATE("a transaction moves, to another thread too", C, CONFIGURATIONS) {
    using transaction = typename map_of<C>::transaction_type;
    static_assert(std::is_nothrow_move_constructible_v<transaction>);
    static_assert(!std::is_copy_constructible_v<transaction>);
    opened<map_of<C>> map;
    model expected;
    {
        transaction tx = map->transaction();
        change(tx, expected, 1);
        const auto point = tx.savepoint();
        transaction moved = std::move(tx);
        CHECK(moved.active());
        model lost = expected;
        change(moved, lost, 2);
        moved.rollback(point);
        std::thread other([&expected, tx = std::move(moved)]() mutable {
            change(tx, expected, 3);
            tx.commit();
        });
        other.join();
    }
    CHECK(difference_verified(*map, expected) == "");
    std::optional<transaction> kept;
    {
        auto tx = map->transaction();
        tx.clear();
        kept.emplace(std::move(tx));
    }
    CHECK(kept->active());
    CHECK(kept->empty());
    kept.reset();
    CHECK(difference_verified(*map, expected) == "");
}

TEST_CASE_TEMPLATE("large transactions in a tiny cache", C, CONFIGURATIONS) {
    opened<map_of<C>> map(tight);
    model expected;
    {
        auto tx = map->transaction();
        for (std::uint64_t i = 0; i < 4000; ++i) {
            const std::string key = key_text(i * 7919 % 4000);
            tx.insert_or_assign(key, text_of(i % 100, i));
            expected.insert_or_assign(key, text_of(i % 100, i));
        }
        CHECK(map->empty());
        tx.commit();
    }
    CHECK(difference_verified(*map, expected) == "");
    {
        auto tx = map->transaction();
        for (std::uint64_t i = 0; i < 4000; i += 2) tx.erase(key_text(i));
        const auto point = tx.savepoint();
        tx.erase_if([](const auto&) { return true; });
        CHECK(tx.empty());
        tx.rollback(point);
        tx.commit();
    }
    for (std::uint64_t i = 0; i < 4000; i += 2) expected.erase(key_text(i));
    CHECK(difference_verified(*map, expected) == "");
    map.reopen();
    CHECK(difference_verified(*map, expected) == "");
}

TEST_CASE_TEMPLATE("commits of every durability are found again", C, file_shadow, mmap_shadow) {
    opened<map_of<C>> map;
    model expected;
    for (std::uint64_t round = 0; round < 9; ++round) {
        auto tx = map->transaction();
        change(tx, expected, round, 40);
        tx.commit(std::array{durability::full, durability::relaxed, durability::none}[round % 3]);
        CHECK(difference(*map, expected) == "");
        if (round % 4 == 3) map.reopen();
        CHECK(difference_verified(*map, expected) == "");
    }
    map.reopen();
    CHECK(difference_verified(*map, expected) == "");
}

#if QUIRE_ASSERTIONS
TEST_CASE("builds with assertions catch what must not be done to a transaction") {
    memory_shadow::map<std::string, std::string> map;
    map.insert("a", "1");
    auto tx = map.transaction();
    CHECK(death_of([&] {
              tx.commit();
              tx.commit();
          }).says("ends once"));
    CHECK(death_of([&] {
              tx.rollback();
              tx.insert("b", "2");
          }).says("over"));
}
#endif

} // namespace
