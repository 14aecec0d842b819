// The walk: what it visits in which order, that it ends early when asked to, and the rules on keys
// and schemas.
#include <quire/inspect/page_walk.hpp>

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "rules.hpp"

using namespace rules;

namespace {

using quire::inspect::page_seen;
using quire::inspect::page_use;
using quire::inspect::tree_seen;

struct recorder : quire::inspect::visitor {
    std::vector<std::uint32_t> order;
    std::vector<std::uint32_t> parents;
    std::vector<std::string> trees;
    std::vector<std::uint64_t> records;
    std::uint32_t run_pages = 0;
    std::size_t stop_behind = 1000;
    std::size_t findings = 0;

    bool page(const page_seen& seen) override {
        order.push_back(to_integer(seen.id));
        parents.push_back(to_integer(seen.parent));
        if (seen.use == page_use::overflow) run_pages += seen.pages;
        if (seen.use == page_use::tree) {
            CHECK(seen.content != nullptr);
            CHECK(seen.bytes.size() == 512);
        }
        return order.size() < stop_behind;
    }
    void tree(const tree_seen& tree) override { trees.push_back(tree.name); }
    void tree_done(const tree_seen& tree) override { records.push_back(tree.records); }
    void found(quire::inspect::finding) override { ++findings; }
};

} // namespace

TEST_CASE("every page is visited once, parents first, leaves in key order") {
    full_store store;
    recorder seen;
    CHECK(quire::inspect::walk_pages(store.file, seen));
    CHECK(seen.order ==
          std::vector<std::uint32_t>{16, 17, 18, 20, 21, 19, 22, 23, 24, 25, 26, 28, 27, 30, 31});
    CHECK(seen.parents ==
          std::vector<std::uint32_t>{0, 0, 17, 18, 18, 17, 19, 19, 0, 24, 24, 26, 24, 27, 0});
    CHECK(seen.trees == std::vector<std::string>{"catalog", "main", "names"});
    CHECK(seen.records == std::vector<std::uint64_t>{2, 9, 7});
    CHECK(seen.run_pages == 3);
    CHECK(seen.findings == 0);
}

TEST_CASE("a visitor can end the walk at any page") {
    full_store store;
    for (std::size_t pages = 1; pages <= 15; ++pages) {
        recorder seen;
        seen.stop_behind = pages;
        CHECK_FALSE(quire::inspect::walk_pages(store.file, seen));
        CHECK(seen.order.size() == pages);
        CHECK(seen.findings == 0);
    }
}

TEST_CASE("below a page that cannot be read nothing is visited") {
    full_store store;
    store.page(18)[60] ^= std::byte{1};
    recorder seen;
    CHECK_FALSE(quire::inspect::walk_pages(store.file, seen));
    CHECK(seen.order == std::vector<std::uint32_t>{16, 17, 19, 22, 23, 24, 25, 26, 28, 27, 30, 31});
    CHECK(seen.findings == 1);
}

TEST_CASE("without a slot there is nothing to walk") {
    recorder seen;
    CHECK_FALSE(quire::inspect::walk_pages(device{}, seen));
    CHECK(seen.order.empty());
}

TEST_CASE("keys: order, bounds, number") {
    check_rules({
        {"equal keys", 20, "key 2", cause::writer,
         [](full_store& s) {
             s.fixed_leaf(s.leaf20, {1, 2, 2});
         }},
        {"descending keys", 20, "key 2", cause::writer,
         [](full_store& s) {
             s.fixed_leaf(s.leaf20, {1, 3, 2});
         }},
        {"a key below its separator", 22, "key 0", cause::writer,
         [](full_store& s) {
             s.fixed_leaf(s.leaf22, {299, 300, 301});
         }},
        {"a key at the next separator", 20, "key 2", cause::writer,
         [](full_store& s) {
             s.fixed_leaf(s.leaf20, {1, 2, 200});
         }},
        {"a key beyond the grandparent's separator", 21, "key 1", cause::writer,
         [](full_store& s) {
             s.fixed_leaf(s.leaf21, {200, 300});
         }},
        {"string keys out of order", 25, "key 2", cause::writer,
         [](full_store& s) {
             s.slotted_leaf(s.leaf25, "", {{"", {""}}, {"b", {""}}, {"ab", {""}}});
         }},
        {"a string key at the separator", 25, "key 2", cause::writer,
         [](full_store& s) {
             s.slotted_leaf(s.leaf25, "", {{"", {""}}, {"b", {""}}, {"k", {""}}});
         }},
        {"a key that its prefix moves out of bounds", 27, "key 0", cause::writer,
         [](full_store& s) {
             s.slotted_leaf(s.leaf27, "ore", {{"ore1", {""}}, {"ore2", {""}}});
             s.bitmap(s.map31, 0, {30, 32, 33});
         }},
        {"fewer records than the root says", 17, "root 0 entries", cause::writer,
         on_slot([](auto& slot) { slot.roots[0].entries = 10; })},
        {"records of an empty tree", 0, "root 1 entries", cause::writer,
         [](full_store& s) {
             s.now.roots[1] = {tree_id{2}, 0, {}, 7};
             s.slot(s.now);
             s.bitmap(s.map31, 0, {24, 25, 26, 27, 28, 29, 30, 32, 33});
         }},
    });
}

// Between separators that contradict each other no key is right, so a child is found wrong too.
TEST_CASE("separators stand within those above them") {
    full_store above;
    above.fixed_inner(above.left1, 1, {300}, {above.leaf20, above.leaf21});
    const report high = check(above.file);
    REQUIRE(high.findings.size() == 2);
    CHECK(to_integer(high.findings[0].page) == 18);
    CHECK(high.findings[0].expected.find("less than 300") == 0);
    CHECK(to_integer(high.findings[1].page) == 21);

    full_store below;
    below.fixed_inner(below.right1, 1, {300}, {below.leaf22, below.leaf23});
    const report low = check(below.file);
    REQUIRE(low.findings.size() == 2);
    CHECK(to_integer(low.findings[0].page) == 19);
    CHECK(low.findings[0].expected.find("more than 300") == 0);
    CHECK(to_integer(low.findings[1].page) == 22);
}

TEST_CASE("the catalog") {
    const auto with = [](std::string main, std::string names) {
        return [=](full_store& s) {
            s.slotted_leaf(s.catalog, "", {{"main", {main}}, {"names", {names}}});
        };
    };
    const auto changed = [](std::uint32_t tree, bool fixed, std::size_t at, unsigned char byte) {
        std::string record = schema_record(tree, fixed);
        record[at] = static_cast<char>(byte);
        return record;
    };
    const std::string one = schema_record(1, true);
    const std::string two = schema_record(2, false);
    check_rules({
        {"a record cut short", 16, "record 1 schema", cause::writer, with(one, two.substr(0, 19))},
        {"a layout nobody knows", 16, "record 1 layout", cause::writer,
         with(one, changed(2, false, 4, 3))},
        {"an order nobody knows", 16, "record 1 key_order", cause::writer,
         with(one, changed(2, false, 5, 9))},
        {"fixed keys of no bytes", 16, "record 0 key_size", cause::writer,
         with(changed(1, true, 8, 0), two)},
        {"fixed keys beyond a page", 16, "record 0 key_size", cause::writer,
         with(changed(1, true, 9, 2), two)},
        {"fixed values beyond a page", 16, "record 0 value_size", cause::writer,
         with(changed(1, true, 13, 3), two)},
        {"the catalog in the catalog", 16, "record 1 tree_id", cause::writer,
         with(one, changed(2, false, 0, 0))},
        {"two trees of one number", 16, "record 1 tree_id", cause::writer,
         with(one, changed(2, false, 0, 1))},
        {"a schema in a run", 16, "record 1 schema", cause::writer,
         [](full_store& s) {
             s.slotted_leaf(
                 s.catalog, "",
                 {{"main", {schema_record(1, true)}}, {"names", writer::run_ref({32, 0, 1}, 40)}});
         }},
        {"a value of another size than the schema's", 25, "record 2 value size", cause::writer,
         [](full_store& s) {
             // Keys "" to "abc" with values of 9, 1 and 2 bytes: the schema now says 9.
             std::string record = schema_record(2, false);
             put32(reinterpret_cast<std::byte*>(record.data()) + 12, 9);
             s.slotted_leaf(s.catalog, "",
                            {{"main", {schema_record(1, true)}}, {"names", {record}}});
             s.slotted_leaf(s.leaf25, "",
                            {{"", {"123456789"}}, {"ab", {"123456789"}}, {"b", {"1"}}});
             s.slotted_leaf(s.leaf26, "k", {{"kiwi", {"123456789"}}, {"known", {"123456789"}}});
             s.slotted_leaf(s.leaf27, "p", {{"pre", {"123456789"}}, {"prf", {"123456789"}}});
             s.bitmap(s.map31, 0, {28, 29, 30, 32, 33});
         }},
        {"a key of another size than the schema's", 25, "key 2 size", cause::writer,
         [](full_store& s) {
             std::string record = schema_record(2, false);
             put32(reinterpret_cast<std::byte*>(record.data()) + 8, 2);
             s.slotted_leaf(s.catalog, "",
                            {{"main", {schema_record(1, true)}}, {"names", {record}}});
             s.slotted_leaf(s.leaf25, "a", {{"aa", {""}}, {"ab", {""}}, {"abc", {""}}});
             s.slotted_leaf(s.leaf26, "k", {{"ka", {""}}, {"kb", {""}}});
             s.slotted_leaf(s.leaf27, "", {{"pz", {""}}, {"qq", {""}}});
             s.bitmap(s.map31, 0, {28, 29, 30, 32, 33});
         }},
        {"a tree that the catalog does not know", 0, "root 1 tree_id", cause::writer,
         on_slot([](auto& slot) { slot.roots[1].tree = tree_id{3}; })},
        {"two roots for one tree", 0, "root 2 tree_id", cause::writer,
         [](full_store& s) {
             s.now.tree_count = 3;
             s.now.roots[2] = s.now.roots[1];
             s.slot(s.now);
         }},
        {"no root for a tree", 0, "roots", cause::writer,
         [](full_store& s) {
             s.now.tree_count = 1;
             s.slot(s.now);
             s.bitmap(s.map31, 0, {24, 25, 26, 27, 28, 29, 30, 32, 33});
         }},
        {"a level of an empty tree", 0, "root 1 level", cause::writer,
         [](full_store& s) {
             s.now.roots[1] = {tree_id{2}, 1, {}, 0};
             s.slot(s.now);
             s.bitmap(s.map31, 0, {24, 25, 26, 27, 28, 29, 30, 32, 33});
         }},
        {"a damaged catalog", 16, "checksum", cause::medium,
         [](full_store& s) { s.page(16)[60] ^= std::byte{2}; }},
    });
}
