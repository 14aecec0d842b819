// Commits by the log: how durable they are and when, what they write, what becomes of them when a
// call fails, and checkpoints.
#include <quire/txn/logged.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/inspect/check.hpp>
#include <quire/storage/crash_states.hpp>
#include <quire/storage/simulated.hpp>

namespace {

using quire::durability;
using quire::storage::disk_change;
using quire::storage::disk_faults;
using quire::storage::simulated;
using quire::storage::simulated_disk;
using map = quire::btree_map<std::uint64_t, std::string, simulated, quire::txn::wal,
                             quire::page_size<512>>;
using model = std::map<std::uint64_t, std::string>;

constexpr quire::options small{.cache_bytes = 1};

std::size_t log_files(const simulated_disk& disk) {
    std::size_t n = 0;
    for (const auto& [name, bytes] : disk.files()) n += name.ends_with(".wal") ? 1 : 0;
    return n;
}
std::size_t count(const simulated_disk& disk, std::size_t from, disk_change::kind what) {
    std::size_t n = 0;
    for (std::size_t i = from; i < disk.trace().size(); ++i) n += disk.trace()[i].what == what;
    return n;
}
template <class Map>
void put(Map& to, std::uint64_t n, std::size_t size = 10) {
    to.insert_or_assign(n, std::string(size, static_cast<char>('a' + n % 26)));
}
void commit_one(map& to, std::uint64_t n, durability wanted) {
    auto transaction = to.transaction();
    put(transaction, n);
    transaction.commit(wanted);
}
model content(const map& of) { return {of.begin(), of.end()}; }
// What another process finds if this one is gone now.
model left_by_killing(const simulated_disk& disk) {
    simulated_disk other(disk.files());
    return content(map{other.path("m"), small});
}
// What is left if the power goes now, and only what was synced is there.
model left_by_power_cut(const simulated_disk& disk) {
    quire::storage::crash_states states;
    for (const disk_change& change : disk.trace()) states.apply(change);
    std::mt19937_64 random(1);
    std::optional<simulated_disk::contents> least;
    states.for_each(random, {}, [&](const simulated_disk::contents& left) {
        least = left; // the first: nothing that was pending
        return false;
    });
    simulated_disk other(*least);
    return content(map{other.path("m"), small});
}

} // namespace

TEST_CASE("a commit is one write to the log and one flush") {
    simulated_disk disk;
    map m{disk.path("m"), small};
    put(m, 1); // the first one of a session makes the log
    for (std::uint64_t n = 2; n < 6; ++n) {
        const std::size_t before = disk.trace().size();
        put(m, n);
        REQUIRE(disk.trace().size() == before + 2);
        CHECK(disk.trace()[before].what == disk_change::kind::write);
        CHECK(disk.trace()[before].content.size() < 200);
        CHECK(disk.trace()[before + 1].what == disk_change::kind::sync);
        CHECK(disk.trace()[before].file == disk.trace()[before + 1].file);
        CHECK(left_by_power_cut(disk).size() == n);
    }
}

TEST_CASE("how durable a commit is, is as it says") {
    simulated_disk disk;
    map m{disk.path("m"), small};
    commit_one(m, 1, durability::full);
    const std::size_t before = disk.trace().size();
    commit_one(m, 2, durability::relaxed);
    CHECK(count(disk, before, disk_change::kind::sync) == 0);
    CHECK(count(disk, before, disk_change::kind::write) == 1);
    CHECK(m.contains(2));
    CHECK(left_by_killing(disk).size() == 2);
    CHECK(left_by_power_cut(disk).size() == 1);
    commit_one(m, 3, durability::none);
    CHECK(disk.trace().size() == before + 1);
    CHECK(m.contains(3));
    CHECK(left_by_killing(disk).size() == 2);
    const auto snapshot = m.snapshot();
    CHECK(m.stats().durable < snapshot.version());
    m.wait_durable(snapshot.version());
    CHECK(m.stats().durable == snapshot.version());
    CHECK(left_by_power_cut(disk).size() == 3);
    const std::size_t after = disk.trace().size();
    m.wait_durable(snapshot.version());
    m.flush();
    CHECK(count(disk, after, disk_change::kind::write) == 0);
    commit_one(m, 4, durability::none);
    commit_one(m, 5, durability::full); // and what came before it
    CHECK(left_by_power_cut(disk).size() == 5);
    commit_one(m, 6, durability::none);
    m.flush();
    CHECK(left_by_power_cut(disk).size() == 6);
    {
        auto nothing = m.transaction();
        nothing.commit(durability::full);
    }
    CHECK(left_by_power_cut(disk) == content(m));
}

TEST_CASE("much that nobody waits for is written all the same") {
    simulated_disk disk;
    quire::btree_map<std::uint64_t, std::string, simulated, quire::txn::wal> m{disk.path("m")};
    for (std::uint64_t n = 0; n < 3000; ++n) {
        auto transaction = m.transaction();
        put(transaction, n % 7, 1000);
        transaction.commit(durability::none);
    }
    std::size_t written = 0;
    for (const disk_change& change : disk.trace())
        if (change.what == disk_change::kind::write) written += change.content.size();
    CHECK(written > 2'000'000);
}

TEST_CASE("what was rolled back is in no log") {
    simulated_disk disk;
    map m{disk.path("m"), small};
    put(m, 1);
    const std::size_t before = disk.trace().size();
    {
        auto transaction = m.transaction();
        put(transaction, 2);
        transaction.rollback();
    }
    CHECK(disk.trace().size() == before);
    {
        auto transaction = m.transaction();
        put(transaction, 3);
        const auto point = transaction.savepoint();
        put(transaction, 4);
        transaction.erase(1);
        transaction.rollback(point);
        put(transaction, 5);
        transaction.commit();
    }
    const model now = content(m);
    CHECK(now.size() == 3);
    CHECK(left_by_power_cut(disk) == now);
}

TEST_CASE("a checkpoint moves the log into the file, and a close leaves none") {
    simulated_disk disk;
    {
        map m{disk.path("m"), small};
        CHECK(log_files(disk) == 0);
        m.checkpoint();
        CHECK(log_files(disk) == 0);
        for (std::uint64_t n = 0; n < 300; ++n) put(m, n, n % 90);
        CHECK(m.stats().log_bytes > 20'000);
        m.checkpoint();
        CHECK(m.stats().log_bytes < 200);
        CHECK(left_by_power_cut(disk) == content(m));
        for (std::uint64_t n = 0; n < 300; n += 2) m.erase(n);
        m.verify();
        CHECK(left_by_power_cut(disk) == content(m));
    }
    CHECK(log_files(disk) == 0);
    CHECK(disk.files().size() == 1);
    map m{disk.path("m"), small};
    m.verify();
    CHECK(m.size() == 150);
    CHECK(m.stats().recovery.transactions == 0);
}

TEST_CASE("a log that outgrows its limit is cut by who commits") {
    simulated_disk disk;
    map m{disk.path("m"), {.cache_bytes = 1, .wal_limit_bytes = 100'000}};
    std::uint64_t most = 0;
    for (std::uint64_t n = 0; n < 4000; ++n) {
        put(m, n % 500, n % 90);
        most = std::max(most, m.stats().log_bytes);
    }
    CHECK(most > 50'000);
    CHECK(most < 300'000);
    CHECK(log_files(disk) < 5);
    m.verify();
    CHECK(left_by_killing(disk) == content(m));
}

TEST_CASE("a transaction too large for the log is durable by a checkpoint") {
    simulated_disk disk;
    map m{disk.path("m"), small};
    put(m, 1);
    {
        auto transaction = m.transaction();
        for (std::uint64_t n = 0; n < 2000; ++n) put(transaction, n, 60);
        transaction.commit(durability::none);
    }
    CHECK(m.stats().log_bytes < 1000);
    CHECK(left_by_power_cut(disk) == content(m));
    put(m, 5000);
    {
        auto transaction = m.transaction(); // a savepoint does not bring back what was dropped
        const auto point = transaction.savepoint();
        for (std::uint64_t n = 0; n < 2000; ++n) put(transaction, n, 70);
        transaction.rollback(point);
        put(transaction, 5001);
        transaction.commit();
    }
    CHECK(left_by_power_cut(disk) == content(m));
    {
        auto transaction = m.transaction();
        put(transaction, 5002, 100'000); // one value
        transaction.commit();
    }
    put(m, 5003, 3000); // an overflow run, in the log
    CHECK(left_by_power_cut(disk) == content(m));
}

TEST_CASE("threads share flushes, and what each was told is there") {
    simulated_disk disk;
    std::uint64_t syncs = 0;
    {
        map m{disk.path("m"), {.wal_limit_bytes = 20'000}};
        std::vector<std::thread> threads;
        for (std::uint64_t t = 0; t < 8; ++t)
            threads.emplace_back([&m, t] {
                for (std::uint64_t n = 0; n < 50; ++n) {
                    auto transaction = m.transaction();
                    put(transaction, n * 8 + t);
                    transaction.commit(n % 5 == 4 ? durability::relaxed : durability::full);
                }
            });
        for (std::thread& each : threads) each.join();
        m.flush();
        syncs = m.stats().syncs;
        CHECK(m.size() == 400);
        m.verify();
        CHECK(left_by_power_cut(disk) == content(m));
    }
    CHECK(syncs < 700);
}

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

TEST_CASE("snapshots read on while checkpoints are made") {
    simulated_disk disk;
    map m{disk.path("m"), small};
    for (std::uint64_t n = 0; n < 200; ++n) put(m, n);
    const auto snapshot = m.snapshot();
    const model before(snapshot.begin(), snapshot.end());
    for (std::uint64_t n = 0; n < 200; ++n) {
        put(m, n, 60);
        if (n % 20 == 0) m.checkpoint();
    }
    CHECK(model(snapshot.begin(), snapshot.end()) == before);
    m.verify();
}

// Every call that changes the disk fails in turn, once or from then on: the work ends with an error
// of the library or goes on; and then the disk holds what was acknowledged, or what was in flight.
TEST_CASE("whatever call fails, no acknowledged commit is lost") {
    const auto work = [](simulated_disk& disk, std::uint64_t& begun, std::uint64_t& done) {
        map m{disk.path("m"), {.cache_bytes = 1, .wal_limit_bytes = 1}};
        for (std::uint64_t n = 1; n <= 40; ++n) {
            begun = n;
            auto transaction = m.transaction();
            put(transaction, n, n == 20 ? 2000 : n % 80);
            transaction.insert_or_assign(0, std::to_string(n));
            if (n == 30) // too large for the log
                for (std::uint64_t k = 0; k < 300; ++k) put(transaction, 1000 + k, 250);
            if (n == 31)
                for (std::uint64_t k = 0; k < 300; ++k) transaction.erase(1000 + k);
            transaction.commit();
            done = n;
            if (n % 13 == 0) m.checkpoint();
        }
    };
    std::uint64_t calls = 0;
    {
        simulated_disk disk;
        disk.set_faults({.kinds = disk_faults::changes});
        std::uint64_t begun = 0;
        std::uint64_t done = 0;
        work(disk, begun, done);
        CHECK(done == 40);
        calls = disk.calls();
    }
    CHECK(calls > 150);
    std::uint64_t unknown = 0;
    for (const bool forever : {false, true})
        for (const int number : {EIO, ENOSPC})
            for (std::uint64_t at = 0; at < calls; ++at) {
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
