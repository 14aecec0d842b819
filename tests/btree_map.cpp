// The map as a whole: opening, closing, what stays in the file, moving, swapping, care.
#include <quire/btree_map.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/model.hpp"

namespace {

using namespace quire_test;
using quire::durability;

using model = std::map<std::string, std::string>;

template <class C>
using map_of = typename C::template map<std::string, std::string>;

// Records that need several levels, with some values in overflow runs.
template <class Face>
model fill(Face& face, std::uint64_t from, std::uint64_t to) {
    model expected;
    for (std::uint64_t i = from; i < to; ++i) {
        const std::string key = key_text(i * 7);
        const std::string value = text_of(i % 50 == 0 ? 9000 : i % 90, i);
        face.insert_or_assign(key, value);
        expected.insert_or_assign(key, value);
    }
    return expected;
}

TEST_CASE_TEMPLATE("a new map is empty", C, memory_none, memory_shadow, file_shadow, mmap_wal,
                   file_none) {
    opened<map_of<C>> map;
    CHECK(map->empty());
    CHECK(map->size() == 0);
    CHECK(map->begin() == map->end());
    CHECK(map->rbegin() == map->rend());
    CHECK(map->cbegin() == map->cend());
    CHECK(map->max_size() > 0xFFFFFFFFu);
    CHECK(difference_verified(*map, model{}) == "");
    CHECK(map->find("a") == map->end());
    CHECK_FALSE(map->contains(""));
    CHECK(map->erase("a") == 0);
    map->clear();
    map->flush();
    map->checkpoint();
    CHECK(map->path() == (on_device<map_of<C>> ? map.file() : ""));
    map.reopen();
    CHECK(difference_verified(*map, model{}) == "");
}

TEST_CASE_TEMPLATE("contents survive closing, again and again", C, file_shadow, mmap_wal,
                   file_none) {
    opened<map_of<C>> map;
    model expected;
    for (std::uint64_t round = 0; round < 5; ++round) {
        CAPTURE(round);
        expected.merge(fill(*map, round * 200, round * 200 + 200));
        map->erase(key_text(round * 7));
        expected.erase(key_text(round * 7));
        CHECK(difference(*map, expected) == "");
        map.reopen();
        CHECK(difference_verified(*map, expected) == "");
    }
    map->clear();
    CHECK(difference_verified(*map, model{}) == "");
    map.reopen();
    CHECK(difference_verified(*map, model{}) == "");
}

TEST_CASE_TEMPLATE("size is right after everything", C, memory_none, memory_shadow, file_shadow,
                   mmap_wal, file_none) {
    opened<map_of<C>> map;
    map->insert("a", "1");
    CHECK(map->size() == 1);
    map->insert("a", "2");
    CHECK(map->size() == 1);
    map->insert_or_assign("a", "2");
    CHECK(map->size() == 1);
    map->try_emplace("b", "2");
    map->emplace("c", "3");
    CHECK(map->size() == 3);
    map->insert_range(model{{"c", "x"}, {"d", "4"}, {"e", "5"}});
    CHECK(map->size() == 5);
    CHECK(map->erase("a") == 1);
    CHECK(map->erase("a") == 0);
    CHECK(map->size() == 4);
    map->erase(map->begin());
    CHECK(map->size() == 3);
    map->extract("c");
    CHECK(map->size() == 2);
    map->update("d", [](std::string& value) { value += "+"; });
    CHECK(map->size() == 2);
    CHECK(map->erase_if([](const auto& record) { return record.first == "e"; }) == 1);
    CHECK(map->size() == 1);
    CHECK_FALSE(map->empty());
    map->erase(map->begin(), map->end());
    CHECK(map->size() == 0);
    CHECK(map->empty());
    map->insert("a", "1");
    map->clear();
    CHECK(map->size() == 0);
    map->verify();
}

TEST_CASE_TEMPLATE("moving takes the contents, the file and what reads them along", C, memory_none,
                   memory_shadow, file_shadow, mmap_wal, file_none) {
    using map_type = map_of<C>;
    static_assert(std::is_nothrow_move_constructible_v<map_type>);
    static_assert(std::is_nothrow_move_assignable_v<map_type>);
    static_assert(!std::is_copy_constructible_v<map_type>);
    static_assert(!std::is_copy_assignable_v<map_type>);

    opened<map_type> first;
    const model expected = fill(*first, 0, 300);
    auto it = first->begin();
    ++it;
    map_type moved = std::move(*first);
    CHECK(difference_verified(moved, expected) == "");
    CHECK((*it).first == std::next(expected.begin())->first);
    ++it;
    CHECK(walk_difference(it, moved.end(), std::next(expected.begin(), 2), expected.end()) == "");
    it = {};

    opened<map_type> second;
    fill(*second, 0, 10);
    *second = std::move(moved); // the map that was there is closed
    CHECK(difference_verified(*second, expected) == "");
    if constexpr (on_device<map_type>) {
        CHECK(second->path() == first.file());
        second.close();
        first.reopen();
        CHECK(difference_verified(*first, expected) == "");
        second.open();
        CHECK(second->size() == 10);
    }
}

TEST_CASE_TEMPLATE("snapshots outlive a move and a swap of their map", C, memory_shadow,
                   file_shadow, mmap_wal) {
    using map_type = map_of<C>;
    opened<map_type> one;
    opened<map_type> two;
    const model in_one = fill(*one, 0, 200);
    const model in_two = fill(*two, 100, 250);
    {
        const auto of_one = one->snapshot();
        const auto of_two = two->snapshot();
        const auto begin = one->begin();
        one->swap(*two);
        CHECK(difference_verified(*one, in_two) == "");
        CHECK(difference_verified(*two, in_one) == "");
        using std::swap;
        swap(*one, *two);
        CHECK(difference_verified(*one, in_one) == "");
        CHECK(difference_verified(*two, in_two) == "");
        map_type moved = std::move(*one);
        moved.clear();
        CHECK(difference(of_one, in_one) == "");
        CHECK(difference(of_two, in_two) == "");
        CHECK(walk_difference(begin, of_one.end(), in_one.begin(), in_one.end()) == "");
        CHECK(moved.empty());
        *one = std::move(moved);
    }
    CHECK(difference_verified(*one, model{}) == "");
}

TEST_CASE_TEMPLATE("swapped maps write to the files they came with", C, file_shadow, file_none) {
    opened<map_of<C>> one;
    opened<map_of<C>> two;
    model in_one = fill(*one, 0, 20);
    model in_two = fill(*two, 100, 150);
    one->swap(*two);
    CHECK(one->path() == two.file());
    one->insert_or_assign("two", "2");
    two->insert_or_assign("one", "1");
    in_two["two"] = "2";
    in_one["one"] = "1";
    one.close();
    two.close();
    one.open();
    two.open();
    CHECK(difference_verified(*one, in_one) == "");
    CHECK(difference_verified(*two, in_two) == "");
}

TEST_CASE_TEMPLATE("a map begins with the stored values of every durability", C, file_shadow,
                   mmap_wal) {
    using map_type = map_of<C>;
    opened<map_type> map;
    map->insert("base", "0");
    for (const durability wanted : {durability::full, durability::relaxed, durability::none}) {
        auto tx = map->transaction();
        tx.insert_or_assign("d" + std::to_string(static_cast<int>(wanted)), "1");
        tx.commit(wanted);
        CHECK_FALSE(tx.active());
        if (wanted == durability::full) {
            const auto facts = map->stats();
            CHECK(facts.durable == facts.committed);
        }
    }
    map->insert("later", "2");
    map->flush();
    const auto facts = map->stats();
    CHECK(facts.durable == facts.committed);
    CHECK(map->size() == 5);
    map.reopen();
    CHECK(map->size() == 5);
    map->verify();
}

TEST_CASE_TEMPLATE("stats tell what the map holds", C, memory_none, memory_shadow, file_shadow,
                   mmap_wal, file_none) {
    using map_type = map_of<C>;
    opened<map_type> map;
    CHECK(map->stats().entries == 0);
    CHECK(map->stats().height == 0);
    fill(*map, 0, 500);
    const auto facts = map->stats();
    CHECK(facts.entries == 500);
    CHECK(facts.height >= 2);
    CHECK(facts.page_size == map_type::page_bytes);
    CHECK(facts.pages > 10);
    CHECK(facts.snapshots.empty());
    if constexpr (transactional<map_type>) {
        const auto snap = map->snapshot();
        const auto other = map->snapshot();
        map->insert("new", "");
        const auto later = map->stats();
        CHECK(later.committed > facts.committed);
        REQUIRE(later.snapshots.size() >= 1);
        CHECK(later.snapshots.front().number == snap.version());
    }
    map->clear();
    CHECK(map->stats().entries == 0);
    CHECK(map->stats().height == 0);
    if constexpr (on_device<map_type>) {
        map->flush();
        CHECK(map->stats().bytes_written > 0);
        CHECK(map->stats().pages_written > 0);
        CHECK(map->stats().syncs > 0);
    }
}

TEST_CASE_TEMPLATE("pages that changes free are used again", C, memory_none, memory_shadow,
                   file_shadow, mmap_wal, file_none) {
    opened<map_of<C>> map;
    std::uint64_t after_two = 0;
    for (int round = 0; round < 12; ++round) {
        model expected = fill(*map, 0, 150);
        if (round == 2) after_two = map->stats().pages;
        CHECK(difference_verified(*map, expected) == "");
        map->clear();
        map->flush();
    }
    CHECK(map->stats().pages < after_two * 2);
}

TEST_CASE("a const map has the whole reading face") {
    const memory_shadow::map<std::string, std::string> map;
    CHECK(map.empty());
    CHECK(map.find("a") == map.end());
    CHECK(map.lower_bound("a") == map.upper_bound("a"));
    CHECK_FALSE(map.get("a"));
    CHECK(map.range("a", "b").empty());
    CHECK(map.prefix("a").empty());
    const auto snap = map.snapshot();
    CHECK(snap.empty());
}

} // namespace
