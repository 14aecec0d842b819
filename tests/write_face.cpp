// Inserting, assigning and updating, in the map and in a transaction, which share one face.
#include <quire/write_face.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "support/faces.hpp"
#include "support/model.hpp"

namespace {

using namespace quire_test;

using model = std::map<std::string, std::string>;

#define CONFIGURATIONS memory_none, memory_shadow, file_shadow, mmap_shadow, file_none

TEST_CASE_TEMPLATE("insert leaves what is there, insert_or_assign does not", C, CONFIGURATIONS) {
    on_every_face<C>([](auto& face) {
        auto [first, fresh] = face.insert("b", "1");
        CHECK(fresh);
        CHECK((*first).first == "b");
        CHECK((*first).second == "1");
        auto [again, second] = face.insert("b", "2");
        CHECK_FALSE(second);
        CHECK((*again).second == "1");
        CHECK((*face.insert({"c", "3"}).first).second == "3"); // a pair in braces
        CHECK(face.insert(std::pair<std::string, std::string>("d", "4")).second);
        CHECK(face.insert(std::pair<const std::string, std::string>("e", "5")).second);
        CHECK(face.insert(std::pair<std::string_view, const char*>("f", "6")).second);
        CHECK_FALSE(face.insert(std::pair<const char*, const char*>("f", "7")).second);
        CHECK(face.insert(*model{{"g", "7"}}.begin()).second);
        auto [assigned, inserted] = face.insert_or_assign("b", "8");
        CHECK_FALSE(inserted);
        CHECK((*assigned).second == "8");
        CHECK(face.insert_or_assign("a", "9").second);
        // Of another size, so that the record moves in its page.
        CHECK_FALSE(face.insert_or_assign("a", text_of(100, 1)).second);
        CHECK((*face.insert_or_assign("a", "").first).second == "");
        CHECK(difference(face, model{{"a", ""},
                                     {"b", "8"},
                                     {"c", "3"},
                                     {"d", "4"},
                                     {"e", "5"},
                                     {"f", "6"},
                                     {"g", "7"}}) == "");
    });
}

TEST_CASE_TEMPLATE("the iterator of a change stands on its record and walks on", C,
                   CONFIGURATIONS) {
    on_every_face<C>([](auto& face) {
        model expected;
        for (std::uint64_t i = 0; i < 300; ++i) {
            const std::string key = key_text(i * 7919 % 300);
            const std::string value = text_of(i % 30, i);
            expected[key] = value;
            const auto it = i % 2 == 0 ? face.insert(key, value).first
                                       : face.insert_or_assign(key, value).first;
            const auto entry = expected.find(key);
            REQUIRE(walk_difference(it, face.end(), entry, expected.end()) == "");
            if (entry != expected.begin()) {
                auto before = it;
                REQUIRE((*--before).first == std::prev(entry)->first);
            } else {
                REQUIRE(it == face.begin());
            }
        }
    });
}

TEST_CASE_TEMPLATE("try_emplace makes a value only if it is needed; emplace makes a pair", C,
                   CONFIGURATIONS) {
    on_every_face<C>([](auto& face) {
        CHECK(face.try_emplace("a", 3u, 'x').second);
        CHECK(face.try_emplace("b").second);
        std::string value = "moved from only if stored";
        CHECK_FALSE(face.try_emplace("b", std::move(value)).second);
        CHECK(value == "moved from only if stored");
        CHECK((*face.try_emplace("a", "other").first).second == "xxx");
        CHECK(face.emplace("c", "1").second);
        CHECK_FALSE(face.emplace("c", "2").second);
        CHECK(face.emplace(std::piecewise_construct, std::forward_as_tuple(2u, 'd'),
                           std::forward_as_tuple(2u, 'e'))
                  .second);
        CHECK(face.emplace(std::pair<const char*, const char*>("e", "5")).second);
        CHECK(difference(face,
                         model{{"a", "xxx"}, {"b", ""}, {"c", "1"}, {"dd", "ee"}, {"e", "5"}}) ==
              "");
    });
}

TEST_CASE_TEMPLATE("ranges of pairs are inserted, those that are there left", C, CONFIGURATIONS) {
    on_every_face<C>([](auto& face) {
        face.insert("000002", "there");
        std::vector<std::pair<std::string, std::string>> pairs;
        for (std::uint64_t i = 500; i-- > 0;) pairs.emplace_back(key_text(i), text_of(i % 60, i));
        pairs.emplace_back(key_text(0), "a second time");
        model expected(pairs.rbegin() + 1, pairs.rend());
        face.insert(pairs.begin(), pairs.begin() + 250);
        face.insert_range(pairs);
        expected["000002"] = "there";
        CHECK(difference(face, expected) == "");
        face.insert_range(std::list<std::pair<const char*, std::string_view>>{{"x", "1"}});
        face.insert(pairs.begin(), pairs.begin());
        const model more{{"y", "2"}, {"z", "3"}};
        face.insert(more.begin(), more.end());
        expected.insert({"x", "1"});
        expected.insert(more.begin(), more.end());
        CHECK(difference(face, expected) == "");
        // From another map's iterators.
        memory_shadow::map<std::string, std::string> other;
        other.insert("w", "4");
        face.insert(other.begin(), other.end());
        face.insert_range(other);
        face.insert_range(other.prefix("w"));
        CHECK(face.at("w") == "4");
    });
}

TEST_CASE_TEMPLATE("update changes a copy of the value and stores it", C, CONFIGURATIONS) {
    on_every_face<C>([](auto& face) {
        model expected;
        for (std::uint64_t i = 0; i < 200; ++i) expected.emplace(key_text(i), text_of(i % 20, i));
        face.insert_range(expected);
        bool called = false;
        CHECK_FALSE(face.update("nobody", [&](std::string&) { called = true; }));
        CHECK_FALSE(called);
        for (std::uint64_t i = 0; i < 200; i += 3) { // grows, shrinks, moves to and from overflow
            const std::size_t size = i % 2 == 0 ? 40 + i * 9 : 0;
            CHECK(face.update(key_text(i), [&](std::string& value) {
                CHECK(value == expected.at(key_text(i)));
                value.resize(size, static_cast<char>('a' + i % 26));
            }));
            expected[key_text(i)].resize(size, static_cast<char>('a' + i % 26));
        }
        CHECK(difference(face, expected) == "");
        for (std::uint64_t i = 0; i < 200; i += 3) {
            CHECK(face.update(key_text(i), [&](std::string& value) { value = "back"; }));
            expected[key_text(i)] = "back";
        }
        CHECK(difference(face, expected) == "");
    });
}

TEST_CASE_TEMPLATE("arguments may be views into the map itself", C, memory_shadow, file_shadow,
                   mmap_shadow) {
    opened<small_page_map<C>> map;
    model expected;
    for (std::uint64_t i = 0; i < 200; ++i) expected.emplace(key_text(i), text_of(i % 80, i));
    map->insert_range(expected);
    for (const auto& [key, value] : map->snapshot()) {
        map->insert_or_assign(value, key);
        expected.insert_or_assign(std::string(value), std::string(key));
    }
    CHECK(difference_verified(*map, expected) == "");
    // A map into itself.
    map->insert_range(*map);
    map->insert(map->begin(), map->end());
    CHECK(difference_verified(*map, expected) == "");
}

TEST_CASE_TEMPLATE("arguments may be views of the very record that changes", C, CONFIGURATIONS) {
    on_every_face<C>([](auto& face) {
        model expected;
        for (std::uint64_t i = 0; i < 120; ++i) expected.emplace(key_text(i), text_of(i % 90, i));
        face.insert_range(expected);
        for (std::uint64_t i = 0; i + 1 < 120; ++i) {
            const std::string key = key_text(i);
            const std::string next = key_text(i + 1);
            {
                const auto it = face.find(next); // its value to the record before it
                face.insert_or_assign(key, it.value());
                expected[key] = expected[next];
            }
            if (i % 3 == 0) { // its own value, with its own key, to another place
                const auto it = face.find(next);
                const auto [key_view, value_view] = *it;
                face.insert_or_assign(std::string(key_view) + "+", value_view);
                expected[next + "+"] = expected[next];
            }
            if (i % 5 == 0) { // a key of a page that changes
                const auto it = face.find(key);
                const std::string_view view = it.key();
                CHECK(face.update(view, [&](std::string& value) { value += value; }));
                expected[key] += std::string(expected[key]);
            }
            if (i % 7 == 0) {
                const auto it = face.find(key);
                CHECK(face.erase(it.key()) == 1);
                expected.erase(key);
            }
        }
        CHECK(difference(face, expected) == "");
    });
}

} // namespace
