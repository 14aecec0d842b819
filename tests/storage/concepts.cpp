// The laws of a device, for the shipped ones and for those a user might write.
#include <quire/storage/concepts.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <quire/storage/file.hpp>
#include <quire/storage/mmap.hpp>
#include <quire/storage/simulated.hpp>
#include <quire/storage/simulated_disk.hpp>

#include "../support/temp_dir.hpp"
#include "archetypes.hpp"

namespace {

using namespace quire;
using namespace quire::storage;
using quire::storage::access; // not the system call of this name
using quire_test::counting_file;
using quire_test::ram_disk;
using quire_test::temp_dir;

std::vector<std::byte> pattern(std::size_t size, unsigned start) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::byte>((start + i * 7) & 0xFF);
    return bytes;
}

template <class D>
std::uint64_t size_of(const D& device) {
    std::uint64_t bytes = 12345;
    REQUIRE(device.size(bytes).ok());
    return bytes;
}

template <class D>
std::vector<std::byte> read_back(const D& device, std::uint64_t offset, std::size_t size) {
    std::vector<std::byte> bytes(size, std::byte{0xEE});
    CHECK(device.read(offset, bytes).ok());
    return bytes;
}

// Where a device keeps its files while a test runs.
template <class>
class place : public temp_dir {};
template <class D>
    requires std::derived_from<D, simulated_device<D::maps>>
class place<D> : public simulated_disk {};

#define EVERY_DEVICE file, storage::mmap, counting_file, ram_disk, simulated, simulated_mmap

TEST_CASE_TEMPLATE("a closed device refuses everything but to be closed", D, EVERY_DEVICE) {
    D device;
    std::byte byte{};
    std::uint64_t bytes = 0;
    const std::array<bytes_view, 1> parts{bytes_view(&byte, 1)};
    CHECK(device.close().ok());
    CHECK_FALSE(device.read(0, {&byte, 1}).ok());
    CHECK_FALSE(device.write(0, {&byte, 1}).ok());
    CHECK_FALSE(device.write_gather(0, parts).ok());
    CHECK_FALSE(device.size(bytes).ok());
    CHECK_FALSE(device.resize(1).ok());
    CHECK_FALSE(device.sync_data().ok());
    CHECK_FALSE(device.sync_all().ok());
    CHECK(device.lock(access::read_only) == lock_result::failed);
    CHECK_FALSE(device.same_file_as_path("/"));
    CHECK(lock_holder(device) == 0);
    if constexpr (D::maps) {
        CHECK(device.mapping() == nullptr);
        CHECK(device.mapping_size() == 0);
    }
}

TEST_CASE_TEMPLATE("what was written is read, after reopening too", D, EVERY_DEVICE) {
    const place<D> dir;
    const std::string path = dir.path("a.quire");
    const auto bytes = pattern(10000, 3);
    {
        D device;
        REQUIRE(device.create(path).ok());
        CHECK(size_of(device) == 0);
        CHECK(device.write(0, bytes).ok());
        CHECK(size_of(device) == bytes.size());
        CHECK(read_back(device, 0, bytes.size()) == bytes);
        const auto other = pattern(100, 200);
        CHECK(device.write(5000, other).ok());
        CHECK(read_back(device, 5000, 100) == other);
        const auto before = bytes.begin() + 4990;
        const auto behind = bytes.begin() + 5100;
        CHECK(read_back(device, 4990, 10) == std::vector(before, before + 10));
        CHECK(read_back(device, 5100, 10) == std::vector(behind, behind + 10));
        CHECK(device.write(5000, bytes_view(bytes).subspan(5000, 100)).ok());
        CHECK(device.sync_data().ok());
        CHECK(device.sync_all().ok());
        CHECK(D::sync_directory_of(path).ok());
        CHECK(device.same_file_as_path(path));
        CHECK(device.close().ok());
        CHECK_FALSE(device.same_file_as_path(path));
        CHECK(device.open(path, access::read_only).ok());
        CHECK(read_back(device, 0, bytes.size()) == bytes);
    }
    D device;
    REQUIRE(device.open(path, access::read_write).ok());
    CHECK(read_back(device, 0, bytes.size()) == bytes);
    CHECK(D::remove(path).ok());
}

TEST_CASE_TEMPLATE("create takes only a free name, open only a taken one", D, EVERY_DEVICE) {
    const place<D> dir;
    const std::string path = dir.path("a.quire");
    D device;
    CHECK(device.open(path, access::read_write).number == ENOENT);
    REQUIRE(device.create(path).ok());
    REQUIRE(device.write(0, pattern(3, 0)).ok());
    D other;
    CHECK(other.create(path).number == EEXIST);
    CHECK(size_of(device) == 3);
    CHECK(D::remove(path).ok());
    CHECK(D::remove(path).number == ENOENT);
    CHECK(device.write(3, pattern(3, 0)).ok());
    CHECK_FALSE(device.same_file_as_path(path));
    CHECK(other.create(path).ok());
    CHECK(size_of(other) == 0);
    CHECK_FALSE(device.same_file_as_path(path));
    CHECK(other.same_file_as_path(path));
}

TEST_CASE_TEMPLATE("the end of the file inside a read is short, never zeros", D, EVERY_DEVICE) {
    const place<D> dir;
    D device;
    REQUIRE(device.create(dir.path("a.quire")).ok());
    REQUIRE(device.write(0, pattern(100, 0)).ok());
    std::array<std::byte, 101> buffer{};
    CHECK(device.read(0, mutable_bytes(buffer).first(100)).ok());
    CHECK(device.read(0, buffer).is_short());
    CHECK(device.read(99, mutable_bytes(buffer).first(2)).is_short());
    CHECK(device.read(100, mutable_bytes(buffer).first(1)).is_short());
    CHECK(device.read(1 << 20, mutable_bytes(buffer).first(1)).is_short());
    CHECK(device.read(~std::uint64_t{0}, mutable_bytes(buffer).first(1)).is_short());
    CHECK(device.read(100, {}).ok());
}

TEST_CASE_TEMPLATE("growth reads as zeros, shrinking cuts", D, EVERY_DEVICE) {
    const place<D> dir;
    D device;
    REQUIRE(device.create(dir.path("a.quire")).ok());
    CHECK(device.resize(8192).ok());
    CHECK(size_of(device) == 8192);
    CHECK(preallocate(device, 0, 8192).ok());
    CHECK(preallocate(device, 4096, 1 << 20).ok());
    CHECK(preallocate(device, 0, 0).ok());
    CHECK(size_of(device) == 8192);
    CHECK(read_back(device, 0, 8192) == std::vector<std::byte>(8192));
    CHECK(device.write(10000, pattern(10, 1)).ok());
    CHECK(size_of(device) == 10010);
    CHECK(read_back(device, 8192, 10000 - 8192) == std::vector<std::byte>(10000 - 8192));
    CHECK(device.write(0, pattern(8192, 1)).ok());
    CHECK(device.resize(5000).ok());
    CHECK(size_of(device) == 5000);
    CHECK(device.resize(9000).ok());
    CHECK(read_back(device, 0, 5000) == pattern(5000, 1));
    CHECK(read_back(device, 5000, 4000) == std::vector<std::byte>(4000));
    CHECK(device.resize(0).ok());
    CHECK(size_of(device) == 0);
    CHECK(device.resize(~std::uint64_t{0}).is_full());
    CHECK(device.write(~std::uint64_t{0} - 1, pattern(1, 0)).is_full());
}

TEST_CASE_TEMPLATE("gathered parts stand one behind the other", D, EVERY_DEVICE) {
    const place<D> dir;
    D device;
    REQUIRE(device.create(dir.path("a.quire")).ok());
    const auto bytes = pattern(9000, 9);
    std::vector<bytes_view> parts; // more of them than one call of the system takes
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        parts.push_back(bytes_view(bytes).subspan(at, 3));
        if (at % 10 == 0) parts.emplace_back();
    }
    CHECK(device.write_gather(77, parts).ok());
    CHECK(size_of(device) == 9077);
    CHECK(read_back(device, 77, bytes.size()) == bytes);
    CHECK(device.write_gather(0, {}).ok());
    CHECK(size_of(device) == 9077);
}

TEST_CASE_TEMPLATE("locks exclude within the process and end with the device", D, EVERY_DEVICE) {
    const place<D> dir;
    const std::string path = dir.path("a.quire");
    D first;
    REQUIRE(first.create(path).ok());
    D second;
    REQUIRE(second.open(path, access::read_write).ok());
    CHECK(first.lock(access::read_write) == lock_result::held);
    CHECK(first.lock(access::read_write) == lock_result::held);
    CHECK(second.lock(access::read_write) == lock_result::busy);
    CHECK(second.lock(access::read_only) == lock_result::busy);
    // Closing a third handle must not drop the lock of the first.
    {
        D third;
        REQUIRE(third.open(path, access::read_only).ok());
    }
    CHECK(second.lock(access::read_write) == lock_result::busy);

    CHECK(first.lock(access::read_only) == lock_result::held);
    CHECK(second.lock(access::read_only) == lock_result::held);
    CHECK(second.lock(access::read_write) == lock_result::busy);
    D third;
    REQUIRE(third.open(path, access::read_only).ok());
    CHECK(third.lock(access::read_only) == lock_result::held);
    CHECK(first.close().ok());
    CHECK(second.lock(access::read_write) == lock_result::busy);
    { const D gone = std::move(third); }
    CHECK(second.lock(access::read_write) == lock_result::held);

    // A moved device takes its lock along; one that is assigned to gives its own up.
    D moved = std::move(second);
    REQUIRE(first.open(path, access::read_write).ok());
    CHECK(first.lock(access::read_only) == lock_result::busy);
    moved = D{};
    CHECK(first.lock(access::read_only) == lock_result::held);
}

TEST_CASE_TEMPLATE("a rename never replaces", D, EVERY_DEVICE) {
    const place<D> dir;
    const std::string from = dir.path("from");
    const std::string to = dir.path("to");
    D source;
    D target;
    CHECK(D::rename_new(from, to).number == ENOENT);
    REQUIRE(source.create(from).ok());
    REQUIRE(target.create(to).ok());
    CHECK(D::rename_new(from, to).number == EEXIST);
    CHECK(source.same_file_as_path(from));
    CHECK(target.same_file_as_path(to));
    CHECK(D::remove(to).ok());
    CHECK(source.lock(access::read_write) == lock_result::held);
    CHECK(D::rename_new(from, to).ok());
    CHECK(source.same_file_as_path(to));
    CHECK_FALSE(source.same_file_as_path(from));
    CHECK(D::sync_directory_of(to).ok());
    // The device and its lock are of the file, not of the name it had.
    CHECK(source.write(0, pattern(10, 0)).ok());
    D other;
    CHECK(other.open(from, access::read_only).number == ENOENT);
    REQUIRE(other.open(to, access::read_only).ok());
    CHECK(size_of(other) == 10);
    CHECK(other.lock(access::read_only) == lock_result::busy);
}

TEST_CASE_TEMPLATE("a moved-from device is closed and can be used again", D, EVERY_DEVICE) {
    const place<D> dir;
    D a;
    REQUIRE(a.create(dir.path("a")).ok());
    REQUIRE(a.write(0, pattern(10, 1)).ok());
    D b = std::move(a);
    CHECK(read_back(b, 0, 10) == pattern(10, 1));
    std::byte byte{};
    CHECK_FALSE(a.read(0, {&byte, 1}).ok());
    REQUIRE(a.create(dir.path("b")).ok());
    CHECK(size_of(a) == 0);
    a = std::move(b);
    CHECK(a.same_file_as_path(dir.path("a")));
    CHECK(read_back(a, 0, 10) == pattern(10, 1));
    CHECK_FALSE(b.read(0, {&byte, 1}).ok());
}

TEST_CASE_TEMPLATE("threads read while one writes elsewhere", D, EVERY_DEVICE) {
    const place<D> dir;
    D device;
    REQUIRE(device.create(dir.path("a.quire")).ok());
    const auto still = pattern(4096, 5);
    REQUIRE(device.write(0, still).ok());
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
            std::vector<std::byte> bytes(4096);
            std::uint64_t size = 0;
            for (int round = 0; round < 500; ++round) {
                if (!device.read(0, bytes).ok() || bytes != still) ++wrong;
                if (!device.size(size).ok() || size < 4096) ++wrong;
            }
        });
    for (unsigned round = 0; round < 200; ++round)
        CHECK(device.write(4096 + 512 * round, pattern(512, round)).ok());
    for (std::thread& reader : readers) reader.join();
    CHECK(wrong == 0);
}

} // namespace
