// What a program does by mistake, or against the expectation of those who wrote the library: it is
// an error of a type, or it works; it is never a map that holds something else.
#include <quire/btree_map.hpp>

#include <cstdint>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "support/death.hpp"
#include "support/temp_dir.hpp"

namespace {

using quire_test::temp_dir;
using numbers = quire::btree_map<std::uint64_t, std::uint64_t, quire::page_size<512>>;
using words = quire::btree_map<std::uint64_t, std::string>;
using scratch = quire::btree_map<std::uint64_t, std::uint64_t, quire::storage::memory,
                                 quire::txn::none, quire::page_size<512>>;

void fill(numbers& map, std::uint64_t records) {
    auto tx = map.transaction();
    for (std::uint64_t i = 0; i < records; ++i) tx.insert(i, i);
    tx.commit();
}

} // namespace

TEST_CASE("a value made of what it moves from is made once, though the cache is too small") {
    const temp_dir dir;
    words map(dir.path("map"), {.cache_bytes = 1 << 20});
    constexpr std::uint64_t records = 40'000;
    auto tx = map.transaction();
    for (std::uint64_t i = 0; i < records; ++i)
        tx.try_emplace(i * 0x9E3779B97F4A7C15U, std::string(100, 'v'));
    tx.commit();
    std::uint64_t whole = 0;
    for (const auto& [key, value] : map) whole += value.size() == 100 ? 1U : 0U;
    CHECK(whole == records);
    map.verify();
}

namespace {

// Changes the map while its own value is made.
template <class Map>
struct meddling {
    Map* map;
    operator std::uint64_t() const { // NOLINT: implicit, as a value is
        for (std::uint64_t i = 0; i < 3000; ++i) map->erase(i);
        return 1;
    }
};

} // namespace

TEST_CASE("making a value does not change the map under the insertion") {
    const temp_dir dir;
    numbers map(dir.path("map"));
    fill(map, 5000);
    {
        auto tx = map.transaction();
        CHECK_THROWS_AS(tx.try_emplace(9999, meddling<decltype(tx)>{&tx}), std::logic_error);
        CHECK(tx.size() == 2000); // what the value did is done, the insertion is not
        CHECK(tx.insert(9999, 1).second);
        tx.commit();
    }
    CHECK(map.size() == 2001);
    map.verify();

    scratch memory;
    for (std::uint64_t i = 0; i < 5000; ++i) memory.insert(i, i);
    CHECK_THROWS_AS(memory.try_emplace(9999, meddling<scratch>{&memory}), std::logic_error);
    CHECK(memory.size() == 2000);
    memory.verify();
}

TEST_CASE("a savepoint is good in its transaction, until that goes back to before it") {
    const temp_dir dir;
    numbers map(dir.path("map"));
    fill(map, 500);
    auto first = map.transaction();
    const auto stale = first.savepoint();
    first.clear();
    first.commit();

    auto tx = map.transaction();
    const auto one = tx.savepoint();
    tx.insert(1, 1);
    const auto two = tx.savepoint();
    tx.insert(2, 2);
    CHECK_THROWS_AS(tx.rollback(stale), std::logic_error);
    CHECK(tx.size() == 2);
    tx.rollback(one);
    const auto three = tx.savepoint(); // as deep as the second was
    tx.insert(3, 3);
    CHECK_THROWS_AS(tx.rollback(two), std::logic_error);
    CHECK(tx.size() == 1);
    tx.rollback(three);
    tx.rollback(three); // again
    CHECK(tx.empty());
    tx.insert(4, 4);
    auto moved = std::move(tx);
    moved.rollback(one);
    moved.insert(5, 5);

    numbers other(dir.path("other"));
    auto elsewhere = other.transaction();
    static_cast<void>(elsewhere.savepoint());
    CHECK_THROWS_AS(elsewhere.rollback(one), std::logic_error);
    elsewhere.rollback();
    moved.commit();
    CHECK(map.size() == 1);
    map.verify();
}

TEST_CASE("iterators of two versions are equal on one key, so an end from before a loop ends it") {
    const temp_dir dir;
    numbers map(dir.path("map"));
    fill(map, 1000);
    const auto end = map.lower_bound(100);
    for (auto it = map.begin(); it != end;) it = map.erase(it);
    CHECK(map.size() == 900);
    CHECK(map.begin() == end);
    CHECK(map.begin() != std::next(end));
    CHECK((*map.begin()).first == 100);
    map.verify();
}

TEST_CASE("std::prev finds the last record") {
    const temp_dir dir;
    numbers map(dir.path("map"));
    fill(map, 100);
    CHECK((*std::prev(map.end())).first == 99);
    CHECK(std::distance(map.begin(), map.end()) == 100);
}

TEST_CASE("waiting for a version makes it durable") {
    const temp_dir dir;
    numbers map(dir.path("map"));
    auto tx = map.transaction();
    tx.insert(1, 1);
    tx.commit(quire::durability::none);
    const quire::version made = map.snapshot().version();
    CHECK(map.stats().durable < made);
    map.wait_durable(made);
    CHECK(map.stats().durable >= made);
}

#if QUIRE_ASSERTIONS
TEST_CASE("what outlives its map, or was moved from, is named") {
    const temp_dir dir;
    const std::string path = dir.path("map");
    CHECK(quire_test::death_of([&] {
              std::optional<numbers> map(std::in_place, path);
              const auto snapshot = map->snapshot();
              map.reset();
          }).says("end before their map"));
    CHECK(quire_test::death_of([&] {
              std::optional<numbers> map(
                  std::in_place, path, quire::options{.durability = quire::durability::relaxed});
              const auto it = map->insert(1, 1).first;
              map.reset();
          }).says("end before their map"));
    CHECK(quire_test::death_of([&] {
              std::optional<numbers> map(std::in_place, path);
              const auto tx = map->transaction();
              map.reset();
          }).says("before its map"));
    CHECK(quire_test::death_of([&] {
              numbers map(path);
              const numbers other = std::move(map);
              static_cast<void>(map.size());
          }).says("moved from"));
    CHECK(quire_test::death_of([&] {
              numbers map(path);
              auto snapshot = map.snapshot();
              const auto other = std::move(snapshot);
              static_cast<void>(snapshot.size());
          }).says("moved from"));
    CHECK(quire_test::death_of([&] {
              numbers map(path);
              fill(map, 10);
              auto it = map.rend();
              ++it;
          }).says("at the end"));
    CHECK(quire_test::death_of([&] {
              const scratch map(quire::options{.read_only = true});
          }).says("stays empty"));
}
#endif
