// Positions that outlive an operation, against iterators of std::map.
#include <quire/tree/cursor.hpp>

#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "../support/death.hpp"
#include "plain_tree.hpp"

using namespace tree_test;

namespace {

template <class Layout>
using cursor = tree::cursor<Layout, page_store>;

template <class Layout>
void fill(plain_tree<Layout>& t, int records, std::uint64_t seed) {
    dice d(seed);
    const input<Layout> in{is_slotted<Layout> ? 1 : 0, 100'000};
    for (int i = 0; i < records; ++i) {
        const std::string key = in.key(d);
        t.put(key, in.value(d, key.size()));
    }
}
template <class Layout>
std::string key_of(const cursor<Layout>& at) {
    return key_at<Layout>(at.leaf(), at.index());
}

} // namespace

TEST_CASE_TEMPLATE("a cursor in an empty tree is at the end", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    cursor<Layout> at;
    CHECK(at.at_end());
    at.to_first(t.cache, t.root);
    CHECK(at.at_end());
    at.to_last(t.cache, t.root);
    CHECK(at.at_end());
    CHECK_FALSE(at.to_lower_bound(t.cache, t.root, arg<Layout>(number(1))));
    CHECK(at.at_end());
    CHECK(at.same(cursor<Layout>()));
}

TEST_CASE_TEMPLATE("a cursor goes through all records, both ways", Layout, EVERY_LAYOUT) {
    for (const int records : {1, 20, 5000}) {
        CAPTURE(records);
        plain_tree<Layout> t;
        fill(t, records, 1);
        cursor<Layout> at;
        at.to_first(t.cache, t.root);
        for (const auto& [key, value] : t.content) {
            REQUIRE_FALSE(at.at_end());
            REQUIRE(key_of<Layout>(at) == key);
            REQUIRE(value_at<Layout>(at.leaf(), at.index()) == value);
            at.next(t.cache);
        }
        REQUIRE(at.at_end());
        at.to_last(t.cache, t.root);
        for (auto i = t.content.rbegin(); i != t.content.rend(); ++i) {
            REQUIRE(key_of<Layout>(at) == i->first);
            REQUIRE(at.previous(t.cache) == (std::next(i) != t.content.rend()));
        }
        REQUIRE(key_of<Layout>(at) == t.content.begin()->first); // it has not moved
        at.to_end();
        REQUIRE(at.at_end());
        REQUIRE(t.cache.pins.empty());
    }
}

TEST_CASE_TEMPLATE("a lower bound is found, in whatever leaf it stands", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    fill(t, 3000, 2);
    // Whole leaves go, so that a key's leaf often ends before its lower bound.
    dice d(3);
    while (t.content.size() > 500) {
        auto i = t.content.lower_bound(input<Layout>{is_slotted<Layout> ? 1 : 0, 100'000}.key(d));
        for (int n = 0; n < 20 && i != t.content.end(); ++n) {
            const std::string gone = i->first;
            ++i;
            t.erase(gone);
        }
    }
    t.check();
    for (int n = 0; n < 4000; ++n) {
        const std::string key = input<Layout>{is_slotted<Layout> ? 1 : 0, 100'000}.key(d);
        CAPTURE(n);
        const auto right = t.content.lower_bound(key);
        cursor<Layout> at;
        const bool found = at.to_lower_bound(t.cache, t.root, arg<Layout>(key));
        REQUIRE(found == t.content.contains(key));
        REQUIRE(at.at_end() == (right == t.content.end()));
        if (!at.at_end()) REQUIRE(key_of<Layout>(at) == right->first);
    }
}

TEST_CASE_TEMPLATE("steps in any direction, from any place", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    fill(t, 2000, 4);
    dice d(5);
    cursor<Layout> at;
    at.to_first(t.cache, t.root);
    auto right = t.content.begin();
    for (int n = 0; n < 30'000; ++n) {
        if (n % 3000 == 0) { // far away
            const std::string key =
                std::next(t.content.begin(), static_cast<std::ptrdiff_t>(d.below(t.content.size())))
                    ->first;
            right = t.content.find(key);
            REQUIRE(at.to_lower_bound(t.cache, t.root, arg<Layout>(key)));
        }
        const bool up = d.below(100) < (n / 700 % 2 == 0 ? 70U : 30U);
        if (up) {
            if (at.next_is_here() && d.one_in(2)) at.step_here();
            else at.next(t.cache);
            if (++right == t.content.end()) {
                REQUIRE(at.at_end());
                at.to_last(t.cache, t.root);
                --right;
            }
        } else {
            if (at.previous_is_here() && d.one_in(2)) {
                at.step_back_here();
                --right;
            } else if (at.previous(t.cache)) {
                --right;
            } else {
                REQUIRE(right == t.content.begin());
            }
        }
        REQUIRE_FALSE(at.at_end());
        REQUIRE(key_of<Layout>(at) == right->first);
        REQUIRE(t.cache.pins.size() == 1); // its leaf, and nothing else
        REQUIRE(t.cache.pins.begin()->second == 1);
        REQUIRE(t.cache.pins.begin()->first == at.leaf());
    }
}

TEST_CASE_TEMPLATE("a cursor stands where a descent found its record", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    fill(t, 2000, 6);
    const auto middle = std::next(t.content.begin(), 900);
    tree::descent<Layout> path;
    path.to(t.cache, t.root, arg<Layout>(middle->first));
    REQUIRE(path.found);
    cursor<Layout> at;
    at.to(t.cache, path);
    CHECK(key_of<Layout>(at) == middle->first);
    cursor<Layout> other;
    other.to_lower_bound(t.cache, t.root, arg<Layout>(middle->first));
    CHECK(at.same(other));
    at.next(t.cache);
    CHECK_FALSE(at.same(other));
    CHECK(key_of<Layout>(at) == std::next(middle)->first);
    CHECK(at.previous(t.cache));
    CHECK(at.same(other));
    CHECK_FALSE(at.same(cursor<Layout>()));
}

TEST_CASE_TEMPLATE("copies go their own ways, and each holds its leaf", Layout, EVERY_LAYOUT) {
    static_assert(std::is_nothrow_move_constructible_v<cursor<Layout>>);
    plain_tree<Layout> t;
    fill(t, 500, 7);
    {
        cursor<Layout> first;
        first.to_first(t.cache, t.root);
        cursor<Layout> second(first);
        REQUIRE(t.cache.pins.size() == 1);
        CHECK(t.cache.pins.begin()->second == 2);
        while (second.leaf() == first.leaf()) second.next(t.cache);
        CHECK(t.cache.pins.size() == 2);
        CHECK(key_of<Layout>(first) == t.content.begin()->first);
        cursor<Layout> third(std::move(second));
        CHECK(second.at_end());
        CHECK(t.cache.pins.size() == 2);
        first = third;
        CHECK(first.same(third));
        CHECK(t.cache.pins.size() == 1);
        const cursor<Layout>& itself = first;
        first = itself;
        CHECK(first.same(third));
        third = std::move(first);
        CHECK(t.cache.pins.begin()->second == 1);
        std::vector<cursor<Layout>> many(10, third);
        CHECK(t.cache.pins.begin()->second == 11);
        many[3].to_end();
        CHECK(t.cache.pins.begin()->second == 10);
    }
    CHECK(t.cache.pins.empty());
}

TEST_CASE_TEMPLATE("a step that cannot read a page leaves the cursor where it was", Layout,
                   EVERY_LAYOUT) {
    plain_tree<Layout> t;
    fill(t, 3000, 8);
    REQUIRE(t.root.level >= 2);
    cursor<Layout> at;
    at.to_first(t.cache, t.root);
    std::size_t failures = 0;
    for (auto right = t.content.begin(); right != t.content.end(); ++right) {
        REQUIRE(key_of<Layout>(at) == right->first);
        for (std::size_t n = 0;; ++n) {
            const auto before = std::pair{at.leaf(), at.index()};
            t.cache.fetches_left = n;
            bool failed = false;
            try {
                at.next(t.cache);
            } catch (const io_error&) {
                failed = true;
            }
            t.cache.fetches_left = ~std::size_t{0};
            if (!failed) break;
            ++failures;
            REQUIRE(std::pair{at.leaf(), at.index()} == before);
            REQUIRE(t.cache.pins.size() == 1);
        }
    }
    CHECK(at.at_end());
    CHECK(failures > 100);
}

TEST_CASE_TEMPLATE("a cursor on an old version does not see what came later", Layout,
                   EVERY_LAYOUT) {
    plain_tree<Layout> t;
    fill(t, 1000, 9);
    const model before = t.content;
    const format::root_record old = t.new_version();
    cursor<Layout> at;
    at.to_first(t.cache, old);
    std::size_t n = 0;
    for (const auto& [key, value] : before) {
        REQUIRE(key_of<Layout>(at) == key);
        REQUIRE(value_at<Layout>(at.leaf(), at.index()) == value);
        if (n++ % 3 != 0) t.erase(key);
        at.next(t.cache);
    }
    CHECK(at.at_end());
    CHECK(t.content.size() < before.size() / 2);
}

#if QUIRE_ASSERTIONS
TEST_CASE("a cursor at the end goes nowhere") {
    CHECK(quire_test::death_of([] {
              page_store store;
              cursor<fixed_layout> at;
              at.next(store);
          }).says("an iterator at the end is not advanced"));
    CHECK(quire_test::death_of([] {
              page_store store;
              cursor<fixed_layout> at;
              at.previous(store);
          }).says("previous needs a position"));
}
#endif

TEST_CASE_TEMPLATE(
    "going on from leaf to leaf, a cursor asks for more and more ahead, each page once", Layout,
    EVERY_LAYOUT) {
    plain_tree<Layout> t;
    for (std::uint64_t i = 0; i < 3000; ++i) t.put(number(i), number(i));
    REQUIRE(t.root.level >= 2);
    tree::cursor<Layout, page_store> at;
    at.to_first(t.cache, t.root);
    while (!at.at_end()) at.next_leaf(t.cache);
    CHECK(t.cache.expected.empty()); // all is in memory
    t.cache.all_on_medium = true;
    at.to_first(t.cache, t.root);
    at.next_leaf(t.cache);
    CHECK(t.cache.expected.empty()); // one step is no scan
    std::size_t leaves = 2;
    for (; !at.at_end(); ++leaves) at.next_leaf(t.cache);
    std::set<page_id> distinct;
    for (const page_ref ref : t.cache.expected) {
        CHECK(distinct.insert(ref.id).second);
        CHECK(format::level_of(t.cache.pages.at(ref.id).get()) == 0);
    }
    CHECK(distinct.size() * 2 > leaves);
    CHECK(distinct.size() < leaves);
    for (const page_ref ref : t.cache.together) CHECK(t.cache.pages.contains(ref.id));
}
