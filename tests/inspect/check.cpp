// check(): the facts of a whole file, and rules on the file as a whole.
#include <quire/inspect/check.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "rules.hpp"

using namespace rules;

TEST_CASE("a whole file has no findings and its facts are told") {
    full_store store;
    const report r = check(store.file);
    INFO(text_of(r));
    CHECK(r.ok());
    CHECK(r.sound());
    CHECK(r.header.chosen == 1);
    CHECK(r.header_pages == 16);
    CHECK(r.reachable_pages == 16);
    CHECK(r.free_pages == 2);
    CHECK(r.free_map_pages == 1);
    CHECK(r.tail_bytes == 0);
    REQUIRE(r.trees.size() == 3);
    CHECK(r.trees[0].name == "catalog");
    CHECK(r.trees[0].height == 1);
    CHECK(r.trees[0].records == 2);
    const quire::inspect::tree_facts& main = r.trees[1];
    CHECK(main.name == "main");
    CHECK(main.schema.key_codec == "u64");
    CHECK(main.height == 3);
    CHECK(main.records == 9);
    CHECK(main.pages_by_level == std::vector<std::uint64_t>{4, 2, 1});
    // 9 records of 16 bytes; three inner pages of one separator and two children.
    CHECK(main.bytes_used == 9 * 16 + 3 * 24);
    CHECK(main.bytes_capacity == 4 * 480 + 3 * (29 * 16 + 8));
    CHECK(main.overflow_runs == 0);
    const quire::inspect::tree_facts& names = r.trees[2];
    CHECK(names.name == "names");
    CHECK(names.height == 2);
    CHECK(names.records == 7);
    CHECK(names.pages_by_level == std::vector<std::uint64_t>{3, 1});
    CHECK(names.overflow_runs == 2);
    CHECK(names.overflow_pages == 3);
    CHECK(names.overflow_bytes == 1380);
    CHECK(names.fill() > 0.0);
    CHECK(names.fill() < 1.0);
}

TEST_CASE("the smallest stores: no trees, an empty tree, one leaf") {
    writer file(512, 18);
    quire::format::header_slot slot;
    slot.page_size = 512;
    slot.committed = version{1};
    slot.page_count = 16;
    file.slot(slot);
    CHECK(check(file.file).ok());

    slot.committed = version{2};
    slot.page_count = 17;
    const identity catalog{16, 0, 2};
    file.slotted_leaf(catalog, "", {{"main", {schema_record(7, true)}}});
    slot.catalog_root = catalog.ref();
    slot.tree_count = 1;
    slot.roots[0].tree = tree_id{7};
    file.slot(slot);
    const report empty = check(file.file);
    CHECK(empty.ok());
    CHECK(empty.trees.at(1).height == 0);

    slot.committed = version{3};
    slot.page_count = 18;
    const identity leaf{17, 7, 3};
    file.fixed_leaf(leaf, {5});
    slot.roots[0] = {tree_id{7}, 0, leaf.ref(), 1};
    file.slot(slot);
    const report one = check(file.file);
    CHECK(one.ok());
    CHECK(one.trees.at(1).height == 1);
}

TEST_CASE("the file itself") {
    check_rules({
        {"trailing bytes behind a clean file", 0, "file size", cause::medium,
         [](full_store& s) { s.file.bytes.resize(s.file.bytes.size() + 1); }},
        {"a free page cut off", 0, "file size", cause::medium,
         [](full_store& s) { s.file.bytes.resize(33 * 512); }},
        {"a free page cut off a file that is open", 0, "file size", cause::medium,
         [](full_store& s) {
             s.now.flags = 0;
             s.slot(s.now);
             s.file.bytes.resize(33 * 512);
         }},
        {"a page that cannot be read", 21, "read", cause::medium,
         [](full_store& s) {
             s.file.bad_from = 21 * 512;
             s.file.bad_size = 512;
         }},
        {"the rest of a run that cannot be read", 28, "read", cause::medium,
         [](full_store& s) {
             s.file.bad_from = 29 * 512;
             s.file.bad_size = 1;
         }},
    });
    // A store that is open may have grown its file ahead.
    full_store store;
    store.now.flags = 0;
    store.slot(store.now);
    store.file.bytes.resize(store.file.bytes.size() + 1000);
    const report r = check(store.file);
    CHECK(r.ok());
    CHECK(r.tail_bytes == 1000);
}

TEST_CASE("findings beyond the limit are counted") {
    full_store store;
    store.bitmap(store.map31, 0, {16, 17, 18, 19, 20, 32, 33});
    CHECK(check(store.file).findings.size() == 5);
    const report r = check(store.file, {.findings_limit = 2});
    CHECK(r.findings.size() == 2);
    CHECK(r.findings_left_off == 3);
    CHECK_FALSE(r.ok());
    CHECK_FALSE(r.sound());
    CHECK(text_of(r).find("3 further findings") != std::string::npos);
}
