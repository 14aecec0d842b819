// Commits by the log, and checkpoints, when calls of the device fail or the medium is full.
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "txn/logged_map.hpp"

using namespace logged_test;

TEST_CASE("a commit whose flush failed is unknown, and the store is poisoned") {
    simulated_disk disk;
    map m{disk.path("m"), small};
    put(m, 1);
    disk.set_faults({.kinds = disk_faults::syncs, .number = EIO, .forever = false});
    std::string what;
    try {
        put(m, 2);
        FAIL("the commit succeeded");
    } catch (const quire::outcome_unknown& error) {
        CHECK(error.code() == quire::error_code::outcome_unknown);
        CHECK(error.number() == EIO);
        what = error.what();
    }
    CHECK(what.find("open the store again") != std::string::npos);
    CHECK(m.contains(1)); // readers go on with what was committed
    CHECK_FALSE(m.contains(2));
    CHECK_THROWS_AS(put(m, 3), quire::poisoned);
    CHECK_THROWS_AS(m.flush(), quire::poisoned);
    CHECK_THROWS_AS(m.checkpoint(), quire::poisoned);
    const std::size_t before = disk.trace().size();
    { const map gone = std::move(m); }
    CHECK(disk.trace().size() == before); // nothing more is written
    const std::size_t found = left_by_killing(disk).size();
    CHECK(found >= 1);
    CHECK(found <= 2);
}

TEST_CASE("a medium without room for a segment refuses the commit, and later takes one") {
    simulated_disk disk;
    map m{disk.path("m"), {.cache_bytes = 1, .wal_limit_bytes = 1 << 20}};
    std::uint64_t held = 0;
    for (const auto& [name, bytes] : disk.files()) held += bytes.size();
    disk.set_capacity(held + 100'000);
    bool full = false;
    std::uint64_t n = 0;
    for (; n < 5000 && !full; ++n) {
        const model before = content(m);
        try {
            put(m, n, 60);
        } catch (const quire::storage_full&) {
            full = true;
            CHECK(content(m) == before);
            CHECK(left_by_power_cut(disk) == before);
        }
    }
    REQUIRE(full);
    disk.set_capacity(simulated_disk::unlimited);
    put(m, n, 60);
    m.verify();
    CHECK(left_by_power_cut(disk) == content(m));
}

TEST_CASE("a checkpoint without room changes nothing, and a later one takes its place") {
    simulated_disk disk;
    map m{disk.path("m"), {.cache_bytes = 1 << 20}};
    for (std::uint64_t n = 0; n < 200; ++n) put(m, n, 60);
    std::uint64_t held = 0;
    for (const auto& [name, bytes] : disk.files()) held += bytes.size();
    for (std::uint64_t more = 0; more < 120'000; more += 3000) {
        disk.set_capacity(held + more);
        try {
            m.checkpoint();
            break;
        } catch (const quire::storage_full&) {
        }
        disk.set_capacity(simulated_disk::unlimited);
        put(m, 1000 + more, 50);
        m.verify();
        CHECK(left_by_power_cut(disk) == content(m));
    }
    disk.set_capacity(simulated_disk::unlimited);
    m.checkpoint();
    m.verify();
    CHECK(m.stats().log_bytes < 200);
    CHECK(left_by_power_cut(disk) == content(m));
}

// Every call that changes the disk fails in turn, once or from then on: the work ends with an error
// of the library or goes on; and then the disk holds what was acknowledged, or what was in flight.
TEST_CASE("whatever call fails, no acknowledged commit is lost") {
    const auto work = [](simulated_disk& disk, std::uint64_t& begun, std::uint64_t& done) {
        map m{disk.path("m"), {.cache_bytes = 1, .wal_limit_bytes = 1}};
        for (std::uint64_t n = 1; n <= 24; ++n) {
            begun = n;
            auto transaction = m.transaction();
            put(transaction, n, n == 10 ? 2000 : n % 80);
            transaction.insert_or_assign(0, std::to_string(n));
            if (n == 15) // too large for the log
                for (std::uint64_t k = 0; k < 300; ++k) put(transaction, 1000 + k, 250);
            if (n == 16)
                for (std::uint64_t k = 0; k < 300; ++k) transaction.erase(1000 + k);
            transaction.commit();
            done = n;
            if (n % 9 == 0) m.checkpoint();
        }
    };
    std::uint64_t calls = 0;
    {
        simulated_disk disk;
        disk.set_faults({.kinds = disk_faults::changes});
        std::uint64_t begun = 0;
        std::uint64_t done = 0;
        work(disk, begun, done);
        CHECK(done == 24);
        calls = disk.calls();
    }
    CHECK(calls > 80);
    std::uint64_t unknown = 0;
    for (const bool forever : {false, true})
        for (const int number : {forever ? ENOSPC : EIO})
            for (std::uint64_t at = 0; at < calls; at += forever ? 3 : 1) {
                CAPTURE(forever);
                CAPTURE(number);
                CAPTURE(at);
                simulated_disk disk;
                disk.set_faults({.kinds = disk_faults::changes, .after = at, .number = number,
                                 .forever = forever, .half = at % 2 == 0});
                std::uint64_t begun = 0;
                std::uint64_t done = 0;
                try {
                    work(disk, begun, done);
                } catch (const quire::outcome_unknown&) {
                    ++unknown;
                } catch (const quire::error&) {
                }
                disk.set_faults({});
                map m{disk.path("m"), small};
                m.verify();
                const std::uint64_t found = m.empty() ? 0 : std::stoull(m.at(0));
                REQUIRE(found >= done);
                REQUIRE(found <= begun);
                for (std::uint64_t n = 1; n <= found; ++n) REQUIRE(m.contains(n));
                if (done == begun && found != 0) REQUIRE(m.at(0) == std::to_string(done));
            }
    CHECK(unknown > 0);
}

TEST_CASE("a segment that could not be made is passed over, though a crash may bring it back") {
    simulated_disk disk;
    model now;
    {
        quire::btree_map<std::uint64_t, std::string, simulated> m{disk.path("m"),
                                                                   {.wal_limit_bytes = 1 << 20}};
        for (std::uint64_t n = 1; n < 10; ++n) put(m, n, 7000);
        std::uint64_t held = 0;
        for (const auto& [name, bytes] : disk.files()) held += bytes.size();
        disk.set_capacity(held + 70'000);
        CHECK_THROWS_AS(put(m, 10, 7000), quire::storage_full);
        put(m, 11, 20);
        disk.set_capacity(simulated_disk::unlimited);
        put(m, 12, 7000);
        disk.mark(1);
        now = {m.begin(), m.end()};
        quire::storage::crash_states states;
        for (const disk_change& change : disk.trace()) states.apply(change);
        std::mt19937_64 random(1);
        std::size_t tried = 0;
        states.for_each(random, {}, [&](const simulated_disk::contents& left) {
            simulated_disk other(left);
            const quire::btree_map<std::uint64_t, std::string, simulated> found{other.path("m")};
            REQUIRE(model(found.begin(), found.end()) == now);
            return ++tried < 50;
        });
        // As it was between the removal and the next segment's name: that may be there, it too.
        simulated_disk::contents both = disk.files();
        both["m.0000000000000fff.wal"] = std::vector<std::byte>(65536);
        simulated_disk other(both);
        const quire::btree_map<std::uint64_t, std::string, simulated> found{other.path("m")};
        CHECK(model(found.begin(), found.end()) == now);
    }
}

TEST_CASE("a store goes on after checkpoints that found no room") {
    simulated_disk disk;
    map m{disk.path("m"), {.cache_bytes = 100'000}};
    std::uint64_t n = 0;
    put(m, n);
    for (int round = 0; round < 12; ++round) {
        for (int i = 0; i < 25; ++i) put(m, ++n, 60);
        disk.set_faults({.kinds = disk_faults::resizes, .number = ENOSPC, .forever = true});
        CHECK_THROWS_AS(m.checkpoint(), quire::storage_full);
        disk.set_faults({});
    }
    for (int i = 0; i < 500; ++i) put(m, ++n, 60);
    m.verify();
    CHECK(left_by_power_cut(disk) == content(m));
}

namespace {

// A disk whose pages cannot be written for a while, though its log can.
class full_of_pages : public simulated {
    using status = quire::storage::status;

public:
    using log_device = simulated;
    status write_gather(std::uint64_t offset, std::span<const quire::bytes_view> parts) noexcept {
        if (full) return {ENOSPC};
        return simulated::write_gather(offset, parts);
    }
    static inline bool full = false;
};

} // namespace

TEST_CASE("what a checkpoint could not write is written when there is room again") {
    simulated_disk disk;
    quire::btree_map<std::uint64_t, std::string, full_of_pages, quire::page_size<512>> m{
        disk.path("m"), {.cache_bytes = 100'000}};
    std::uint64_t n = 0;
    for (; n < 200; ++n) put(m, n, 60);
    full_of_pages::full = true;
    bool refused = false;
    for (int round = 0; round < 8; ++round) {
        try {
            for (int i = 0; i < 25; ++i) put(m, n + static_cast<std::uint64_t>(i), 60);
            n += 25;
            m.checkpoint();
        } catch (const quire::storage_full&) {
            refused = true;
        } catch (const quire::cache_exhausted&) {
            refused = true;
        }
    }
    full_of_pages::full = false;
    CHECK(refused);
    for (int i = 0; i < 500; ++i) put(m, ++n, 60);
    m.verify();
    m.checkpoint();
    m.verify();
}
