// Trees built from below, on plain memory: what a tree promises, and pages as full as was asked.
#include <quire/tree/bulk_load.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "tree/plain_tree.hpp"

namespace {

using namespace tree_test;

std::string value_of(std::uint64_t n, bool slotted) {
    return slotted ? std::string(n % 60, 'v') : number(n * 3);
}

template <class Layout>
void load(plain_tree<Layout>& tree, std::uint64_t records, double fill) {
    tree::bulk_loader<Layout, plain_writer<Layout::page_size>> loader(tree.writer, tree_id{1},
                                                                      fill);
    for (std::uint64_t n = 0; n < records; ++n) {
        // Long keys in between, so that separators of any size meet full inner pages.
        std::string key = number(n * 7);
        if (is_slotted<Layout> && n % 5 == 3) key += std::string(n % 90, 'k');
        const std::string value = value_of(n, is_slotted<Layout>);
        REQUIRE(loader.in_order(arg<Layout>(key)));
        loader.add(arg<Layout>(key), {view(value), false});
        REQUIRE_FALSE(loader.in_order(arg<Layout>(key)));
        tree.content[key] = value;
    }
    tree.root = loader.finish();
}

// Requires that every inner page has a separator.
template <class Layout>
void check_inner(plain_tree<Layout>& tree, page_ref ref, std::uint32_t level) {
    if (level == 0) return;
    const std::byte* const page = tree.cache.pages[ref.id].get();
    REQUIRE(format::count_of(page) >= 1);
    for (std::uint32_t i = 0; i <= format::count_of(page); ++i)
        check_inner(tree, Layout::child(page, i), level - 1);
}

TEST_CASE_TEMPLATE("a tree built from below is a tree, at every number of records", Layout,
                   EVERY_LAYOUT) {
    for (const double fill : {1.0, 0.7, 0.01})
        for (std::uint64_t records = 0; records < 700; records += records < 70 ? 1 : records / 5) {
            CAPTURE(fill);
            CAPTURE(records);
            plain_tree<Layout> tree;
            load(tree, records, fill);
            tree.check();
            if (records != 0) check_inner(tree, tree.root.root, tree.root.level);
        }
}

TEST_CASE("full leaves are full, and emptier ones as full as was asked") {
    using layout = fixed_layout;
    for (const std::uint64_t records : {29U, 30U, 31U, 60U, 61U, 900U, 20'000U}) {
        CAPTURE(records);
        plain_tree<layout> tree;
        load(tree, records, 1.0);
        CHECK(tree.check().leaf_pages == (records + layout::leaf_slots - 1) / layout::leaf_slots);
    }
    plain_tree<layout> half;
    load(half, 20'000, 0.5);
    constexpr std::uint64_t each = layout::leaf_slots / 2;
    CHECK(half.check().leaf_pages == (20'000 + each - 1) / each);
}

namespace {

template <class Layout, class Take>
void for_each_leaf(plain_tree<Layout>& tree, page_ref ref, std::uint32_t level, Take&& take) {
    const std::byte* const page = tree.cache.pages[ref.id].get();
    if (level == 0) return take(page);
    for (std::uint32_t i = 0; i <= format::count_of(page); ++i)
        for_each_leaf(tree, Layout::child(page, i), level - 1, take);
}

} // namespace

TEST_CASE_TEMPLATE("leaves of another tree are taken as they are, between records", Layout,
                   EVERY_LAYOUT) {
    for (std::uint64_t records = 1; records < 900; records += 1 + records / 3)
        for (const unsigned one_by_one : {0U, 1U, 2U, 3U}) { // of each four leaves
            CAPTURE(records);
            CAPTURE(one_by_one);
            plain_tree<Layout> from;
            load(from, records, 0.6);
            plain_tree<Layout> to;
            to.content = from.content;
            tree::bulk_loader<Layout, plain_writer<Layout::page_size>> loader(to.writer, tree_id{1},
                                                                              1.0);
            std::uint64_t leaves = 0;
            for_each_leaf(from, from.root.root, from.root.level, [&](const std::byte* leaf) {
                if (leaves++ % 4 >= one_by_one) return loader.add_leaf(leaf);
                for (std::uint32_t i = 0; i < format::count_of(leaf); ++i) {
                    typename Layout::key_buffer scratch;
                    loader.add(Layout::arg_of(Layout::key(leaf, i, scratch)),
                               Layout::value(leaf, i));
                }
            });
            to.root = loader.finish();
            CHECK(to.root.entries == records);
            const auto facts = to.check();
            if (one_by_one == 0) CHECK(facts.leaf_pages == leaves);
            else CHECK(facts.leaf_pages <= leaves);
            check_inner(to, to.root.root, to.root.level);
        }
}

TEST_CASE_TEMPLATE("a tree built from below is changed like any other", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> tree;
    load(tree, 500, 1.0);
    for (std::uint64_t n = 0; n < 500; n += 3) {
        tree.put(number(n * 7 + 1), value_of(n, is_slotted<Layout>));
        static_cast<void>(tree.erase(number(n * 7)));
    }
    tree.check();
}

} // namespace
