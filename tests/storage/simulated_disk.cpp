#include <quire/storage/simulated_disk.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/storage/crash_states.hpp>
#include <quire/storage/simulated.hpp>

namespace {

using namespace quire;
using namespace quire::storage;
using quire::storage::access; // not the system call of this name
using kind = disk_change::kind;

std::vector<std::byte> text(std::string_view s) {
    std::vector<std::byte> bytes(s.size());
    for (std::size_t i = 0; i < s.size(); ++i) bytes[i] = static_cast<std::byte>(s[i]);
    return bytes;
}

} // namespace

TEST_CASE("a disk begins with its files and says what is in them") {
    const simulated_disk::contents before{{"a", text("one")}, {"b", {}}};
    simulated_disk disk(before);
    CHECK(disk.files() == before);
    CHECK(disk.trace().empty());
    simulated device;
    REQUIRE(device.open(disk.path("a"), access::read_write).ok());
    CHECK(device.write(1, text("NE!")).ok());
    CHECK(disk.files() == simulated_disk::contents{{"a", text("oNE!")}, {"b", {}}});
}

TEST_CASE("every change is recorded, in order, and what fails is not") {
    simulated_disk disk({{"old", text("x")}});
    {
        simulated device;
        REQUIRE(device.create(disk.path("new")).ok());
        CHECK(device.create(disk.path("old")).number == EEXIST);
        CHECK(device.write(3, text("abc")).ok());
        disk.mark(7);
        const std::vector<std::byte> one = text("one");
        const std::vector<std::byte> two = text("two");
        const std::array<bytes_view, 2> parts{bytes_view(one), bytes_view(two)};
        CHECK(device.write_gather(0, parts).ok());
        CHECK(device.resize(4).ok());
        CHECK(device.sync_data().ok());
        CHECK(simulated::rename_new(disk.path("new"), disk.path("old")).number == EEXIST);
        CHECK(simulated::rename_new(disk.path("new"), disk.path("fresh")).ok());
        CHECK(simulated::sync_directory_of(disk.path("fresh")).ok());
        CHECK(simulated::remove(disk.path("old")).ok());
        CHECK(simulated::remove(disk.path("old")).number == ENOENT);
        disk.record(false);
        CHECK(device.write(0, text("z")).ok());
    }
    const std::vector<disk_change>& trace = disk.trace();
    REQUIRE(trace.size() == 9);
    const auto is = [&](std::size_t i, kind what, std::uint32_t file, std::uint64_t offset) {
        CHECK(trace[i].what == what);
        CHECK(trace[i].file == file);
        CHECK(trace[i].offset == offset);
    };
    is(0, kind::create, 1, 0);
    CHECK(trace[0].name == "new");
    is(1, kind::write, 1, 3);
    CHECK(trace[1].content == text("abc"));
    is(2, kind::mark, 0, 7);
    is(3, kind::write, 1, 0);
    CHECK(trace[3].content == text("onetwo"));
    is(4, kind::resize, 1, 4);
    is(5, kind::sync, 1, 0);
    is(6, kind::rename, 1, 0);
    CHECK(trace[6].name == "new");
    CHECK(trace[6].to == "fresh");
    is(7, kind::sync_directory, 0, 0);
    is(8, kind::remove, 0, 0);
    CHECK(trace[8].name == "old");
    CHECK(disk.files() == simulated_disk::contents{{"fresh", text("znet")}});
}

TEST_CASE("calls of chosen kinds fail, once or from then on") {
    simulated_disk disk;
    simulated device;
    REQUIRE(device.create(disk.path("a")).ok());
    const std::vector<std::byte> four = text("abcd");
    SUBCASE("once") {
        disk.set_faults({.kinds = disk_faults::writes, .after = 1, .number = EIO});
        CHECK(device.write(0, four).ok());
        CHECK(device.sync_data().ok()); // is of another kind
        CHECK(device.write(4, four).number == EIO);
        CHECK(device.write(4, four).ok());
        CHECK(disk.calls() == 3);
        CHECK(disk.failures() == 1);
    }
    SUBCASE("for ever") {
        disk.set_faults({.kinds = disk_faults::changes | disk_faults::reads,
                         .after = 2, .number = ENOSPC, .forever = true});
        CHECK(device.write(0, four).ok());
        std::vector<std::byte> back(4);
        CHECK(device.read(0, back).ok());
        CHECK(device.read(0, back).number == ENOSPC);
        CHECK(device.resize(1).number == ENOSPC);
        CHECK(device.sync_all().number == ENOSPC);
        CHECK(simulated::sync_directory_of(disk.path("a")).number == ENOSPC);
        CHECK(simulated::rename_new(disk.path("a"), disk.path("b")).number == ENOSPC);
        CHECK(simulated::remove(disk.path("a")).number == ENOSPC);
        CHECK(simulated().create(disk.path("c")).number == ENOSPC);
        CHECK(disk.files() == simulated_disk::contents{{"a", four}});
        CHECK(disk.failures() == 7);
    }
    SUBCASE("in the middle of a write") {
        disk.set_faults({.kinds = disk_faults::writes, .number = EIO, .half = true});
        CHECK(device.write(0, four).number == EIO);
        CHECK(disk.files() == simulated_disk::contents{{"a", text("ab")}});
        CHECK(disk.trace().back().content == text("ab"));
    }
}

TEST_CASE("a disk holds no more than its capacity, over all files") {
    simulated_disk disk({{"other", text("123456")}});
    disk.set_capacity(10);
    simulated device;
    REQUIRE(device.create(disk.path("a")).ok());
    CHECK(device.write(0, text("abcd")).ok());
    CHECK(device.write(0, text("ABCD")).ok()); // grows nothing
    CHECK(device.write(4, text("e")).number == ENOSPC);
    CHECK(device.resize(5).number == ENOSPC);
    CHECK(device.resize(2).ok());
    CHECK(device.resize(4).ok());
    disk.set_capacity(simulated_disk::unlimited);
    CHECK(device.write(4, text("e")).ok());
    CHECK(device.resize(simulated_disk::longest_file + 1).number == EFBIG);
    CHECK(device.write(simulated_disk::longest_file, text("x")).number == EFBIG);
}

TEST_CASE("paths lead to their disk alone, and to none when it is gone") {
    simulated device;
    std::string gone;
    {
        simulated_disk a;
        simulated_disk b({{"x", text("b")}});
        gone = b.path("x");
        CHECK(device.open(a.path("x"), access::read_only).number == ENOENT);
        CHECK(device.open(b.path("x"), access::read_only).ok());
        CHECK(simulated::rename_new(b.path("x"), a.path("x")).number == EXDEV);
        CHECK(device.close().ok());
    }
    CHECK(device.open(gone, access::read_only).number == ENOENT);
    for (const char* const path : {"", "x", "/", "simulated-disk-", "simulated-disk-1",
                                   "simulated-disk-x/y", "simulated-disk-0/y"})
        CHECK(device.open(path, access::read_only).number == ENOENT);
}

TEST_CASE("a sync fails as file systems let it fail") {
    using quire::storage::failed_sync;
    const std::vector<std::byte> old(100, std::byte{1});
    const std::vector<std::byte> fresh(300, std::byte{2});
    for (const failed_sync how : {failed_sync::kept, failed_sync::dropped, failed_sync::late,
                                  failed_sync::reverted}) {
        CAPTURE(static_cast<int>(how));
        simulated_disk disk;
        simulated file;
        REQUIRE(file.create(disk.path("f")).ok());
        REQUIRE(file.write(0, old).ok());
        disk.set_faults({.kinds = disk_faults::syncs, .after = 1, .number = EIO, .sync = how});
        REQUIRE(file.sync_data().ok());
        REQUIRE(file.resize(150).ok());
        REQUIRE(file.write(50, fresh).ok());
        REQUIRE(file.resize(200).ok());
        const bool late = how == failed_sync::late;
        CHECK(file.sync_all().number == (late ? 0 : EIO));
        CHECK(disk.failures() == 1);
        // What programs see.
        std::vector<std::byte> expected = old;
        if (how != failed_sync::reverted) {
            expected.resize(50);
            expected.resize(200, std::byte{2});
        }
        CHECK(disk.files().at("f") == expected);
        // The next sync: with what was written since then, or to be told late.
        CHECK(file.sync_data().number == (late ? EIO : 0));
        CHECK(file.sync_data().ok());
        std::size_t lost = 0;
        for (const auto& change : disk.trace()) lost += change.what == disk_change::kind::lost;
        CHECK(lost == (how == failed_sync::kept ? 0 : 1));
        CHECK(disk.files().at("f") == expected);
        // What the medium has.
        quire::storage::crash_states states;
        for (const auto& change : disk.trace()) states.apply(change);
        if (how == failed_sync::kept) CHECK(states.everything().at("f") == expected);
    }
}
