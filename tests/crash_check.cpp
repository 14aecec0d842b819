// The check of crashes finds nothing in the library, and finds what is wrong where a disk, a
// program or an invariant is.
#include <quire/crash_check.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>

#include "support/crash_work.hpp"

namespace {

using namespace quire_test;
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

template <class Storage>
using map_on = typename config<Storage, quire::txn::shadow>::map;

} // namespace

TEST_CASE_TEMPLATE("commits survive crashes, and crashes of their recovery", Config, shadow,
                   mapped_shadow, logged, mapped_logged, written_through) {
    // Segments of a log are made of many sectors.
    constexpr bool logs = !std::is_same_v<Config, shadow> && !std::is_same_v<Config, mapped_shadow>;
    const auto report = check_pairs<typename Config::map>(
        {.count = logs ? 8 : 12},
        logs ? quire::crash_options{.states = {.exhaustive = 6, .random = 2},
                                    .depth = 2,
                                    .one_in = 40}
             : quire::crash_options{.states = {.exhaustive = 8, .random = 8},
                                    .depth = 2,
                                    .one_in = 4});
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
    for (const auto& report : {check_pairs<map_on<lazy>>({.count = 3}),
                               check_pairs<config<lazy, quire::txn::wal>::map>({.count = 3})}) {
        CAPTURE(report.broken);
        CHECK(report.broken.find("a power cut behind change ") == 0);
        CHECK(report.broken.find("acknowledged (seed 1)") != std::string::npos);
        CHECK_FALSE(report.left.empty());
    }
}

TEST_CASE("a name that is not made durable is found out") {
    const auto report = quire::crash_check(
        [](simulated_disk& disk) { put_pairs<map_on<nameless>>(disk, {.count = 1}); },
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
