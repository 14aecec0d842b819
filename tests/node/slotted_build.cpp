#include <quire/node/slotted_build.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "node/inner_row.hpp"

using namespace node_test;

namespace {

using small = node::slotted<512>;

page<small> leaf_of(dice& d, const std::vector<std::string>& keys, const std::string& value) {
    auto p = page<small>::leaf(d);
    for (std::uint32_t i = 0; i < keys.size(); ++i) {
        REQUIRE(small::fits(p.get(), i, view(keys[i]), {view(value)}));
        small::insert(p.get(), i, view(keys[i]), {view(value)});
    }
    return p;
}
page<small> inner_of(dice& d, const std::vector<std::string>& keys) {
    auto p = page<small>::inner(d);
    small::start_inner(p.get(), {page_id{1}, 1});
    for (std::uint32_t i = 0; i < keys.size(); ++i) {
        REQUIRE(small::fits_separator(p.get(), i, view(keys[i])));
        small::insert_separator(p.get(), i, view(keys[i]), {page_id{i + 2}, 1});
    }
    return p;
}

// Splits a leaf for a new record; gives the separator.
std::string split(page<small>& left, page<small>& right, std::uint32_t index,
                  const std::string& key, const std::string& value, node::bias border) {
    small::workspace work;
    REQUIRE(small::plan_leaf_spread(work, left.get(), nullptr,
                                    {index, false, view(key), {view(value)}}, border));
    small::apply_leaf_spread(work, left.get(), right.get());
    check_page<small>(left.get());
    check_page<small>(right.get());
    return text(small::planned_separator(work));
}

} // namespace

TEST_CASE("inner pages do what a list of separators does") {
    run_inner_rows<small>(2500);
    run_inner_rows<node::slotted<4096>>(2500);
    run_inner_rows<node::slotted<65536>>(6000);
}

TEST_CASE("a separator of leaves is as short as can be") {
    dice d(1);
    const std::string value = "12345";
    std::vector<std::string> keys;
    for (int i = 0; i < 11; ++i) keys.push_back("aaa" + std::string(1, char('a' + i)));
    for (int i = 0; i < 8; ++i) keys.push_back("bbb" + std::string(1, char('a' + i)));
    auto left = leaf_of(d, keys, value);
    auto right = page<small>::leaf(d);
    // Ten records would be half, but one byte parts aaak from bbba.
    CHECK(split(left, right, 19, "bbbz", value, node::bias::middle) == "b");
    CHECK(format::count_of(left.get()) == 11);
    CHECK(format::count_of(right.get()) == 9);
}

TEST_CASE("a separator may be a prefix of the right key, or all of it") {
    dice d(2);
    const std::string value(100, 'v');
    auto left = leaf_of(d, {"k", "kk", "kkk", "kkkk"}, value);
    auto right = page<small>::leaf(d);
    CHECK(split(left, right, 4, "kkkkk", value, node::bias::ascending) == "kkkkk");
}

TEST_CASE("a new key that no prefix suits gets a page to itself") {
    dice d(3);
    const std::string start(100, 's');
    std::vector<std::string> keys;
    for (char c = 'a'; c <= 'z'; ++c) keys.push_back(start + c);
    for (const bool above : {false, true})
        for (const auto border :
             {node::bias::middle, node::bias::ascending, node::bias::descending}) {
            auto left = leaf_of(d, keys, "v");
            auto right = page<small>::leaf(d);
            const std::string key(128, above ? 't' : 'r');
            REQUIRE_FALSE(small::fits(left.get(), above ? 26 : 0, view(key), {}));
            split(left, right, above ? 26 : 0, key, "", border);
            // With a few of its neighbours at most; the other page keeps its prefix.
            const std::byte* const alone = above ? right.get() : left.get();
            const std::byte* const rest = above ? left.get() : right.get();
            CHECK(format::count_of(alone) <= 4);
            CHECK(format::count_of(alone) + format::count_of(rest) == 27);
            CHECK(format::prefix_size_of(rest) == 100);
            const bool behind = border == (above ? node::bias::ascending : node::bias::descending);
            if (behind) CHECK(format::count_of(alone) == 1);
        }
}

TEST_CASE("a new leaf is born with the prefix of its keys") {
    dice d(4);
    std::vector<std::string> keys;
    for (int i = 0; i < 4; ++i) keys.push_back("a/long/common/start/" + std::to_string(i));
    auto left = leaf_of(d, keys, std::string(50, 'v'));
    CHECK(format::prefix_size_of(left.get()) == 0);
    auto right = page<small>::leaf(d);
    split(left, right, 4, "b/something/else", std::string(200, 'v'), node::bias::middle);
    CHECK(format::prefix_size_of(left.get()) == 20);
    CHECK(format::prefix_size_of(right.get()) == 0); // one key has nothing in common
}

TEST_CASE("spreads and merges that cannot be are refused") {
    dice d(5);
    small::workspace work;
    const std::string value(100, 'v');
    const auto left = leaf_of(d, {"a", "b", "c", "d"}, value);
    const auto right = leaf_of(d, {"p", "q", "r", "s"}, value);
    CHECK_FALSE(small::plan_leaf_merge(work, left.get(), right.get()));
    CHECK_FALSE(small::plan_leaf_spread(work, left.get(), right.get(),
                                        {0, true, view("o"), {view(value)}}, node::bias::middle));
    // Two pages of different prefixes: no border but theirs, and it does not suit the new key.
    std::vector<std::string> low;
    std::vector<std::string> high;
    for (char c = 'a'; c <= 'z'; ++c) {
        low.push_back(std::string(100, 'l') + c);
        high.push_back(std::string(100, 'm') + c);
    }
    const auto dense_low = leaf_of(d, low, "v");
    const auto dense_high = leaf_of(d, high, "v");
    const std::string long_value(100, 'v');
    CHECK_FALSE(small::plan_leaf_spread(work, dense_low.get(), dense_high.get(),
                                        {0, false, view("k"), {view(long_value)}},
                                        node::bias::middle));

    const auto one = inner_of(d, {"m"});
    const auto none = inner_of(d, {});
    CHECK_FALSE(small::plan_inner_split(work, one.get(), 0, view("a"), {page_id{9}, 9},
                                        node::bias::middle));
    CHECK_FALSE(small::plan_inner_spread(work, none.get(), none.get(), view("a")));
    CHECK(small::plan_inner_merge(work, none.get(), one.get(), view("a")));
    low.resize(20);
    high.resize(20);
    const auto inner_low = inner_of(d, low);
    const auto inner_high = inner_of(d, high);
    CHECK_FALSE(small::plan_inner_merge(work, inner_low.get(), inner_high.get(), view("m")));
    // "m" shares neither prefix, so it must stay between the pages.
    CHECK_FALSE(small::plan_inner_spread(work, inner_low.get(), inner_high.get(), view("m")));
}

TEST_CASE("the promoted separator is near the middle, and the shortest there") {
    dice d(6);
    std::vector<std::string> keys;
    for (char c = 'a'; c <= 'o'; ++c) keys.push_back(std::string(1, c) + "long tail");
    keys[8] = "i";
    auto left = inner_of(d, keys);
    auto right = page<small>::inner(d);
    small::workspace work;
    REQUIRE(small::plan_inner_split(work, left.get(), 15, view("p"), {page_id{99}, 1},
                                    node::bias::middle));
    small::apply_inner_split(work, left.get(), right.get());
    CHECK(text(small::planned_separator(work)) == "i");
    CHECK(format::count_of(left.get()) == 8);
    CHECK(format::count_of(right.get()) == 7);
    CHECK(small::child(right.get(), 0) == page_ref{page_id{10}, 1});
    CHECK(small::child(right.get(), 7) == page_ref{page_id{99}, 1});
}

TEST_CASE("after reserve() a plan uses the memory that is there") {
    dice d(7);
    small::workspace work;
    work.reserve();
    auto left = leaf_of(d, {"a", "b"}, "v");
    const auto right = leaf_of(d, {"c", "d"}, "v");
    REQUIRE(small::plan_leaf_merge(work, left.get(), right.get()));
    small::apply_leaf_merge(work, left.get());
    CHECK(format::count_of(left.get()) == 4);
}
