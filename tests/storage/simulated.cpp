// The laws of a device are shown in concepts.cpp; here is what a simulated one adds.
#include <quire/storage/simulated.hpp>

#include <cerrno>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

#include <quire/storage/simulated_disk.hpp>

#include "../support/death.hpp"

namespace {

using namespace quire;
using namespace quire::storage;
using quire::storage::access; // not the system call of this name

} // namespace

TEST_CASE_TEMPLATE("a device opened for reading changes nothing", D, simulated, simulated_mmap) {
    const std::vector<std::byte> bytes(3, std::byte{5});
    simulated_disk disk({{"a", bytes}});
    D device;
    REQUIRE(device.open(disk.path("a"), access::read_only).ok());
    CHECK(device.write(0, bytes).number == EBADF);
    CHECK(device.resize(0).number == EBADF);
    CHECK(device.sync_data().number == EBADF);
    CHECK(device.lock(access::read_write) == lock_result::failed);
    CHECK(device.lock(access::read_only) == lock_result::held);
    CHECK(disk.trace().empty());
    CHECK(disk.files() == simulated_disk::contents{{"a", bytes}});
}

TEST_CASE("a mapping shows what is written, at the same address") {
    simulated_disk disk;
    simulated_mmap device;
    REQUIRE(device.create(disk.path("a")).ok());
    const std::byte* const at = device.mapping();
    REQUIRE(at != nullptr);
    CHECK(device.mapping_size() == simulated_disk::longest_file);
    const std::vector<std::byte> bytes(100'000, std::byte{5});
    CHECK(device.write(50'000, bytes).ok());
    CHECK(device.mapping() == at);
    CHECK(at[49'999] == std::byte{0});
    CHECK(at[149'999] == std::byte{5});
    CHECK(device.resize(60'000).ok());
    CHECK(device.resize(70'000).ok());
    CHECK(at[60'000] == std::byte{0});
}

TEST_CASE("one call writes and makes durable, or fails as either does") {
    simulated_disk disk;
    simulated device;
    REQUIRE(device.create(disk.path("a")).ok());
    const std::vector<std::byte> bytes(700, std::byte{5});
    REQUIRE(device.write_durable(100, bytes).ok());
    CHECK(device.write_durable(0, {}).ok());
    using kind = disk_change::kind;
    REQUIRE(disk.trace().size() == 4);
    CHECK(disk.trace()[1].what == kind::write);
    CHECK(disk.trace()[2].what == kind::sync);
    CHECK(disk.files().at("a").size() == 800);
    for (const unsigned kinds : {disk_faults::writes, disk_faults::syncs}) {
        disk.set_faults({.kinds = kinds, .number = EIO});
        CHECK(device.write_durable(0, bytes).number == EIO);
        disk.set_faults({});
        CHECK(device.sync_data().ok());
    }
    CHECK(device.write(0, bytes).ok());
    const auto died =
        quire_test::death_of([&] { static_cast<void>(device.write_durable(0, bytes)); });
    CHECK(died.says("what was written before is durable"));
}

TEST_CASE("two devices are one file, whatever its name becomes") {
    simulated_disk disk;
    simulated writer;
    simulated reader;
    REQUIRE(writer.create(disk.path("a")).ok());
    REQUIRE(reader.open(disk.path("a"), access::read_only).ok());
    CHECK(simulated::rename_new(disk.path("a"), disk.path("b")).ok());
    CHECK(simulated::remove(disk.path("b")).ok());
    const std::vector<std::byte> bytes(3, std::byte{5});
    CHECK(writer.write(0, bytes).ok());
    std::vector<std::byte> back(3);
    CHECK(reader.read(0, back).ok());
    CHECK(back == bytes);
    CHECK_FALSE(reader.same_file_as_path(disk.path("b")));
}

TEST_CASE("a lock that cannot be widened is kept as it is") {
    simulated_disk disk(simulated_disk::contents{{"a", {}}});
    simulated x;
    simulated y;
    simulated z;
    for (simulated* const device : {&x, &y, &z})
        REQUIRE(device->open(disk.path("a"), access::read_write).ok());
    CHECK(x.lock(access::read_only) == lock_result::held);
    CHECK(y.lock(access::read_only) == lock_result::held);
    CHECK(x.lock(access::read_write) == lock_result::busy);
    CHECK(y.close().ok());
    CHECK(z.lock(access::read_write) == lock_result::busy); // x has its share still
    CHECK(x.lock(access::read_write) == lock_result::held);
    CHECK(z.lock(access::read_only) == lock_result::busy);
}

#if QUIRE_ASSERTIONS
TEST_CASE("mistakes of the caller are named") {
    CHECK(quire_test::death_of([] {
              simulated device;
              const simulated_disk disk(simulated_disk::contents{{"a", {}}});
              static_cast<void>(device.open(disk.path("a"), access::read_only));
          }).says("is closed before the disk"));
    CHECK(quire_test::death_of([] {
              const simulated_disk disk(simulated_disk::contents{{"a", {}}});
              simulated device;
              static_cast<void>(device.open(disk.path("a"), access::read_only));
              static_cast<void>(device.open(disk.path("a"), access::read_only));
          }).says("close a device before"));
}
#endif
