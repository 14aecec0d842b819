// What is retired waits for the operations that began before, and for no others.
#include <quire/cache/epoch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using quire::cache::epoch;
using quire::cache::epoch_stamp;
using quire::cache::null_epoch;

TEST_CASE("stamps rise and pass at once when nothing is in flight") {
    epoch e;
    CHECK(e.passed(epoch_stamp::none));
    const epoch_stamp first = e.advance();
    const epoch_stamp second = e.advance();
    CHECK(epoch_stamp::none < first);
    CHECK(first < second);
    CHECK(e.passed(first));
    CHECK(e.passed(second));
}

TEST_CASE("an operation holds back what was retired while it ran, and nothing older") {
    epoch e;
    const epoch_stamp before = e.advance();
    epoch_stamp during{};
    {
        const epoch::guard in(e);
        CHECK(e.passed(before));
        during = e.advance();
        CHECK(e.passed(before));
        CHECK_FALSE(e.passed(during));
        CHECK_FALSE(e.passed(e.advance()));
        CHECK(e.passed(epoch_stamp::none));
    }
    CHECK(e.passed(during));
}

TEST_CASE("an operation that began later holds nothing older back") {
    epoch e;
    auto old = std::make_unique<epoch::guard>(e);
    const epoch_stamp retired = e.advance();
    const epoch::guard young(e);
    CHECK_FALSE(e.passed(retired));
    old.reset();
    CHECK(e.passed(retired));
    CHECK_FALSE(e.passed(e.advance()));
}

TEST_CASE("as many operations as there are slots, ended in any order") {
    epoch e;
    // One of the 64 slots is never given out.
    std::array<std::unique_ptr<epoch::guard>, 63> open;
    std::array<epoch_stamp, 63> retired{};
    for (std::size_t i = 0; i < open.size(); ++i) {
        open[i] = std::make_unique<epoch::guard>(e);
        retired[i] = e.advance();
    }
    const auto passed = [&] {
        std::size_t n = 0;
        while (n < retired.size() && e.passed(retired[n])) ++n;
        return n;
    };
    CHECK(passed() == 0);
    for (std::size_t i = 1; i < open.size(); i += 2) open[i].reset();
    CHECK(passed() == 0);
    open[0].reset();
    CHECK(passed() == 2);
    for (std::size_t i = 2; i < open.size(); i += 2) {
        open[i].reset();
        CHECK(passed() == std::min(i + 2, open.size()));
    }
}

TEST_CASE("two epochs know nothing of each other") {
    epoch one;
    epoch other;
    const epoch::guard in(one);
    CHECK(other.passed(other.advance()));
    CHECK_FALSE(one.passed(one.advance()));
}

// A writer unlinks cells and spoils them when their stamp has passed; a reader that finds a spoilt
// cell was not waited for.
TEST_CASE("readers in flight never see what was taken back") {
    constexpr std::uint64_t whole = 0x600D;
    struct cell {
        std::atomic<std::uint64_t> content{whole};
    };
    epoch e;
    std::array<cell, 8> cells;
    std::atomic<cell*> current{&cells[0]};
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> spoilt{0};
    const auto read = [&] {
        while (!stop.load(std::memory_order_relaxed)) {
            const epoch::guard in(e);
            const cell* const seen = current.load(std::memory_order_acquire);
            for (int i = 0; i < 20; ++i)
                if (seen->content.load(std::memory_order_relaxed) != whole) ++spoilt;
        }
    };
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) readers.emplace_back(read);
    struct resting {
        cell* what;
        epoch_stamp stamp;
    };
    std::vector<cell*> free;
    for (std::size_t i = 1; i < cells.size(); ++i) free.push_back(&cells[i]);
    std::vector<resting> limbo;
    for (int round = 0; round < 20'000; ++round) {
        if (!free.empty()) {
            cell* const fresh = free.back();
            free.pop_back();
            fresh->content.store(whole, std::memory_order_relaxed);
            cell* const old = current.exchange(fresh, std::memory_order_acq_rel);
            limbo.push_back({old, e.advance()});
        }
        std::erase_if(limbo, [&](const resting& r) {
            if (!e.passed(r.stamp)) return false;
            r.what->content.store(0, std::memory_order_relaxed);
            free.push_back(r.what);
            return true;
        });
    }
    stop = true;
    for (std::thread& reader : readers) reader.join();
    CHECK(spoilt == 0);
}

TEST_CASE("a store of one thread waits for nobody") {
    null_epoch e;
    const null_epoch::guard in(e);
    CHECK(e.passed(e.advance()));
    CHECK(e.passed(epoch_stamp{7}));
}
