// Compaction of whole maps: what it leaves is the same map in a shorter file, whatever storage,
// transactions and layout, however small its budget, and whoever stops it, works beside it or holds
// a snapshot through it.
#include <quire/compaction.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/inspect/file.hpp>

#include "support/model.hpp"
#include "support/numbers_and_texts.hpp"

namespace {

using namespace quire_test;
using quire::compaction_report;

[[nodiscard]] std::uint64_t bytes_of(const std::string& path) {
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return static_cast<std::uint64_t>(facts.st_size);
}

constexpr quire::options modest{
    .cache_bytes = 1 << 20, .durability = quire::durability::none, .auto_compact = 0};

// Records in random order, of which a random part is taken out again.
template <class Map>
class thinned {
public:
    thinned(std::uint64_t seed, std::uint64_t records, unsigned kept_of_16 = 8,
            const quire::options& how = modest)
        : map_(how), random_(seed) {
        std::vector<std::uint64_t> order;
        for (std::uint64_t n = 0; n < records; ++n) order.push_back(n);
        std::shuffle(order.begin(), order.end(), random_);
        for (const std::uint64_t n : order) put(n);
        map_->flush();
        for (const std::uint64_t n : order)
            if (random_() % 16 >= kept_of_16) erase(n);
    }

    [[nodiscard]] Map& map() noexcept { return *map_; }
    [[nodiscard]] opened<Map>& store() noexcept { return map_; }
    [[nodiscard]] const model_of<Map>& model() const noexcept { return model_; }
    [[nodiscard]] std::mt19937_64& random() noexcept { return random_; }

    void put(std::uint64_t n) {
        map_->insert_or_assign(key_of<Map>(n), value_of<Map>(n));
        model_.insert_or_assign(key_of<Map>(n), value_of<Map>(n));
    }
    void erase(std::uint64_t n) {
        map_->erase(key_of<Map>(n));
        model_.erase(key_of<Map>(n));
    }
    [[nodiscard]] std::string wrong() {
        if (std::string what = difference_verified(*map_, model_); !what.empty()) return what;
        if constexpr (on_device<Map>) {
            map_.reopen();
            if (std::string what = difference_verified(*map_, model_); !what.empty())
                return "opened again: " + what;
            map_.close();
            const quire::inspect::report found = quire::inspect::check_file(map_.file());
            map_.open();
            if (!found.findings.empty()) return "inspect: " + found.findings.front().field;
        }
        return {};
    }

private:
    opened<Map> map_;
    model_of<Map> model_;
    std::mt19937_64 random_;
};

#define ON_DEVICES                                                                                 \
    numbers<file_shadow, 512>, texts<file_shadow, 512>, numbers<mmap_wal, 512>,                    \
        texts<file_wal, 512>, numbers<file_none, 512>, texts<mmap_none, 512>,                      \
        texts<mmap_shadow, 4096>, numbers<file_wal, 4096>
#define EVERYWHERE ON_DEVICES, texts<memory_none, 512>, numbers<memory_shadow, 512>

} // namespace

TEST_CASE_TEMPLATE("half empty, a store shrinks to what it holds", Map, EVERYWHERE) {
    const bool small = Map::page_bytes == 512;
    thinned<Map> of(1, small ? 6000 : 30'000);
    of.map().checkpoint();
    const auto before = of.map().stats();
    const compaction_report did = of.map().compact();
    const auto after = of.map().stats();
    CAPTURE(did.moved);
    CAPTURE(did.saved);
    CAPTURE(did.written);
    CAPTURE(did.pages);
    CAPTURE(before.free_pages);
    CHECK(did.pages_before == before.pages);
    CHECK(did.pages == after.pages);
    CHECK_FALSE(did.stopped);
    CHECK(did.saved > before.pages / 24);
    if constexpr (on_device<Map> || transactional<Map>) {
        CHECK(after.pages < before.pages * 3 / 4);
        // Runs need room for all of their pages together.
        const std::uint64_t most = std::is_same_v<typename Map::key_type, std::string> ? 8 : 20;
        CHECK(after.free_pages + after.pending_pages < after.pages / most + 16);
        CHECK(did.written <= before.pages * 3 / 2);
    } else {
        CHECK(after.free_pages + after.pending_pages > before.pages / 4);
    }
    if constexpr (on_device<Map>)
        CHECK(bytes_of(of.store().file()) == after.pages * Map::page_bytes);
    CHECK(of.wrong() == "");
}

TEST_CASE_TEMPLATE("random changes, and compactions of random budgets", Map, EVERYWHERE) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        CAPTURE(seed);
        thinned<Map> of(
            seed, 1500, 12,
            {.cache_bytes = seed == 2 ? 1U : 1U << 20, .durability = quire::durability::none});
        for (int round = 0; round < 12; ++round) {
            CAPTURE(round);
            for (int n = 0; n < 300; ++n)
                if (of.random()() % 3 == 0) of.put(of.random()() % 1500);
                else of.erase(of.random()() % 1500);
            if (of.random()() % 2 == 0) of.map().checkpoint();
            const std::uint64_t budget =
                of.random()() % 4 == 0 ? ~std::uint64_t{0} : of.random()() % 300;
            const compaction_report did = of.map().compact({.pages = budget});
            CHECK(did.written <= budget);
            CHECK(did.pages <= did.pages_before);
            if (round % 4 == 3) REQUIRE(of.wrong() == "");
        }
    }
}

TEST_CASE_TEMPLATE("a budget of pages is kept at any time, by the counters of writes", Map,
                   numbers<file_shadow, 512>, texts<file_wal, 512>, numbers<mmap_none, 512>) {
    for (const std::uint64_t budget : {0U, 1U, 16U, 40U, 100U, 300U, 1000U}) {
        CAPTURE(budget);
        thinned<Map> of(4, 5000);
        of.map().checkpoint();
        of.map().flush();
        const std::uint64_t before = of.map().stats().pages_written;
        std::uint64_t most = 0;
        const compaction_report did =
            of.map().compact({.pages = budget}, [&](const compaction_report&) {
                most = std::max(most, of.map().stats().pages_written - before);
                return true;
            });
        most = std::max(most, of.map().stats().pages_written - before);
        CHECK(most <= budget + budget / 2);
        CHECK(did.pages <= did.pages_before);
        if (budget >= 300) CHECK(did.saved > 0);
        if (budget <= 100) CHECK(did.stopped);
        CHECK((did.stopped || budget >= 300));
        CHECK(of.wrong() == "");
    }
}

TEST_CASE("a run that its budget does not allow stays") {
    opened<texts<file_wal, 512>> map(modest);
    for (std::uint64_t n = 0; n < 4000; ++n) map->insert(key_text(n), text_of(100, n));
    map->checkpoint();
    map->insert("long", text_of(400 * 512, 1)); // at the end
    for (std::uint64_t n = 0; n < 4000; ++n) map->erase(key_text(n));
    map->checkpoint();
    map->insert("short", "value");
    map->checkpoint();
    const std::uint64_t before = map->stats().pages_written;
    const compaction_report stopped = map->compact({.pages = 300});
    CHECK(map->stats().pages_written - before <= 300);
    CHECK(stopped.pages > 1000);
    const compaction_report did = map->compact();
    CHECK(did.pages < 700);
    CHECK(map->at("long") == text_of(400 * 512, 1));
    map->verify();
}

TEST_CASE_TEMPLATE("cancelled at every step, the store is whole and no longer than before", Map,
                   numbers<file_shadow, 512>, texts<file_wal, 512>, texts<mmap_none, 512>) {
    std::size_t steps = 1;
    for (std::size_t cancel = 0; cancel < steps; ++cancel) {
        CAPTURE(cancel);
        thinned<Map> of(5, 6000);
        of.map().checkpoint();
        std::size_t asked = 0;
        const compaction_report did =
            of.map().compact({}, [&](const compaction_report&) { return asked++ != cancel; });
        if (cancel == 0) CHECK(did.written == 0);
        CHECK(asked == cancel + 1);
        CHECK(did.stopped);
        CHECK(did.pages <= did.pages_before);
        CHECK(of.wrong() == "");
        if (steps == 1) { // how many there are
            asked = 0;
            static_cast<void>(of.map().compact({}, [&](const compaction_report&) {
                ++asked;
                return true;
            }));
            steps = asked > 1 ? asked - 1 : 1;
        }
    }
    CHECK(steps > 3);
}

TEST_CASE_TEMPLATE("a time to end is kept", Map, numbers<file_wal, 512>) {
    thinned<Map> of(6, 4000);
    const compaction_report did = of.map().compact({.milliseconds = 0});
    CHECK(did.stopped);
    CHECK(did.moved + did.saved == 0);
    CHECK(of.wrong() == "");
}

TEST_CASE_TEMPLATE("a snapshot held through it stays whole, and keeps what it sees", Map,
                   numbers<file_shadow, 512>, texts<file_wal, 512>, numbers<memory_shadow, 512>,
                   texts<mmap_wal, 512>) {
    thinned<Map> of(7, 4000, 16);
    const model_of<Map> held = of.model();
    std::uint64_t beside_it = 0; // pages
    {
        const auto snapshot = of.map().snapshot();
        for (std::uint64_t n = 0; n < 4000; ++n)
            if (n % 8 != 0) of.erase(n);
        of.map().checkpoint();
        CHECK(of.map().reclaimable().kept_by_snapshots > 0);
        const compaction_report did = of.map().compact();
        CHECK(did.kept_by_snapshots > 0);
        CHECK(did.pages <= did.pages_before);
        CHECK(difference(snapshot, held) == "");
        CHECK(difference_verified(of.map(), of.model()) == "");
        beside_it = did.pages;
    }
    const compaction_report again = of.map().compact();
    CHECK(again.kept_by_snapshots == 0);
    if constexpr (on_device<Map>) CHECK(again.pages < beside_it / 2);
    CHECK(of.wrong() == "");
}

TEST_CASE_TEMPLATE("what cannot be cut gives its blocks back", Map, numbers<file_wal, 4096>,
                   numbers<mmap_shadow, 4096>, numbers<file_none, 4096>) {
    opened<Map> map(modest);
    const auto insert = [&](std::uint64_t from, std::uint64_t n) {
        for (std::uint64_t i = 0; i < n; ++i) map->insert_or_assign(from + i, i);
    };
    insert(0, 500'000);
    map->flush();
    insert(1'000'000, 60'000);
    map->flush();
    map->erase(map->begin(), map->lower_bound(1'000'000));
    map->checkpoint();
    const auto blocks = [&] {
        struct stat facts {};
        REQUIRE(::stat(map.file().c_str(), &facts) == 0);
        return static_cast<std::uint64_t>(facts.st_blocks) * 512;
    };
    const std::uint64_t before = blocks();
    const std::uint64_t length = bytes_of(map.file());
    compaction_report did;
    if constexpr (transactional<Map>) {
        const auto snapshot = map->snapshot();
        did = map->compact();
        CHECK(bytes_of(map.file()) > length - 16 * Map::page_bytes); // the snapshot sees its end
        CHECK(snapshot.size() == 60'000);
        for (std::uint64_t i = 0; i < 60'000; ++i) REQUIRE(snapshot.get(1'000'000 + i) == i);
    } else {
        did = map->compact({.pages = 10});
    }
    CHECK(did.punched * Map::page_bytes > 4U << 20);
    // The file system may need some for what it notes about the holes.
    constexpr std::uint64_t notes = 1 << 16;
    if (blocks() == before) MESSAGE("this file system takes no blocks back");
    else CHECK(blocks() <= before - did.punched * Map::page_bytes + notes);
    insert(0, 300'000); // over what was given back
    map->verify();
    map.reopen();
    map->verify();
    CHECK(map->size() == 360'000);
    map->erase(map->begin(), map->lower_bound(1'000'000));
    did = map->compact();
    CHECK(did.punched == 0); // the end was cut
    CHECK(bytes_of(map.file()) < length / 4);
}

TEST_CASE_TEMPLATE("nothing to gain, nothing is written twice", Map, numbers<file_wal, 512>,
                   texts<file_shadow, 512>, numbers<file_none, 512>) {
    opened<Map> map(modest);
    CHECK(map->compact().pages <= 20); // empty
    CHECK(map->empty());
    map->insert(key_of<Map>(1), value_of<Map>(1));
    CHECK_FALSE(map->compact().stopped);
    for (std::uint64_t n = 0; n < 3000; ++n) map->insert(key_of<Map>(n), value_of<Map>(n));
    static_cast<void>(map->compact());
    const compaction_report again = map->compact();
    CHECK(again.pages <= again.pages_before);
    CHECK(again.written < again.pages / 10 + 20);
    CHECK(map->size() == 3000);
    map->verify();
}

TEST_CASE_TEMPLATE("readers and writers beside it", Map, numbers<file_wal, 512>,
                   numbers<mmap_wal, 512>, numbers<mmap_shadow, 512>, numbers<memory_shadow, 512>) {
    // Records [0, 4000) stay; a writer puts and erases others, at all places.
    opened<Map> map({.cache_bytes = 1 << 17, .durability = quire::durability::none});
    for (std::uint64_t n = 0; n < 4000; ++n) map->insert(n * 16, n);
    std::atomic<bool> over = false;
    std::atomic<std::uint64_t> wrong = 0;
    std::vector<std::thread> threads;
    for (int reader = 0; reader < 2; ++reader)
        threads.emplace_back([&, reader] {
            std::mt19937_64 random(static_cast<std::uint64_t>(reader));
            while (!over) {
                const std::uint64_t n = random() % 4000;
                if (map->get(n * 16) != n) ++wrong;
                if (random() % 64 != 0) continue;
                const auto snapshot = map->snapshot();
                std::uint64_t found = 0;
                for (const auto [key, value] : snapshot) found += key % 16 == 0 ? 1U : 0U;
                if (found != 4000) ++wrong;
            }
        });
    threads.emplace_back([&] {
        std::mt19937_64 random(9);
        while (!over) {
            const std::uint64_t key = random() % 64'000 | 1;
            if (random() % 3 == 0) map->insert(key, key);
            else map->erase(key);
        }
    });
    std::uint64_t moved = 0;
    for (int round = 0; round < 12; ++round) {
        {
            auto transaction = map->transaction();
            for (std::uint64_t n = 0; n < 3000; ++n) transaction.insert(n * 16 + 2, n);
            transaction.commit();
        }
        {
            auto transaction = map->transaction();
            for (std::uint64_t n = 0; n < 3000; ++n) transaction.erase(n * 16 + 2);
            transaction.commit();
        }
        const compaction_report did = map->compact();
        moved += did.moved + did.saved;
    }
    over = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(moved > 0);
    map->verify();
    map.reopen();
    map->verify();
    for (std::uint64_t n = 0; n < 4000; ++n) REQUIRE(map->get(n * 16) == n);
}

TEST_CASE_TEMPLATE("a medium without room ends it at any call, and the store goes on", Txn,
                   quire::txn::shadow, quire::txn::wal, quire::txn::none) {
    using map_type = faulty_map<Txn>;
    const no_faults reset;
    std::uint64_t calls = 1;
    for (std::uint64_t after = 0; after < calls; after += 1 + after / 8) {
        CAPTURE(after);
        thinned<map_type> of(8, 900);
        of.map().checkpoint();
        faulty_file::plan = {
            .kinds = fault_plan::writes | fault_plan::resizes, .after = after, .number = ENOSPC};
        bool threw = false;
        bool poisoned = false;
        try {
            static_cast<void>(of.map().compact());
        } catch (const quire::storage_full&) {
            threw = true;
        } catch (const quire::io_error&) { // a slot that was not written whole
            threw = poisoned = true;
        }
        const bool fired = faulty_file::plan.fired != 0;
        calls = fired ? after + 2 : calls;
        faulty_file::plan = {};
        CHECK(threw == fired);
        CHECK(difference(of.map(), of.model()) == "");
        if (!poisoned) {
            static_cast<void>(of.map().compact());
            CHECK(difference_verified(of.map(), of.model()) == "");
        }
        if constexpr (Txn::transactional) CHECK(of.wrong() == "");
    }
    CHECK(calls > 7);
}

TEST_CASE("a sync that fails poisons the store, which opens again as it was") {
    using map_type = faulty_map<quire::txn::wal>;
    const no_faults reset;
    for (std::uint64_t after = 0; after < 12; ++after) {
        CAPTURE(after);
        thinned<map_type> of(9, 600);
        of.map().flush();
        faulty_file::plan = {.kinds = fault_plan::syncs, .after = after, .number = EIO};
        bool threw = false;
        try {
            static_cast<void>(of.map().compact());
        } catch (const quire::io_error&) {
            threw = true;
        }
        CHECK(threw == (faulty_file::plan.fired != 0));
        faulty_file::plan = {};
        try { // unless it was a segment of the log that could not be made
            static_cast<void>(of.map().compact());
        } catch (const quire::poisoned&) {
            CHECK(threw);
        }
        of.store().reopen();
        CHECK(of.wrong() == "");
    }
}

TEST_CASE("a store opened for reading is not compacted") {
    opened<numbers<file_wal, 512>> map;
    map->insert(1, 2);
    map.close();
    numbers<file_wal, 512> reader(map.file(), {.read_only = true});
    CHECK_THROWS_AS(static_cast<void>(reader.compact()), quire::read_only);
    CHECK(reader.reclaimable().pages > 0);
    CHECK(reader.get(1) == 2);
}
