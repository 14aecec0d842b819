// Everything at once at the smallest budget: readers, scans, batches, iterators that stay,
// snapshots that open and close and move between threads, a writer that commits and rolls back, and
// eviction under them all, for each kind of replacement policy. Meant to run under
// -fsanitize=thread too.
//
// The writer keeps one rule: record k of a version carries k plus a multiple of the records, the
// same multiple in all of them.
#include <quire/btree_map.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/temp_dir.hpp"

namespace {

constexpr std::uint64_t records = 4'000;

template <class Policy, class Storage>
using map_of =
    quire::btree_map<std::uint64_t, std::uint64_t, Storage, Policy, quire::txn::wal,
                     quire::page_size<1024>>;

template <class Map>
class stress {
public:
    explicit stress(std::uint64_t operations)
        : operations_(operations),
          map_(directory_.path("map"),
               {.cache_bytes = 64 << 10, .durability = quire::durability::none,
                .wal_limit_bytes = 300'000}) {
        change(0);
    }

    // What went wrong first, or nothing.
    [[nodiscard]] std::string run() {
        std::vector<std::jthread> threads;
        for (std::uint64_t seed = 1; seed <= 3; ++seed)
            threads.emplace_back([this, seed] {
                try {
                    read(seed);
                } catch (const std::exception& e) {
                    wrong(e.what());
                }
                --reading_;
            });
        threads.emplace_back([this] { // beside the writer and the readers
            try {
                for (std::uint64_t turn = 0; reading_ != 0; ++turn) {
                    map_.checkpoint();
                    if (turn % 64 == 63) map_.verify();
                    if (map_.stats().durable > map_.stats().committed) wrong("durable too soon");
                }
            } catch (const std::exception& e) {
                wrong(e.what());
            }
        });
        std::uint64_t turn = 0;
        while (reading_ != 0) change(++turn);
        threads.clear();
        kept_.clear();
        map_.verify();
        return wrong_;
    }

private:
    using snapshot = decltype(std::declval<Map&>().snapshot());

    void change(std::uint64_t turn) {
        auto transaction = map_.transaction();
        // A part first, to be rolled back now and then: written early, for it is larger than the
        // cache.
        if (turn % 3 == 1) {
            const auto before = transaction.savepoint();
            transaction.erase_if([](const auto& entry) { return entry.first % 3 == 0; });
            transaction.rollback(before);
        }
        for (std::uint64_t k = 0; k < records; ++k)
            transaction.insert_or_assign(k, k + turn * records);
        if (turn % 4 != 3) transaction.commit();
    }

    void read(std::uint64_t seed) {
        std::mt19937_64 random(seed);
        std::vector<std::uint64_t> keys(50);
        std::vector<std::optional<std::uint64_t>> found(keys.size());
        for (std::uint64_t i = 0; i < operations_; ++i) {
            const snapshot now = map_.snapshot();
            const std::uint64_t base = now.get(0).value();
            const std::uint64_t from = random() % records;
            switch (random() % 5) {
            case 0:
                for (int n = 0; n < 50; ++n) {
                    const std::uint64_t k = random() % records;
                    if (now.get(k) != k + base) wrong("get");
                }
                break;
            case 1: {
                std::uint64_t k = from;
                for (auto at = now.lower_bound(from); at != now.end(); ++at, ++k)
                    if ((*at).first != k || (*at).second != k + base) wrong("scan");
                if (k != records) wrong("the end of a scan");
                break;
            }
            case 2:
                for (std::uint64_t& key : keys) key = random() % (records + 10);
                now.multi_get(keys, found);
                for (std::size_t n = 0; n < keys.size(); ++n)
                    if (found[n].has_value() != (keys[n] < records) ||
                        (found[n] && *found[n] != keys[n] + base))
                        wrong("multi_get");
                break;
            case 3: { // an iterator that outlives its snapshot and many evictions
                std::optional<snapshot> brief(map_.snapshot());
                const std::uint64_t its = brief->get(0).value();
                auto at = brief->find(from);
                brief.reset();
                for (int n = 0; n < 30; ++n) static_cast<void>(now.contains(random() % records));
                if ((*at).second != from + its) wrong("an iterator");
                if (at != map_.end() && from != 0) {
                    --at;
                    if ((*at).second != from - 1 + its) wrong("a step back");
                }
                break;
            }
            default:
                exchange(now, random);
            }
        }
    }

    // Leaves a snapshot for others, and looks into one that another thread left.
    void exchange(const snapshot& now, std::mt19937_64& random) {
        std::optional<snapshot> other;
        {
            const std::lock_guard hold(latch_);
            kept_.push_back(now);
            if (kept_.size() > 6) {
                other.emplace(std::move(kept_.front()));
                kept_.pop_front();
            }
        }
        if (!other) return;
        const std::uint64_t base = other->get(0).value();
        for (int n = 0; n < 20; ++n) {
            const std::uint64_t k = random() % records;
            if (other->get(k) != k + base) wrong("an old snapshot");
        }
    }

    void wrong(const std::string& what) {
        const std::lock_guard hold(latch_);
        if (wrong_.empty()) wrong_ = what;
    }

    std::uint64_t operations_;
    quire_test::temp_dir directory_;
    Map map_;
    std::mutex latch_;
    std::deque<snapshot> kept_;
    std::string wrong_;
    std::atomic<int> reading_ = 3;
};

template <class Policy, class Storage = quire::storage::file>
struct kind {
    using map = map_of<Policy, Storage>;
};

} // namespace

#define KINDS                                                                                      \
    kind<quire::replacement::clock>, kind<quire::replacement::lru>,                                \
        kind<quire::replacement::sieve>, kind<quire::replacement::arc>,                            \
        kind<quire::replacement::clock, quire::storage::mmap>

TEST_CASE_TEMPLATE("readers, snapshots and a writer under eviction", Kind, KINDS) {
    CHECK(stress<typename Kind::map>(300).run() == "");
}

TEST_SUITE("long") {
    TEST_CASE_TEMPLATE("readers, snapshots and a writer under eviction, for long", Kind, KINDS,
                       kind<quire::replacement::random>, kind<quire::replacement::fifo>,
                       kind<quire::replacement::lru_k<2>>, kind<quire::replacement::two_queue>,
                       kind<quire::replacement::s3_fifo>) {
        CHECK(stress<typename Kind::map>(20'000).run() == "");
    }
}
