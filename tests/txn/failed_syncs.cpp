// Syncs that fail in the ways of file systems (storage::failed_sync), at every sync of a life: what
// was acknowledged is there when the store is opened again, stays there through commits and a power
// cut after that, and until then the store takes no more changes and goes on being read.
#include <cerrno>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/storage/crash_states.hpp>
#include <quire/storage/simulated.hpp>

namespace {

using quire::storage::crash_states;
using quire::storage::disk_faults;
using quire::storage::failed_sync;
using quire::storage::simulated;
using quire::storage::simulated_disk;
using quire::storage::simulated_mmap;
using contents = simulated_disk::contents;
using model = std::map<std::uint64_t, std::string>;
template <class Storage, class Txn>
using map_of = quire::btree_map<std::uint64_t, std::string, Storage, Txn, quire::page_size<512>>;

// A small cache; a log that is cut by every commit, or only when a step asks for it.
constexpr quire::options small(std::uint64_t turn) {
    return {.cache_bytes = 1, .wal_limit_bytes = turn % 2 == 0 ? 1 : std::uint64_t{1} << 20};
}
constexpr std::uint64_t steps = 14;

// One transaction of every size: a few records, or more pages than a digest vouches for.
template <class Map>
void step(Map& map, std::uint64_t n) {
    const std::uint64_t records = n % 6 == 5 ? 150 : 3;
    for (std::uint64_t i = 0; i < records; ++i)
        map.insert_or_assign(n * i % 97, std::string((n * 29 + i) % 110, 'x'));
    map.erase(n % 7);
}
model after(std::uint64_t n) {
    model m;
    for (std::uint64_t i = 1; i <= n; ++i) step(m, i);
    return m;
}
template <class Map>
model content(const Map& map) {
    return {map.begin(), map.end()};
}

// Calls check(contents) for states that a power cut may leave of the disk.
template <class Check>
void for_each_power_cut(const simulated_disk& disk, std::uint64_t seed,
                        const crash_states::effort& how, Check&& check) {
    crash_states states({}, seed);
    for (const auto& change : disk.trace()) states.apply(change);
    std::mt19937_64 random(seed);
    states.for_each(random, how, [&](const contents& state) {
        check(state);
        return true;
    });
}

// Steps from `done` to `last`, and checkpoints between them.
template <class Map>
void live(Map& map, std::uint64_t& done, std::uint64_t last) {
    while (done < last) {
        auto transaction = map.transaction();
        step(transaction, done + 1);
        transaction.commit();
        ++done;
        if (done % 4 == 3) map.checkpoint();
    }
}

template <class Map>
class lives {
public:
    std::uint64_t poisoned = 0; // lives that came to refuse changes

    explicit lives(failed_sync how) : how_(how) {}

    // Lives whose sync number 0, 1, ... fails, until one has no such sync. Returns how many.
    std::uint64_t at_every_sync(std::uint64_t seed) {
        for (std::uint64_t at = 0;; ++at) {
            CAPTURE(static_cast<int>(how_));
            CAPTURE(seed);
            CAPTURE(at);
            if (!one(seed, at)) return at;
        }
    }

private:
    bool one(std::uint64_t seed, std::uint64_t at) {
        simulated_disk disk;
        disk.set_faults({.kinds = disk_faults::syncs, .after = at, .number = EIO, .sync = how_});
        std::uint64_t acknowledged = 0;
        try {
            Map map{disk.path("m"), small(seed + at)};
            try {
                live(map, acknowledged, steps);
            } catch (const quire::error&) { // of the call that failed, or of the next one
                goes_on_being_read(map, acknowledged);
                try { // a segment that could not be made poisons nothing
                    map.insert_or_assign(1'000'000, "more");
                    map.erase(1'000'000);
                } catch (const quire::poisoned&) {
                    ++poisoned;
                }
                goes_on_being_read(map, acknowledged);
            }
        } catch (const quire::io_error&) { // while it was opened
        }
        if (disk.failures() == 0) return false;
        disk.set_faults({});
        // Only what is on the medium, and then what the system has besides.
        check_crashes(disk, seed, acknowledged, acknowledged + 1);
        std::uint64_t now = 0;
        {
            Map map{disk.path("m"), small(seed + at)};
            const model found = content(map);
            now = found == after(acknowledged + 1) ? acknowledged + 1 : acknowledged;
            REQUIRE(found == after(now));
            map.verify();
            for (const std::uint64_t more : {1U, 2U, 9U}) {
                live(map, now, now + more);
                check_crashes(disk, seed, now, now);
            }
        }
        check_crashes(disk, seed, now, now);
        return true;
    }
    void goes_on_being_read(const Map& map, std::uint64_t acknowledged) const {
        try {
            const model found = content(map);
            REQUIRE(found == after(acknowledged));
        } catch (const quire::corruption& error) { // a mapping shows what was taken back
            REQUIRE((std::is_same_v<Map, map_of<simulated_mmap, quire::txn::wal>>));
            REQUIRE(how_ == failed_sync::reverted);
            // By the page itself: trees alone would not notice every old page.
            REQUIRE(std::string(error.what()).find("not the page that was written") !=
                    std::string::npos);
        }
    }
    static void check_crashes(const simulated_disk& disk, std::uint64_t seed, std::uint64_t least,
                              std::uint64_t most) {
        for_each_power_cut(disk, seed, {.exhaustive = 4, .random = 3}, [&](const contents& state) {
            simulated_disk left(state);
            const Map map{left.path("m"), small(seed)};
            const model found = content(map);
            bool right = false;
            for (std::uint64_t n = least; n <= most; ++n) right = right || found == after(n);
            REQUIRE(right);
        });
    }

    failed_sync how_;
};

template <class Map>
void at_every_sync(std::uint64_t first_seed, std::uint64_t last_seed) {
    for (const failed_sync how :
         {failed_sync::kept, failed_sync::dropped, failed_sync::reverted})
        for (std::uint64_t seed = first_seed; seed <= last_seed; ++seed) {
            lives<Map> all(how);
            CHECK(all.at_every_sync(seed) > steps);
            CHECK(all.poisoned >= steps);
        }
}

} // namespace

#define EVERY_MAP                                                                                  \
    map_of<simulated, quire::txn::shadow>, map_of<simulated, quire::txn::wal>,                     \
        map_of<simulated_mmap, quire::txn::wal>
TEST_CASE_TEMPLATE("what was acknowledged outlives a sync that fails, however it does", Map,
                   EVERY_MAP) {
    at_every_sync<Map>(1, 1);
}
TEST_SUITE("long") {
    TEST_CASE_TEMPLATE("failed syncs of many lives", Map, EVERY_MAP) {
        at_every_sync<Map>(2, 30);
    }
}

// What one session that failed leaves, another goes on with; then the power is cut.
namespace {
using logged = quire::btree_map<std::uint64_t, std::string, simulated, quire::txn::wal>;
constexpr quire::options roomy{.cache_bytes = std::uint64_t{16} << 20,
                               .wal_limit_bytes = std::uint64_t{1} << 20};

void put(logged& map, std::uint64_t key, std::size_t size, quire::durability how) {
    auto transaction = map.transaction();
    transaction.insert_or_assign(key, std::string(size, 'x'));
    transaction.commit(how);
}
void check_power_cut(const simulated_disk& disk, std::uint64_t seed, const model& expected) {
    for_each_power_cut(disk, seed, {.exhaustive = 2, .random = 2}, [&](const contents& state) {
        simulated_disk left(state);
        REQUIRE(content(logged{left.path("m"), roomy}) == expected);
    });
}
} // namespace

TEST_CASE("of groups that one failed flush wrote, none comes back behind a later one") {
    for (const failed_sync how : {failed_sync::dropped, failed_sync::reverted})
        for (std::uint64_t seed = 1; seed <= 60; ++seed) {
            CAPTURE(static_cast<int>(how));
            CAPTURE(seed);
            simulated_disk disk;
            {
                logged map{disk.path("m"), roomy};
                put(map, 0, 1000, quire::durability::full);
                disk.set_faults(
                    {.kinds = disk_faults::syncs, .after = 0, .number = EIO, .sync = how});
                put(map, 1, 1000, quire::durability::relaxed);
                put(map, 2, 1000, quire::durability::relaxed);
                CHECK_THROWS_AS(put(map, 3, 1000, quire::durability::full),
                                quire::outcome_unknown);
            }
            disk.set_faults({});
            logged map{disk.path("m"), roomy};
            check_power_cut(disk, seed, content(map));
            put(map, 100, 1000, quire::durability::full); // of the size of those before
            check_power_cut(disk, seed, content(map));
        }
}

TEST_CASE("a segment whose size a failed sync lost is found in its place") {
    for (const failed_sync how : {failed_sync::dropped, failed_sync::reverted})
        for (std::uint64_t at = 0;; ++at) {
            CAPTURE(static_cast<int>(how));
            CAPTURE(at);
            simulated_disk disk;
            disk.set_faults(
                {.kinds = disk_faults::syncs, .after = at, .number = EIO, .sync = how});
            try { // larger than the first segment, which is lengthened for it
                logged map{disk.path("m"), roomy};
                auto transaction = map.transaction();
                for (std::uint64_t n = 0; n < 100; ++n)
                    transaction.insert_or_assign(n, std::string(1000, 'x'));
                transaction.commit();
            } catch (const quire::error&) {
            }
            if (disk.failures() == 0) {
                CHECK(at > 5);
                break;
            }
            disk.set_faults({});
            logged map{disk.path("m"), roomy};
            for (std::uint64_t n = 0; n < 60; ++n) // into the next segments
                put(map, 1000 + n, 1000, quire::durability::full);
            // Where the slot itself was taken back it may come again (decision 0016).
            if (how == failed_sync::dropped) check_power_cut(disk, 1 + at, content(map));
        }
}

// Then nobody can know what the medium has of a commit that was acknowledged.
TEST_CASE_TEMPLATE("what a sync lost that was said to have succeeded is found out, or a tail", Map,
                   map_of<simulated, quire::txn::shadow>, map_of<simulated, quire::txn::wal>) {
    std::uint64_t whole = 0;
    std::uint64_t shorter = 0;
    std::uint64_t found_out = 0;
    for (std::uint64_t seed = 1; seed <= 2; ++seed)
        for (std::uint64_t at = 0;; ++at) {
            CAPTURE(seed);
            CAPTURE(at);
            simulated_disk disk;
            disk.set_faults({.kinds = disk_faults::syncs, .after = at, .number = EIO,
                             .sync = failed_sync::late});
            std::uint64_t acknowledged = 0;
            try {
                Map map{disk.path("m"), small(seed)};
                live(map, acknowledged, steps);
            } catch (const quire::error&) {
            }
            if (disk.failures() == 0) break;
            const crash_states::effort how{.exhaustive = 4, .random = 3};
            for_each_power_cut(disk, seed, how, [&](const contents& state) {
                simulated_disk left(state);
                try {
                    const Map map{left.path("m"), small(seed)};
                    const model found = content(map);
                    std::uint64_t n = 0;
                    while (n <= acknowledged + 1 && found != after(n)) ++n;
                    REQUIRE(n <= acknowledged + 1);
                    ++(n >= acknowledged ? whole : shorter);
                } catch (const quire::error&) {
                    ++found_out;
                }
            });
        }
    CHECK(whole > 0);
    CHECK(found_out + shorter > 0);
    MESSAGE(whole, " whole, ", shorter, " shorter, ", found_out, " found out");
}
