// Policies in any order, the defaults, every page size, and which stores open each other's files.
#include <quire/policies.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>

#include <quire/btree_map.hpp>

#include "storage/archetypes.hpp"
#include "support/model.hpp"

namespace {

using namespace quire_test;

using model = std::map<std::string, std::string>;

template <class Map>
model fill(Map& map, std::uint64_t n) {
    model records;
    for (std::uint64_t i = 0; i < n; ++i)
        records.emplace(key_text(i), text_of(i % 50 == 7 ? 3000 : i % 90, i));
    map.insert_range(records);
    return records;
}

TEST_CASE("the defaults are a file, clock, wal and 4096 bytes") {
    using set = quire::detail::policy_set<>;
    static_assert(std::is_same_v<set::storage, quire::storage::file>);
    static_assert(std::is_same_v<set::replacement, quire::replacement::clock>);
    static_assert(std::is_same_v<set::transactions, quire::txn::wal>);
    static_assert(quire::btree_map<int, int>::page_bytes == 4096);
    static_assert(transactional<quire::btree_map<int, int>>);
    static_assert(on_device<quire::btree_map<int, int>>);
    static_assert(!transactional<quire::btree_map<int, int, quire::txn::none>>);
    CHECK(quire::defaults::page_size::bytes == 4096);
}

TEST_CASE("policies stand in any order") {
    const temp_dir dir;
    const std::string path = dir.path("map.quire");
    using one = quire::btree_map<std::string, std::string, quire::storage::file, quire::txn::shadow,
                                 quire::page_size<512>, quire::replacement::clock>;
    using two = quire::btree_map<std::string, std::string, quire::replacement::clock,
                                 quire::page_size<512>, quire::txn::shadow, quire::storage::file>;
    using codec = quire::codec::key<quire::codec::of<std::string, quire::codec::role::key>>;
    using three = quire::btree_map<std::string, std::string, codec, quire::page_size<512>>;
    static_assert(one::page_bytes == 512 && two::page_bytes == 512);
    model records;
    {
        one map{path, quick};
        records = fill(map, 50);
    }
    {
        two map{path, quick};
        CHECK(difference_verified(map, records) == "");
    }
    three map{path, quick};
    CHECK(difference_verified(map, records) == "");
}

template <std::size_t N>
void check_page_size() {
    CAPTURE(N);
    using map_type = file_shadow::map<std::string, std::string, quire::page_size<N>>;
    static_assert(map_type::page_bytes == N);
    opened<map_type> map({.cache_bytes = 1, .durability = quire::durability::none});
    model records = fill(*map, 400);
    records.emplace(std::string(N / 4, 'k'), text_of(N / 4, 1));
    map->insert(std::string(N / 4, 'k'), text_of(N / 4, 1));
    CHECK_THROWS_AS(map->insert(std::string(N / 4 + 1, 'k'), ""), quire::key_too_large);
    CHECK(difference_verified(*map, records) == "");
    CHECK(map->stats().page_size == N);
    map.reopen();
    CHECK(difference_verified(*map, records) == "");
    for (std::uint64_t i = 0; i < 400; i += 3) records.erase(key_text(i)), map->erase(key_text(i));
    CHECK(difference_verified(*map, records) == "");
}

TEST_CASE("every page size") {
    check_page_size<512>();
    check_page_size<2048>();
    check_page_size<65536>();
}

TEST_CASE("file and mmap, shadow and none open each other's files") {
    const temp_dir dir;
    const std::string path = dir.path("map.quire");
    model records;
    {
        mmap_shadow::map<std::string, std::string> map{path, quick};
        records = fill(map, 300);
    }
    {
        file_none::map<std::string, std::string> map{path, quick};
        CHECK(difference_verified(map, records) == "");
        map.erase(key_text(7));
        records.erase(key_text(7));
        map.insert_or_assign("none", text_of(9000, 1));
        records.emplace("none", text_of(9000, 1));
    }
    {
        file_shadow::map<std::string, std::string> map{path, quick};
        CHECK(difference_verified(map, records) == "");
        const auto snap = map.snapshot();
        map.clear();
        CHECK(difference(snap, records) == "");
        map.insert_range(records);
    }
    mmap_shadow::map<std::string, std::string> map{path, quick};
    CHECK(difference_verified(map, records) == "");
}

TEST_CASE("a storage policy of one's own") {
    const temp_dir dir;
    using on_ram = quire::btree_map<std::string, std::string, ram_disk, quire::txn::shadow>;
    const std::string path = dir.path("ram.quire");
    model records;
    {
        on_ram map{path, quick};
        records = fill(map, 500);
        CHECK(difference_verified(map, records) == "");
        CHECK_THROWS_AS(on_ram(path, quick), quire::already_open);
    }
    on_ram map{path, quick};
    CHECK(difference_verified(map, records) == "");
}

} // namespace
