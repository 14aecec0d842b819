// Files made to harm: every checksum is right, and what the pages say cannot be. Reading them and
// changing them ends in a typed error, in memory and time that the file's size bounds.
#include <cstddef>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/node/slotted.hpp>

#include "support/recorded_disk.hpp"
#include "support/store_image.hpp"

namespace {

namespace format = quire::format;
using quire_test::bytes;
using quire_test::recorded_device;
using quire_test::recorded_disk;

constexpr std::size_t page_size = 512;
using layout = quire::node::slotted<page_size>;
using words =
    quire::btree_map<std::string, std::string, recorded_device<false>, quire::txn::shadow,
                     quire::page_size<page_size>>;

// The image of a closed store.
template <class Fill>
bytes image_of(Fill&& fill) {
    recorded_disk::the().clear();
    {
        words map("store");
        fill(map);
    }
    return recorded_disk::the().get("store");
}
format::header_slot newest_slot(const bytes& image) {
    return quire_test::slot_at(image, quire_test::newest(image)).slot;
}
std::byte* page_of(bytes& image, quire::page_id id) {
    return quire_test::page_of(image, id, page_size);
}
void put_back(const bytes& image) {
    recorded_disk::the().clear();
    recorded_disk::the().put("store", image);
}

} // namespace

TEST_CASE("a value's run that lies nowhere is not given up") {
    const bytes image = image_of([](words& map) {
        map.insert("a", std::string(2000, 'v'));
        map.insert("b", "short");
    });
    const format::header_slot slot = newest_slot(image);
    // Behind the end, around the end of all ids, and in the header; of the coming version and not.
    for (const std::uint32_t id : {0xF0000000U, 0xFFFFFFF0U, 1U, 0x7FFFFFFFU})
        for (std::uint64_t later = 0; later < 6; ++later) {
            bytes harmed = image;
            std::byte* const page = page_of(harmed, slot.roots[0].root.id);
            const auto value = layout::value(page, 0);
            REQUIRE(value.overflow);
            auto* const run = const_cast<std::byte*>(value.bytes.data());
            quire::store_le<std::uint32_t>(run, id);
            quire::store_le<std::uint32_t>(
                run + 4, static_cast<std::uint32_t>(quire::to_integer(slot.committed) + later));
            quire::store_le<std::uint32_t>(run + 8, 1U << 20);
            format::seal({page, page_size});
            put_back(harmed);
            words map("store");
            CHECK_THROWS_AS(map.erase("a"), quire::corruption);
            CHECK_THROWS_AS(map.insert_or_assign("a", "x"), quire::corruption);
            CHECK_THROWS_AS(map.clear(), quire::corruption);
            CHECK(map.get("b") == "short");
            CHECK(map.erase("b") == 1);
        }
}

TEST_CASE("a page that is its own child ends a walk") {
    const bytes image = image_of([](words& map) {
        for (int i = 0; i < 200; ++i) map.insert(std::to_string(i), std::string(20, 'x'));
    });
    const format::header_slot good = newest_slot(image);
    REQUIRE(good.roots[0].level != 0);
    for (const std::uint64_t pages : {std::uint64_t{3}, good.page_count, ~std::uint64_t{0}}) {
        bytes harmed = image;
        std::byte* const page = page_of(harmed, good.roots[0].root.id);
        for (std::uint32_t i = 0; i <= format::count_of(page); ++i)
            layout::set_child(page, i, good.roots[0].root);
        format::seal({page, page_size});
        format::header_slot slot = good;
        slot.base = static_cast<quire::version>(quire::to_integer(format::birth_of(page)) - 1);
        slot.committed = quire::next(good.committed);
        slot.flags = 0;
        slot.commit_pages = pages;
        slot.commit_digest = 1;
        for (const std::size_t i : {0U, 1U}) quire_test::put_slot(harmed, i, slot);
        put_back(harmed);
        CHECK_THROWS_AS(words("store"), quire::corruption);
    }
}
