// Snapshots: any number of them, each of its version, whatever happens to the map.
#include <quire/transaction.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "support/changes.hpp"
#include "support/model.hpp"

namespace {

using namespace quire_test;

using model = std::map<std::string, std::string>;

template <class C>
using map_of = typename C::template map<std::string, std::string, quire::page_size<512>>;

#define CONFIGURATIONS memory_shadow, file_shadow, mmap_shadow

TEST_CASE_TEMPLATE("a snapshot is moved and assigned", C, CONFIGURATIONS) {
    opened<map_of<C>> map;
    model expected;
    change(*map, expected, 1);
    auto snap = map->snapshot();
    auto moved_snap = std::move(snap);
    CHECK(difference(moved_snap, expected) == "");
    snap = std::move(moved_snap);
    CHECK(difference(snap, expected) == "");
    static_assert(std::is_nothrow_move_constructible_v<decltype(snap)>);
}

TEST_CASE_TEMPLATE("any number of snapshots, each of its version", C, CONFIGURATIONS) {
    using snapshot = typename map_of<C>::snapshot_type;
    opened<map_of<C>> map(tight);
    model now;
    std::vector<std::pair<snapshot, model>> taken;
    for (std::uint64_t round = 0; round < 25; ++round) {
        taken.emplace_back(map->snapshot(), now);
        taken.emplace_back(map->snapshot(), now); // two of one version
        CHECK(taken.back().first.version() == taken[taken.size() - 2].first.version());
        change(*map, now, round, 30);
        if (round % 5 == 4) {
            map->clear();
            now.clear();
        }
    }
    for (const auto& [snap, expected] : taken) CHECK(difference(snap, expected) == "");
    // Dropped in no order, while the map goes on.
    for (std::uint64_t i = 0; taken.size() > 5; ++i) {
        taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(i * 7 % taken.size()));
        change(*map, now, i, 20);
    }
    for (const auto& [snap, expected] : taken) CHECK(difference(snap, expected) == "");
    CHECK(difference_verified(*map, now) == "");
    taken.clear();
    map->flush();
    CHECK(difference_verified(*map, now) == "");
    CHECK(map->stats().snapshots.empty());
}

TEST_CASE_TEMPLATE("thousands of snapshots at once", C, CONFIGURATIONS) {
    using snapshot = typename map_of<C>::snapshot_type;
    opened<map_of<C>> map(tight);
    for (std::uint64_t i = 0; i < 50; ++i) map->insert(key_text(i), "0");
    std::vector<snapshot> taken;
    for (std::uint64_t i = 0; i < 3000; ++i) {
        taken.push_back(map->snapshot());
        map->insert_or_assign(key_text(i % 50), std::to_string(i + 1));
    }
    for (std::size_t i = 0; i < taken.size(); i += 97) {
        CHECK(taken[i].size() == 50);
        CHECK(taken[i].at(key_text((i + 49) % 50)) == std::to_string(i));
    }
    const auto pages = map->stats().pages;
    for (std::size_t i = 0; i < taken.size(); i += 2) taken[i] = map->snapshot();
    map->verify();
    taken.clear();
    for (std::uint64_t i = 0; i < 3000; ++i)
        map->insert_or_assign(key_text(i % 50), std::to_string(i));
    CHECK(map->stats().pages < pages + pages / 4); // what they held is used again
    map->flush();
    map->verify();
}

TEST_CASE_TEMPLATE("a snapshot taken while a transaction is open does not see it", C,
                   CONFIGURATIONS) {
    opened<map_of<C>> map(tight);
    model committed;
    change(*map, committed, 1);
    std::optional<typename map_of<C>::snapshot_type> snap;
    model now = committed;
    {
        auto tx = map->transaction();
        change(tx, now, 2);
        snap.emplace(map->snapshot());
        change(tx, now, 3);
        CHECK(difference(*snap, committed) == "");
        tx.commit();
    }
    CHECK(difference(*snap, committed) == "");
    CHECK(difference(map->snapshot(), now) == "");
    CHECK(map->snapshot().version() > snap->version());
}

TEST_CASE_TEMPLATE("snapshots are read on other threads and dropped there", C, CONFIGURATIONS) {
    opened<map_of<C>> map(tight);
    model now;
    change(*map, now, 1);
    std::array<std::string, 3> seen{"not run", "not run", "not run"};
    {
        std::vector<std::thread> readers;
        for (std::uint64_t i = 0; i < seen.size(); ++i) {
            readers.emplace_back([snap = map->snapshot(), expected = now, &text = seen[i]] {
                for (int round = 0; round < 5; ++round) text = difference(snap, expected);
            });
            change(*map, now, i + 2);
        }
        for (std::thread& reader : readers) reader.join();
    }
    for (const std::string& text : seen) CHECK(text == "");
    CHECK(difference_verified(*map, now) == "");
}

TEST_CASE_TEMPLATE("an iterator of a snapshot outlives it", C, CONFIGURATIONS) {
    opened<map_of<C>> map;
    model before;
    change(*map, before, 1);
    auto it = map->snapshot().begin();
    const auto end = map->snapshot().end();
    map->clear();
    CHECK(walk_difference(it, end, before.begin(), before.end()) == "");
}

TEST_CASE_TEMPLATE("stats tell what snapshots keep, without a change that looks first", C,
                   memory_shadow, file_shadow, file_wal, mmap_wal) {
    opened<map_of<C>> map;
    model now;
    change(*map, now, 1, 200);
    map->checkpoint();
    auto snap = std::make_unique<typename map_of<C>::snapshot_type>(map->snapshot());
    const std::uint64_t seen = map->stats().pages;
    for (std::uint64_t round = 2; round < 6; ++round) {
        map->clear();
        now.clear();
        change(*map, now, round, 200);
        map->checkpoint();
    }
    CHECK(map->stats().pending_pages <= seen);
    CHECK(map->stats().pending_pages > seen / 2);
    snap.reset();
    CHECK(map->stats().pending_pages <= 2); // the map of the checkpoint before
}

} // namespace
