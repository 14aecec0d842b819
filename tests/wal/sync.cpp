#include <quire/wal/sync.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <quire/storage/crash_states.hpp>
#include <quire/storage/posix_file.hpp>
#include <quire/storage/simulated.hpp>

#include "../support/temp_dir.hpp"

namespace {

using namespace quire;
using namespace quire::storage;
using quire::storage::access; // not the system call of this name
using contents = simulated_disk::contents;
using kind = disk_change::kind;

std::vector<std::byte> filled(std::size_t n, unsigned with) {
    return std::vector<std::byte>(n, static_cast<std::byte>(with));
}

// Notes the calls it gets.
struct noted {
    std::string calls;
    int fails_at = -1; // the call with that number, with EIO
    int n = 0;
    storage::status note(char call) noexcept {
        calls += call;
        return {n++ == fails_at ? EIO : 0};
    }
    storage::status write(std::uint64_t, bytes_view) noexcept { return note('w'); }
    storage::status sync_data() noexcept { return note('d'); }
    storage::status sync_all() noexcept { return note('a'); }
};
struct noted_durable : noted {
    storage::status write_durable(std::uint64_t, bytes_view) noexcept { return note('W'); }
};

template <class Sync, class Device>
std::string calls(bool some, bool earlier) {
    Device device;
    const auto bytes = filled(some ? 3 : 0, 1);
    CHECK(Sync::write(device, 0, bytes, earlier).ok());
    return device.calls;
}

} // namespace

TEST_CASE("each method makes the calls that its name says") {
    CHECK(calls<wal::data, noted_durable>(true, false) == "wd");
    CHECK(calls<wal::data, noted_durable>(false, true) == "d");
    CHECK(calls<wal::all, noted_durable>(true, true) == "wa");
    CHECK(calls<wal::all, noted_durable>(false, true) == "a");
    CHECK(calls<wal::write_through, noted_durable>(true, false) == "W");
    // What was written before and not synced needs a sync.
    CHECK(calls<wal::write_through, noted_durable>(true, true) == "wd");
    CHECK(calls<wal::write_through, noted_durable>(false, true) == "d");
    CHECK(calls<wal::write_through, noted>(true, false) == "wd");
    CHECK(wal::data::name == "data");
    CHECK(wal::all::name == "all");
    CHECK(wal::write_through::name == "write_through");
}

TEST_CASE_TEMPLATE("a call that fails is told, and nothing is synced behind a failed write", Sync,
                   wal::data, wal::all, wal::write_through) {
    const auto bytes = filled(3, 1);
    noted device;
    device.fails_at = 0;
    CHECK(Sync::write(device, 0, bytes, false).number == EIO);
    CHECK(device.calls == "w");
    noted other;
    other.fails_at = 1;
    CHECK(Sync::write(other, 0, bytes, false).number == EIO);
    CHECK(other.calls.size() == 2);
}

TEST_CASE_TEMPLATE("what was written is durable, and what was before it", Sync, wal::data,
                   wal::all, wal::write_through) {
    for (const bool some : {true, false}) {
        const contents before{{"a", filled(4096, 0)}};
        simulated_disk disk(before);
        storage::simulated device;
        REQUIRE(device.open(disk.path("a"), access::read_write).ok());
        REQUIRE(device.write(100, filled(1000, 1)).ok());
        const auto bytes = filled(some ? 1000 : 0, 2);
        REQUIRE(Sync::write(device, 1100, bytes, true).ok());
        crash_states states(before);
        for (const disk_change& change : disk.trace()) states.apply(change);
        std::mt19937_64 random(1);
        states.for_each(random, {}, [&](const contents& state) {
            CHECK(state == disk.files());
            return true;
        });
        CHECK(disk.trace().back().what == kind::sync);
        CHECK(disk.files().at("a")[1099] == std::byte{1});
        CHECK(disk.files().at("a")[1100] == static_cast<std::byte>(some ? 2 : 0));
    }
}

TEST_CASE_TEMPLATE("faults of a device are told", Sync, wal::data, wal::all, wal::write_through) {
    for (const unsigned kinds : {disk_faults::writes, disk_faults::syncs})
        for (const int number : {EIO, ENOSPC}) {
            simulated_disk disk(contents{{"a", filled(4096, 0)}});
            storage::simulated device;
            REQUIRE(device.open(disk.path("a"), access::read_write).ok());
            disk.set_faults({.kinds = kinds, .after = 0, .number = number, .forever = false,
                             .half = false});
            CHECK(Sync::write(device, 0, filled(10, 1), false).number == number);
        }
}

TEST_CASE_TEMPLATE("each method writes to a file", Sync, wal::data, wal::all,
                   wal::write_through) {
    const quire_test::temp_dir directory;
    storage::posix_file file;
    REQUIRE(file.create(directory.path("log")).ok());
    REQUIRE(Sync::write(file, 0, filled(5000, 1), false).ok());
    REQUIRE(Sync::write(file, 4000, filled(5000, 2), true).ok());
    REQUIRE(Sync::write(file, 9000, {}, true).ok());
    std::vector<std::byte> back(9000);
    REQUIRE(file.read(0, back).ok());
    CHECK(back[0] == std::byte{1});
    CHECK(back[3999] == std::byte{1});
    CHECK(back[4000] == std::byte{2});
    CHECK(back[8999] == std::byte{2});
}

TEST_CASE("a durable write to a file is a write") {
    const quire_test::temp_dir directory;
    const std::string path = directory.path("log");
    storage::posix_file file;
    const auto bytes = filled(10'000, 7);
    CHECK(file.write_durable(0, bytes).number == EBADF); // closed
    REQUIRE(file.create(path).ok());
    CHECK(file.write_durable(3, bytes).ok());
    std::uint64_t size = 0;
    CHECK(file.size(size).ok());
    CHECK(size == 10'003);
    std::vector<std::byte> back(10'003);
    REQUIRE(file.read(0, back).ok());
    CHECK(back[2] == std::byte{0});
    CHECK(back[3] == std::byte{7});
    CHECK(back[10'002] == std::byte{7});
    CHECK(file.write_durable(5, {}).ok());
    // A large one, in as many calls as it takes.
    const auto large = filled(std::size_t{9} << 20, 8);
    CHECK(file.write_durable(0, large).ok());
    CHECK(file.size(size).ok());
    CHECK(size == large.size());

    storage::posix_file reader;
    REQUIRE(reader.open(path, access::read_only).ok());
    CHECK_FALSE(reader.write_durable(0, bytes).ok());
}
