// storage::file as a base of a user's device; its own behaviour is tested in concepts.cpp and
// posix_file.cpp.
#include <quire/storage/file.hpp>

#include <array>
#include <cstddef>

#include <doctest/doctest.h>

#include "../support/temp_dir.hpp"
#include "archetypes.hpp"

using namespace quire;

TEST_CASE("a device derived from file changes the calls it hides and keeps the others") {
    const quire_test::temp_dir dir;
    quire_test::counting_file device;
    REQUIRE(device.create(dir.path("a")).ok());
    const std::uint64_t before = quire_test::counting_file::bytes_written;
    const std::array<std::byte, 10> ten{};
    const std::array<bytes_view, 2> parts{bytes_view(ten), bytes_view(ten).first(3)};
    CHECK(device.write(0, ten).ok());
    CHECK(device.write_gather(10, parts).ok());
    CHECK(quire_test::counting_file::bytes_written - before == 23);
    std::uint64_t size = 0;
    CHECK(device.size(size).ok());
    CHECK(size == 23);
}
