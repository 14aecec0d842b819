// Where the pages of a store go: every page is counted once, by its kind, and pages that snapshots
// keep by the snapshots that keep them.
#include <quire/space_use.hpp>

#include <cstdint>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>

#include "support/model.hpp"

using namespace quire_test;

namespace {

[[nodiscard]] std::uint64_t sum(const quire::space_use& use) {
    return use.header + use.catalog + use.free_map + use.leaf + use.inner + use.overflow +
           use.free + use.pending;
}

template <class C>
using texts = typename C::template map<std::string, std::string, quire::page_size<512>>;

} // namespace

TEST_CASE_TEMPLATE("every page is of one kind", Map, texts<file_shadow>, texts<mmap_wal>,
                   texts<file_none>, texts<memory_shadow>) {
    opened<Map> map({.durability = quire::durability::none, .auto_compact = 0});
    for (std::uint64_t n = 0; n < 2000; ++n)
        map->insert(key_text(n), text_of(n % 10 == 3 ? 1500 : 20, n));
    for (std::uint64_t n = 0; n < 2000; n += 3) map->erase(key_text(n));
    map->checkpoint();
    const quire::space_use use = map->measure_space();
    CHECK(use.all == map->stats().pages);
    if constexpr (transactional<Map>)
        CHECK(map->stats().live_pages == use.all - use.free - use.pending);
    if constexpr (transactional<Map>) CHECK(sum(use) == use.all);
    CHECK(use.records == map->size());
    CHECK(use.leaf > 20);
    CHECK(use.inner > 0);
    // 2000 / 10 runs of 3 pages, a third of them erased.
    CHECK(use.overflow > 330);
    CHECK(use.overflow < 480);
    CHECK(use.leaf_bytes > use.leaf * 512 / 4);
    CHECK(use.leaf_bytes < use.leaf * 512);
    if constexpr (on_device<Map>) {
        CHECK(use.free_map > 0);
        CHECK(use.catalog == 1);
        map.reopen();
        const quire::space_use again = map->measure_space();
        CHECK(sum(again) == again.all);
        CHECK(again.leaf == use.leaf);
        CHECK(again.pending == 0);
    }
}

TEST_CASE_TEMPLATE("pages that snapshots keep are told by snapshot", Map, texts<file_shadow>,
                   texts<file_wal>) {
    opened<Map> map;
    for (std::uint64_t n = 0; n < 1000; ++n) map->insert(key_text(n), "value");
    map->checkpoint();
    std::optional<typename Map::snapshot_type> first(map->snapshot());
    for (std::uint64_t n = 0; n < 1000; ++n) map->insert_or_assign(key_text(n), "other");
    map->checkpoint();
    const auto second = map->snapshot();
    map->insert_or_assign(key_text(1), "third");
    map->checkpoint();
    const auto both = map->stats();
    REQUIRE(both.snapshots.size() == 2);
    CHECK(both.snapshots[0].number == first->version());
    CHECK(both.snapshots[0].pages > 30);
    CHECK(both.snapshots[1].pages > 0);
    CHECK(both.snapshots[1].pages < 10);
    CHECK(both.kept_pages == both.snapshots[0].pages + both.snapshots[1].pages);
    CHECK(both.kept_pages <= both.pending_pages);
    CHECK(map->measure_space().kept == both.kept_pages);
    first.reset();
    map->checkpoint();
    const auto one = map->stats();
    REQUIRE(one.snapshots.size() == 1);
    CHECK(one.kept_pages == one.snapshots[0].pages);
    CHECK(one.kept_pages < 10);
}

// The figure of a store of a million pages, at a fiftieth of its size.
TEST_CASE("a checkpoint of few changes writes few pages of a scattered free map") {
    opened<texts<file_wal>> map;
    std::uint64_t state = 1;
    const auto random = [&] { return (state = state * 6364136223846793005u + 1) >> 33; };
    for (std::uint64_t n = 0; n < 20'000; ++n) map->insert(key_text(n), text_of(400, n));
    for (std::uint64_t n = 0; n < 20'000; ++n)
        if (random() % 100 < 31) map->erase(key_text(n));
    map->checkpoint();
    map->insert_or_assign(key_text(0), "small"); // what was given up is found to be free
    map->checkpoint();
    const auto before = map->stats();
    CHECK(before.free_pages > before.pages / 4);
    for (int i = 0; i < 100; ++i) map->insert_or_assign(key_text(random() % 20'000), "small");
    map->checkpoint();
    const auto after = map->stats();
    CHECK(after.pages_written - before.pages_written <= 100 * before.height + 64);
    map->verify();
}
