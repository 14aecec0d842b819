// Ways down a tree: to the right leaf, and no further than the pages are what they should be.
#include <quire/tree/descent.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "plain_tree.hpp"

using namespace tree_test;

namespace {

// The error of looking a key up.
template <class Layout>
corruption refused(plain_tree<Layout>& t, const std::string& key) {
    try {
        tree::descent<Layout> at;
        at.to(t.cache, t.root, arg<Layout>(key));
    } catch (const corruption& e) {
        return e;
    }
    FAIL("the damage was not seen");
    return corruption("unreachable");
}

} // namespace

TEST_CASE_TEMPLATE("a descent ends where the key is or would be", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    for (std::uint64_t i = 0; i < 3000; ++i) t.put(number(i * 2 + 1), number(i));
    REQUIRE(t.root.level >= 2);
    for (std::uint64_t k = 0; k <= 6001; k += k % 7 + 1) {
        CAPTURE(k);
        tree::descent<Layout> at;
        at.to(t.cache, t.root, arg<Layout>(number(k)));
        REQUIRE(at.depth == t.root.level + 1);
        REQUIRE(at.found == (k % 2 == 1 && k < 6000));
        REQUIRE(format::ref_of(at.steps[0].page) == t.root.root);
        for (std::uint32_t i = 0; i + 1 < at.depth; ++i)
            REQUIRE(Layout::child(at.steps[i].page, at.steps[i].index) ==
                    format::ref_of(at.steps[i + 1].page));
        const auto leaf = at.leaf();
        REQUIRE(leaf.index <= format::count_of(leaf.page));
        if (leaf.index < format::count_of(leaf.page))
            REQUIRE(key_at<Layout>(leaf.page, leaf.index) >= number(k));
        if (leaf.index > 0) REQUIRE(key_at<Layout>(leaf.page, leaf.index - 1) < number(k));
        REQUIRE(tree::find_leaf<Layout>(t.cache, t.root, arg<Layout>(number(k))) == leaf.page);
    }
}

TEST_CASE_TEMPLATE("a descent in an empty tree has no steps", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    tree::descent<Layout> at;
    at.depth = 3;
    at.found = true;
    at.to(t.cache, t.root, arg<Layout>(number(1)));
    CHECK(at.depth == 0);
    CHECK_FALSE(at.found);
    CHECK(t.cache.fetched == 0);
}

TEST_CASE_TEMPLATE("one page a level is read", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    for (std::uint64_t i = 0; i < 3000; ++i) t.put(number(i), number(i));
    t.cache.fetched = 0;
    static_cast<void>(tree::find_leaf<Layout>(t.cache, t.root, arg<Layout>(number(77))));
    CHECK(t.cache.fetched == t.root.level + 1);
}

TEST_CASE_TEMPLATE("a page on the wrong level or of the wrong kind is refused", Layout,
                   EVERY_LAYOUT) {
    plain_tree<Layout> t;
    for (std::uint64_t i = 0; i < 3000; ++i) t.put(number(i), number(i));
    REQUIRE(t.root.level >= 2);
    const format::root_record right = t.root;
    // A root record with a level too many, one too few, and none at all.
    for (const std::uint32_t level : {right.level + 1, right.level - 1, 0U}) {
        t.root.level = level;
        const auto e = refused(t, number(5));
        CHECK(e.field() == "level");
        CHECK(e.page() == right.root.id);
        CHECK(e.path() == t.cache.name);
    }
    t.root = right;
    // A child reference that names a page of another level, which is a good page.
    tree::descent<Layout> at;
    at.to(t.cache, t.root, arg<Layout>(number(5)));
    auto* const inner = const_cast<std::byte*>(at.steps[0].page);
    const page_ref child = Layout::child(inner, at.steps[0].index);
    Layout::set_child(inner, at.steps[0].index, format::ref_of(at.leaf().page));
    CHECK(refused(t, number(5)).field() == "level");
    // One that leads back to the page itself.
    Layout::set_child(inner, at.steps[0].index, right.root);
    CHECK(refused(t, number(5)).field() == "level");
    Layout::set_child(inner, at.steps[0].index, child);
    at.to(t.cache, t.root, arg<Layout>(number(5)));
    CHECK(at.found);
    // What the layout finds wrong with a page is said too.
    auto* const leaf = const_cast<std::byte*>(at.leaf().page);
    format::set_count(leaf, 60'000);
    CHECK(refused(t, number(5)).page() == format::id_of(leaf));
}
