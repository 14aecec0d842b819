#include <quire/format/free_map.hpp>

#include <doctest/doctest.h>

namespace format = quire::format;

TEST_CASE("a part describes eight pages a byte, an inner page eight bytes a part") {
    const auto small = format::free_map_of(512);
    CHECK(small.bitmap_bytes == 480);
    CHECK(small.pages_per_part == 3840);
    CHECK(small.fanout == 60);
    const auto usual = format::free_map_of(4096);
    CHECK(usual.bitmap_bytes == 4064);
    CHECK(usual.pages_per_part == 32512);
    CHECK(usual.fanout == 508);
    const auto large = format::free_map_of(65536);
    CHECK(large.bitmap_bytes == 65504);
    CHECK(large.pages_per_part == 524032);
    CHECK(large.fanout == 8188);
}

TEST_CASE("the level rises exactly when the pages of a file no longer fit") {
    for (std::size_t page_size = format::smallest_page; page_size <= format::largest_page;
         page_size *= 2) {
        CAPTURE(page_size);
        const auto shape = format::free_map_of(page_size);
        CHECK(format::free_map_levels(0, page_size) == 0);
        CHECK(format::free_map_levels(shape.pages_per_part, page_size) == 0);
        CHECK(format::free_map_levels(shape.pages_per_part + 1, page_size) == 1);
        const std::uint64_t second = std::uint64_t{shape.pages_per_part} * shape.fanout;
        CHECK(format::free_map_levels(second, page_size) == 1);
        CHECK(format::free_map_levels(second + 1, page_size) == 2);
        CHECK(format::free_map_levels(0xFFFFFFFF, page_size) <= 4);
    }
}
