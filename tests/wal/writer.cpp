#include <quire/wal/writer.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <quire/storage/file.hpp>

#include "../support/temp_dir.hpp"
#include "log_files.hpp"

namespace {

using namespace quire_test;
using quire::version;
using quire::storage::simulated_disk;
using fixture = log_fixture;
namespace format = quire::format;

} // namespace

TEST_CASE("a log begins with an empty segment that is durable") {
    fixture f;
    CHECK(f.log.started());
    CHECK(f.log.first_version() == version{11});
    CHECK(f.log.newest() == version{10});
    CHECK(f.salt != 0);
    CHECK(f.durable() == f.disk.files());
    const auto all = f.headers();
    REQUIRE(all.size() == 1);
    CHECK(all[0].database_id == log_id);
    CHECK(all[0].base == version{10});
    CHECK(all[0].first_lsn == f.log.segment_lsn());
    CHECK(all[0].salt == f.salt);
    CHECK(all[0].previous_salt == 0);
    CHECK(f.size_of(f.first) == log_writer::smallest_segment);
    CHECK(f.read().versions.empty());
    CHECK(f.log.durable_version() == version::none);
}

TEST_CASE("two logs have two salts") {
    const fixture a;
    const fixture b;
    CHECK(a.salt != b.salt);
}

TEST_CASE("groups that were waited for are durable, in order") {
    fixture f;
    for (std::uint64_t v = 11; v <= 30; ++v) {
        REQUIRE(append(f.log, v, v).ok());
        CHECK(f.log.newest() == version_of(v));
        REQUIRE(make_durable(f.log));
        CHECK(f.log.durable_version() == version_of(v));
        CHECK(f.durable_versions() == from_to(11, v));
    }
    CHECK(f.counters.syncs.value() >= 20);
}

TEST_CASE("a group is in no file before somebody waits") {
    fixture f;
    const auto before = f.disk.files();
    for (std::uint64_t v = 11; v <= 15; ++v) REQUIRE(append(f.log, v).ok());
    CHECK(f.disk.files() == before);
    CHECK(f.log.bytes() > 5 * format::begin_size);
    REQUIRE(f.log.wait_for_all());
    CHECK(f.durable_versions() == from_to(11, 15));
}

TEST_CASE("one wait makes all groups before it durable by one sync") {
    fixture f;
    for (std::uint64_t v = 11; v <= 20; ++v) REQUIRE(append(f.log, v).ok());
    const std::size_t syncs = count(f.disk, disk_kind::sync);
    const std::size_t writes = count(f.disk, disk_kind::write);
    REQUIRE(make_durable(f.log));
    CHECK(count(f.disk, disk_kind::sync) == syncs + 1);
    CHECK(count(f.disk, disk_kind::write) == writes + 1);
    CHECK(f.durable_versions() == from_to(11, 20));
    REQUIRE(make_durable(f.log)); // nothing is left to be done
    CHECK(count(f.disk, disk_kind::sync) == syncs + 1);
    CHECK(count(f.disk, disk_kind::write) == writes + 1);
}

TEST_CASE("who waits for a write alone gets no sync, and a later wait for the medium does") {
    fixture f;
    const std::size_t syncs = count(f.disk, disk_kind::sync);
    for (std::uint64_t v = 11; v <= 13; ++v) {
        REQUIRE(append(f.log, v).ok());
        REQUIRE(f.log.wait({f.log.appended(), 0}));
        CHECK(f.read().versions == from_to(11, v)); // also if the process is killed
    }
    CHECK(count(f.disk, disk_kind::sync) == syncs);
    CHECK(f.durable_versions().empty());
    CHECK(f.log.durable_version() == version::none);
    const std::uint64_t end = f.log.appended();
    REQUIRE(f.log.wait({end, end}));
    CHECK(count(f.disk, disk_kind::sync) == syncs + 1);
    CHECK(f.durable_versions() == from_to(11, 13));
    CHECK(f.log.durable_version() == version{13});
}

TEST_CASE("a begin says how far the log was durable") {
    fixture f;
    REQUIRE(append(f.log, 11).ok());
    const std::uint64_t start = f.log.segment_lsn() + format::segment_header_size;
    const std::uint64_t second = f.log.appended();
    REQUIRE(append(f.log, 12).ok());
    REQUIRE(make_durable(f.log));
    const std::uint64_t third = f.log.appended();
    REQUIRE(append(f.log, 13).ok());
    REQUIRE(make_durable(f.log));
    log_reader reader(f.store, log_id, f.first, f.salt, version{100});
    format::log_group group;
    for (const std::uint64_t durable : {start, start, third}) {
        REQUIRE(reader.next(group));
        CHECK(group.facts.durable_lsn == durable);
    }
    CHECK(group.facts.lsn == third);
    CHECK(second < third);
}

TEST_CASE("checkpoints are groups too") {
    fixture f;
    REQUIRE(append(f.log, 11).ok());
    REQUIRE(f.log.reserve(log_writer::checkpoint_bytes).ok());
    f.log.append_checkpoint(version{12});
    REQUIRE(append(f.log, 13).ok());
    REQUIRE(make_durable(f.log));
    const log_read all = f.read();
    CHECK(all.versions == std::vector<std::uint64_t>{11, 13});
    CHECK(all.checkpoints == std::vector<std::uint64_t>{12});
}

TEST_CASE("what waits in memory is said to be much when it is") {
    fixture f(10, std::uint64_t{64} << 20);
    REQUIRE(append(f.log, 11).ok());
    CHECK_FALSE(f.log.has_much_waiting());
    REQUIRE(f.log.reserve(log_writer::most_waiting + 1000).ok()); // a segment of that size
    REQUIRE(append(f.log, 12, log_writer::most_waiting).ok());
    CHECK(f.log.has_much_waiting());
    REQUIRE(make_durable(f.log));
    CHECK_FALSE(f.log.has_much_waiting());
}

TEST_CASE_TEMPLATE("a log in files is read back, by whatever it is made durable", Sync,
                   quire::wal::data, quire::wal::all, quire::wal::write_through) {
    using file = quire::storage::file;
    const temp_dir directory;
    const std::string store = directory.path("s");
    quire::io_counters counters;
    quire::wal::writer<file, Sync> log(counters);
    log.attach(store, log_id, log_limit);
    REQUIRE(log.start(version{10}).ok());
    version first{};
    std::uint64_t salt = 0;
    for (std::uint64_t v = 11; v <= 150; ++v) {
        REQUIRE(append(log, v, 30'000).ok());
        const std::uint64_t end = log.appended();
        REQUIRE(log.wait({end, v % 3 == 0 ? end : 0}));
        if (v != 100) continue;
        REQUIRE(log.rotate().ok());
        log.release(version_of(v), log.segment_lsn());
        first = log.first_version();
        salt = log.salt();
    }
    REQUIRE(log.wait_for_all());
    CHECK(log.durable_version() == version{150});
    {
        quire::wal::reader<file> reader(store, log_id, first, salt, version{1000});
        format::log_group group;
        for (std::uint64_t v = 101; v <= 150; ++v) {
            REQUIRE(reader.next(group));
            CHECK(group.facts.at == version_of(v));
        }
        CHECK_FALSE(reader.next(group));
    }
    CHECK(quire::wal::list_segments<file>(store).size() > 3);
    log.remove();
    CHECK(quire::wal::list_segments<file>(store).empty());
}

TEST_CASE("threads share flushes, and every group is read back") {
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{1500}}) {
        constexpr std::uint64_t threads = 8;
        constexpr std::uint64_t each = 50;
        fixture f;
        const std::size_t syncs = count(f.disk, disk_kind::sync);
        std::mutex place; // the writer's
        std::uint64_t last = 10;
        std::atomic<unsigned> wrong{0};
        std::vector<std::thread> all;
        for (std::uint64_t t = 0; t < threads; ++t)
            all.emplace_back([&, t] {
                for (std::uint64_t i = 0; i < each; ++i) {
                    quire::wal::ticket until;
                    version mine{};
                    {
                        const std::lock_guard<std::mutex> hold(place);
                        wrong += !append(f.log, ++last, bytes).ok();
                        mine = version_of(last);
                        until = {f.log.appended(), f.log.appended()};
                    }
                    const bool relaxed = (t + i) % 5 == 0;
                    if (relaxed) until.durable = 0;
                    wrong += !f.log.wait(until);
                    wrong += !relaxed && f.log.durable_version() < mine;
                }
            });
        for (std::thread& t : all) t.join();
        CHECK(wrong == 0);
        REQUIRE(f.log.wait_for_all());
        CHECK(f.read().versions == from_to(11, 10 + threads * each));
        CHECK(f.durable_versions() == from_to(11, 10 + threads * each));
        const std::size_t segments = f.headers().size() - 1; // made since, each by a sync
        CHECK(segments == (bytes == 1 ? 0U : 3U));
        // A rotation makes all before it durable by one more, as does the last wait.
        CHECK(count(f.disk, disk_kind::sync) - syncs <= threads * each + 2 * segments + 1);
    }
}
