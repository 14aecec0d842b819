// Many keys down a tree at once: each is found where it would be alone.
#include <quire/tree/batch.hpp>

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "plain_tree.hpp"

using namespace tree_test;

TEST_CASE_TEMPLATE("each key of a batch is found where it is, or not at all", Layout,
                   EVERY_LAYOUT) {
    constexpr std::uint64_t seed = 5;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    plain_tree<Layout> t;
    for (const std::uint64_t records : {1U, 30U, 3000U}) {
        while (t.root.entries < records)
            t.put(number(t.root.entries * 2 + 1), number(t.root.entries));
        for (int round = 0; round < 50; ++round) {
            const std::size_t n = random() % (tree::most_in_batch + 1);
            std::vector<std::string> keys;
            std::vector<typename Layout::key_arg> args;
            for (std::size_t i = 0; i < n; ++i) keys.push_back(number(random() % (3 * records)));
            for (const std::string& key : keys) args.push_back(arg<Layout>(key));
            std::set<std::uint32_t> seen;
            tree::find_batch<Layout>(
                t.cache, t.root, args,
                [&](std::uint32_t i, const std::byte* leaf, std::uint32_t index) {
                    REQUIRE(i < n);
                    REQUIRE(seen.insert(i).second);
                    REQUIRE(key_at<Layout>(leaf, index) == keys[i]);
                    REQUIRE(tree::find_leaf<Layout>(t.cache, t.root, args[i]) == leaf);
                });
            for (std::uint32_t i = 0; i < n; ++i) {
                tree::descent<Layout> alone;
                alone.to(t.cache, t.root, args[i]);
                REQUIRE(alone.found == seen.contains(i));
            }
        }
    }
}

TEST_CASE_TEMPLATE("what is missing of a level is asked for together, in page order, once", Layout,
                   EVERY_LAYOUT) {
    plain_tree<Layout> t;
    for (std::uint64_t i = 0; i < 3000; ++i) t.put(number(i), number(i));
    REQUIRE(t.root.level >= 2);
    std::vector<std::string> keys;
    std::vector<typename Layout::key_arg> args;
    for (std::uint64_t i = 0; i < 20; ++i) keys.push_back(number((i * 1237) % 3000));
    keys.push_back(keys[3]);
    for (const std::string& key : keys) args.push_back(arg<Layout>(key));
    const auto ignore = [](std::uint32_t, const std::byte*, std::uint32_t) {};
    tree::find_batch<Layout>(t.cache, t.root, args, ignore);
    CHECK(t.cache.expected.empty());
    t.cache.all_on_medium = true;
    tree::find_batch<Layout>(t.cache, t.root, args, ignore);
    REQUIRE(t.cache.expected.size() > 20);
    std::set<page_id> distinct;
    std::size_t descents = 0;
    for (std::size_t i = 0; i < t.cache.expected.size(); ++i) {
        CHECK(distinct.insert(t.cache.expected[i].id).second);
        descents += i != 0 && t.cache.expected[i].id < t.cache.expected[i - 1].id ? 1U : 0U;
    }
    CHECK(descents < t.root.level); // each level in its order
}
