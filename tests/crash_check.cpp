// The check of crashes finds nothing in the library, and finds what is wrong where a disk, a
// program or an invariant is.
#include <quire/crash_check.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>

namespace {

using quire::storage::simulated;
using quire::storage::simulated_disk;
using quire::storage::simulated_mmap;
using quire::storage::status;

// Says that it made durable what it did not.
class lazy : public simulated {
public:
    status sync_data() noexcept { return {}; }
    status sync_all() noexcept { return {}; }
};
class nameless : public simulated {
public:
    static status sync_directory_of(const std::string&) noexcept { return {}; }
};

// A store on a disk, and how its commits become durable.
template <class Storage, class Txn>
struct config {
    using map = quire::btree_map<std::uint64_t, std::string, Storage, Txn, quire::page_size<512>>;
};
using shadow = config<simulated, quire::txn::shadow>;
using mapped_shadow = config<simulated_mmap, quire::txn::shadow>;
using logged = config<simulated, quire::txn::wal>;
using mapped_logged = config<simulated_mmap, quire::txn::wal>;
template <class Storage>
using map_on = typename config<Storage, quire::txn::shadow>::map;

constexpr quire::options small{.cache_bytes = 1, .wal_limit_bytes = 1};

using model = std::map<std::uint64_t, std::string>;

// One transaction: two records more, one less.
template <class Map>
void put_pair(Map& map, std::uint64_t i) {
    map.insert_or_assign(2 * i, std::string(i * 37 % 300, 'x'));
    map.insert_or_assign(2 * i + 1, std::string(i * 53 % 300, 'y'));
    map.erase(i);
}
[[nodiscard]] model pairs_after(std::uint64_t transactions) {
    model map;
    for (std::uint64_t i = 1; i <= transactions; ++i) put_pair(map, i);
    return map;
}
// Acknowledges the empty map as 1, the n-th transaction as n + 1. Checkpoints come in between.
template <class Map>
void put_pairs(simulated_disk& disk, std::uint64_t n) {
    Map map{disk.path("map"), small};
    disk.mark(1);
    for (std::uint64_t i = 1; i <= n; ++i) {
        auto transaction = map.transaction();
        put_pair(transaction, i);
        transaction.commit();
        disk.mark(i + 1);
        if (i % 5 == 0) map.checkpoint();
    }
}
// Whether the map is as after the last acknowledged transaction, or the one in flight. Then it goes
// on.
template <class Map>
bool holds_pairs(simulated_disk& disk, std::uint64_t acknowledged) {
    Map map{disk.path("map"), small};
    constexpr std::uint64_t later = 1'000'000; // what this itself put before another crash
    model found(map.begin(), map.end());
    found.erase(later);
    const std::uint64_t least = acknowledged == 0 ? 0 : acknowledged - 1;
    if (found != pairs_after(least) && found != pairs_after(acknowledged)) return false;
    map.verify();
    if (!map.insert(later, "goes on").second) map.erase(later);
    map.verify();
    return map.size() == found.size() + (map.contains(later) ? 1 : 0);
}

template <class Map>
quire::crash_report check_pairs(std::uint64_t n, const quire::crash_options& how = {}) {
    return quire::crash_check([&](simulated_disk& disk) { put_pairs<Map>(disk, n); },
                              [](simulated_disk& disk, std::uint64_t acknowledged) {
                                  return holds_pairs<Map>(disk, acknowledged);
                              },
                              how);
}

// Commits of all three kinds, large ones among them; what was acknowledged as durable is a remark.
// Commit i gives key 0 the value i.
quire::crash_report check_mixture(std::uint64_t seed, const quire::crash_options& how) {
    const auto work = [seed](simulated_disk& disk) {
        logged::map map{disk.path("map"), small};
        std::mt19937_64 random(seed);
        for (std::uint64_t i = 1; i <= 30; ++i) {
            auto transaction = map.transaction();
            transaction.insert_or_assign(0, std::to_string(i));
            transaction.insert_or_assign(i, std::string(random() % 400, 'x'));
            if (i % 11 == 0) { // too large for the log
                for (std::uint64_t k = 0; k < 80; ++k)
                    transaction.insert_or_assign(100 + k, std::string(900, 'y'));
                for (std::uint64_t k = 0; k < 80; ++k) transaction.erase(100 + k);
            }
            if (random() % 5 == 0) {
                const auto point = transaction.savepoint();
                transaction.insert_or_assign(99, "no");
                transaction.rollback(point);
            }
            const auto wanted = static_cast<quire::durability>(random() % 3);
            if (random() % 6 == 0) {
                transaction.rollback();
                --i;
                continue;
            }
            transaction.commit(wanted);
            if (wanted == quire::durability::full || i % 11 == 0) disk.mark(i);
            if (random() % 8 == 0) {
                map.checkpoint();
                disk.mark(i);
            }
            if (random() % 8 == 0) {
                map.flush();
                disk.mark(i);
            }
        }
    };
    // A prefix, not shorter than what was acknowledged; then five more transactions, and again.
    return quire::crash_check(
        work,
        [](simulated_disk& disk, std::uint64_t acknowledged) {
            std::uint64_t found = 0;
            {
                logged::map map{disk.path("map"), small};
                map.verify();
                found = map.empty() ? 0 : std::stoull(map.at(0));
                if (found < acknowledged) return false;
                const std::uint64_t before = std::min<std::uint64_t>(found, 30);
                for (std::uint64_t i = 1; i <= before; ++i)
                    if (!map.contains(i)) return false;
                for (std::uint64_t i = found + 1; i <= found + 5; ++i) {
                    auto transaction = map.transaction();
                    transaction.insert_or_assign(0, std::to_string(i));
                    transaction.insert_or_assign(i, "goes on");
                    transaction.commit(i % 2 == 0 ? quire::durability::full
                                                  : quire::durability::relaxed);
                }
            }
            const logged::map map{disk.path("map"), small};
            return map.at(0) == std::to_string(found + 5);
        },
        how);
}

} // namespace

TEST_CASE_TEMPLATE("commits survive crashes, and crashes of their recovery", Config, shadow,
                   mapped_shadow, logged, mapped_logged) {
    // Segments of a log are made of many sectors.
    constexpr bool logs = std::is_same_v<Config, logged> || std::is_same_v<Config, mapped_logged>;
    const auto report = check_pairs<typename Config::map>(
        logs ? 8 : 12, logs ? quire::crash_options{.states = {.exhaustive = 6, .random = 2},
                                                   .depth = 2, .one_in = 40}
                            : quire::crash_options{.states = {.exhaustive = 8, .random = 8},
                                                   .depth = 2, .one_in = 4});
    CHECK(report.broken == "");
    CHECK(report.left.empty());
    CHECK(report.states > 300);
    CHECK(report.moments > 60);
}

TEST_CASE("commits of every kind survive in order, not fewer than were acknowledged as durable") {
    const auto report = check_mixture(
        1, {.states = {.exhaustive = 4, .random = 1}, .depth = 2, .one_in = 1000});
    CHECK(report.broken == "");
    CHECK(report.states > 300);
}

TEST_CASE("a disk that does not sync is found out") {
    for (const auto& report : {check_pairs<map_on<lazy>>(3),
                               check_pairs<config<lazy, quire::txn::wal>::map>(3)}) {
        CAPTURE(report.broken);
        CHECK(report.broken.find("a power cut behind change ") == 0);
        CHECK(report.broken.find("acknowledged (seed 1)") != std::string::npos);
        CHECK_FALSE(report.left.empty());
    }
}

TEST_CASE("a name that is not made durable is found out") {
    const auto report = quire::crash_check(
        [](simulated_disk& disk) { put_pairs<map_on<nameless>>(disk, 1); },
        [](simulated_disk& disk, std::uint64_t acknowledged) {
            if (acknowledged == 0) return;
            const map_on<nameless> map{disk.path("map"), {.cache_bytes = 1, .create = false}};
        });
    CAPTURE(report.broken);
    CHECK(report.broken.find("opening the store failed") != std::string::npos);
}

TEST_CASE("a program that splits what belongs together is found out") {
    using accounts = quire::btree_map<std::string, std::int64_t, simulated>;
    const auto pay = [](simulated_disk& disk, bool together) {
        accounts map{disk.path("accounts"), small};
        map.insert("from", 10);
        if (together) {
            auto transaction = map.transaction();
            transaction.insert_or_assign("from", 5);
            transaction.insert_or_assign("to", 5);
            transaction.commit();
        } else {
            map.insert_or_assign("from", 5);
            map.insert_or_assign("to", 5);
        }
    };
    const auto is_kept = [](simulated_disk& disk, std::uint64_t) {
        const accounts map{disk.path("accounts"), small};
        return map.empty() || map.get("from").value() + map.get("to").value_or(0) == 10;
    };
    const auto good = quire::crash_check([&](simulated_disk& d) { pay(d, true); }, is_kept);
    CHECK(good.broken == "");
    CHECK(good.states > 10);
    const auto bad = quire::crash_check([&](simulated_disk& d) { pay(d, false); }, is_kept);
    CHECK(bad.broken.find("the invariant does not hold") != std::string::npos);
    simulated_disk again(bad.left); // what it was found in
    CHECK_FALSE(is_kept(again, 0));
}

TEST_CASE("who builds on what a killed process did not sync is found out") {
    const auto check = [](bool syncs) {
        return quire::crash_check(
            [](simulated_disk& disk) {
                simulated device;
                REQUIRE(device.create(disk.path("a")).ok());
                REQUIRE(simulated::sync_directory_of(disk.path("a")).ok());
                const std::byte written[4]{std::byte{1}, std::byte{1}, std::byte{1}, std::byte{1}};
                REQUIRE(device.write(0, written).ok());
            },
            [syncs](simulated_disk& disk, std::uint64_t acknowledged) {
                simulated device;
                std::byte found[4]{};
                const bool there =
                    device.open(disk.path("a"), quire::storage::access::read_write).ok() &&
                    device.read(0, found).ok() && found[3] == std::byte{1};
                if (!there) return acknowledged == 0;
                if (syncs) REQUIRE(device.sync_data().ok());
                disk.mark(1); // says that it found it
                return true;
            },
            {.depth = 2, .one_in = 1});
    };
    CHECK(check(true).broken == "");
    CHECK(check(false).broken.find("the process killed behind change") == 0);
}

TEST_CASE("what only a second power cut shows is found out") {
    const auto check = [](unsigned depth) {
        return quire::crash_check(
            [](simulated_disk& disk) {
                simulated device;
                REQUIRE(device.create(disk.path("a")).ok());
                const std::vector<std::byte> two(1024, std::byte{1});
                REQUIRE(device.write(0, two).ok());
                REQUIRE(device.sync_data().ok());
                REQUIRE(simulated::sync_directory_of(disk.path("a")).ok());
                disk.mark(1);
            },
            [](simulated_disk& disk, std::uint64_t acknowledged) { // recovers in place
                if (acknowledged == 0) return true;
                simulated device;
                REQUIRE(device.open(disk.path("a"), quire::storage::access::read_write).ok());
                std::vector<std::byte> two(1024);
                REQUIRE(device.read(0, two).ok());
                const bool whole = two.front() == two.back();
                two.assign(1024, std::byte{2});
                REQUIRE(device.write(0, two).ok());
                REQUIRE(device.sync_data().ok());
                return whole;
            },
            {.depth = depth, .one_in = 1});
    };
    CHECK(check(1).broken == "");
    const std::string broken = check(2).broken;
    CAPTURE(broken);
    CHECK(broken.find("a power cut behind change ") == 0);
    CHECK(broken.find(", then a power cut behind change ") != std::string::npos);
}

TEST_CASE("what an invariant throws is the report, what the work throws is thrown") {
    const auto report = quire::crash_check(
        [](simulated_disk& disk) { disk.mark(3); },
        [](simulated_disk&, std::uint64_t acknowledged) {
            if (acknowledged == 3) throw std::runtime_error("three");
        });
    CHECK(report.broken ==
          "a power cut behind change 1 of 1, with 3 acknowledged (seed 1): three");
    CHECK_THROWS_WITH(
        static_cast<void>(quire::crash_check(
            [](simulated_disk&) { throw std::runtime_error("no work"); },
            [](simulated_disk&, std::uint64_t) { return true; })),
        "no work");
}

TEST_CASE("a seed tells which states are tried") {
    const auto states = [](std::uint64_t seed) {
        std::vector<simulated_disk::contents> seen;
        const auto report = quire::crash_check(
            [](simulated_disk& disk) {
                simulated device;
                REQUIRE(device.create(disk.path("a")).ok());
                const std::vector<std::byte> much(20'000, std::byte{1});
                REQUIRE(device.write(0, much).ok());
            },
            [&](simulated_disk& disk, std::uint64_t) { seen.push_back(disk.files()); },
            {.seed = seed});
        CHECK(report.broken == "");
        CHECK(report.states == seen.size());
        return seen;
    };
    CHECK(states(1) == states(1));
    CHECK(states(1) != states(2));
}

TEST_CASE("whatever is thrown is a report") {
    const auto work = [](simulated_disk& disk) { disk.mark(1); };
    CHECK(quire::crash_check(work, [](simulated_disk&, std::uint64_t) { throw 7; })
              .broken.find("no std::exception") != std::string::npos);
    CHECK(quire::crash_check(work, [](simulated_disk&, std::uint64_t) {
              throw std::runtime_error("");
          }).broken != "");
}

TEST_CASE("paths of the work's disk name nothing on the invariant's") {
    std::string path;
    const auto report = quire::crash_check(
        [&](simulated_disk& disk) {
            path = disk.path("a");
            simulated device;
            REQUIRE(device.create(path).ok());
        },
        [&](simulated_disk&, std::uint64_t) {
            return simulated().open(path, quire::storage::access::read_write).number == ENOENT;
        });
    CHECK(report.broken == "");
}

TEST_SUITE("long") {
    TEST_CASE_TEMPLATE("commits survive many crashes, two and three in a row", Config, shadow,
                       mapped_shadow, logged, mapped_logged) {
        std::uint64_t states = 0;
        constexpr bool logs =
            std::is_same_v<Config, logged> || std::is_same_v<Config, mapped_logged>;
        for (std::uint64_t seed = 1; seed <= 2; ++seed) {
            const auto report = check_pairs<typename Config::map>(
                logs ? 12 : 40,
                {.seed = seed,
                 .states = {.exhaustive = logs ? 8U : 12U, .random = logs ? 8U : 40U},
                 .depth = 3, .one_in = 8});
            REQUIRE(report.broken == "");
            states += report.states;
        }
        MESSAGE(states, " states");
    }

    TEST_CASE("commits of every kind survive many crashes") {
        std::uint64_t states = 0;
        for (std::uint64_t seed = 1; seed <= 6; ++seed) {
            const auto report = check_mixture(
                seed,
                {.seed = seed, .states = {.exhaustive = 6, .random = 4}, .depth = 2, .one_in = 40});
            REQUIRE(report.broken == "");
            states += report.states;
        }
        MESSAGE(states, " states");
    }
}
