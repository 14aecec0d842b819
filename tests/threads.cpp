// Many readers beside one writer, with a cache so small that pages come and go under them. Meant to
// run under -fsanitize=thread too.
//
// The writer keeps one rule: in every version all records carry the same number, and as many of
// them stand there as that number says. A reader that sees two numbers has seen two versions.
#include <quire/btree_map.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/model.hpp"

namespace {

using namespace quire_test;

constexpr quire::options tight{.cache_bytes = 1, .durability = quire::durability::none};

template <class C>
using numbers_of = typename C::template map<std::uint64_t, std::uint64_t, quire::page_size<512>>;
template <class C>
using texts_of = typename C::template map<std::string, std::string, quire::page_size<512>>;

#define CONFIGURATIONS memory_shadow, file_wal, mmap_shadow

// What threads found; only the first is kept.
class findings {
public:
    void add(std::string what) {
        bool expected = false;
        if (taken_.compare_exchange_strong(expected, true)) what_ = std::move(what);
    }
    // After all threads have ended.
    [[nodiscard]] const std::string& what() const noexcept { return what_; }

private:
    std::atomic<bool> taken_ = false;
    std::string what_;
};

// Runs a function on several threads until `last` ends; exceptions are findings.
template <class Reader, class Writer>
[[nodiscard]] std::string beside(std::size_t readers, Reader read, Writer write) {
    findings found;
    std::atomic<bool> over = false;
    std::vector<std::thread> threads;
    std::atomic<std::size_t> rounds = 0;
    for (std::size_t i = 0; i < readers; ++i)
        threads.emplace_back([&, i] {
            try {
                do {
                    if (std::string what = read(i); !what.empty()) found.add(std::move(what));
                    ++rounds;
                } while (!over);
            } catch (const std::exception& e) {
                found.add(std::string("a reader got: ") + e.what());
                rounds += readers; // nobody waits for it
            }
        });
    try {
        write();
        while (rounds < readers) std::this_thread::yield(); // each has read at least once
    } catch (const std::exception& e) {
        found.add(std::string("the writer got: ") + e.what());
    }
    over = true;
    for (std::thread& thread : threads) thread.join();
    return found.what();
}

constexpr std::uint64_t entries_of(std::uint64_t number) { return 300 + number % 7 * 50; }

// Empty when all of a version is of one number.
template <class Snapshot>
std::string of_one_version(const Snapshot& snap, bool backward) {
    if (snap.empty()) return "an empty version";
    const std::uint64_t number = (*snap.begin()).second;
    std::uint64_t seen = 0;
    const auto look = [&](const auto& record) {
        ++seen;
        return record.second == number;
    };
    if (backward) {
        for (auto it = snap.rbegin(); it != snap.rend(); ++it)
            if (!look(*it)) return "two numbers in one version, backward";
    } else {
        for (const auto& record : snap)
            if (!look(record)) return "two numbers in one version";
    }
    if (seen != snap.size() || seen != entries_of(number))
        return "number " + std::to_string(number) + " has " + std::to_string(seen) + " records";
    const std::uint64_t key = seen / 2 * 10;
    if (snap.get(key) != number) return "get reads another version";
    std::uint64_t in_range = 0;
    for (const auto& record : snap.range(100, 200)) in_range += record.second == number;
    return in_range == 10 ? "" : "a range reads another version";
}

template <class Map>
void write_number(Map& map, std::uint64_t number) {
    auto tx = map.transaction();
    const std::uint64_t wanted = entries_of(number);
    for (std::uint64_t i = 0; i < wanted; ++i) tx.insert_or_assign(i * 10, number);
    tx.erase(tx.lower_bound(wanted * 10), tx.end());
    if (number % 3 == 0) { // what is undone is never seen
        const auto point = tx.savepoint();
        tx.clear();
        tx.insert(5, 5);
        tx.rollback(point);
    }
    if (number % 5 == 0) return; // rolled back
    tx.commit();
}

TEST_CASE_TEMPLATE("snapshots beside a writer show one version each", C, CONFIGURATIONS) {
    opened<numbers_of<C>> map(tight);
    write_number(*map, 1);
    std::atomic<std::uint64_t> newest = 0;
    const std::string found = beside(
        3,
        [&](std::size_t reader) {
            const auto snap = map->snapshot();
            const std::uint64_t number = (*snap.begin()).second;
            std::uint64_t known = newest.load();
            while (known < number && !newest.compare_exchange_weak(known, number)) {
            }
            std::string what = of_one_version(snap, reader % 2 == 0);
            if (what.empty() && reader == 2) what = of_one_version(snap, true); // still the same
            return what;
        },
        [&] {
            for (std::uint64_t number = 2; number < 80; ++number) write_number(*map, number);
        });
    CHECK(found == "");
    CHECK(newest > 0);
    CHECK(of_one_version(*map, false) == "");
    map->verify();
}

TEST_CASE_TEMPLATE("iterators beside a writer read the version they were made in", C,
                   CONFIGURATIONS) {
    opened<numbers_of<C>> map(tight);
    write_number(*map, 1);
    const std::string found = beside(
        3,
        [&](std::size_t) -> std::string {
            auto it = map->begin();
            const std::uint64_t number = (*it).second;
            const std::uint64_t wanted = entries_of(number);
            auto copy = it;
            for (std::uint64_t i = 0; i < wanted; ++i, ++it)
                if ((*it).first != i * 10 || (*it).second != number)
                    return "an iterator left its version";
            for (std::uint64_t i = wanted; i-- > 0;) {
                --it;
                if ((*it).second != number) return "an iterator left its version backward";
            }
            return it == copy ? "" : "an iterator did not come back";
        },
        [&] {
            for (std::uint64_t number = 2; number < 80; ++number) write_number(*map, number);
        });
    CHECK(found == "");
    map->verify();
}

TEST_CASE_TEMPLATE("lookups beside a writer never miss what is always there", C, CONFIGURATIONS) {
    opened<texts_of<C>> map(tight);
    // Even keys stay, with a value that says its key; odd keys come and go.
    const auto value_of = [](const std::string& key, std::uint64_t round) {
        return key + ":" + text_of(round % 9 == 4 ? 1200 : round % 60, round);
    };
    for (std::uint64_t i = 0; i < 400; i += 2) {
        const std::string key = key_text(i);
        map->insert(key, value_of(key, i));
    }
    std::atomic<std::uint64_t> random = 1;
    const std::string found = beside(
        3,
        [&](std::size_t) -> std::string {
            std::uint64_t state = random.fetch_add(7919);
            for (int i = 0; i < 50; ++i) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                const std::string key = key_text((state >> 40) % 400);
                const auto value = map->get(key);
                if (value && !value->starts_with(key + ":")) return "the value of another key";
                if (!value && (key.back() - '0') % 2 == 0) return key + " is missing";
                const auto it = map->lower_bound(key);
                if (it != map->end() && (*it).first < key) return "lower_bound went too low";
                if ((key.back() - '0') % 2 == 0 && !map->contains(key)) return key + " is gone";
                const std::uint64_t size = map->size();
                if (size < 200 || size > 400) return "size " + std::to_string(size);
            }
            return "";
        },
        [&] {
            for (std::uint64_t round = 0; round < 1000; ++round) {
                const std::string odd = key_text(round * 7919 % 200 * 2 + 1);
                if (!map->insert(odd, value_of(odd, round)).second) map->erase(odd);
                const std::string even = key_text(round * 31 % 200 * 2);
                if (round % 3 == 0) map->insert_or_assign(even, value_of(even, round));
                if (round % 500 == 0) map->flush();
                if (round % 300 == 0) static_cast<void>(map->stats());
            }
        });
    CHECK(found == "");
    map->verify();
}

TEST_CASE_TEMPLATE("verify, stats and flush beside writers and readers", C, CONFIGURATIONS) {
    opened<numbers_of<C>> map(tight);
    write_number(*map, 1);
    const std::string found = beside(
        2,
        [&](std::size_t reader) {
            if (reader == 0) {
                map->verify();
                map->flush();
            } else {
                const auto facts = map->stats();
                if (facts.entries < 300) return std::string("too few entries");
            }
            return of_one_version(map->snapshot(), false);
        },
        [&] {
            for (std::uint64_t number = 2; number < 60; ++number) write_number(*map, number);
        });
    CHECK(found == "");
}

TEST_CASE_TEMPLATE("writers queue, and none is lost", C, CONFIGURATIONS) {
    opened<numbers_of<C>> map(tight);
    map->insert(0, 0);
    constexpr std::uint64_t each = 60;
    findings found;
    std::vector<std::thread> writers;
    std::atomic<std::uint64_t> gave_up = 0;
    for (std::uint64_t w = 1; w <= 4; ++w)
        writers.emplace_back([&, w] {
            try {
                for (std::uint64_t i = 0; i < each; ++i) {
                    if (w == 1) {
                        map->update(0, [](std::uint64_t& n) { ++n; });
                    } else if (w == 2) {
                        auto tx = map->transaction();
                        tx.insert_or_assign(0, tx.at(0) + 1);
                        tx.commit();
                    } else if (w == 3) {
                        auto tx = map->try_transaction(std::chrono::microseconds(50));
                        if (!tx) {
                            ++gave_up;
                            continue;
                        }
                        tx->insert_or_assign(0, tx->at(0) + 1);
                        tx->commit();
                    } else {
                        map->insert_or_assign(1000 + i, i);
                        auto tx = map->transaction();
                        tx.insert_or_assign(0, 0); // rolled back
                    }
                }
            } catch (const std::exception& e) {
                found.add(e.what());
            }
        });
    for (std::thread& writer : writers) writer.join();
    CHECK(found.what() == "");
    CHECK(map->at(0) == 3 * each - gave_up);
    CHECK(map->size() == each + 1);
    map->verify();
}

TEST_CASE_TEMPLATE("snapshots handed from thread to thread", C, CONFIGURATIONS) {
    using snapshot = typename numbers_of<C>::snapshot_type;
    opened<numbers_of<C>> map(tight);
    write_number(*map, 1);
    findings found;
    {
        std::vector<std::optional<snapshot>> kept(8);
        for (std::uint64_t round = 0; round < 12; ++round) {
            std::vector<std::thread> threads;
            for (auto& place : kept)
                threads.emplace_back([&, slot = &place] {
                    try {
                        if (*slot) { // taken by another thread, of an older version
                            snapshot old = *std::exchange(*slot, std::nullopt);
                            if (std::string what = of_one_version(old, false); !what.empty())
                                found.add(std::move(what));
                        }
                        slot->emplace(map->snapshot());
                    } catch (const std::exception& e) {
                        found.add(e.what());
                    }
                });
            write_number(*map, round + 2);
            for (std::thread& thread : threads) thread.join();
            if (round % 3 == 1) kept[round % kept.size()].reset();
        }
    }
    CHECK(found.what() == "");
    CHECK(map->stats().snapshots.empty());
    map->verify();
}

} // namespace
