#include <quire/format/page_header.hpp>

#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace format = quire::format;
using quire::page_id;
using quire::version;

namespace {

std::vector<std::byte> started_page(std::size_t size) {
    std::vector<std::byte> page(size, std::byte{0xEE});
    format::start_page(page.data(), {format::page_kind::slotted_leaf, 3, quire::tree_id{9}},
                       page_id{0x01020304}, version{0x1112131415161718});
    return page;
}

} // namespace

TEST_CASE("a started page says what it is and holds nothing") {
    const auto page = started_page(512);
    CHECK(format::kind_of(page.data()) == format::page_kind::slotted_leaf);
    CHECK(format::level_of(page.data()) == 3);
    CHECK(format::tree_of(page.data()) == quire::tree_id{9});
    CHECK(format::id_of(page.data()) == page_id{0x01020304});
    CHECK(format::birth_of(page.data()) == version{0x1112131415161718});
    CHECK(format::ref_of(page.data()) == quire::page_ref{page_id{0x01020304}, 0x15161718});
    CHECK(format::count_of(page.data()) == 0);
    CHECK(format::heap_size_of(page.data()) == 0);
    CHECK(format::heap_dead_of(page.data()) == 0);
    CHECK(format::prefix_size_of(page.data()) == 0);
    CHECK(page[31] == std::byte{0});
    CHECK(page[32] == std::byte{0xEE});
}

TEST_CASE("every field stands where the table says, little-endian") {
    auto page = started_page(512);
    format::set_count(page.data(), 0xA1A2);
    format::set_heap_size(page.data(), 0xB1B2);
    format::set_heap_dead(page.data(), 0xC1C2);
    format::set_prefix_size(page.data(), 0xD1D2);
    const auto stored = [&](std::string_view name) -> std::uint64_t {
        for (const format::field& field : format::page_header_fields)
            if (field.name == name) {
                std::uint64_t value = 0;
                for (std::size_t i = field.size; i-- > 0;)
                    value = (value << 8) | static_cast<std::uint64_t>(page[field.offset + i]);
                return value;
            }
        FAIL("no field has this name");
        return 0;
    };
    CHECK(stored("kind") == 3);
    CHECK(stored("level") == 3);
    CHECK(stored("count") == 0xA1A2);
    CHECK(stored("page_id") == 0x01020304);
    CHECK(stored("tree_id") == 9);
    CHECK(stored("birth") == 0x1112131415161718);
    CHECK(stored("heap_size") == 0xB1B2);
    CHECK(stored("heap_dead") == 0xC1C2);
    CHECK(stored("prefix_size") == 0xD1D2);
    CHECK(format::count_of(page.data()) == 0xA1A2);
    CHECK(format::heap_size_of(page.data()) == 0xB1B2);
    CHECK(format::heap_dead_of(page.data()) == 0xC1C2);
    CHECK(format::prefix_size_of(page.data()) == 0xD1D2);
    const std::uint32_t checksum = format::seal(page);
    CHECK(stored("checksum") == checksum);
}

TEST_CASE("the second meanings of the layout facts keep 32 bits") {
    auto page = started_page(512);
    format::set_value_size(page.data(), 0x40000000);
    format::set_part(page.data(), 0x89ABCDEF);
    CHECK(format::value_size_of(page.data()) == 0x40000000);
    CHECK(format::part_of(page.data()) == 0x89ABCDEF);
}

TEST_CASE("a copy gets a new identity and keeps the rest") {
    auto page = started_page(512);
    format::set_count(page.data(), 17);
    format::set_identity(page.data(), page_id{5}, version{6});
    CHECK(format::ref_of(page.data()) == quire::page_ref{page_id{5}, 6});
    CHECK(format::count_of(page.data()) == 17);
    CHECK(format::level_of(page.data()) == 3);
    CHECK(format::tree_of(page.data()) == quire::tree_id{9});
}

TEST_CASE("the checksum covers every byte behind it") {
    for (const std::size_t size : {512U, 4096U}) {
        auto page = started_page(size);
        format::seal(page);
        REQUIRE(format::stored_checksum(page.data()) == format::checksum_of(page));
        for (std::size_t bit = 0; bit < size * 8; ++bit) {
            page[bit / 8] ^= std::byte{1} << (bit % 8);
            REQUIRE(format::stored_checksum(page.data()) != format::checksum_of(page));
            page[bit / 8] ^= std::byte{1} << (bit % 8);
        }
    }
}

TEST_CASE("a run has room for its header and its value, and no page more") {
    for (const std::size_t page_size : {512U, 4096U, 65536U}) {
        CAPTURE(page_size);
        const std::uint64_t first = page_size - format::page_header_size;
        CHECK(format::run_pages(1, page_size) == 1);
        CHECK(format::run_pages(first, page_size) == 1);
        CHECK(format::run_pages(first + 1, page_size) == 2);
        CHECK(format::run_pages(first + page_size, page_size) == 2);
        CHECK(format::run_pages(first + page_size + 1, page_size) == 3);
        const std::uint64_t largest = std::uint64_t{1} << 30;
        CHECK(std::uint64_t{format::run_pages(largest, page_size)} * page_size >=
              largest + format::page_header_size);
    }
}
