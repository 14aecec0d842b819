// Iterators: what they model, that they walk both ways, and which version they read.
#include <algorithm>
#include <quire/iterator.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <iterator>
#include <map>
#include <ranges>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "support/death.hpp"
#include "support/model.hpp"

namespace {

using namespace quire_test;

using model = std::map<std::string, std::string>;

template <class C>
using map_of = typename C::template map<std::string, std::string, quire::page_size<512>>;

template <class Map>
model fill(Map& map, std::uint64_t n) {
    model expected;
    for (std::uint64_t i = 0; i < n; ++i)
        expected.emplace(key_text(i * 10), text_of(i % 40 == 7 ? 700 : i % 30, i));
    map.insert_range(expected);
    return expected;
}

TEST_CASE_TEMPLATE("iterators are bidirectional, and so is a map", C, memory_none, memory_shadow,
                   file_shadow, mmap_shadow, file_none) {
    using map_type = map_of<C>;
    using iterator = typename map_type::iterator;
    static_assert(std::bidirectional_iterator<iterator>);
    static_assert(std::bidirectional_iterator<typename map_type::reverse_iterator>);
    static_assert(std::is_same_v<iterator, typename map_type::const_iterator>);
    static_assert(std::sentinel_for<iterator, iterator>);
    static_assert(std::default_initializable<iterator>);
    static_assert(std::is_nothrow_move_constructible_v<iterator>);
    static_assert(
        std::is_same_v<std::iter_value_t<iterator>, std::pair<std::string_view, std::string_view>>);
    static_assert(std::ranges::bidirectional_range<map_type>);
    static_assert(std::ranges::bidirectional_range<const map_type>);
    static_assert(std::ranges::common_range<map_type>);
    static_assert(std::ranges::view<typename map_type::range_type>);
    static_assert(std::ranges::bidirectional_range<typename map_type::range_type>);
    if constexpr (transactional<map_type>) {
        using snapshot = typename map_type::snapshot_type;
        using transaction = typename map_type::transaction_type;
        static_assert(std::ranges::bidirectional_range<const snapshot>);
        static_assert(std::ranges::bidirectional_range<const transaction>);
        static_assert(std::is_same_v<typename snapshot::iterator, iterator>);
    }
    CHECK(iterator() == iterator());
}

TEST_CASE_TEMPLATE("a walk goes forward, backward and turns round", C, memory_none, memory_shadow,
                   file_shadow, mmap_shadow, file_none) {
    opened<map_of<C>> map;
    const model expected = fill(*map, 300);
    CHECK(difference_verified(*map, expected) == "");

    auto it = map->begin();
    auto entry = expected.begin();
    std::uint64_t state = 1;
    int left_of_start = 0;
    for (int step = 0; step < 5000; ++step) { // a random walk with a drift to the right
        state = state * 6364136223846793005u + 1442695040888963407u;
        const bool forward = (state >> 33) % 16 < 9;
        if (forward && entry != expected.end()) {
            ++it;
            ++entry;
        } else if (!forward && entry != expected.begin()) {
            --it;
            --entry;
        } else {
            ++left_of_start;
        }
        REQUIRE((it == map->end()) == (entry == expected.end()));
        REQUIRE((it == map->begin()) == (entry == expected.begin()));
        if (entry != expected.end()) REQUIRE(detail::record_difference(*it, *entry) == "");
    }

    auto post = map->begin();
    CHECK((*post++).first == key_text(0));
    CHECK((*post--).first == key_text(10));
    CHECK(post == map->begin());
    CHECK(post->first == key_text(0));
    CHECK(post.key() == key_text(0));
    CHECK(post.value() == expected.begin()->second);

    auto back = map->rbegin();
    CHECK((*back++).first == key_text(2990));
    CHECK((*back--).first == key_text(2980));
    CHECK(back == map->rbegin());
    CHECK(back->first == key_text(2990));
    auto from_the_end = map->rend();
    --from_the_end;
    CHECK((*from_the_end).first == key_text(0));
    CHECK(++from_the_end == map->rend());
}

TEST_CASE_TEMPLATE("one record is first and last", C, memory_none, memory_shadow) {
    opened<map_of<C>> map;
    map->insert("k", "v");
    CHECK(difference(*map, model{{"k", "v"}}) == "");
    auto it = map->end();
    --it;
    CHECK(it == map->begin());
    auto back = map->rbegin();
    CHECK((*back).second == "v");
    CHECK(++back == map->rend());
    CHECK((*--back).first == "k");
}

TEST_CASE_TEMPLATE("standard algorithms and views take maps and ranges", C, memory_none,
                   memory_shadow, file_shadow) {
    opened<map_of<C>> map;
    const model expected = fill(*map, 50);
    CHECK(std::distance(map->begin(), map->end()) == 50);
    CHECK(std::ranges::distance(*map) == 50);
    CHECK(std::ranges::distance(map->range(key_text(100), key_text(200))) == 10);
    CHECK((*std::ranges::next(map->begin(), 3)).first == key_text(30));
    CHECK((*std::ranges::prev(map->end(), 2)).first == key_text(480));
    std::uint64_t bytes = 0;
    for (const auto& [key, value] : *map) bytes += key.size() + value.size();
    std::uint64_t expected_bytes = 0;
    for (const auto& [key, value] : expected) expected_bytes += key.size() + value.size();
    CHECK(bytes == expected_bytes);
    const auto at = std::ranges::find_if(
        *map, [](const auto& record) { return record.first >= key_text(155); });
    CHECK((*at).first == key_text(160));
    CHECK(std::ranges::is_sorted(*map, {}, [](const auto& r) { return std::string(r.first); }));
    CHECK(std::ranges::count_if(map->prefix("0001"),
                                [](const auto& r) { return r.first[4] == '5'; }) == 1);
    const std::vector<std::pair<std::string, std::string>> copy(map->begin(), map->end());
    CHECK(model(copy.begin(), copy.end()) == expected);
}

TEST_CASE_TEMPLATE("copies of an iterator go their own way", C, memory_none, memory_shadow,
                   file_shadow) {
    opened<map_of<C>> map;
    const model expected = fill(*map, 100);
    auto one = map->find(key_text(400));
    auto two = one;
    for (int i = 0; i < 30; ++i) ++two;
    CHECK((*one).first == key_text(400));
    CHECK((*two).first == key_text(700));
    CHECK((*one).second == expected.at(key_text(400)));
    auto three = std::move(two);
    CHECK((*three).first == key_text(700));
    two = one;
    CHECK(two == one);
    CHECK((*two).second == (*one).second);
    two = std::move(three);
    CHECK((*two).second == expected.at(key_text(700)));
    auto& same = one;
    one = same;
    CHECK((*one).first == key_text(400));
}

TEST_CASE_TEMPLATE("iterators go on reading their version", C, memory_shadow, file_shadow,
                   mmap_shadow) {
    opened<map_of<C>> map({.cache_bytes = 64 << 10, .durability = quire::durability::none});
    model now = fill(*map, 200);
    {
        const model before = now;
        auto begin = map->begin();
        auto middle = map->find(key_text(1000));
        auto end = map->end();
        const auto backward = map->rbegin();
        const auto range = map->range(key_text(500), key_text(1500));
        for (std::uint64_t i = 0; i < 200; i += 2) {
            map->erase(key_text(i * 10));
            now.erase(key_text(i * 10));
            map->insert_or_assign(key_text(i * 10 + 3), text_of(i * 5, i));
            now.insert_or_assign(key_text(i * 10 + 3), text_of(i * 5, i));
        }
        CHECK(walk_difference(begin, end, before.begin(), before.end()) == "");
        CHECK(walk_difference(middle, end, before.find(key_text(1000)), before.end()) == "");
        CHECK(walk_difference(backward, map->rend(), before.rbegin(), before.rend()) == "");
        CHECK(walk_difference(range.begin(), range.end(), before.find(key_text(500)),
                              before.find(key_text(1500))) == "");
        CHECK(difference(*map, now) == "");
        map->clear();
        CHECK(walk_difference(begin, end, before.begin(), before.end()) == "");
        --end;
        CHECK((*end).first == before.rbegin()->first);
        CHECK(begin.version() == middle.version());
        CHECK(map->begin().version() > begin.version());
    }
    map->insert_range(now);
    CHECK(difference_verified(*map, now) == "");
}

TEST_CASE_TEMPLATE("erasing and inserting while iterating", C, memory_shadow, file_shadow,
                   mmap_shadow) {
    opened<map_of<C>> map;
    model expected = fill(*map, 150);
    // Over one version of the map, changing the map itself.
    for (const auto& [key, value] : *map) {
        if (key[4] % 2 == 0) {
            map->erase(key);
            expected.erase(std::string(key));
        } else {
            map->insert_or_assign(std::string(key) + "+", value);
            expected.insert_or_assign(std::string(key) + "+", std::string(value));
        }
    }
    CHECK(difference_verified(*map, expected) == "");
    // The way of std::map.
    for (auto it = map->begin(); it != map->end();) {
        if ((*it).first.back() == '+') {
            expected.erase(std::string((*it).first));
            it = map->erase(it);
        } else {
            ++it;
        }
    }
    CHECK(difference_verified(*map, expected) == "");
}

TEST_CASE_TEMPLATE("erase(it) goes on where it was, without transactions too", C, memory_none,
                   memory_shadow, file_shadow, mmap_shadow, file_none) {
    opened<map_of<C>> map;
    model expected = fill(*map, 150);
    int i = 0;
    auto entry = expected.begin();
    for (auto it = map->begin(); it != map->end(); ++i) {
        REQUIRE((*it).first == entry->first);
        if (i % 3 != 0) {
            it = map->erase(it);
            entry = expected.erase(entry);
        } else {
            ++it;
            ++entry;
        }
    }
    CHECK(difference_verified(*map, expected) == "");
    while (!map->empty()) map->erase(--map->end());
    CHECK(difference_verified(*map, model{}) == "");
}

TEST_CASE_TEMPLATE("iterators of a transaction read what it wrote", C, memory_shadow, file_shadow,
                   mmap_shadow) {
    opened<map_of<C>> map;
    model expected = fill(*map, 100);
    auto tx = map->transaction();
    for (auto it = tx.begin(); it != tx.end();) {
        const std::string key((*it).first);
        if (key[4] % 2 == 1) {
            it = tx.erase(it);
            expected.erase(key);
        } else {
            it = tx.insert_or_assign(key, "changed").first;
            CHECK((*it).second == "changed");
            ++it;
            expected[key] = "changed";
        }
    }
    CHECK(difference(tx, expected) == "");
    CHECK(map->size() == 100);
    tx.commit();
    CHECK(difference_verified(*map, expected) == "");
}

TEST_CASE_TEMPLATE("an iterator may be walked on another thread", C, memory_shadow, file_shadow,
                   mmap_shadow) {
    opened<map_of<C>> map;
    const model expected = fill(*map, 300);
    std::string seen = "never ran";
    {
        std::thread reader([it = map->begin(), end = map->end(), &expected, &seen]() mutable {
            seen = walk_difference(std::move(it), end, expected.begin(), expected.end());
        });
        for (std::uint64_t i = 0; i < 300; ++i) map->erase(key_text(i * 10));
        reader.join();
    }
    CHECK(seen == "");
    CHECK(map->empty());
}

#if QUIRE_ASSERTIONS
TEST_CASE("builds with assertions catch the use of a dead iterator") {
    SUBCASE("without transactions a change ends all iterators") {
        memory_none::map<std::string, std::string> map;
        map.insert("a", "1");
        map.insert("b", "1");
        CHECK(death_of([&] {
                  const auto it = map.begin();
                  map.insert("c", "2");
                  static_cast<void>(*it);
              }).says("invalidates iterators"));
        CHECK(death_of([&] {
                  auto it = map.begin();
                  map.erase("b");
                  ++it;
              }).says("invalidates iterators"));
    }
    SUBCASE("in a transaction too") {
        memory_shadow::map<std::string, std::string> map;
        map.insert("a", "1");
        auto tx = map.transaction();
        CHECK(death_of([&] {
                  const auto it = tx.begin();
                  tx.insert("c", "2");
                  static_cast<void>(*it);
              }).says("invalidates iterators"));
    }
    SUBCASE("a change that changes nothing leaves them") {
        memory_none::map<std::string, std::string> map;
        map.insert("a", "1");
        const auto it = map.begin();
        CHECK_FALSE(map.insert("a", "2").second);
        CHECK(map.erase("b") == 0);
        CHECK((*it).second == "1");
    }
    SUBCASE("an iterator that was never made") {
        const memory_shadow::map<std::string, std::string>::iterator it{};
        CHECK(death_of([&] { static_cast<void>(*it); }).says("stands nowhere"));
    }
    SUBCASE("the end has no record, and nothing follows it") {
        memory_shadow::map<std::string, std::string> map;
        map.insert("a", "1");
        CHECK(death_of([&] { static_cast<void>(*map.end()); }).aborted);
        CHECK(death_of([&] { ++map.end(); }).aborted);
        CHECK(death_of([&] { map.erase(map.end()); }).aborted);
        CHECK(death_of([&] { --map.begin(); }).aborted);
    }
}
#endif

} // namespace
