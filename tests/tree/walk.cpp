// Walks over all pages: each page and run is met once, and whatever is wrong with a tree is said.
#include <quire/tree/walk.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "plain_tree.hpp"

using namespace tree_test;

namespace {

constexpr auto at_once = [](auto&& operation) { operation(); };

template <class Layout>
tree::tree_facts check(plain_tree<Layout>& t) {
    const auto seen = [](page_id, std::uint32_t) {};
    tree::tree_checker<Layout, page_store, const decltype(at_once), const decltype(seen)> checker(
        t.cache, at_once, seen);
    return checker.check(t.root);
}
template <class Layout>
std::string complaint(plain_tree<Layout>& t) {
    try {
        check(t);
    } catch (const corruption& e) {
        CHECK(e.path() == t.cache.name);
        return e.what();
    }
    return "nothing";
}
template <class Layout>
void fill(plain_tree<Layout>& t, std::uint64_t records) {
    for (std::uint64_t i = 0; i < records; ++i) t.put(number(i * 2), number(i));
}
bool says(const std::string& what, const std::string& part) {
    return what.find(part) != std::string::npos;
}

// Puts a value of that size into a run of its own and refers to it.
void put_run(plain_tree<slotted_layout>& t, std::uint64_t key, std::uint32_t run_page,
             std::uint32_t size) {
    const page_ref first{page_id{run_page}, 4};
    auto& run = t.cache.runs[first.id];
    run.resize(format::page_header_size + size);
    format::start_page(run.data(), {format::page_kind::overflow, 0, tree_id{1}}, first.id,
                       version{4});
    format::set_value_size(run.data(), size);
    format::seal(run);
    const auto reference = tree::encode({first, size});
    typename slotted_layout::workspace work;
    work.reserve();
    tree::insertion_trail trail;
    tree::descent<slotted_layout> at;
    const std::string k = number(key);
    at.to(t.cache, t.root, view(k));
    REQUIRE_FALSE(at.found);
    tree::editor<slotted_layout, plain_writer<512>> edit(t.writer, t.root, work, trail);
    edit.insert(at, view(k), {reference, true});
}

} // namespace

TEST_CASE_TEMPLATE("every page is met once", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    for (const std::uint64_t records : {0U, 1U, 4000U}) {
        fill(t, records);
        std::set<page_id> met;
        tree::for_each_page<Layout>(
            t.cache, t.root, at_once,
            [&](page_ref ref) { REQUIRE(met.insert(ref.id).second); },
            [](const tree::run_ref&) { FAIL("there are no runs"); });
        CHECK(met == t.writer.live);
    }
}

TEST_CASE("every run is met once") {
    plain_tree<slotted_layout> t;
    fill(t, 300);
    for (std::uint32_t i = 0; i < 50; ++i) put_run(t, i * 4 + 1, 10'000 + i * 10, 100 + i * 60);
    std::set<page_id> runs;
    tree::for_each_page<slotted_layout>(
        t.cache, t.root, at_once, [](page_ref) {},
        [&](const tree::run_ref& run) { REQUIRE(runs.insert(run.first.id).second); });
    CHECK(runs.size() == 50);
    std::uint64_t pages = 0;
    std::set<page_id> seen_runs;
    const auto seen = [&](page_id first, std::uint32_t n) {
        if (!t.cache.runs.contains(first)) return;
        REQUIRE(seen_runs.insert(first).second);
        pages += n;
    };
    tree::tree_checker<slotted_layout, page_store, const decltype(at_once), const decltype(seen)>
        checker(t.cache, at_once, seen);
    CHECK(checker.check(t.root).overflow_pages == pages);
    CHECK(seen_runs == runs);
    std::uint64_t right = 0;
    for (std::uint32_t i = 0; i < 50; ++i) right += format::run_pages(100 + i * 60, 512);
    CHECK(pages == right);
    // A spoilt run is found.
    t.cache.runs.begin()->second.back() ^= std::byte{1};
    CHECK(says(complaint(t), "checksum"));
}

// Every operation is run twice, as when the cache was full at first.
TEST_CASE("a walk survives that its operations start over") {
    plain_tree<slotted_layout> t;
    fill(t, 2000);
    const auto twice = [](auto&& operation) {
        operation();
        operation();
    };
    std::set<page_id> met;
    tree::for_each_page<slotted_layout>(
        t.cache, t.root, twice, [&](page_ref ref) { REQUIRE(met.insert(ref.id).second); },
        [](const tree::run_ref&) {});
    CHECK(met == t.writer.live);
}

TEST_CASE_TEMPLATE("the facts of a tree are counted", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    fill(t, 5000);
    const tree::tree_facts facts = check(t);
    CHECK(facts.records == 5000);
    CHECK(facts.leaf_pages + facts.inner_pages == t.cache.pages.size());
    std::uint64_t leaves = 0;
    std::uint64_t used = 0;
    for (const auto& [id, page] : t.cache.pages)
        if (format::level_of(page.get()) == 0) {
            ++leaves;
            used += Layout::used(page.get());
        }
    CHECK(facts.leaf_pages == leaves);
    CHECK(facts.used_bytes == used);
    CHECK(facts.overflow_pages == 0);
}

TEST_CASE_TEMPLATE("what is wrong with a tree is said", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    fill(t, 3000);
    REQUIRE(complaint(t) == "nothing");
    tree::descent<Layout> at;
    at.to(t.cache, t.root, arg<Layout>(number(3000)));
    REQUIRE(at.depth >= 3);
    auto* const leaf = const_cast<std::byte*>(at.leaf().page);
    auto* const inner = const_cast<std::byte*>(at.steps[at.depth - 2].page);
    const std::uint32_t child = at.steps[at.depth - 2].index;
    std::array<std::byte, 512> saved_leaf;
    std::array<std::byte, 512> saved_inner;
    std::memcpy(saved_leaf.data(), leaf, 512);
    std::memcpy(saved_inner.data(), inner, 512);
    const auto restore = [&] {
        std::memcpy(leaf, saved_leaf.data(), 512);
        std::memcpy(inner, saved_inner.data(), 512);
        REQUIRE(complaint(t) == "nothing");
    };

    // The count of records.
    ++t.root.entries;
    CHECK(says(complaint(t), "entries: found 3000, expected 3001"));
    t.root.entries = 3000;

    // A key that belongs elsewhere: too small, too large, or out of order.
    const std::string value = number(1);
    const auto make_room = [&] {
        while (format::count_of(leaf) > 4) Layout::erase(leaf, 4);
    };
    for (const std::uint64_t key : {std::uint64_t{1}, std::uint64_t{5999}}) {
        make_room();
        Layout::insert(leaf, key == 1 ? 0 : 4, arg<Layout>(number(key)), {view(value), false});
        CHECK(says(complaint(t), "outside its page's range"));
        restore();
    }
    {
        make_room();
        const std::string first = key_at<Layout>(leaf, 0);
        Layout::erase(leaf, 0);
        Layout::insert(leaf, 1, arg<Layout>(first), {view(value), false});
        CHECK(says(complaint(t), "not in order"));
        restore();
    }
    // Two children of a page changed places.
    const std::uint32_t other = child == 0 ? 1 : child - 1;
    const page_ref a = Layout::child(inner, child);
    Layout::set_child(inner, child, Layout::child(inner, other));
    Layout::set_child(inner, other, a);
    CHECK(says(complaint(t), "outside its page's range"));
    restore();
    // A leaf without records.
    while (format::count_of(leaf) != 0) Layout::erase(leaf, format::count_of(leaf) - 1);
    CHECK(says(complaint(t), "a leaf is empty"));
    restore();
    // A page of another level.
    Layout::set_child(inner, child, format::ref_of(inner));
    CHECK(says(complaint(t), "another kind of page"));
    restore();
}
