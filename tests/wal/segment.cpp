#include <quire/wal/segment.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <sys/mman.h>

#include <doctest/doctest.h>

#include <quire/storage/crash_states.hpp>
#include <quire/storage/file.hpp>
#include <quire/storage/simulated.hpp>

#include "storage/child.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace quire;
using namespace quire::storage;
using quire::storage::access; // not the system call of this name
using file_device = storage::simulated;
using contents = simulated_disk::contents;
using segment = wal::segment<file_device>;

constexpr std::uint64_t size = 64 << 10;

format::segment_header header_of(std::uint64_t salt) {
    format::segment_header header;
    header.database_id[0] = std::byte{7};
    header.base = version{10};
    header.first_lsn = 4096;
    header.salt = salt;
    header.previous_salt = 3;
    return header;
}
std::vector<std::byte> bytes_of(const format::segment_header& header) {
    const auto raw = format::encode(header);
    return {raw.begin(), raw.end()};
}
// A segment of nothing but its header.
std::vector<std::byte> fresh(const format::segment_header& header, std::size_t bytes = size) {
    auto all = bytes_of(header);
    all.resize(bytes);
    return all;
}

storage::status create(segment& made, const simulated_disk& disk, std::uint64_t salt = 9) {
    io_counters counters;
    made.size = size;
    bool stays = false;
    const auto status =
        wal::create_segment(made, disk.path("s.wal"), header_of(salt), counters, stays);
    // Only what was synced, or was to be, can come back.
    if (!status.ok() && !stays)
        for (const auto& change : disk.trace())
            CHECK(change.what != quire::storage::disk_change::kind::sync);
    return status;
}
// An old segment that is open, with something in it.
std::vector<std::byte> used_bytes() {
    auto old = fresh(header_of(5));
    std::fill(old.begin() + 72, old.end(), std::byte{0xCC});
    return old;
}
storage::status reuse(segment& used, const simulated_disk& disk, std::uint64_t salt = 9) {
    io_counters counters;
    bool stays = false;
    return wal::reuse_segment(used, disk.path("old.wal"), disk.path("s.wal"), header_of(salt),
                              counters, stays);
}

// What a crash may leave of all that was done on the disk up to change n.
template <class Check>
void for_each_crash(const contents& at_first, const simulated_disk& disk, std::size_t n,
                    Check&& check) {
    crash_states states(at_first);
    for (std::size_t i = 0; i < n; ++i) states.apply(disk.trace()[i]);
    std::mt19937_64 random(n);
    states.for_each(random, {.exhaustive = 10, .random = 20}, [&](const contents& state) {
        check(state);
        return true;
    });
}

} // namespace

TEST_CASE("a segment that was made is its header and zeros, and open") {
    for (const std::uint64_t bytes : {std::uint64_t{4096}, size, std::uint64_t{3} << 20}) {
        simulated_disk disk;
        segment made;
        made.size = bytes;
        io_counters counters;
        bool stays = false;
        REQUIRE(wal::create_segment(made, disk.path("s"), header_of(9), counters, stays).ok());
        CHECK(disk.files() == contents{{"s", fresh(header_of(9), bytes)}});
        CHECK(counters.syncs.value() == 2);
        CHECK(counters.bytes_written.value() >= bytes);
        const std::vector<std::byte> more(10, std::byte{1});
        CHECK(made.device.write(100, more).ok());
    }
}

TEST_CASE("a segment that was made is wholly on the medium, under its name") {
    simulated_disk disk;
    segment made;
    REQUIRE(create(made, disk).ok());
    for_each_crash({}, disk, disk.trace().size(),
                   [&](const contents& state) { REQUIRE(state == disk.files()); });
}

TEST_CASE("a crash while a segment is made leaves none, or nothing used, or the segment") {
    simulated_disk disk;
    segment made;
    REQUIRE(create(made, disk).ok());
    for (std::size_t n = 0; n < disk.trace().size(); ++n)
        for_each_crash({}, disk, n, [&](const contents& state) {
            if (state.empty()) return;
            REQUIRE(state.size() == 1);
            const auto& bytes = state.at("s.wal");
            REQUIRE(bytes.size() <= size);
            for (std::size_t i = 72; i < bytes.size(); ++i)
                if (bytes[i] != std::byte{0}) FAIL("byte ", i);
        });
}

TEST_CASE("a file that has the name of a new segment is replaced") {
    for (const bool larger : {false, true}) {
        contents before;
        before["s.wal"] = std::vector<std::byte>(larger ? 2 * size : 100, std::byte{0xAA});
        simulated_disk disk(before);
        segment made;
        REQUIRE(create(made, disk).ok());
        CHECK(disk.files() == contents{{"s.wal", fresh(header_of(9))}});
        for_each_crash(before, disk, disk.trace().size(),
                       [&](const contents& state) { REQUIRE(state == disk.files()); });
    }
}

TEST_CASE("a segment that cannot be made leaves no file, at whatever call it fails") {
    for (const bool there : {false, true}) {
        contents before;
        if (there) before["s.wal"] = std::vector<std::byte>(100, std::byte{0xAA});
        for (const int number : {EIO, ENOSPC})
            for (const bool half : {false, true})
                for (std::uint64_t call = 0;; ++call) {
                    CAPTURE(there);
                    CAPTURE(number);
                    CAPTURE(call);
                    simulated_disk disk(before);
                    disk.set_faults({.kinds = disk_faults::changes, .after = call,
                                     .number = number, .forever = false, .half = half});
                    segment made;
                    const auto status = create(made, disk);
                    if (disk.failures() == 0) {
                        CHECK(status.ok());
                        CHECK(call >= 5U); // create, zeros, header, sync, the directory
                        break;
                    }
                    REQUIRE(status.number == number);
                    // What cannot be removed cannot be replaced either.
                    if (there && call == 0) CHECK(disk.files() == before);
                    else CHECK(disk.files().empty());
                    // The same segment can be made later on.
                    CHECK(create(made, disk).ok());
                    CHECK(disk.files() == contents{{"s.wal", fresh(header_of(9))}});
                }
    }
}

TEST_CASE("a segment that finds the medium full leaves no file") {
    simulated_disk disk;
    disk.set_capacity(size - 1);
    segment made;
    CHECK(create(made, disk).is_full());
    CHECK(disk.files().empty());
    disk.set_capacity(size);
    CHECK(create(made, disk).ok());
}

TEST_CASE("a segment used again has a new header, a new name and its old bytes") {
    const contents before{{"old.wal", used_bytes()}};
    simulated_disk disk(before);
    segment used;
    REQUIRE(used.device.open(disk.path("old.wal"), access::read_write).ok());
    REQUIRE(reuse(used, disk).ok());
    auto expected = used_bytes();
    const auto header = bytes_of(header_of(9));
    std::copy(header.begin(), header.end(), expected.begin());
    CHECK(disk.files() == contents{{"s.wal", expected}});
    for_each_crash(before, disk, disk.trace().size(),
                   [&](const contents& state) { REQUIRE(state == disk.files()); });
    // Under the new name nothing but the new header is ever found.
    for (std::size_t n = 0; n < disk.trace().size(); ++n)
        for_each_crash(before, disk, n, [&](const contents& state) {
            REQUIRE(state.size() == 1);
            if (state.count("s.wal") == 1) REQUIRE(state.at("s.wal") == expected);
        });
}

TEST_CASE("a segment that cannot be used again says why") {
    for (const int number : {EIO, ENOSPC})
        for (std::uint64_t call = 0;; ++call) {
            CAPTURE(call);
            simulated_disk disk(contents{{"old.wal", used_bytes()}});
            segment used;
            REQUIRE(used.device.open(disk.path("old.wal"), access::read_write).ok());
            disk.set_faults({.kinds = disk_faults::changes, .after = call, .number = number,
                             .forever = false, .half = false});
            const auto status = reuse(used, disk);
            if (disk.failures() == 0) {
                CHECK(status.ok());
                CHECK(call == 4); // header, sync, name, the directory
                break;
            }
            REQUIRE(status.number == number);
            CHECK(disk.files().size() == 1);
            CHECK(disk.files().count("s.wal") == (call == 3 ? 1 : 0)); // its caller removes it
        }
}

TEST_CASE("a segment opened again is durable as far as it is used, and zeros behind") {
    for (const std::uint64_t kept : {std::uint64_t{72}, std::uint64_t{4096}, std::uint64_t{33333},
                                     size}) {
        CAPTURE(kept);
        const contents before{{"s.wal", used_bytes()}};
        simulated_disk disk(before);
        segment again;
        again.size = size;
        io_counters counters;
        REQUIRE(wal::reopen_segment(again, disk.path("s.wal"), kept, counters).ok());
        CHECK(counters.syncs.value() == 2);
        auto expected = used_bytes();
        std::fill(expected.begin() + static_cast<std::ptrdiff_t>(kept), expected.end(),
                  std::byte{0});
        CHECK(disk.files() == contents{{"s.wal", expected}});
        // All was written, for the system may be wrong about what the medium has.
        std::vector<bool> written(size);
        for (const auto& change : disk.trace())
            if (change.what == quire::storage::disk_change::kind::write)
                for (std::uint64_t at = change.offset; at < change.offset + change.content.size();
                     ++at)
                    written[at] = true;
        CHECK(std::count(written.begin(), written.end(), false) == 0);
        for (std::size_t n = 0; n <= disk.trace().size(); ++n)
            for_each_crash(before, disk, n, [&](const contents& state) {
                const auto& bytes = state.at("s.wal");
                REQUIRE(std::equal(expected.begin(),
                                   expected.begin() + static_cast<std::ptrdiff_t>(kept),
                                   bytes.begin()));
                if (n == disk.trace().size()) REQUIRE(bytes == expected);
            });
    }
}

TEST_CASE("a segment that cannot be opened again says why, and keeps what is used") {
    constexpr std::uint64_t kept = 5000;
    for (std::uint64_t call = 0;; ++call) {
        CAPTURE(call);
        simulated_disk disk(contents{{"s.wal", used_bytes()}});
        disk.set_faults({.kinds = disk_faults::changes | disk_faults::reads, .after = call,
                         .number = EIO, .forever = false, .half = call % 2 == 1});
        segment again;
        again.size = size;
        io_counters counters;
        const auto status = wal::reopen_segment(again, disk.path("s.wal"), kept, counters);
        const auto old = used_bytes();
        const auto bytes = disk.files().at("s.wal");
        REQUIRE(std::equal(old.begin(), old.begin() + kept, bytes.begin()));
        if (disk.failures() == 0) {
            CHECK(status.ok());
            CHECK(call > 6); // reads and writes of both parts, and two syncs
            break;
        }
        REQUIRE(status.number == EIO);
    }
    segment none;
    io_counters counters;
    simulated_disk empty;
    CHECK(wal::reopen_segment(none, empty.path("s.wal"), 72, counters).number == ENOENT);
}

TEST_CASE("zeros are written as far as they are asked for") {
    for (const std::uint64_t bytes : {0U, 4096U, 8192U, 257U * 4096, 513U * 4096}) {
        simulated_disk disk;
        file_device file;
        REQUIRE(file.create(disk.path("z")).ok());
        io_counters counters;
        CHECK(wal::write_zeros(file, 0, bytes, counters).ok());
        CHECK(disk.files().at("z") == std::vector<std::byte>(bytes));
        CHECK(counters.bytes_written.value() == bytes);
    }
}

namespace {

// A device whose user wants to see what is written.
struct watched_file : storage::file {
    int writes = 0;
    storage::status write(std::uint64_t at, bytes_view from) noexcept {
        ++writes;
        return storage::file::write(at, from);
    }
};

} // namespace

TEST_CASE("what need not be durable is the system's at once, in the order it came") {
    static_assert(storage::writes_in_place<storage::file>);
    static_assert(!storage::writes_in_place<watched_file>);
    static_assert(!storage::writes_in_place<file_device>);
    const quire_test::temp_dir directory;
    wal::segment<storage::file> made;
    io_counters counters;
    made.size = size;
    bool stays = false;
    REQUIRE(wal::create_segment(made, directory.path("s"), header_of(9), counters, stays).ok());
    std::mt19937_64 random(1);
    std::vector<std::byte> right = fresh(header_of(9));
    storage::file other;
    REQUIRE(other.open(directory.path("s"), access::read_only).ok());
    std::vector<std::byte> found(size);
    for (std::size_t at = format::segment_header_size; at < size - 500;) {
        std::vector<std::byte> bytes(random() % 400 + 1);
        for (std::byte& each : bytes) each = static_cast<std::byte>(random());
        // Some are written as those are that are flushed.
        if (random() % 4 == 0) REQUIRE(made.device.write(at, bytes).ok());
        else REQUIRE(wal::write_unsynced(made, at, bytes).ok());
        std::copy(bytes.begin(), bytes.end(), right.begin() + static_cast<std::ptrdiff_t>(at));
        REQUIRE(other.read(0, found).ok());
        REQUIRE(found == right);
        if (random() % 8 == 0) REQUIRE(made.device.sync_data().ok());
        at += bytes.size();
    }
    const std::byte one[1]{};
    CHECK(quire_test::in_child([&] {
              return wal::write_unsynced(made, 5000, one).number == EBADF ? 0 : 1;
          }) == 0);
    // A child has no mapping, and may have something else in its place.
    if (made.memory != nullptr)
        CHECK(quire_test::in_child([&] {
                  void* const mine = ::mmap(made.memory, size, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                  if (mine != made.memory) return 2;
                  made.unmap();
                  *static_cast<volatile char*>(mine) = 1; // still there
                  return 0;
              }) == 0);
    // Behind what has zeros nothing is written in memory.
    REQUIRE(wal::write_unsynced(made, size + 7, one).ok());
    std::uint64_t now = 0;
    REQUIRE(other.size(now).ok());
    CHECK(now == size + 8);
}

TEST_CASE("a device that hides write is not passed by") {
    const quire_test::temp_dir directory;
    wal::segment<watched_file> made;
    io_counters counters;
    made.size = size;
    bool stays = false;
    REQUIRE(wal::create_segment(made, directory.path("s"), header_of(9), counters, stays).ok());
    const int before = made.device.writes;
    const std::byte some[100]{};
    REQUIRE(wal::write_unsynced(made, 5000, some).ok());
    CHECK(made.device.writes == before + 1);
}
