// What a compaction leaves on the medium between any two of its writes: every state that a crash
// may leave opens as the same map, and no file is cut before the slot that allows it is durable.
#include <quire/txn/compacting.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>

#include "../support/crash_work.hpp"

namespace {

using namespace quire_test;

[[nodiscard]] std::string value_of(std::uint64_t n) {
    return std::string(n % 9 == 4 ? 700 : n * 31 % 120, static_cast<char>('a' + n % 26));
}
[[nodiscard]] bool stays(std::uint64_t n) { return n * 2654435761U % 8 < 3; }

constexpr std::uint64_t records = 140;

// A store that was closed with many records, of which a part is erased; 1. Then compactions,
// between which a record comes: n of them are acknowledged as 1 + n.
template <class Map>
void work(simulated_disk& disk, std::uint64_t compactions) {
    {
        Map map{disk.path("map"), small};
        auto transaction = map.transaction();
        for (std::uint64_t i = 0; i < records; ++i) {
            const std::uint64_t n = i * 61 % records;
            transaction.insert(n, value_of(n));
        }
        transaction.commit();
    }
    Map map{disk.path("map"), small};
    {
        auto transaction = map.transaction();
        for (std::uint64_t n = 0; n < records; ++n)
            if (!stays(n)) transaction.erase(n);
        transaction.commit();
    }
    disk.mark(1);
    for (std::uint64_t i = 0; i < compactions; ++i) {
        static_cast<void>(map.compact(i == 0 ? quire::compaction_budget{.pages = 60}
                                             : quire::compaction_budget{}));
        map.insert(1000 + i, "between");
        disk.mark(2 + i);
    }
}

template <class Map>
[[nodiscard]] bool holds(simulated_disk& disk, std::uint64_t acknowledged) {
    if (acknowledged == 0) return true;
    Map map{disk.path("map"), small};
    map.verify();
    std::map<std::uint64_t, std::string> expected;
    for (std::uint64_t n = 0; n < records; ++n)
        if (stays(n)) expected.emplace(n, value_of(n));
    for (std::uint64_t i = 0; i + 1 < acknowledged; ++i) expected.emplace(1000 + i, "between");
    std::map<std::uint64_t, std::string> found(map.begin(), map.end());
    found.erase(5000);
    // The record that follows the compaction in flight may be there too.
    if (found.size() == expected.size() + 1) expected.emplace(1000 + acknowledged - 1, "between");
    if (found != expected) return false;
    map.insert_or_assign(5000, "goes on");
    static_cast<void>(map.compact());
    map.verify();
    return map.size() == found.size() + 1;
}

template <class Config>
[[nodiscard]] quire::crash_report crash(std::uint64_t compactions,
                                        const quire::crash_options& how) {
    using map = typename Config::map;
    return quire::crash_check(
        [&](simulated_disk& disk) { work<map>(disk, compactions); },
        [](simulated_disk& disk, std::uint64_t acknowledged) {
            return holds<map>(disk, acknowledged);
        },
        how);
}

} // namespace

TEST_CASE_TEMPLATE("a crash at any write of a compaction leaves the map", Config, shadow,
                   mapped_shadow, logged) {
    constexpr bool logs = std::is_same_v<Config, logged>;
    const auto report = crash<Config>(2, {.states = {.exhaustive = logs ? 2U : 4U,
                                                     .random = logs ? 1U : 3U},
                                          .depth = 2,
                                          .one_in = 300});
    CHECK(report.broken == "");
    CHECK(report.states > 200);
}

TEST_SUITE("long") {
    TEST_CASE_TEMPLATE("crashes of compactions, many states of each write", Config, shadow,
                       mapped_shadow, logged, mapped_logged) {
        for (std::uint64_t seed = 1; seed <= 4; ++seed) {
            CAPTURE(seed);
            const auto report = crash<Config>(3, {.seed = seed,
                                                  .states = {.exhaustive = 5, .random = 12},
                                                  .depth = 2,
                                                  .one_in = 200});
            REQUIRE(report.broken == "");
        }
    }
}

TEST_CASE("a compaction shortens the file on the medium, before it is closed") {
    simulated_disk disk;
    logged::map map{disk.path("map"), small};
    for (std::uint64_t n = 0; n < records; ++n) map.insert(n, value_of(n));
    map.checkpoint();
    for (std::uint64_t n = 0; n < records; ++n)
        if (!stays(n)) map.erase(n);
    map.checkpoint();
    const auto length = [&] {
        simulated device;
        std::uint64_t bytes = 0;
        REQUIRE(device.open(disk.path("map"), quire::storage::access::read_only).ok());
        REQUIRE(device.size(bytes).ok());
        return bytes;
    };
    const std::uint64_t before = length();
    const auto did = map.compact();
    CHECK(length() == did.pages * 512);
    CHECK(length() < before * 3 / 4);
}
