// Going on in a log that a process left, which was killed or saw its disk fail.
#include <cerrno>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/wal/reader.hpp>
#include <quire/wal/writer.hpp>

#include "log_files.hpp"

namespace {

using namespace quire_test;
using quire::version;
using quire::storage::disk_faults;
using quire::storage::simulated_disk;
using contents = simulated_disk::contents;

// What a process leaves that has appended versions 11 to `last`, and waited for all but three.
struct left_behind {
    contents files;
    version first{};
    std::uint64_t salt = 0;
};
left_behind killed(std::uint64_t last, std::size_t bytes) {
    log_fixture f;
    for (std::uint64_t v = 11; v <= last; ++v) {
        REQUIRE(append(f.log, v, bytes).ok());
        if (v + 3 == last) CHECK(make_durable(f.log));
    }
    CHECK(f.log.wait({f.log.appended(), 0}));
    return {f.disk.files(), f.first, f.salt};
}

// A writer that goes on with what a reader finds on the disk.
struct resumed {
    simulated_disk disk;
    std::string store = disk.path("s");
    quire::io_counters counters;
    log_writer log{counters};
    version first{};
    std::uint64_t salt = 0;

    explicit resumed(const left_behind& from)
        : disk(from.files), first(from.first), salt(from.salt) {
        log.attach(store, log_id, log_limit);
    }
    [[nodiscard]] quire::storage::status go_on() {
        log_reader reader(store, log_id, first, salt);
        quire::format::log_group group;
        while (reader.next(group)) {}
        return log.resume(reader.segments(), reader.end(), reader.last(), version_of(500));
    }
    [[nodiscard]] std::vector<std::uint64_t> versions() const {
        return read_log(store, first, salt).versions;
    }
};

} // namespace

TEST_CASE("a log goes on behind its last group, whatever segment that is in") {
    for (const std::uint64_t last : {10U, 14U, 40U, 200U}) {
        CAPTURE(last);
        const left_behind before = killed(last, 3000);
        resumed f(before);
        REQUIRE(f.go_on().ok());
        CHECK(f.log.started());
        CHECK(f.log.newest() == version_of(last));
        CHECK(f.log.durable_version() == version{500});
        CHECK(f.versions() == from_to(11, last));
        const std::uint64_t bytes = f.log.bytes();
        CHECK((bytes == 0) == (last == 10));
        // Whatever comes is one log with what was there, over the segments that follow.
        std::vector<std::uint64_t> all = from_to(11, last);
        for (std::uint64_t v = 1000; v < 1100; ++v) {
            REQUIRE(append(f.log, v, 2000).ok());
            all.push_back(v);
        }
        CHECK(make_durable(f.log));
        CHECK(f.versions() == all);
        CHECK(f.log.bytes() > bytes + 200'000);
        // A checkpoint gives up the segments from before.
        f.log.append_checkpoint(version{1200});
        REQUIRE(f.log.rotate().ok());
        f.log.release(version{1200}, f.log.segment_lsn());
        CHECK(f.log.bytes() == 0);
        REQUIRE(append(f.log, 1300).ok());
        CHECK(make_durable(f.log));
        CHECK(read_log(f.store, f.log.first_version(), f.log.salt()).versions ==
              std::vector<std::uint64_t>{1300});
        f.log.remove();
        CHECK(f.disk.files().empty());
    }
}

TEST_CASE("what a log held when it was resumed survives any crash") {
    const left_behind before = killed(60, 3000);
    resumed f(before);
    REQUIRE(f.go_on().ok());
    const std::size_t resuming = f.disk.trace().size();
    REQUIRE(append(f.log, 1000).ok());
    CHECK(make_durable(f.log));
    std::vector<std::uint64_t> with = from_to(11, 60);
    with.push_back(1000);
    // The disk had all of it, or the system alone knew of the end: the last three may be gone then.
    quire::storage::crash_states states(before.files);
    std::mt19937_64 random(1);
    for (std::size_t n = 0; n <= f.disk.trace().size(); ++n) {
        states.for_each(random, {.exhaustive = 6, .random = 10}, [&](const contents& state) {
            const simulated_disk after(state);
            const auto found = read_log(after.path("s"), f.first, f.salt).versions;
            if (n == f.disk.trace().size()) REQUIRE(found == with);
            else if (n < resuming) REQUIRE(found == from_to(11, 60));
            else REQUIRE((found == from_to(11, 60) || found == with));
            return true;
        });
        if (n < f.disk.trace().size()) states.apply(f.disk.trace()[n]);
    }
}

TEST_CASE("a log that cannot be resumed is as it was, and can be later") {
    const left_behind before = killed(60, 3000);
    for (std::uint64_t call = 0;; ++call) {
        CAPTURE(call);
        resumed f(before);
        log_reader reader(f.store, log_id, f.first, f.salt);
        quire::format::log_group group;
        while (reader.next(group)) {}
        f.disk.set_faults({.kinds = disk_faults::changes | disk_faults::reads, .after = call,
                           .number = EIO, .forever = true});
        const auto status =
            f.log.resume(reader.segments(), reader.end(), reader.last(), version{500});
        if (f.disk.failures() == 0) {
            CHECK(status.ok());
            break;
        }
        CHECK(status.number == EIO);
        CHECK_FALSE(f.log.started());
        f.disk.set_faults({});
        CHECK(f.versions() == from_to(11, 60));
        REQUIRE(f.go_on().ok());
        REQUIRE(append(f.log, 1000).ok());
        CHECK(make_durable(f.log));
        CHECK(f.versions().size() == 51);
    }
}
