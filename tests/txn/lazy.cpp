// Lazy commits: what readers, iterators, crashes and failures see of them.
#include <quire/txn/lazy.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <quire/crash_check.hpp>

#include "txn/logged_map.hpp"

using namespace logged_test;

namespace {

constexpr quire::options lazily{.cache_bytes = 1 << 20, .durability = durability::relaxed};

// Pages that a small tree takes for 500 changes, a snapshot of before them being open.
template <class Put>
std::uint64_t pages_taken(Put put_once) {
    simulated_disk disk;
    map m{disk.path("m"), lazily};
    for (std::uint64_t n = 0; n < 100; ++n) put(m, n);
    const auto before = m.snapshot();
    const std::uint64_t pages = m.stats().pages;
    for (std::uint64_t n = 0; n < 500; ++n) put_once(m, n);
    CHECK(before.size() == 100);
    CHECK(before.get(7) == std::string(10, 'h'));
    return m.stats().pages - pages;
}

} // namespace

TEST_CASE("a change after a lazy commit is made in place, until somebody reads") {
    const auto change = [](map& m, std::uint64_t n) { put(m, n % 100, 8 + n % 5); };
    CHECK(pages_taken(change) < 60);
    std::vector<map::snapshot_type> kept;
    std::vector<std::size_t> sizes;
    const auto read_between = [&](map& m, std::uint64_t n) {
        kept.push_back(m.snapshot());
        sizes.push_back(kept.back().get(n % 100)->size());
        change(m, n);
        CHECK(m.get(n % 100)->size() == 8 + n % 5);
        if (n < 499) return;
        for (std::size_t i = 0; i < kept.size(); ++i)
            CHECK(kept[i].get(i % 100)->size() == sizes[i]);
        kept.clear();
    };
    CHECK(pages_taken(read_between) > 500);
}

TEST_CASE("what was committed lazily is there for whoever reads, whichever way") {
    simulated_disk disk;
    map m{disk.path("m"), lazily};
    model right;
    std::mt19937_64 random(1);
    for (int round = 0; round < 3000; ++round) {
        const std::uint64_t key = random() % 200;
        switch (random() % 5) {
        case 0: {
            const auto [it, inserted] = m.insert(key, "inserted " + std::to_string(round));
            REQUIRE(inserted == right.emplace(key, "inserted " + std::to_string(round)).second);
            REQUIRE((*it).first == key);
            REQUIRE((*it).second == right.at(key));
            break;
        }
        case 1: REQUIRE(m.erase(key) == right.erase(key)); break;
        case 2: {
            const bool there = m.update(key, [](std::string& value) { value += '+'; });
            REQUIRE(there == right.contains(key));
            if (there) right[key] += '+';
            break;
        }
        case 3: {
            const auto value = m.extract(key);
            REQUIRE(value.has_value() == right.contains(key));
            if (value) REQUIRE(*value == right.at(key));
            right.erase(key);
            break;
        }
        default:
            m.insert_or_assign(key, std::string(static_cast<std::size_t>(round % 120), 'x'));
            right[key] = std::string(static_cast<std::size_t>(round % 120), 'x');
        }
        switch (random() % 60) {
        case 0: REQUIRE(m.get(key).has_value() == right.contains(key)); break;
        case 1: REQUIRE(m.size() == right.size()); break;
        case 2: REQUIRE(content(m) == right); break;
        case 3: REQUIRE(m.contains(key) == right.contains(key)); break;
        case 4: REQUIRE((m.find(key) != m.end()) == right.contains(key)); break;
        case 5: {
            auto transaction = m.transaction();
            REQUIRE(transaction.size() == right.size());
            transaction.insert_or_assign(key, "in a transaction");
            if (random() % 2 == 0) break; // rolled back
            transaction.commit(durability::none);
            right[key] = "in a transaction";
            break;
        }
        case 6: m.checkpoint(); break;
        case 7: m.verify(); break;
        case 8: REQUIRE(m.stats().entries == right.size()); break;
        case 9: REQUIRE(left_by_killing(disk) == right); break;
        case 10:
            m.flush();
            REQUIRE(left_by_power_cut(disk) == right);
            break;
        default: break;
        }
    }
    m.verify();
    CHECK(content(m) == right);
}

TEST_CASE("the iterator that a lazy change gives stays on what it changed") {
    simulated_disk disk;
    map m{disk.path("m"), lazily};
    std::vector<std::pair<map::const_iterator, std::string>> held;
    std::vector<quire::version> versions;
    for (std::uint64_t n = 0; n < 400; ++n) { // pages split on the way
        const std::uint64_t key = n * 37 % 100;
        auto it = m.insert_or_assign(key, std::to_string(n)).first;
        if (n % 3 == 0) {
            versions.push_back(it.version());
            held.emplace_back(std::move(it), std::to_string(n));
        }
        if (n % 7 == 0) m.erase(key);
        if (n % 50 == 0) m.clear();
    }
    CHECK(std::is_sorted(versions.begin(), versions.end()));
    CHECK(std::adjacent_find(versions.begin(), versions.end()) == versions.end());
    for (auto& [it, value] : held) {
        REQUIRE((*it).second == value);
        // It reads its version on, forward and back from its end.
        const std::uint64_t key = (*it).first;
        auto last = it;
        for (auto walking = it; walking != m.end(); ++walking) last = walking;
        while ((*last).first != key) --last;
        REQUIRE((*last).second == value);
    }
    held.clear();
    CHECK(m.stats().snapshots.empty());
    m.verify();
}

TEST_CASE("an iterator of a lazy change is used, and dropped, by another thread") {
    simulated_disk disk;
    disk.record(false);
    map m{disk.path("m"), lazily};
    std::atomic<bool> over{false};
    std::optional<map::const_iterator> given;
    std::atomic<int> turn{0}; // even: the writer's
    std::thread other([&] {
        for (int n = 0; n < 300; ++n) {
            while (turn.load() != 2 * n + 1) std::this_thread::yield();
            if ((**given).second != std::to_string(n)) over = true;
            turn = 2 * n + 2;
            given.reset(); // while the writer makes its next change
        }
    });
    for (int n = 0; n < 300; ++n) {
        while (turn.load() != 2 * n) std::this_thread::yield();
        auto it = m.insert_or_assign(static_cast<std::uint64_t>(n % 5), std::to_string(n)).first;
        for (int more = 0; more < 3; ++more) m.insert_or_assign(7, std::to_string(more));
        while (given.has_value()) std::this_thread::yield();
        given = std::move(it);
        turn = 2 * n + 1;
    }
    other.join();
    CHECK_FALSE(over);
    m.verify();
}

TEST_CASE("code that makes a value reads what was committed before, and may keep it") {
    simulated_disk disk;
    map m{disk.path("m"), lazily};
    for (std::uint64_t n = 0; n < 50; ++n) put(m, n);
    m.insert_or_assign(1, "one"); // lazy, and not published
    CHECK(m.update(2, [&](std::string& value) { value = *m.get(1) + " more"; }));
    CHECK(m.get(2) == "one more");
    put(m, 40);
    m.insert_or_assign(1, "eins");
    std::optional<map::snapshot_type> kept;
    int calls = 0;
    CHECK(m.update(2, [&](std::string& value) {
        ++calls;
        kept.emplace(m.snapshot());
        value = *m.find(1) == std::pair<std::uint64_t, std::string_view>(1, "eins") ? "yes" : "no";
    }));
    CHECK(calls == 1);
    CHECK(m.get(2) == "yes");
    CHECK(kept->get(2) == "one more");
    CHECK(kept->get(1) == "eins");
    struct angry {};
    CHECK_THROWS_AS(m.update(3, [](std::string&) { throw angry{}; }), angry);
    CHECK(m.get(3) == std::string(10, 'd'));
    CHECK(left_by_killing(disk) == content(m));
    m.verify();
}

TEST_CASE("readers wait neither for code that makes a value nor for a transaction") {
    simulated_disk disk;
    map m{disk.path("m"), lazily};
    simulated_disk second;
    map other{second.path("m"), lazily};
    put(m, 1);
    put(other, 1);
    const auto elsewhere = [](auto&& read) {
        bool answer = false;
        std::thread thread([&] { answer = read(); });
        thread.join();
        return answer;
    };
    put(m, 2);
    put(other, 2);
    bool nested = false;
    CHECK(m.update(1, [&](std::string& value) {
        CHECK(elsewhere([&] { return m.contains(2); }));
        // Two maps, each read by the code that makes a value of the other.
        CHECK(elsewhere([&] {
            return other.update(1, [&](std::string&) { nested = m.size() == 2; });
        }));
        CHECK(other.get(2).has_value());
        value = "changed";
    }));
    CHECK(nested);
    CHECK(m.get(1) == "changed");
    put(m, 3);
    {
        auto transaction = m.transaction();
        transaction.erase(3);
        CHECK(elsewhere([&] { return m.contains(3) && m.size() == 3; }));
    }
    put(m, 4);
    CHECK(elsewhere([&] { return m.contains(4); }));
    m.verify();
}

TEST_CASE("readers beside transactions and lazy commits always get through") {
    simulated_disk disk;
    disk.record(false);
    map m{disk.path("m"), lazily};
    put(m, 0);
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> reads{0};
    std::thread reader([&] {
        while (!over) {
            if (!m.contains(0)) break;
            ++reads;
        }
    });
    for (std::uint64_t n = 1; n < 300; ++n) {
        put(m, n % 20);
        auto transaction = m.transaction();
        const std::uint64_t before = reads;
        while (reads < before + 2) std::this_thread::yield(); // hangs if the reader waits
    }
    over = true;
    reader.join();
    CHECK(reads > 600);
}

TEST_CASE("a value too large for the log, or for a page, is committed all the same") {
    simulated_disk disk;
    map m{disk.path("m"), lazily};
    for (std::uint64_t n = 0; n < 20; ++n) put(m, n);
    put(m, 5, 3'000);
    put(m, 6, 300'000); // beyond an eighth of the cache: a checkpoint
    put(m, 7);
    put(m, 5, 4'000);
    CHECK(m.get(6)->size() == 300'000);
    CHECK(left_by_killing(disk) == content(m));
    m.verify();
}

TEST_CASE("a crash leaves a prefix of lazy commits, at least what was made durable") {
    for (const durability wanted : {durability::relaxed, durability::none}) {
        quire::crash_options how;
        how.seed = 7;
        const auto result = quire::crash_check(
            [wanted](simulated_disk& disk) {
                map m{disk.path("m"), {.cache_bytes = 1, .durability = wanted,
                                       .wal_limit_bytes = 4'000}};
                for (std::uint64_t i = 1; i <= 60; ++i) {
                    m.insert_or_assign(i % 10 + 1, std::to_string(i));
                    m.insert_or_assign(0, std::to_string(i));
                    if (i % 9 == 0) static_cast<void>(m.get(i));
                    if (i % 17 == 0) {
                        m.flush();
                        disk.mark(i);
                    }
                }
            },
            [](simulated_disk& disk, std::uint64_t acknowledged) {
                map m{disk.path("m"), small};
                m.verify();
                const std::uint64_t found = m.contains(0) ? std::stoull(m.at(0)) : 0;
                if (found < acknowledged) return false;
                // The commit of the other key comes before that of key 0.
                for (std::uint64_t i = found < 10 ? 1 : found - 9; i <= found; ++i) {
                    const auto value = m.get(i % 10 + 1);
                    if (!value || std::stoull(*value) < i || std::stoull(*value) > found + 1)
                        return false;
                }
                return true;
            },
            how);
        CHECK(result.states > 200);
        CHECK(result.broken == "");
    }
}

TEST_CASE("when the log fails, who waits is told, and what is there can be read") {
    simulated_disk disk;
    map m{disk.path("m"), lazily};
    for (std::uint64_t n = 0; n < 10; ++n) put(m, n);
    disk.set_faults({.kinds = disk_faults::changes, .number = EIO, .forever = true});
    CHECK_THROWS_AS(put(m, 3, 20), quire::outcome_unknown);
    CHECK_THROWS_AS(put(m, 4, 20), quire::poisoned);
    CHECK(m.size() == 10);
    CHECK(m.get(4) == std::string(10, 'e'));
    const auto unknown = m.get(3);
    CHECK((unknown == std::string(10, 'd') || unknown == std::string(20, 'd')));
}

TEST_CASE("a full medium refuses a lazy change before it is made") {
    simulated_disk disk;
    map m{disk.path("m"), lazily};
    std::uint64_t n = 0;
    for (; n < 10; ++n) put(m, n);
    std::uint64_t used = 0;
    for (const auto& [name, bytes] : disk.files()) used += bytes.size();
    disk.set_capacity(used + 200'000);
    const auto fill = [&] {
        for (;; ++n) put(m, n, 900);
    };
    CHECK_THROWS_AS(fill(), quire::storage_full);
    CHECK(m.size() == n);
    CHECK_FALSE(m.contains(n));
    CHECK(left_by_killing(disk) == content(m));
    disk.set_capacity(simulated_disk::unlimited);
    put(m, n, 900);
    CHECK(m.contains(n));
    CHECK(left_by_killing(disk) == content(m));
    m.verify();
}

TEST_CASE("writers and readers beside each other") {
    simulated_disk disk;
    disk.record(false);
    map m{disk.path("m"), {.cache_bytes = 1, .durability = durability::none,
                           .wal_limit_bytes = 30'000}};
    constexpr std::uint64_t each = 800;
    std::atomic<bool> wrong{false};
    std::atomic<int> writing{2};
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 2; ++t)
        threads.emplace_back([&, t] {
            for (std::uint64_t n = 0; n < each; ++n) {
                m.insert_or_assign(t * each + n, std::to_string(n));
                if (!m.contains(t * each + n)) wrong = true; // what it has just committed
                if (n % 100 == 99) {
                    auto transaction = m.transaction();
                    transaction.insert_or_assign(t * each + n, "again");
                    transaction.commit(n % 200 == 99 ? durability::full : durability::none);
                }
            }
            --writing;
        });
    threads.emplace_back([&] {
        std::uint64_t before = 0;
        while (writing != 0) {
            const auto snapshot = m.snapshot();
            const std::uint64_t size = snapshot.size();
            std::uint64_t counted = 0;
            for (auto it = snapshot.begin(); it != snapshot.end(); ++it) ++counted;
            if (size < before || counted != size) wrong = true;
            before = size;
        }
    });
    for (std::thread& thread : threads) thread.join();
    CHECK_FALSE(wrong);
    CHECK(m.size() == 2 * each);
    m.verify();
}
