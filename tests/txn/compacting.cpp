// What a compaction leaves on the medium between any two of its writes: every state that a crash
// may leave opens as the same map, and no file is cut before the slot that allows it is durable.
#include <quire/txn/compacting.hpp>

#include <algorithm>
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
    return quire::crash_check([&](simulated_disk& disk) { work<map>(disk, compactions); },
                              [](simulated_disk& disk, std::uint64_t acknowledged) {
                                  return holds<map>(disk, acknowledged);
                              },
                              how);
}

} // namespace

TEST_CASE_TEMPLATE("a crash at any write of a compaction leaves the map", Config, shadow,
                   mapped_shadow, logged) {
    constexpr bool logs = std::is_same_v<Config, logged>;
    const auto report =
        crash<Config>(2, {.states = {.exhaustive = logs ? 2U : 4U, .random = logs ? 1U : 3U},
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

TEST_CASE("a compaction leaves the log in place, and what it has by then is passed over") {
    using map = quire::btree_map<std::uint64_t, std::string, simulated, quire::txn::wal,
                                 quire::page_size<512>>;
    static constexpr quire::options usual{.cache_bytes = 1}; // a log that nothing else cuts
    using model = std::map<std::uint64_t, std::string>;
    // What is there when a process is killed that has done `work` to a map.
    const auto killed_after = [](auto&& work, const simulated_disk::contents& before) {
        simulated_disk disk(before);
        map m{disk.path("m"), usual};
        work(m);
        return disk.files();
    };
    const auto content = [](const map& of) { return model(of.begin(), of.end()); };
    model expected;
    const auto killed = killed_after(
        [&](map& m) {
            for (std::uint64_t n = 0; n < 200; ++n) m.insert_or_assign(n, std::string(60, 'x'));
            m.checkpoint();
            for (std::uint64_t n = 0; n < 200; ++n)
                if (n % 3 != 0) m.erase(n);
            for (std::uint64_t n = 0; n < 30; ++n) m.insert_or_assign(n, "old");
            for (std::uint64_t n = 0; n < 30; n += 2) m.insert_or_assign(n, "new");
            CHECK(m.compact().moved + m.compact().saved > 0);
            expected = content(m);
        },
        {});
    std::string name; // the last: another one waits to be used again
    for (const auto& [each, bytes] : killed)
        if (each.ends_with(".wal")) name = each;
    const auto& log = killed.at(name);
    std::size_t used = log.size();
    while (log[used - 1] == std::byte{0}) --used;
    CHECK(used > 2000); // it was not cut
    {
        simulated_disk disk(killed);
        map m{disk.path("m"), usual};
        CHECK(m.stats().recovery.operations == 0);
        CHECK(content(m) == expected);
        m.verify();
    }
    // Whatever the medium has lost of it: the state that was found is newer.
    for (std::size_t end = 128; end < used; end += 97) {
        CAPTURE(end);
        simulated_disk::contents torn = killed;
        auto& bytes = torn[name];
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(end), bytes.end(), std::byte{0});
        simulated_disk disk(torn);
        map m{disk.path("m"), usual};
        REQUIRE(content(m) == expected);
        m.insert_or_assign(1000, "more");
        model more = expected;
        more[1000] = "more";
        simulated_disk again(disk.files());
        map killed_again{again.path("m"), usual};
        REQUIRE(content(killed_again) == more);
        killed_again.verify();
    }
    // What came after the compaction is done again.
    const auto longer = killed_after([](map& m) { m.insert_or_assign(1, "after"); }, killed);
    simulated_disk disk(longer);
    map m{disk.path("m"), usual};
    expected[1] = "after";
    CHECK(content(m) == expected);
    CHECK(m.stats().recovery.operations == 1);
}
