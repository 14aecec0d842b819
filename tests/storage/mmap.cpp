// The mapping: it shows what is written, stays where it is, and ends where it says.
#include <quire/storage/mmap.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../support/sanitizers.hpp"
#include "../support/temp_dir.hpp"
#include "child.hpp"

using namespace quire;
using quire_test::in_child;
using quire_test::temp_dir;

namespace {

bool is_mapped(const std::byte* address) {
    unsigned char resident = 0;
    return ::mincore(const_cast<std::byte*>(address), 1, &resident) == 0;
}

} // namespace

TEST_CASE("the mapping shows what was written, at once and at the same address") {
    const temp_dir dir;
    storage::mmap device;
    REQUIRE(device.create(dir.path("a")).ok());
    const std::byte* const start = device.mapping();
    const std::uint64_t reserved = device.mapping_size();
    REQUIRE(start != nullptr);
    CHECK(reserved >= storage::mmap::smallest_reservation);
    std::vector<std::byte> page(4096);
    for (unsigned i = 0; i < 300; ++i) {
        CAPTURE(i);
        std::memset(page.data(), static_cast<int>(i & 0xFF), page.size());
        REQUIRE(device.write(std::uint64_t{i} * 4096, page).ok());
        REQUIRE(std::memcmp(start + std::size_t{i} * 4096, page.data(), page.size()) == 0);
    }
    const std::array<bytes_view, 2> parts{bytes_view(page).first(10), bytes_view(page).first(20)};
    REQUIRE(device.write_gather(5, parts).ok());
    CHECK(std::memcmp(start + 5, page.data(), 30) == 0);
    CHECK(start[4] == std::byte{0});
    CHECK(start[35] == std::byte{0});

    // Growth in one step, far from what was mapped at first: no new mapping.
    const std::uint64_t far = std::uint64_t{6} << 30;
    if (far + 8192 < reserved) {
        REQUIRE(device.resize(far + 8192).ok());
        CHECK(start[far] == std::byte{0});
        REQUIRE(device.write(far + 100, page).ok());
        CHECK(std::memcmp(start + far + 100, page.data(), page.size()) == 0);
    }
    CHECK(device.mapping() == start);
    CHECK(device.mapping_size() == reserved);

    // Shrunk and grown again, the range is fresh.
    REQUIRE(device.resize(4096).ok());
    REQUIRE(device.resize(8192).ok());
    CHECK(start[4096] == std::byte{0});
    CHECK(start[5] == page[0]);
}

TEST_CASE("a file opened for reading is mapped too, and an empty one") {
    const temp_dir dir;
    {
        storage::mmap device;
        REQUIRE(device.create(dir.path("a")).ok());
    }
    storage::mmap reader;
    REQUIRE(reader.open(dir.path("a"), storage::access::read_only).ok());
    REQUIRE(reader.mapping() != nullptr);
    storage::mmap writer;
    REQUIRE(writer.open(dir.path("a"), storage::access::read_write).ok());
    const std::array<std::byte, 3> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
    REQUIRE(writer.write(0, bytes).ok());
    CHECK(std::memcmp(reader.mapping(), bytes.data(), 3) == 0);
}

TEST_CASE("moving a device moves its mapping, closing ends it") {
    const temp_dir dir;
    storage::mmap a;
    REQUIRE(a.create(dir.path("a")).ok());
    const std::byte* const start = a.mapping();
    storage::mmap b = std::move(a);
    CHECK(b.mapping() == start);
    CHECK(a.mapping() == nullptr);
    CHECK(a.mapping_size() == 0);
    a = std::move(b);
    CHECK(a.mapping() == start);
    CHECK(b.mapping() == nullptr);
    CHECK(is_mapped(start));
    REQUIRE(a.close().ok());
    CHECK(a.mapping() == nullptr);
    CHECK(a.mapping_size() == 0);
    CHECK_FALSE(is_mapped(start));

    const std::byte* second = nullptr;
    {
        storage::mmap c;
        REQUIRE(c.open(dir.path("a"), storage::access::read_only).ok());
        const std::byte* const first = c.mapping();
        storage::mmap other;
        REQUIRE(other.open(dir.path("a"), storage::access::read_only).ok());
        second = other.mapping();
        c = std::move(other);
        CHECK_FALSE(is_mapped(first));
        CHECK(is_mapped(second));
    }
    CHECK_FALSE(is_mapped(second));
}

TEST_CASE("the mapping cannot be stored through, nor touched behind the end") {
    const temp_dir dir;
    storage::mmap device;
    REQUIRE(device.create(dir.path("a")).ok());
    REQUIRE(device.resize(4096).ok());
    const auto dies_of = [](int wanted, const auto& body) {
        static int expected;
        expected = wanted;
        return in_child([&] {
                   for (const int signal : {SIGSEGV, SIGBUS})
                       ::signal(signal, [](int got) { ::_exit(got == expected ? 42 : 43); });
                   body();
                   return 44;
               }) == 42;
    };
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    CHECK(dies_of(SIGSEGV,
                  [&] { *const_cast<volatile std::byte*>(device.mapping()) = std::byte{1}; }));
    CHECK(dies_of(SIGBUS, [&] {
        const volatile std::byte* const behind = device.mapping() + page * 2;
        static_cast<void>(*behind);
    }));
}

TEST_CASE("a file larger than the usual reservation") {
    const temp_dir dir;
    storage::mmap device;
    REQUIRE(device.create(dir.path("a")).ok());
    if (device.mapping_size() < storage::mmap::largest_reservation) {
        MESSAGE("skipped: address space is limited here");
        return;
    }
    const std::uint64_t far = device.mapping_size() + 4096;
    const std::array<std::byte, 3> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
    if (device.write(far, bytes).is_full()) {
        MESSAGE("skipped: this file system has no files of that size");
        return;
    }
    // Behind the mapping there is still read(); the next open reserves more.
    std::array<std::byte, 3> back{};
    CHECK(device.read(far, back).ok());
    CHECK(back == bytes);
    CHECK(device.mapping_size() < far);
    REQUIRE(device.close().ok());
    REQUIRE(device.open(dir.path("a"), storage::access::read_write).ok());
#if QUIRE_TEST_SHADOW_MEMORY
    if (device.mapping_size() <= far) {
        MESSAGE("skipped: a sanitizer leaves less address space");
        return;
    }
#endif
    REQUIRE(device.mapping_size() > far + 3);
    CHECK(std::memcmp(device.mapping() + far, bytes.data(), 3) == 0);
}

TEST_CASE("where address space is short, less is reserved; where there is none, nothing is left") {
#if QUIRE_TEST_SHADOW_MEMORY
    MESSAGE("skipped: a sanitizer's shadow memory is beyond any limit");
#else
    const temp_dir dir;
    const auto with_limit = [](std::uint64_t bytes, const auto& body) {
        return in_child([&] {
            const rlimit limit{bytes, bytes};
            return ::setrlimit(RLIMIT_AS, &limit) == 0 ? body() : 99;
        });
    };
    CHECK(with_limit(std::uint64_t{4} << 30, [&] {
              storage::mmap device;
              if (!device.create(dir.path("a")).ok()) return 1;
              if (device.mapping_size() < std::uint64_t{1} << 30) return 2;
              if (device.mapping_size() > std::uint64_t{4} << 30) return 3;
              const std::array<std::byte, 3> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
              if (!device.write(0, bytes).ok()) return 4;
              return std::memcmp(device.mapping(), bytes.data(), 3);
          }) == 0);
    CHECK(with_limit(4096, [&] {
              storage::mmap device;
              if (device.create(dir.path("b")).number != ENOMEM) return 1;
              if (device.is_open() || device.mapping() != nullptr) return 2;
              if (::access(dir.path("b").c_str(), F_OK) == 0) return 3;
              if (device.open(dir.path("a"), storage::access::read_only).number != ENOMEM) return 4;
              return device.is_open() ? 5 : 0;
          }) == 0);
#endif
}
