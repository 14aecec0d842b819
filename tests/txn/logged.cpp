// Commits by the log: how durable they are and when, what they write; and checkpoints.
#include <quire/txn/logged.hpp>

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

TEST_CASE("checkpoints keep the log short, however many there were") {
    simulated_disk disk;
    disk.record(false);
    map m{disk.path("m"), {.cache_bytes = 1 << 20, .durability = durability::none,
                           .wal_limit_bytes = 50'000}};
    std::uint64_t most = 0;
    for (std::uint64_t n = 0; n < 10'000; ++n) {
        put(m, n % 300);
        if (n % 16 == 0) most = std::max(most, m.stats().log_bytes);
    }
    CHECK(most > 40'000);
    CHECK(most < 250'000);
}

TEST_CASE("a checkpoint with nothing new does nothing") {
    simulated_disk disk;
    map m{disk.path("m"), small};
    put(m, 1);
    m.checkpoint();
    const std::size_t before = disk.trace().size();
    m.checkpoint();
    CHECK(disk.trace().size() == before);
    CHECK(m.stats().snapshots.empty());
}

TEST_SUITE("long") {
TEST_CASE("transactions that change nothing, before the first that does, cost no versions") {
    simulated_disk disk;
    simulated_disk::contents left;
    {
        map m{disk.path("m"), small};
        put(m, 1);
    }
    {
        map m{disk.path("m"), small};
        for (std::uint64_t n = 0; n < (1U << 19) + 10; ++n) m.erase(7);
        put(m, 2);
        left = disk.files();
    }
    simulated_disk other(left);
    map m{other.path("m"), small};
    CHECK(m.size() == 2);
    m.verify();
}
}
