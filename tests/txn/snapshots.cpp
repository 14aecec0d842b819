#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <quire/cache/epoch.hpp>
#include <quire/core/ids.hpp>
#include <quire/txn/snapshots.hpp>

namespace {

using quire::version;
using quire::cache::epoch;
using registry = quire::txn::snapshots<epoch>;

version at(std::uint64_t n) { return static_cast<version>(n); }

void publish(registry& r, epoch& e, std::uint64_t n) {
    quire::txn::version_record& record = r.prepare();
    record.number = at(n);
    record.roots[0].entries = n;
    r.build();
    r.publish(at(n));
    quire::cache::epoch_stamp stamp{};
    version seen{};
    CHECK(r.observe(e, stamp, seen));
    CHECK(seen == at(n));
}

std::vector<version> open(registry& r, epoch& e) {
    const auto& open = r.open(e);
    return {open.begin(), open.end()};
}

} // namespace

TEST_CASE("the current version is the one published last") {
    epoch e;
    registry r;
    CHECK(r.current() == nullptr);
    for (std::uint64_t n = 1; n <= 20; ++n) {
        publish(r, e, n);
        REQUIRE(r.current() != nullptr);
        CHECK(r.current()->number == at(n));
        CHECK(r.current()->roots[0].entries == n);
    }
}

TEST_CASE("preparing twice gives the same record, and it is not the current one") {
    epoch e;
    registry r;
    publish(r, e, 1);
    quire::txn::version_record& first = r.prepare();
    CHECK(&first == &r.prepare());
    CHECK(&first != r.current());
}

TEST_CASE("open versions are those held, ascending, each once") {
    epoch e;
    registry r;
    std::vector<quire::txn::version_record*> held;
    for (std::uint64_t n = 1; n <= 6; ++n) {
        publish(r, e, n);
        r.current()->share();
        if (n % 2 == 0) r.current()->share();
        held.push_back(r.current());
    }
    CHECK(open(r, e) == std::vector<version>{at(1), at(2), at(3), at(4), at(5), at(6)});
    held[1]->unshare();
    CHECK(open(r, e) == std::vector<version>{at(1), at(2), at(3), at(4), at(5), at(6)});
    held[1]->unshare();
    held[4]->unshare();
    CHECK(open(r, e) == std::vector<version>{at(1), at(3), at(4), at(6)});
}

TEST_CASE("held versions come with their holders, of all records of the version") {
    epoch e;
    registry r;
    CHECK(r.held(e).empty());
    publish(r, e, 1);
    quire::txn::version_record* const first = r.current();
    first->share();
    first->share();
    publish(r, e, 2); // nobody's
    publish(r, e, 3);
    r.current()->share();
    CHECK(r.current()->since > 0);
    const std::int64_t now = r.current()->since;
    first->since = now - 5000;
    r.current()->since = now - 3000;
    publish(r, e, 3); // the same version published again
    r.current()->share();
    r.current()->share();
    const auto held = r.held(e);
    REQUIRE(held.size() == 2);
    CHECK(held[0].number == at(1));
    CHECK(held[0].holders == 2);
    CHECK(held[1].number == at(3));
    CHECK(held[1].holders == 3);
    CHECK(held[0].milliseconds >= 5000);
    CHECK(held[1].milliseconds >= 3000); // the older of its two
    CHECK(held[0].milliseconds - held[1].milliseconds == 2000);
    first->unshare();
    first->share(); // it was held without a break
    CHECK(first->since == now - 5000);
    first->unshare();
    first->unshare();
    first->share(); // and now anew
    CHECK(first->since >= now);
}

TEST_CASE("a record is used again only when nobody holds or may be reading it") {
    epoch e;
    registry r;
    publish(r, e, 1);
    const quire::txn::version_record* const first = r.current();
    std::optional<epoch::guard> reading;
    reading.emplace(e);
    publish(r, e, 2);
    static_cast<void>(r.open(e));
    CHECK(&r.prepare() != first); // a reader may have it in hand
    publish(r, e, 3);
    reading.reset();
    static_cast<void>(r.open(e));
    CHECK(first->number == at(1)); // free, and not yet used
    publish(r, e, 4);

    // In a long life with few snapshots there are few records.
    std::set<const quire::txn::version_record*> seen;
    for (std::uint64_t n = 5; n < 1000; ++n) {
        static_cast<void>(r.open(e));
        publish(r, e, n);
        seen.insert(r.current());
    }
    CHECK(seen.size() <= 4);
}

TEST_CASE("records that are held never change") {
    epoch e;
    registry r;
    std::mt19937_64 random(11);
    std::vector<std::pair<quire::txn::version_record*, std::uint64_t>> held;
    for (std::uint64_t n = 1; n < 3000; ++n) {
        static_cast<void>(r.open(e));
        publish(r, e, n);
        if (random() % 3 == 0) {
            r.current()->share();
            held.emplace_back(r.current(), n);
        }
        if (!held.empty() && random() % 3 == 0) {
            const std::size_t i = random() % held.size();
            held[i].first->unshare();
            held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
        }
        for (const auto& [record, number] : held) {
            REQUIRE(record->number == at(number));
            REQUIRE(record->roots[0].entries == number);
        }
    }
}

TEST_CASE("readers in other threads see whole records and never older ones than before") {
    epoch e;
    registry r;
    publish(r, e, 1);
    std::atomic<bool> done{false};
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (int t = 0; t < 2; ++t)
        readers.emplace_back([&] {
            std::uint64_t newest = 0;
            while (!done.load(std::memory_order_relaxed)) {
                quire::txn::version_record* record = nullptr;
                {
                    epoch::guard in(e);
                    record = r.current();
                    record->share();
                }
                const std::uint64_t number = to_integer(record->number);
                if (record->roots[0].entries != number || number < newest) ++wrong;
                newest = number;
                record->unshare();
            }
        });
    for (std::uint64_t n = 2; n < 20000; ++n) {
        static_cast<void>(r.open(e));
        publish(r, e, n);
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    CHECK(wrong == 0);
}

TEST_CASE("what is built is read once it is published, and what came before it with it") {
    epoch e;
    registry r;
    publish(r, e, 1);
    for (std::uint64_t n = 2; n <= 5; ++n) {
        quire::txn::version_record& record = r.prepare();
        record.number = at(n);
        r.build();
        CHECK(r.newest() == &record);
        CHECK(r.current()->number == at(1));
    }
    r.publish(at(3));
    CHECK(r.current()->number == at(3));
    r.publish(at(2)); // late, and nothing happens
    CHECK(r.current()->number == at(3));
    quire::cache::epoch_stamp stamp{};
    version seen{};
    CHECK(r.observe(e, stamp, seen));
    CHECK(seen == at(3));
    CHECK_FALSE(r.observe(e, stamp, seen));
    // Those that readers do not see yet are not given to anybody else.
    for (std::uint64_t n = 6; n <= 12; ++n) {
        static_cast<void>(open(r, e));
        quire::txn::version_record& record = r.prepare();
        record.number = at(n);
        r.build();
    }
    for (std::uint64_t n = 4; n <= 12; ++n) {
        r.publish(at(n));
        CHECK(r.current()->number == at(n));
    }
}
