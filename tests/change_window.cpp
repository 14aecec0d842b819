// Changes gathered in a window and done in the order of keys: what is left is what it would be had
// they been done one by one.
#include <quire/change_window.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>

#include "support/model.hpp"

namespace {

using namespace quire_test;

// More than the window of insert_range holds, many keys twice, large values among them.
template <class Key, class Value, class KeyOf, class ValueOf>
std::vector<std::pair<Key, Value>> many(std::uint64_t seed, std::size_t n, KeyOf&& key,
                                        ValueOf&& value) {
    std::mt19937_64 random(seed);
    std::vector<std::pair<Key, Value>> pairs;
    for (std::size_t i = 0; i < n; ++i) pairs.emplace_back(key(random), value(random, i));
    return pairs;
}

template <class Map, class Pairs, class Model>
void insert_and_compare(Map& map, const Pairs& pairs, Model& expected) {
    map.insert_range(pairs);
    expected.insert(pairs.begin(), pairs.end()); // of equal keys the first, as ours
    CHECK(difference_verified(map, expected) == "");
}

TEST_CASE_TEMPLATE("insert_range of more than a window holds: the first of equal keys stays", C,
                   memory_none, file_shadow, file_wal) {
    for (const std::uint64_t seed : {1U, 2U}) {
        CAPTURE(seed);
        opened<typename C::template map<std::string, std::string, quire::page_size<512>>> map;
        std::map<std::string, std::string> expected;
        const auto key = [](auto& random) { return std::to_string(random() % 4000); };
        const auto value = [](auto& random, std::size_t i) {
            return std::string(i % 500 == 7 ? 600'000 : random() % 400, 'v') + std::to_string(i);
        };
        insert_and_compare(*map, many<std::string, std::string>(seed, 5000, key, value), expected);
        // Some are there, and keep their values.
        insert_and_compare(*map, many<std::string, std::string>(seed + 9, 500, key, value),
                           expected);
        // Larger than a window by itself, behind and before small ones.
        const std::vector<std::pair<std::string, std::string>> large{
            {"b", "1"}, {"c", std::string(5'000'000, 'x')}, {"a", "2"}, {"c", "3"}};
        insert_and_compare(*map, large, expected);
    }
}

TEST_CASE_TEMPLATE("insert_range of numbers in any order", C, memory_none, mmap_shadow, file_wal) {
    opened<typename C::template map<std::int64_t, std::uint64_t, quire::page_size<512>>> map;
    std::map<std::int64_t, std::uint64_t> expected;
    const auto key = [](auto& random) {
        return static_cast<std::int64_t>(random() % 60'000) - 30'000;
    };
    const auto value = [](auto& random, std::size_t) { return random(); };
    for (const std::uint64_t seed : {3U, 4U}) {
        CAPTURE(seed);
        insert_and_compare(*map, many<std::int64_t, std::uint64_t>(seed, 40'000, key, value),
                           expected);
    }
}

} // namespace
