// What becomes of a log whose device fails.
#include <quire/wal/writer.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <quire/core/error.hpp>
#include <quire/storage/crash_states.hpp>

#include "log_files.hpp"

namespace {

using namespace quire_test;
using quire::version;
using quire::storage::crash_states;
using quire::storage::disk_change;
using quire::storage::disk_faults;
using quire::storage::simulated_disk;
using fixture = log_fixture;

} // namespace

TEST_CASE("after a failed write or sync nothing more is written, and all who wait are told") {
    for (const unsigned kinds : {disk_faults::writes, disk_faults::syncs})
        for (const int number : {EIO, ENOSPC})
            for (const bool half : {false, true}) {
                CAPTURE(kinds);
                CAPTURE(half);
                fixture f;
                REQUIRE(append(f.log, 11).ok());
                REQUIRE(make_durable(f.log));
                const std::uint64_t durable = f.log.appended();
                REQUIRE(append(f.log, 12).ok());
                const std::uint64_t end = f.log.appended();
                f.disk.set_faults({.kinds = kinds, .after = 0, .number = number,
                                   .forever = false, .half = half});
                CHECK_FALSE(f.log.wait({end, end}));
                CHECK(f.log.failure() == number);
                const std::size_t changes = f.disk.trace().size();
                CHECK(f.log.wait({durable, durable})); // this had happened
                CHECK_FALSE(f.log.wait({end, end}));
                CHECK_FALSE(f.log.wait_for_all());
                REQUIRE(append(f.log, 13).ok());
                CHECK_FALSE(f.log.wait({f.log.appended(), 0}));
                CHECK_FALSE(make_durable(f.log));
                CHECK(f.log.rotate().number == number);
                CHECK(f.log.reserve(1'000'000).number == number);
                CHECK(f.disk.trace().size() == changes);
                CHECK(f.log.durable_version() == version{11});
                const auto left = f.durable_versions();
                CHECK(left == from_to(11, 11));
            }
}

TEST_CASE("a write that nobody wants on the medium yet fails for all behind it") {
    fixture f;
    REQUIRE(append(f.log, 11).ok());
    const std::uint64_t first = f.log.appended();
    REQUIRE(f.log.wait({first, 0}));
    REQUIRE(append(f.log, 12).ok());
    f.disk.set_faults({.kinds = disk_faults::writes, .after = 0, .number = EIO,
                       .forever = false, .half = true});
    CHECK_FALSE(f.log.wait({f.log.appended(), 0}));
    CHECK(f.log.wait({first, 0}));
    CHECK_FALSE(f.log.wait({first, first}));
    CHECK(f.read().versions == from_to(11, 11));
}

TEST_CASE("threads that wait are all told of a failure") {
    fixture f;
    std::vector<std::uint64_t> ends;
    for (std::uint64_t v = 11; v <= 16; ++v) {
        REQUIRE(append(f.log, v).ok());
        ends.push_back(f.log.appended());
    }
    f.disk.set_faults({.kinds = disk_faults::syncs, .after = 0, .number = EIO,
                       .forever = false, .half = false});
    std::atomic<unsigned> told{0};
    std::vector<std::thread> threads;
    for (const std::uint64_t end : ends)
        threads.emplace_back([&, end] { told += !f.log.wait({end, end}); });
    for (std::thread& t : threads) t.join();
    CHECK(told == ends.size());
}

TEST_CASE("a segment that cannot be made leaves the log usable, unless a crash may bring it back") {
    unsigned dead = 0;
    for (const bool reused : {false, true})
        for (const int number : {EIO, ENOSPC})
            for (std::uint64_t call = 0;; ++call) {
                CAPTURE(reused);
                CAPTURE(call);
                fixture f;
                std::uint64_t v = 11;
                if (reused) {
                    REQUIRE(append(f.log, v++).ok());
                    REQUIRE(f.log.rotate().ok());
                    f.log.release(version{11}, f.log.segment_lsn());
                    f.name();
                }
                const std::uint64_t begin = v;
                REQUIRE(append(f.log, v).ok());
                REQUIRE(make_durable(f.log));
                f.disk.set_faults({.kinds = disk_faults::changes, .after = call,
                                   .number = number, .forever = false, .half = false});
                const auto status = f.log.rotate();
                const bool failed = f.disk.failures() != 0;
                f.disk.set_faults({});
                if (!failed) {
                    CHECK(status.ok());
                    CHECK(call == (reused ? 4U : 8U));
                    break;
                }
                REQUIRE(status.number == number);
                if (f.log.failure() != 0) { // the header, or its name
                    CHECK(call >= (reused ? 2U : 5U));
                    CHECK(f.read().versions == from_to(begin, v));
                    ++dead;
                    continue;
                }
                CHECK(f.log.salt() == f.salt);
                CHECK(f.headers().size() == 1);
                REQUIRE(append(f.log, ++v).ok());
                REQUIRE(make_durable(f.log));
                CHECK(f.read().versions == from_to(begin, v));
                REQUIRE(f.log.rotate().ok());
                REQUIRE(append(f.log, ++v).ok());
                REQUIRE(make_durable(f.log));
                CHECK(f.read().versions == from_to(begin, v));
            }
    CHECK(dead == 2 * (3 + 2));
}

TEST_CASE("a crash behind a segment that could not be made loses nothing acknowledged") {
    for (std::uint64_t call = 0; call < 8; ++call) {
        CAPTURE(call);
        fixture f;
        REQUIRE(append(f.log, 11).ok());
        REQUIRE(make_durable(f.log));
        f.disk.set_faults({.kinds = disk_faults::changes, .after = call, .number = EIO,
                           .forever = false, .half = false});
        REQUIRE_FALSE(f.log.rotate().ok());
        f.disk.set_faults({});
        std::uint64_t last = 11;
        if (f.log.failure() == 0) {
            REQUIRE(append(f.log, ++last).ok());
            REQUIRE(make_durable(f.log));
        }
        crash_states states;
        for (const disk_change& change : f.disk.trace()) states.apply(change);
        std::mt19937_64 random(1);
        unsigned lost = 0;
        states.for_each(random, {.exhaustive = 8, .random = 20}, [&](const auto& state) {
            const simulated_disk after(state);
            try {
                lost += read_log(after.path("s"), f.first, f.salt).versions != from_to(11, last);
            } catch (const quire::error& e) {
                if (lost++ == 0) MESSAGE(std::string(e.what()));
            }
            return true;
        });
        CHECK(lost == 0);
    }
}

TEST_CASE("a log that cannot begin has not begun, and may begin later") {
    for (std::uint64_t call = 0;; ++call) {
        CAPTURE(call);
        fixture f(0);
        f.disk.set_faults({.kinds = disk_faults::changes, .after = call, .number = ENOSPC,
                           .forever = false, .half = false});
        const auto status = f.log.start(version{10});
        if (f.disk.failures() == 0) {
            CHECK(status.ok());
            break;
        }
        CHECK(status.is_full());
        CHECK_FALSE(f.log.started());
        CHECK(f.log.bytes() == 0);
        CHECK(f.disk.files().empty());
        REQUIRE(f.log.start(version{10}).ok());
        f.name();
        REQUIRE(append(f.log, 11).ok());
        REQUIRE(make_durable(f.log));
        CHECK(f.read().versions == from_to(11, 11));
    }
}
