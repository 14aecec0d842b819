// Whatever happens to the bytes of a file: it is found, or it touched bytes without a meaning; and
// looking at any bytes at all is safe and ends.
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/inspect/check.hpp>
#include <quire/inspect/draw.hpp>

#include "small_file.hpp"

namespace {

using namespace small_file;
using quire::inspect::cause;
using quire::inspect::check;
using quire::inspect::report;

enum class meaning { slot, header, page, none };

// docs/format/README.md lists the bytes that nobody looks at: an overflow run behind its value, and
// pages that are free.
meaning meaning_of(std::size_t byte) {
    if (byte < 512 || (byte >= 4096 && byte < 4608)) return meaning::slot;
    if (byte < 16 * 512) return meaning::header;
    const std::size_t page = byte / 512;
    if (page >= 32) return meaning::none;
    if (page == 28 || page == 29)
        return byte - 28 * 512 < 32 + full_store::run_value_size ? meaning::page : meaning::none;
    return meaning::page; // 30 is filled to the last byte
}

void flip(device& file, std::size_t bit) {
    file.bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
}

} // namespace

TEST_CASE("every flipped bit is found, once and in its place") {
    full_store store;
    REQUIRE(check(store.file).ok());
    for (std::size_t bit = 0; bit < store.file.bytes.size() * 8; ++bit) {
        const meaning what = meaning_of(bit / 8);
        // One bit a byte says enough where bits have no meaning of their own.
        const bool plain = what == meaning::none || what == meaning::header;
        if (plain && bit % 8 != bit / 8 % 8) continue;
        flip(store.file, bit);
        const report r = check(store.file);
        flip(store.file, bit);
        if (what == meaning::none) {
            if (!r.ok()) FAIL("a finding for bit ", bit, ": ", text_of(r));
            continue;
        }
        if (r.findings.size() != 1) FAIL("bit ", bit, ": ", text_of(r));
        const quire::inspect::finding& f = r.findings[0];
        const std::size_t page = bit / 8 / 512;
        bool in_place = false;
        if (what == meaning::slot) in_place = f.field.find(page == 0 ? "slot 0 " : "slot 1 ") == 0;
        else if (what == meaning::header) in_place = f.field == "header";
        else in_place = to_integer(f.page) == (page == 29 ? 28 : page);
        in_place = in_place && (what == meaning::slot || f.from == cause::medium);
        if (!in_place) FAIL("bit ", bit, ": ", text_of(r));
    }
}

TEST_CASE("a flipped bit that both slots reach is damage, whatever the commit says") {
    full_store store; // version 4 and 5 describe one state; here 5 says that it wrote all of it
    store.now.base = version{0};
    store.now.flags = 0;
    store.now.commit_pages = 15;
    store.now.commit_digest =
        store.digest({16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 31});
    store.slot(store.now);
    REQUIRE(check(store.file).ok());
    for (std::size_t bit = 16 * 512 * 8; bit < 32 * 512 * 8; bit += 13) {
        if (meaning_of(bit / 8) != meaning::page) continue;
        flip(store.file, bit);
        const report r = check(store.file);
        flip(store.file, bit);
        if (r.header.chosen != 1 || r.findings.size() != 2 || r.sound() ||
            r.findings[0].field.find("slot 1 commit: ") != 0)
            FAIL("bit ", bit, ": ", text_of(r));
    }
}

TEST_CASE("a file cut at any byte is found to be cut") {
    full_store store;
    while (!store.file.bytes.empty()) {
        store.file.bytes.pop_back();
        if (check(store.file).sound()) FAIL("cut at ", store.file.bytes.size());
    }
}

TEST_CASE("random bytes, and random bytes behind good checksums, are safe to look at") {
    constexpr std::uint64_t seed = 7201;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 300; ++round) {
        device noise;
        noise.bytes.resize(random() % 40000);
        for (std::byte& b : noise.bytes) b = static_cast<std::byte>(random());
        CHECK_FALSE(check(noise).ok());
    }
    // Pages of a good file with anything in them under a checksum that fits, slots with anything.
    int found = 0;
    constexpr int rounds = 6000;
    const full_store whole;
    for (int round = 0; round < rounds; ++round) {
        full_store store = whole;
        const std::uint64_t pages = 1 + random() % 3;
        for (std::uint64_t n = 0; n < pages; ++n) {
            const auto id = static_cast<std::uint32_t>(16 + random() % 16);
            const std::uint64_t changes = 1 + random() % 6;
            for (std::uint64_t i = 0; i < changes; ++i) {
                // Mostly where sizes, offsets and references stand.
                const std::size_t at = random() % 2 == 0 ? 4 + random() % 60 : 4 + random() % 508;
                static constexpr unsigned char extremes[] = {0, 1, 0x7F, 0x80, 0xFF};
                store.page(id)[at] = random() % 2 == 0
                                         ? static_cast<std::byte>(extremes[random() % 5])
                                         : static_cast<std::byte>(random());
            }
            if (id == 28) store.seal_run(id, full_store::run_value_size);
            else store.seal(id);
        }
        if (random() % 4 == 0) {
            auto slot = store.now;
            const auto any = [&] { return static_cast<std::uint32_t>(random() % 40); };
            slot.page_size = std::size_t{512} << (random() % 8);
            slot.page_count = random() % 2 == 0 ? 0xFFFFFFFF : 128 + any();
            slot.free_map_level = any() % 5;
            slot.roots[0].level = any() * 6;
            slot.catalog_root.id = static_cast<page_id>(random() % 2 == 0 ? 16 : any());
            slot.free_map_root.id = static_cast<page_id>(any());
            slot.commit_pages = any();
            slot.tree_count = any() % 12;
            store.slot(slot);
        }
        const report r = check(store.file);
        static_cast<void>(quire::inspect::draw(store.file, 50));
        found += r.ok() ? 0 : 1;
    }
    CHECK(found > rounds / 2);
}

TEST_CASE("a catalog that names more trees than a slot can hold is refused in no time") {
    writer file(65536, 4);
    writer::records records;
    for (std::uint32_t i = 1; i <= 900; ++i)
        records.push_back({std::to_string(1000 + i), {schema_record(i, true)}});
    const identity catalog{1, 0, 2};
    file.slotted_leaf(catalog, "", records);
    quire::format::header_slot slot;
    slot.page_size = 65536;
    slot.committed = version{2};
    slot.page_count = 2;
    slot.catalog_root = catalog.ref();
    file.slot(slot);
    const report r = check(file.file, {.findings_limit = 10});
    CHECK(r.findings.size() == 10);
    CHECK(r.findings_left_off == 900 - 11 - 10);
}

TEST_CASE("a chain of 256 levels, the deepest there can be, is walked") {
    writer file(512, 16 + 257);
    const identity catalog{16, 0, 2};
    for (std::uint32_t level = 0; level < 256; ++level) {
        const identity who{17 + level, 1, 2};
        if (level == 0) file.fixed_leaf(who, {42});
        else file.fixed_inner(who, level, {}, {{17 + level - 1, 1, 2}});
    }
    file.slotted_leaf(catalog, "", {{"main", {schema_record(1, true)}}});
    quire::format::header_slot slot;
    slot.page_size = 512;
    slot.committed = version{2};
    slot.page_count = 16 + 257;
    slot.catalog_root = catalog.ref();
    slot.tree_count = 1;
    slot.roots[0] = {tree_id{1}, 255, identity{17 + 255, 1, 2}.ref(), 1};
    file.slot(slot);
    const report r = check(file.file);
    INFO(text_of(r));
    CHECK(r.ok());
    CHECK(r.trees.at(1).height == 256);
}
