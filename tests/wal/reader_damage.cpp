// What of a log is damage, and not its end.
#include <quire/wal/reader.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "log_image.hpp"

using namespace log_image;

TEST_CASE("a log whose first segment is not there is damaged") {
    image log = three();
    log.files.erase(log.names[0]);
    CHECK(log.damaged() == "segment");
    log.files.clear();
    CHECK(log.damaged() == "segment");
    const simulated_disk disk;
    const std::string store = disk.path("s");
    CHECK_THROWS_AS(log_reader(store, log_id, version{11}, 7, version{100}), quire::corruption);
}

TEST_CASE("a log with another salt than the store names is damaged") {
    image log = three();
    log.salt ^= 2;
    CHECK(log.damaged() == "salt");
}

TEST_CASE("a segment that is missing in the middle is damage") {
    image log = three();
    log.files.erase(log.names[1]);
    CHECK(log.damaged() == "previous_salt");
}

TEST_CASE("a log of another store is a mismatch, wherever it begins") {
    for (std::size_t segment = 0; segment < 3; ++segment) {
        image log = three();
        log.forge(segment, [](std::byte* raw) { raw[20] ^= std::byte{1}; });
        CHECK_THROWS_AS(static_cast<void>(log.read()), quire::format_mismatch);
    }
    image log = three().begin(0); // the beginning of a log of another store
    log.forge(3, [](std::byte* raw) { raw[20] ^= std::byte{1}; });
    CHECK_THROWS_AS(static_cast<void>(log.read()), quire::format_mismatch);
}

TEST_CASE("a segment of another format version is a mismatch") {
    for (std::size_t segment = 0; segment < 3; ++segment) {
        image log = three();
        log.forge(segment, [](std::byte* raw) { raw[8] = std::byte{2}; });
        CHECK_THROWS_AS(static_cast<void>(log.read()), quire::format_mismatch);
    }
}

TEST_CASE("a damaged header with a segment behind it is damage") {
    for (std::size_t segment = 0; segment < 2; ++segment)
        for (std::size_t i = 0; i < header_size; ++i) {
            image log = three();
            log.byte_of(segment, i) ^= std::byte{0x10};
            CAPTURE(i);
            REQUIRE(log.damaged() != "nothing");
        }
    for (const std::size_t size : {std::size_t{0}, std::size_t{71}}) {
        image log = three();
        log.files[log.names[0]].resize(size);
        CHECK(log.damaged() != "nothing");
        log = three();
        log.files[log.names[1]].resize(size);
        CHECK(log.damaged() != "nothing");
    }
}

TEST_CASE("a damaged header of the last segment is damage when something was committed in it") {
    unsigned unseen = 0;
    for (std::size_t i = 0; i < header_size; ++i) {
        image log = three();
        log.byte_of(2, i) ^= std::byte{0x10};
        unseen += log.damaged() == "nothing";
    }
    CHECK(unseen == 0);
    image log = three();
    for (std::size_t i = 0; i < header_size; ++i) log.byte_of(2, i) = std::byte{0};
    CHECK(log.damaged() != "nothing");
}

TEST_CASE("headers that do not fit to the segment before are damage") {
    const auto forged = [](std::size_t offset, std::uint64_t value) {
        image log = three();
        log.forge(1, [&](std::byte* raw) { quire::store_le<std::uint64_t>(raw + offset, value); });
        return log.damaged();
    };
    CHECK(forged(32, 12) == "base_version");
    CHECK(forged(32, 14) == "base_version");
    CHECK(forged(40, 4088) == "base_version"); // its groups are not where it says
    CHECK(forged(40, 0) == "first_lsn");
    CHECK(forged(56, 12345) == "previous_salt");
    // Under another name.
    image log = three();
    log.files["s.000000000000000f.wal"] = log.files[log.names[1]];
    log.files.erase(log.names[1]);
    CHECK(log.damaged() == "base_version");
    // Of another size: a sync that failed may have lost the zeros at its end, but no group.
    for (const std::size_t size : {4088U, 8192U}) {
        log = three();
        log.files[log.names[0]].resize(size);
        CHECK(log.damaged() == "nothing");
        CHECK(log.versions() == three().versions());
    }
    log = three();
    log.files[log.names[0]].resize(200);
    CHECK(log.damaged() == "base_version");
}

TEST_CASE("any flipped bit of a group is damage when a segment follows") {
    for (std::size_t n = 0; n < 6; ++n) {
        image log = three();
        for (std::size_t bit = 0; bit < log.groups[n].records * 8; bit += n == 2 ? 1 : 23) {
            CAPTURE(n);
            CAPTURE(bit);
            log.byte_of_group(n, bit / 8) ^= std::byte{1} << (bit % 8);
            REQUIRE(log.damaged() != "nothing");
            log.byte_of_group(n, bit / 8) ^= std::byte{1} << (bit % 8);
        }
        CHECK(log.damaged() == "nothing");
    }
    image log;
    log.group(11).checkpoint(12).follow().group(13);
    CHECK(log.versions() == std::vector<std::uint64_t>{11, 13});
    log.byte_of_group(1, 30) ^= std::byte{1};
    CHECK(log.damaged() == "base_version");
    image empty = three().follow(); // a segment with nothing in it says so, too
    empty.byte_of_group(8, 30) ^= std::byte{1};
    CHECK(empty.damaged() == "base_version");
}

TEST_CASE("a damaged group is damage when a group behind it says that the log was durable there") {
    for (std::size_t n = 6; n < 8; ++n) { // each group of three() knows all before it as durable
        image log = three();
        for (std::size_t bit = 0; bit < log.groups[n].records * 8; ++bit) {
            CAPTURE(n);
            CAPTURE(bit);
            log.byte_of_group(n, bit / 8) ^= std::byte{1} << (bit % 8);
            REQUIRE(log.damaged() == "group");
            log.byte_of_group(n, bit / 8) ^= std::byte{1} << (bit % 8);
        }
    }
    // Also when the one that knows it stands behind others that do not, or is a checkpoint.
    image log;
    log.group(11).group(12, 1).group(13, 1).group(14, 1).group(15, 2);
    log.byte_of_group(1, 60) ^= std::byte{1};
    CHECK(log.damaged() == "group");
    image other;
    other.group(11).group(12, 1).checkpoint(13);
    other.byte_of_group(1, 60) ^= std::byte{1};
    CHECK(other.damaged() == "group");
}

TEST_CASE("versions beyond what the store gave out are damage") {
    const image log = three();
    CHECK(log.damaged(20) == "nothing");
    CHECK(log.damaged(19) == "version");
    CHECK(log.damaged(12) == "version");
    CHECK(log.damaged(11) == "version");
}

TEST_CASE("a group that is built on another version than the one before it is damage") {
    image log;
    log.group(11);
    log.newest = 12;
    log.group(13).group(14);
    CHECK(log.damaged() == "base_version");
    image back;
    back.group(11).group(12);
    back.newest = 11;
    back.group(13);
    CHECK(back.damaged() == "base_version");
    image gaps; // versions that were given out and not used
    gaps.group(12).group(20).group(21);
    CHECK(gaps.versions() == std::vector<std::uint64_t>{12, 20, 21});
}

TEST_CASE("a medium that cannot be read is an I/O error, at whatever read") {
    const image log = three();
    for (std::uint64_t call = 0; call < 3; ++call) {
        simulated_disk disk(log.files);
        disk.set_faults({.kinds = disk_faults::reads, .after = call, .number = EIO,
                         .forever = false, .half = false});
        try {
            static_cast<void>(read_log(disk.path("s"), log.first, log.salt));
            FAIL("it was read");
        } catch (const quire::io_error& e) {
            CHECK(e.number() == EIO);
            CHECK(e.path() == disk.path(log.names[call]));
        }
    }
}
