// The free map, of one and two levels.
#include <quire/inspect/free_map_walk.hpp>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "rules.hpp"

using namespace rules;

TEST_CASE("the free map, and what becomes of every page") {
    check_rules({
        {"a page that is reachable and free", 23, "use", cause::writer,
         [](full_store& s) {
             s.bitmap(s.map31, 0, {23, 32, 33});
         }},
        {"the map itself free", 31, "use", cause::writer,
         [](full_store& s) {
             s.bitmap(s.map31, 0, {31, 32, 33});
         }},
        {"the second page of a run free", 29, "use", cause::writer,
         [](full_store& s) {
             s.bitmap(s.map31, 0, {29, 32, 33});
         }},
        {"a leak", 33, "use", cause::writer, [](full_store& s) { s.bitmap(s.map31, 0, {32}); }},
        {"leaks in a row", 32, "use", cause::writer,
         [](full_store& s) { s.bitmap(s.map31, 0, {}); }},
        {"a header page free", 31, "bitmap", cause::writer,
         [](full_store& s) {
             s.bitmap(s.map31, 0, {15, 32, 33});
         }},
        {"a bit beyond page_count", 31, "bitmap", cause::writer,
         [](full_store& s) {
             s.bitmap(s.map31, 0, {32, 33, 34});
         }},
        {"another part", 31, "part", cause::writer,
         [](full_store& s) {
             put32(s.page(31) + 28, 1);
             s.seal(31);
         }},
        {"another kind", 31, "kind", cause::writer,
         on_page(31, [](std::byte* p) { p[4] = std::byte{5}; })},
        {"a level in the page", 31, "level", cause::writer,
         on_page(31, [](std::byte* p) { p[5] = std::byte{1}; })},
        {"a tree's page", 31, "tree_id", cause::writer,
         on_page(31, [](std::byte* p) { p[12] = std::byte{1}; })},
        {"a damaged map", 31, "checksum", cause::medium,
         [](full_store& s) { s.page(31)[100] ^= std::byte{4}; }},
    });
    full_store store;
    store.now.free_map_level = 1; // of a page that is level 0, for a file that needs no more
    store.slot(store.now);
    const report r = check(store.file);
    REQUIRE(r.findings.size() == 2);
    CHECK(r.findings[0].field == "free_map_level");
    CHECK(r.findings[1].field == "level");
}

TEST_CASE("a free map of two levels") {
    // 512-byte parts describe 3840 pages each; page 3900 is in part 1.
    const std::uint32_t count = 3901;
    writer file(512, count);
    const identity root{16, 0, 2}, part0{17, 0, 2}, part1{18, 0, 1};
    std::vector<std::uint32_t> low, high;
    for (std::uint32_t i = 19; i < 3840; ++i) low.push_back(i);
    for (std::uint32_t i = 3840; i < count; ++i) high.push_back(i);
    file.bitmap(part0, 0, low);
    file.bitmap(part1, 1, high);
    file.map_parts(root, 1, 0, {{0, part0}, {1, part1}});
    quire::format::header_slot slot;
    slot.page_size = 512;
    slot.committed = version{2};
    slot.page_count = count;
    slot.free_map_root = root.ref();
    slot.free_map_level = 1;
    file.slot(slot);
    const report whole = check(file.file);
    INFO(text_of(whole));
    CHECK(whole.ok());
    CHECK(whole.free_pages == count - 19);
    CHECK(whole.free_map_pages == 3);

    // Parts in each other's place.
    file.map_parts(root, 1, 0, {{0, part1}, {1, part0}});
    const report swapped = check(file.file);
    REQUIRE(swapped.findings.size() == 2);
    CHECK(swapped.findings[0].field == "part");
    // A part left out: its pages leak.
    file.map_parts(root, 1, 0, {{0, part0}});
    const report missing = check(file.file);
    REQUIRE(missing.findings.size() == 2);
    CHECK(to_integer(missing.findings[0].page) == 18);
    CHECK(to_integer(missing.findings[1].page) == 3840);
    // A level too few for this many pages.
    slot.free_map_root = part0.ref();
    slot.free_map_level = 0;
    file.slot(slot);
    CHECK(check(file.file).findings.at(0).field == "free_map_level");
}

TEST_CASE("a free map of three levels") {
    // A part of level 1 describes 60 parts, so the last page of this file is in part 60 of level 0,
    // which is in part 1 of level 1.
    constexpr std::uint32_t in_part = 3840;
    constexpr std::uint32_t count = 60 * in_part + 5;
    writer first(512, 128); // pages of the map stand in front; what is behind is free and zero
    const identity root{16, 0, 2};
    const identity left{17, 0, 2};
    const identity right{18, 0, 2};
    std::vector<std::pair<std::size_t, identity>> parts;
    for (std::uint32_t part = 0; part <= 60; ++part) {
        const identity who{19 + part, 0, 2};
        std::vector<std::uint32_t> free;
        for (std::uint32_t i = part * in_part; i < (part + 1) * in_part && i < count; ++i)
            if (i >= 80) free.push_back(i);
        first.bitmap(who, part, free);
        parts.push_back({part % 60, who});
    }
    const identity last = parts.back().second;
    parts.pop_back();
    first.map_parts(left, 1, 0, parts);
    first.map_parts(right, 1, 1, {{0, last}});
    first.map_parts(root, 2, 0, {{0, left}, {1, right}});
    header_slot slot;
    slot.page_size = 512;
    slot.committed = version{2};
    slot.page_count = count;
    slot.free_map_root = root.ref();
    slot.free_map_level = 2;
    first.slot(slot);

    struct grown : device { // reads as zeros behind its bytes
        std::uint64_t length = std::uint64_t{count} * 512;
        status read(std::uint64_t offset, quire::mutable_bytes to) const {
            if (offset < bytes.size()) return device::read(offset, to);
            std::memset(to.data(), 0, to.size());
            return {};
        }
        status size(std::uint64_t& size) const {
            size = length;
            return {};
        }
    } file;
    file.bytes = first.file.bytes;
    const report r = check(file);
    INFO(text_of(r));
    CHECK(r.ok());
    CHECK(r.free_pages == count - 80);
    CHECK(r.free_map_pages == 64);
}
