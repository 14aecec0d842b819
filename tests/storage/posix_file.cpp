// What only files of the operating system can do wrong: kinds of files, rights, limits, processes.
#include <quire/storage/posix_file.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <quire/storage/file.hpp>
#include <quire/storage/mmap.hpp>

#include "../support/temp_dir.hpp"
#include "child.hpp"

namespace {

using namespace quire;
using namespace quire::storage;
using quire::storage::access; // not the system call of this name
using quire_test::in_child;
using quire_test::temp_dir;
using quire_test::waiting_child;

const std::array<std::byte, 4> four{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};

#define BOTH_FILES file, storage::mmap

TEST_CASE_TEMPLATE("paths that lead to no regular file", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    for (const access how : {access::read_only, access::read_write}) {
        CHECK(device.open(dir.path(), how).number == EISDIR);
        CHECK(device.open(dir.path() + '/', how).number == EISDIR);
        CHECK(device.open(dir.path("missing"), how).number == ENOENT);
        CHECK(device.open(dir.path("missing/file"), how).number == ENOENT);
        CHECK(device.open("/dev/null", how).number == EINVAL);
        CHECK(device.open("", how).number == ENOENT);
        CHECK_FALSE(device.is_open());
    }
    CHECK(device.create(dir.path("missing/file")).number == ENOENT);
    CHECK(device.create(dir.path()).number == EEXIST);
    CHECK(device.create("").number == ENOENT);
    CHECK(device.create(dir.path(std::string(300, 'x'))).number == ENAMETOOLONG);
    CHECK(D::sync_directory_of(dir.path("missing/file")).number == ENOENT);
    CHECK(D::sync_directory_of(std::string(5000, 'x') + "/y").number == ENAMETOOLONG);
    CHECK(D::remove(dir.path()).number == EISDIR);

    // A pipe must not make anyone wait for its other end.
    REQUIRE(::mkfifo(dir.path("pipe").c_str(), 0600) == 0);
    CHECK(device.open(dir.path("pipe"), access::read_only).number == EINVAL);
    CHECK(device.open(dir.path("pipe"), access::read_write).number == EINVAL);

    REQUIRE(device.create(dir.path("file")).ok());
    CHECK(device.close().ok());
    CHECK(device.open(dir.path("file/below"), access::read_only).number == ENOTDIR);
    CHECK(device.create(dir.path("file/below")).number == ENOTDIR);

    // A name with a zero byte in it would be cut off there.
    const std::string cut = dir.path("file") + '\0' + "x";
    CHECK(device.open(cut, access::read_only).number == EINVAL);
    CHECK(device.create(dir.path("new") + '\0' + "x").number == EINVAL);
    CHECK(::access(dir.path("new").c_str(), F_OK) != 0);
}

TEST_CASE_TEMPLATE("the directory of a path", D, BOTH_FILES) {
    CHECK(D::sync_directory_of("name").ok());
    CHECK(D::sync_directory_of("./name").ok());
    const temp_dir dir;
    CHECK(D::sync_directory_of(dir.path("name")).ok());
    CHECK(D::sync_directory_of(dir.path() + "//name").ok());
}

TEST_CASE_TEMPLATE("a file opened for reading is not written", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(device.write(0, four).ok());
    REQUIRE(device.close().ok());
    REQUIRE(device.open(dir.path("a"), access::read_only).ok());
    const std::array<bytes_view, 1> parts{bytes_view(four)};
    CHECK(device.write(0, four).number == EBADF);
    CHECK(device.write_gather(0, parts).number == EBADF);
    CHECK_FALSE(device.resize(0).ok());
    CHECK(device.lock(access::read_write) == lock_result::failed);
    CHECK(device.lock(access::read_only) == lock_result::held);
    std::array<std::byte, 4> back{};
    CHECK(device.read(0, back).ok());
    CHECK(back == four);
}

TEST_CASE_TEMPLATE("rights are the file system's", D, BOTH_FILES) {
    if (::geteuid() == 0) {
        MESSAGE("skipped: root may do everything");
        return;
    }
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(device.close().ok());
    REQUIRE(::chmod(dir.path("a").c_str(), 0400) == 0);
    CHECK(device.open(dir.path("a"), access::read_write).number == EACCES);
    CHECK(device.open(dir.path("a"), access::read_only).ok());
    CHECK(device.close().ok());
    REQUIRE(::chmod(dir.path().c_str(), 0500) == 0);
    CHECK(device.create(dir.path("b")).number == EACCES);
    CHECK(D::remove(dir.path("a")).number == EACCES);
    CHECK(D::rename_new(dir.path("a"), dir.path("b")).number == EACCES);
}

TEST_CASE_TEMPLATE("offsets behind 4 GiB are not those in front", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("sparse")).ok());
    const std::uint64_t far = (std::uint64_t{5} << 30) + 3;
    REQUIRE(device.write(far, four).ok());
    std::uint64_t size = 0;
    REQUIRE(device.size(size).ok());
    CHECK(size == far + 4);
    std::array<std::byte, 4> back{};
    CHECK(device.read(far, back).ok());
    CHECK(back == four);
    CHECK(device.read(far & 0xFFFFFFFF, back).ok());
    CHECK(back == std::array<std::byte, 4>{});
    CHECK(device.read(far + 1, back).is_short());
    CHECK(device.resize(std::uint64_t{6} << 30).ok());
    REQUIRE(device.size(size).ok());
    CHECK(size == std::uint64_t{6} << 30);
    struct stat facts {};
    REQUIRE(::fstat(device.descriptor(), &facts) == 0);
    CHECK(facts.st_blocks < 1000); // the hole costs nothing
}

TEST_CASE_TEMPLATE("a hint of reading changes nothing, wherever it points", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    start_reading(device, 0, 4096); // closed
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(device.write(0, four).ok());
    start_reading(device, 0, 10);
    start_reading(device, 5, 1 << 20);
    start_reading(device, std::uint64_t{1} << 40, 4096);
    start_reading(device, ~std::uint64_t{0} - 10, 4096);
    std::uint64_t size = 0;
    REQUIRE(device.size(size).ok());
    CHECK(size == four.size());
}

TEST_CASE("a scattered read gives what there is") {
    const temp_dir dir;
    file device;
    std::array<std::byte, 3> first{};
    std::array<std::byte, 5> second{};
    const std::array<mutable_bytes, 2> parts{mutable_bytes{first}, mutable_bytes{second}};
    CHECK(device.read_scatter(0, parts) == 0); // closed
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(device.write(0, four).ok());
    CHECK(device.read_scatter(0, parts) == 4);
    CHECK(first[2] == std::byte{3});
    CHECK(second[0] == std::byte{4});
    CHECK(device.read_scatter(2, parts) == 2);
    CHECK(device.read_scatter(4, parts) == 0);
    CHECK(device.read_scatter(~std::uint64_t{0}, parts) == 0);
    CHECK(device.read_scatter(0, {}) == 0);
    const std::vector<mutable_bytes> many(20, mutable_bytes{first});
    REQUIRE(device.resize(100).ok());
    CHECK(device.read_scatter(0, many) == 16 * first.size());
}

TEST_CASE_TEMPLATE("preallocated blocks exist and leave the size alone", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(device.resize(1 << 20).ok());
    REQUIRE(preallocate(device, 0, 1 << 20).ok());
    struct stat facts {};
    REQUIRE(::fstat(device.descriptor(), &facts) == 0);
    CHECK(facts.st_size == 1 << 20);
    if (facts.st_blocks == 0) MESSAGE("this file system gives no blocks ahead");
    else CHECK(facts.st_blocks >= (1 << 20) / 512);
    CHECK(preallocate(device, ~std::uint64_t{0}, 2).is_full());
}

TEST_CASE_TEMPLATE("punched blocks are gone, read as zeros, and leave the size alone", D,
                   BOTH_FILES) {
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("a")).ok());
    const std::vector<std::byte> ones(1 << 20, std::byte{1});
    REQUIRE(device.write(0, ones).ok());
    REQUIRE(device.sync_all().ok());
    struct stat before {};
    REQUIRE(::fstat(device.descriptor(), &before) == 0);
    REQUIRE(punch(device, 1 << 18, 1 << 19).ok());
    struct stat after {};
    REQUIRE(::fstat(device.descriptor(), &after) == 0);
    CHECK(after.st_size == 1 << 20);
    std::vector<std::byte> found(1 << 20);
    REQUIRE(device.read(0, found).ok());
    if (after.st_blocks == before.st_blocks) {
        MESSAGE("this file system takes no blocks back");
    } else {
        CHECK(after.st_blocks <= before.st_blocks - (1 << 19) / 512);
        std::fill_n(found.begin() + (1 << 18), 1 << 19, std::byte{1});
    }
    CHECK(found == ones);
    CHECK(punch(device, 0, 0).ok());
    CHECK(punch(device, ~std::uint64_t{0}, 2).is_full());
}

TEST_CASE_TEMPLATE("a descriptor is closed on exec and never a standard stream", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("a")).ok());
    CHECK((::fcntl(device.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(in_child([&] {
              for (int stream = 0; stream < 3; ++stream) ::close(stream);
              D created;
              D opened;
              if (!created.create(dir.path("b")).ok() || created.descriptor() < 3) return 1;
              if (!opened.open(dir.path("a"), access::read_only).ok() || opened.descriptor() < 3)
                  return 2;
              if ((::fcntl(created.descriptor(), F_GETFD) & FD_CLOEXEC) == 0) return 3;
              for (int stream = 0; stream < 3; ++stream)
                  if (::fcntl(stream, F_GETFD) != -1)
                      return 4; // nothing is left where it first was
              return 0;
          }) == 0);
}

TEST_CASE_TEMPLATE("a lock excludes another process", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(device.lock(access::read_write) == lock_result::held);
    const auto locks_in_child = [&](access how) {
        return in_child([&] {
            D other;
            if (!other.open(dir.path("a"), access::read_write).ok()) return 9;
            return static_cast<int>(other.lock(how));
        });
    };
    CHECK(locks_in_child(access::read_only) == static_cast<int>(lock_result::busy));
    CHECK(locks_in_child(access::read_write) == static_cast<int>(lock_result::busy));
    REQUIRE(device.lock(access::read_only) == lock_result::held);
    CHECK(locks_in_child(access::read_only) == static_cast<int>(lock_result::held));
    CHECK(locks_in_child(access::read_write) == static_cast<int>(lock_result::busy));
    REQUIRE(device.close().ok());
    CHECK(locks_in_child(access::read_write) == static_cast<int>(lock_result::held));
}

TEST_CASE_TEMPLATE("a forked child may read, change nothing, and leaves the lock", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(device.write(0, four).ok());
    REQUIRE(device.lock(access::read_write) == lock_result::held);
    CHECK_FALSE(device.forked());
    CHECK(in_child([&] {
              const std::array<bytes_view, 1> parts{bytes_view(four)};
              std::array<std::byte, 4> back{};
              if (!device.forked()) return 1;
              if (!device.read(0, back).ok() || back != four) return 2;
              if (device.write(0, four).number != EBADF) return 3;
              if (device.write_gather(0, parts).number != EBADF) return 4;
              if (device.resize(0).number != EBADF) return 5;
              if (device.sync_data().number != EBADF || device.sync_all().number != EBADF) return 6;
              if (device.preallocate(0, 1).number != EBADF) return 7;
              if (device.punch(0, 1).number != EBADF) return 8;
              if (device.lock(access::read_only) != lock_result::failed) return 9;
              if (!device.close().ok()) return 10;
              return 0;
          }) == 0);
    D other;
    REQUIRE(other.open(dir.path("a"), access::read_write).ok());
    CHECK(other.lock(access::read_write) == lock_result::busy);
    std::uint64_t size = 0;
    CHECK(device.size(size).ok());
    CHECK(size == 4);
}

TEST_CASE_TEMPLATE("a child that lives on does not keep a closed file locked", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(device.lock(access::read_write) == lock_result::held);
    const waiting_child child; // has a copy of the descriptor
    REQUIRE(child.runs());
    D other;
    REQUIRE(other.open(dir.path("a"), access::read_write).ok());
    CHECK(other.lock(access::read_write) == lock_result::busy);
    CHECK(device.close().ok());
    CHECK(other.lock(access::read_write) == lock_result::held);
}

TEST_CASE_TEMPLATE("a file as large as it may be is full", D, BOTH_FILES) {
    const temp_dir dir;
    CHECK(in_child([&] {
              ::signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{10000, 10000};
              if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
              D device;
              if (!device.create(dir.path("a")).ok()) return 2;
              const std::vector<std::byte> bytes(8192, std::byte{7});
              const std::array<bytes_view, 2> parts{bytes_view(bytes), bytes_view(bytes)};
              if (!device.write(0, bytes).ok()) return 3;
              if (!device.write(8192, bytes).is_full()) return 4; // short at first, then refused
              std::uint64_t size = 0;
              if (!device.size(size).ok() || size != 10000) return 5;
              if (!device.write_gather(4096, parts).is_full()) return 6;
              if (!device.resize(10001).is_full()) return 7;
              std::vector<std::byte> back(8192);
              if (!device.read(0, mutable_bytes(back).first(4096)).ok()) return 8;
              if (!device.resize(100).ok() || !device.sync_all().ok()) return 9;
              return 0;
          }) == 0);
}

TEST_CASE_TEMPLATE("links lead to the same file", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(::symlink(dir.path("a").c_str(), dir.path("soft").c_str()) == 0);
    REQUIRE(::link(dir.path("a").c_str(), dir.path("hard").c_str()) == 0);
    REQUIRE(device.lock(access::read_write) == lock_result::held);
    for (const char* const name : {"soft", "hard"}) {
        CHECK(device.same_file_as_path(dir.path(name)));
        D other;
        CHECK(other.create(dir.path(name)).number == EEXIST);
        REQUIRE(other.open(dir.path(name), access::read_write).ok());
        CHECK(other.lock(access::read_only) == lock_result::busy);
    }
    REQUIRE(::symlink(dir.path("nowhere").c_str(), dir.path("broken").c_str()) == 0);
    D other;
    CHECK(other.open(dir.path("broken"), access::read_write).number == ENOENT);
    CHECK(other.create(dir.path("broken")).number == EEXIST);
    CHECK(D::rename_new(dir.path("hard"), dir.path("broken")).number == EEXIST);
}

TEST_CASE_TEMPLATE("a file that another program truncates reads short", D, BOTH_FILES) {
    const temp_dir dir;
    D device;
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(device.write(0, four).ok());
    REQUIRE(::truncate(dir.path("a").c_str(), 2) == 0);
    std::array<std::byte, 4> back{};
    CHECK(device.read(0, back).is_short());
}

} // namespace
