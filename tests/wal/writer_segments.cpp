// The segments of a log: how they follow each other, grow, are used again and go.
#include <quire/wal/writer.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include <quire/storage/crash_states.hpp>

#include "log_files.hpp"

namespace {

using namespace quire_test;
using quire::version;
using quire::storage::crash_states;
using quire::storage::simulated_disk;
using fixture = log_fixture;
namespace format = quire::format;

} // namespace

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

TEST_CASE("the first group of a segment may be larger: it is lengthened, durably, before its use") {
    fixture f;
    const std::uint64_t before = f.size_of(f.log.first_version());
    REQUIRE(append(f.log, 11, 200'000).ok());
    CHECK(f.size_of(f.log.first_version()) >= before + 100'000);
    CHECK(f.durable() == f.disk.files()); // so that commits change no more than bytes
    CHECK(f.durable_versions().empty());
    REQUIRE(make_durable(f.log));
    CHECK(f.durable_versions() == from_to(11, 11));
    REQUIRE(append(f.log, 12).ok());
    REQUIRE(f.log.rotate().ok());
    REQUIRE(append(f.log, 13, 500'000).ok());
    REQUIRE(make_durable(f.log));
    CHECK(f.durable_versions() == from_to(11, 13));
}

TEST_CASE("a segment that cannot be lengthened is as it was, durably") {
    fixture f;
    const auto before = f.disk.files();
    f.disk.set_capacity(100'000);
    CHECK(append(f.log, 11, 200'000).number == ENOSPC);
    CHECK(f.disk.files() == before);
    crash_states states;
    for (const auto& change : f.disk.trace()) states.apply(change);
    CHECK(states.pending() == 0); // what follows may be made durable by itself
    f.disk.set_capacity(simulated_disk::unlimited);
    REQUIRE(append(f.log, 11).ok());
    REQUIRE(make_durable(f.log));
    CHECK(f.durable_versions() == from_to(11, 11));
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
