#include <quire/wal/writer.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <quire/storage/crash_states.hpp>
#include <quire/storage/file.hpp>

#include "../support/temp_dir.hpp"
#include "log_files.hpp"

namespace {

using namespace quire_test;
using quire::version;
using quire::storage::crash_states;
using quire::storage::disk_change;
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

TEST_CASE("a full segment is followed by another one, of which the header says so") {
    fixture f;
    for (std::uint64_t v = 11; v <= 110; ++v) REQUIRE(append(f.log, v, 5000).ok());
    REQUIRE(make_durable(f.log));
    CHECK(f.read().versions == from_to(11, 110));
    const auto all = f.headers();
    REQUIRE(all.size() >= 3);
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(all[i].previous_salt == (i == 0 ? 0 : all[i - 1].salt));
        CHECK(all[i].first_lsn == end);
        end += f.size_of(next(all[i].base));
        CHECK(all[i].database_id == log_id);
    }
    CHECK(f.log.segment_lsn() == all.back().first_lsn);
    CHECK(f.log.salt() == all.back().salt);
    CHECK(f.log.first_version() == next(all.back().base));
    // Nobody has to remember more than where it began.
    CHECK(f.durable_versions() == from_to(11, 110));
}

TEST_CASE("a segment is wholly durable before the next one has its name") {
    fixture f;
    REQUIRE(append(f.log, 11).ok());
    REQUIRE(append(f.log, 12).ok());
    const std::size_t before = f.disk.trace().size();
    REQUIRE(f.log.rotate().ok());
    CHECK(f.durable_versions() == from_to(11, 12));
    CHECK(f.durable() == f.disk.files());
    std::vector<disk_kind> kinds;
    for (std::size_t i = before; i < f.disk.trace().size(); ++i)
        kinds.push_back(f.disk.trace()[i].what);
    const auto synced = std::find(kinds.begin(), kinds.end(), disk_kind::sync);
    const auto named = std::find(kinds.begin(), kinds.end(), disk_kind::create);
    REQUIRE(named != kinds.end());
    CHECK(synced < named);
    CHECK(f.log.first_version() == version{13});
    REQUIRE(append(f.log, 13).ok());
    REQUIRE(make_durable(f.log));
    CHECK(f.durable_versions() == from_to(11, 13));
}

TEST_CASE("a segment that a group is too large for is lengthened, durably, before it is used") {
    fixture f;
    const std::uint64_t before = f.size_of(f.log.first_version());
    REQUIRE(append(f.log, 11, 200'000).ok());
    CHECK(f.size_of(f.log.first_version()) >= before + 100'000);
    CHECK(f.durable() == f.disk.files()); // so that commits change no more than bytes
    CHECK(f.durable_versions().empty());
    REQUIRE(make_durable(f.log));
    CHECK(f.durable_versions() == from_to(11, 11));
}

TEST_CASE("every crash leaves a log of all that was acknowledged, and nothing else but its end") {
    fixture f(0);
    // The disk's changes behind which so much was acknowledged.
    std::vector<std::uint64_t> acknowledged;
    const auto note = [&](std::uint64_t v) { acknowledged.resize(f.disk.trace().size(), v); };
    REQUIRE(f.log.start(version{10}).ok());
    f.name();
    const std::size_t begun = f.disk.trace().size();
    acknowledged.resize(begun, 10);
    std::uint64_t done = 10;
    for (std::uint64_t v = 11; v <= 40; ++v) {
        const std::size_t bytes = v == 11 ? 100'000 : v % 5 == 0 ? 12'000 : 600;
        REQUIRE(append(f.log, v, bytes).ok()); // the first lengthens its segment
        acknowledged.resize(f.disk.trace().size(), done); // a rotation
        if (v % 3 == 0) {
            REQUIRE(make_durable(f.log));
            acknowledged.resize(f.disk.trace().size() - 1, done);
            note(done = v);
        }
    }
    crash_states states;
    std::mt19937_64 random(4);
    for (std::size_t n = 0; n < f.disk.trace().size(); ++n) {
        states.apply(f.disk.trace()[n]);
        if (n + 1 < begun) continue;
        CAPTURE(n);
        states.for_each(random, {.exhaustive = 3, .random = 6}, [&](const auto& state) {
            const simulated_disk after(state);
            const log_read all = read_log(after.path("s"), f.first, f.salt);
            const std::uint64_t last = all.versions.empty() ? 10 : all.versions.back();
            REQUIRE(all.versions == from_to(11, last));
            REQUIRE(last >= acknowledged[n]);
            return true;
        });
    }
    CHECK(f.headers().size() >= 2);
}

TEST_CASE("every crash between checkpoints leaves the log that the store names then") {
    struct named {
        std::size_t from; // changes of the disk
        version first;
        std::uint64_t salt;
        std::uint64_t acknowledged;
        std::uint64_t before; // its first version is the next one
    };
    fixture f;
    std::vector<named> names{{f.disk.trace().size(), f.first, f.salt, 10, 10}};
    std::uint64_t v = 11;
    for (unsigned turn = 0; turn < 4; ++turn) {
        for (; v % 5 != 0; ++v) {
            REQUIRE(append(f.log, v, 900 * turn).ok());
            REQUIRE(make_durable(f.log));
            named now = names.back();
            now.from = f.disk.trace().size();
            now.acknowledged = v;
            names.push_back(now);
        }
        REQUIRE(f.log.reserve(log_writer::checkpoint_bytes).ok());
        f.log.append_checkpoint(version_of(v));
        REQUIRE(f.log.rotate().ok());
        f.name(); // the slot is written here
        f.disk.mark();
        names.push_back({f.disk.trace().size(), f.first, f.salt, v, v});
        f.log.release(version_of(v), f.log.segment_lsn());
        ++v;
    }
    CHECK(count(f.disk, disk_kind::rename) == 3);
    crash_states states;
    std::mt19937_64 random(5);
    std::size_t name = 0;
    for (std::size_t n = 0; n < f.disk.trace().size(); ++n) {
        states.apply(f.disk.trace()[n]);
        if (n + 1 < names[0].from) continue;
        while (name + 1 < names.size() && names[name + 1].from <= n + 1) ++name;
        CAPTURE(n);
        states.for_each(random, {.exhaustive = 6, .random = 20}, [&](const auto& state) {
            const simulated_disk after(state);
            const named& at = names[name];
            const log_read all = read_log(after.path("s"), at.first, at.salt);
            std::vector<std::uint64_t> found = all.versions;
            found.insert(found.end(), all.checkpoints.begin(), all.checkpoints.end());
            std::sort(found.begin(), found.end());
            REQUIRE(found == from_to(at.before + 1, found.empty() ? at.before : found.back()));
            REQUIRE((found.empty() ? at.before : found.back()) >= at.acknowledged);
            return true;
        });
    }
}

TEST_CASE("the first group of a segment may be larger than the segment") {
    fixture f;
    REQUIRE(append(f.log, 11, 200'000).ok());
    REQUIRE(make_durable(f.log));
    CHECK(f.read().versions == from_to(11, 11));
    REQUIRE(append(f.log, 12).ok());
    REQUIRE(f.log.rotate().ok());
    REQUIRE(append(f.log, 13, 500'000).ok());
    REQUIRE(make_durable(f.log));
    CHECK(f.read().versions == from_to(11, 13));
}

TEST_CASE("rotating twice keeps the segment that is in use") {
    fixture f;
    REQUIRE(append(f.log, 11).ok());
    REQUIRE(f.log.rotate().ok());
    REQUIRE(f.log.rotate().ok());
    REQUIRE(append(f.log, 12).ok());
    REQUIRE(make_durable(f.log));
    CHECK(f.read().versions == from_to(11, 12));
}

TEST_CASE("segments grow to an eighth of the limit") {
    fixture f;
    std::size_t largest = 0;
    for (std::uint64_t v = 11; v <= 200; ++v) REQUIRE(append(f.log, v, 30'000).ok());
    REQUIRE(make_durable(f.log));
    for (const auto& [name, bytes] : f.disk.files()) {
        CHECK(bytes.size() % log_writer::smallest_segment == 0);
        largest = std::max(largest, bytes.size());
    }
    CHECK(largest == log_limit / 8);
    CHECK(f.size_of(f.first) == log_writer::smallest_segment);
    CHECK(f.read().versions == from_to(11, 200));
}

TEST_CASE("segments grow to eight megabytes at most, but for a group that needs more") {
    fixture f(10, std::uint64_t{1} << 40);
    f.disk.record(false);
    REQUIRE(append(f.log, 11).ok());
    std::uint64_t v = 12;
    for (; v <= 40; ++v) REQUIRE(append(f.log, v, 1'000'000).ok());
    REQUIRE(make_durable(f.log));
    std::size_t largest = 0;
    for (const auto& [name, bytes] : f.disk.files()) largest = std::max(largest, bytes.size());
    CHECK(largest == log_writer::largest_segment);
    CHECK(log_writer::largest_segment == 8U << 20);
    REQUIRE(append(f.log, v, 9'000'000).ok());
    REQUIRE(make_durable(f.log));
    CHECK(f.size_of(f.log.first_version()) > log_writer::largest_segment);
    REQUIRE(f.log.rotate().ok());
    CHECK(f.size_of(f.log.first_version()) == log_writer::largest_segment);
    CHECK(f.read().versions == from_to(11, v));
}

TEST_CASE("what is released is used again, with nothing of its past") {
    fixture f;
    for (std::uint64_t v = 11; v <= 60; ++v) REQUIRE(append(f.log, v, 30'000).ok());
    REQUIRE(f.log.rotate().ok());
    const std::size_t files = f.disk.files().size();
    REQUIRE(files >= 4);
    const std::uint64_t bytes = f.log.bytes();
    f.log.release(version{60}, f.log.segment_lsn());
    f.name();
    CHECK(f.log.bytes() < bytes);
    CHECK(f.disk.files().size() == files); // kept
    const std::size_t made = count(f.disk, disk_kind::create);
    for (std::uint64_t v = 61; v <= 90; ++v) {
        REQUIRE(append(f.log, v, 30'000).ok());
        REQUIRE(make_durable(f.log));
        REQUIRE(f.read().versions == from_to(61, v));
    }
    CHECK(f.durable_versions() == from_to(61, 90));
    CHECK(count(f.disk, disk_kind::rename) > 0);
    CHECK(count(f.disk, disk_kind::create) == made);
}

TEST_CASE("of what is released no more than half the limit is kept") {
    for (const std::uint64_t limit : {log_limit, std::uint64_t{1} << 20}) {
        fixture f(10, limit);
        std::uint64_t v = 11;
        for (; v <= 200; ++v) REQUIRE(append(f.log, v, 30'000).ok());
        REQUIRE(f.log.rotate().ok());
        f.log.release(version_of(v - 1), f.log.segment_lsn());
        std::uint64_t kept = 0;
        for (const auto& [name, bytes] : f.disk.files())
            if (name != format::segment_path("s", f.log.first_version())) kept += bytes.size();
        CHECK(kept <= limit / 2);
        CHECK(kept > 0);
    }
}

TEST_CASE("what a state still needs is not released") {
    fixture f;
    for (std::uint64_t v = 11; v <= 20; ++v) REQUIRE(append(f.log, v, 5000).ok());
    REQUIRE(f.log.rotate().ok());
    const version first = f.log.first_version();
    const std::uint64_t salt = f.log.salt();
    const std::uint64_t from = f.log.segment_lsn();
    // The writer goes on while the pages of a checkpoint are on their way.
    std::uint64_t v = 21;
    for (; v <= 100; ++v) REQUIRE(append(f.log, v, 30'000).ok());
    REQUIRE(make_durable(f.log));
    for (const std::uint64_t last : {150U, 200U}) {
        f.log.release(version{20}, from);
        CHECK(f.log.bytes() == f.log.appended() - from - format::segment_header_size);
        for (; v <= last; ++v) REQUIRE(append(f.log, v, 30'000).ok());
        REQUIRE(make_durable(f.log));
        CHECK(read_log(f.store, first, salt).versions == from_to(21, last));
    }
}

TEST_CASE("a log that is removed leaves no file, and can begin again") {
    fixture f;
    for (std::uint64_t v = 11; v <= 40; ++v) REQUIRE(append(f.log, v, 5000).ok());
    REQUIRE(f.log.rotate().ok());
    f.log.release(version{25}, f.log.segment_lsn());
    for (std::uint64_t v = 41; v <= 60; ++v) REQUIRE(append(f.log, v, 5000).ok());
    REQUIRE(make_durable(f.log));
    f.log.remove();
    CHECK(f.disk.files().empty());
    CHECK(f.durable().empty());
    CHECK_FALSE(f.log.started());
    CHECK(f.log.bytes() == 0);
    f.log.remove();
    REQUIRE(f.log.start(version{70}).ok());
    f.name();
    REQUIRE(append(f.log, 71).ok());
    REQUIRE(make_durable(f.log));
    CHECK(f.read().versions == from_to(71, 71));
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
