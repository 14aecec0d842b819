// Looking things up: in the map, in a transaction and in a snapshot, which share one face.
#include <quire/read_face.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "support/model.hpp"

namespace {

using namespace quire_test;

using model = std::map<std::string, std::string>;

template <class C>
using map_of = typename C::template map<std::string, std::string, quire::page_size<1024>>;

model sample() {
    model expected;
    for (std::uint64_t i = 0; i < 400; ++i)
        expected.emplace("user/" + key_text(i * 10), text_of(i % 37 == 5 ? 3000 : i % 60, i));
    expected.emplace("", "the empty key");
    expected.emplace(std::string("user/\0zero", 10), "a zero byte");
    expected.emplace("user/\xFF\xFF", "high");
    expected.emplace("user/\xFF\xFF"
                     "after",
                     "higher");
    expected.emplace("\xFF\xFF\xFF", "highest");
    return expected;
}

// Every lookup of the face, for keys that are there and keys that are not.
template <class Face>
void check_lookups(const Face& face, const model& expected) {
    std::vector<std::string> keys{"",
                                  "a",
                                  "user/",
                                  "user/000005",
                                  "user/\xFF",
                                  "z",
                                  "\xFF",
                                  "\xFF\xFF\xFF\xFF",
                                  std::string("user/\0", 6)};
    int i = 0;
    for (const auto& [key, value] : expected) {
        if (i++ % 7 != 0) continue;
        keys.push_back(key);
        keys.push_back(key + '\0');
        keys.push_back(key.substr(0, key.size() / 2));
    }
    for (const std::string& key : keys) {
        CAPTURE(key);
        const auto entry = expected.find(key);
        const bool there = entry != expected.end();
        CHECK(face.contains(key) == there);
        CHECK(face.count(key) == (there ? 1 : 0));
        CHECK(face.get(key) == (there ? std::optional(entry->second) : std::nullopt));
        const auto found = face.find(key);
        CHECK((found != face.end()) == there);
        if (there) {
            CHECK((*found).first == key);
            CHECK((*found).second == entry->second);
            CHECK(found->second == entry->second);
            CHECK(face.at(key) == entry->second);
        } else {
            CHECK_THROWS_AS(static_cast<void>(face.at(key)), std::out_of_range);
        }
        const auto same_place = [&](const auto& it, const auto& place) {
            return place == expected.end() ? it == face.end()
                                           : it != face.end() && (*it).first == place->first;
        };
        CHECK(same_place(face.lower_bound(key), expected.lower_bound(key)));
        CHECK(same_place(face.upper_bound(key), expected.upper_bound(key)));
        const auto [first, last] = face.equal_range(key);
        CHECK(same_place(first, expected.lower_bound(key)));
        CHECK(same_place(last, expected.upper_bound(key)));
    }
}

template <class Face>
void check_ranges(const Face& face, const model& expected) {
    const std::vector<std::string> bounds{
        "",        "user/",       "user/000000",     "user/000005",
        "user/00", "user/000990", "user/003990",     "user/9",
        "user0",   "\xFF",        "\xFF\xFF\xFF\xFF"};
    for (const std::string& low : bounds) {
        for (const std::string& high : bounds) {
            CAPTURE(low);
            CAPTURE(high);
            const auto range = face.range(low, high);
            const auto first = expected.lower_bound(low);
            const auto last = low < high ? expected.lower_bound(high) : first;
            CHECK(walk_difference(range.begin(), range.end(), first, last) == "");
            CHECK(range.empty() == (first == last));
        }
    }
    for (const std::string prefix :
         {"", "u", "user/", "user/00", "user/0012", "user/001230", "user/0012300", "user/\xFF",
          "user/\xFF\xFF", "\xFF", "\xFF\xFF\xFF", "\xFF\xFF\xFF\xFF", "v"}) {
        CAPTURE(prefix);
        model with;
        for (const auto& entry : expected)
            if (entry.first.starts_with(prefix)) with.insert(entry);
        const auto range = face.prefix(prefix);
        CHECK(walk_difference(range.begin(), range.end(), with.begin(), with.end()) == "");
        CHECK(range.empty() == with.empty());
        if (with.empty()) continue;
        auto last = range.end();
        CHECK((*--last).first == with.rbegin()->first);
    }
}

template <class Face>
void check_face(const Face& face, const model& expected) {
    CHECK(difference(face, expected) == "");
    check_lookups(face, expected);
    check_ranges(face, expected);
    const std::array<std::string, 5> keys{"user/000010", "nobody", "", "user/000050", "nobody"};
    std::array<std::optional<std::string>, 5> values{"old", "old", "old", "old", "old"};
    face.multi_get(keys, values);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        CAPTURE(keys[i]);
        const auto entry = expected.find(keys[i]);
        CHECK(values[i] == (entry == expected.end() ? std::nullopt : std::optional(entry->second)));
    }
    face.multi_get(std::span<const std::string>(), std::span<std::optional<std::string>>());
    // More keys than go down at once, with a key that is too long for any map among them.
    std::vector<std::string> many;
    for (const auto& entry : expected) {
        many.push_back(entry.first);
        many.push_back(entry.first + "?");
        if (many.size() > 500) break;
    }
    many.emplace_back(100'000, 'x');
    std::reverse(many.begin(), many.end());
    std::vector<std::optional<std::string>> found(many.size(), "old");
    face.multi_get(many, found);
    for (std::size_t i = 0; i < many.size(); ++i) {
        CAPTURE(many[i]);
        const auto entry = expected.find(many[i]);
        REQUIRE(found[i] ==
                (entry == expected.end() ? std::nullopt : std::optional(entry->second)));
    }
}

TEST_CASE_TEMPLATE("lookups in a map, a snapshot and a transaction", C, memory_none, memory_shadow,
                   file_shadow, mmap_shadow, file_none) {
    using map_type = map_of<C>;
    opened<map_type> map({.cache_bytes = 64 << 10, .durability = quire::durability::none});
    check_face(*map, {});
    const model expected = sample();
    map->insert_range(expected);
    check_face(*map, expected);
    map.reopen();
    check_face(*map, expected);
    if constexpr (transactional<map_type>) {
        const auto snap = map->snapshot();
        auto tx = map->transaction();
        model changed = expected;
        tx.erase("");
        changed.erase("");
        for (std::uint64_t i = 0; i < 400; i += 3) {
            tx.insert_or_assign("user/" + key_text(i * 10), "new");
            changed.insert_or_assign("user/" + key_text(i * 10), "new");
        }
        check_face(tx, changed);
        check_face(snap, expected);
        check_face(*map, expected);
    }
    map->verify();
}

TEST_CASE_TEMPLATE("keys are taken as anything the codec encodes", C, memory_none, memory_shadow,
                   file_shadow, mmap_shadow, file_none) {
    using map_type = map_of<C>;
    opened<map_type> map;
    const char* const c_string = "c string";
    const std::string_view view = "a view";
    const std::string owned = "owned";
    map->insert(c_string, view);
    map->insert(view, owned);
    map->insert(owned, c_string);
    map->insert("literal", "literal");
    CHECK(map->size() == 4);
    CHECK(map->get(c_string) == "a view");
    CHECK(map->get(std::string_view("c string and more").substr(0, 8)) == "a view");
    CHECK(map->at(view) == "owned");
    CHECK(map->contains(owned));
    CHECK(map->count("literal") == 1);
    CHECK((*map->find(view)).second == "owned");
    CHECK((*map->lower_bound("lit")).first == "literal");
    CHECK(map->upper_bound(owned) == map->end());
    CHECK(map->erase(c_string) == 1);
    CHECK(map->erase(view) == 1);
    CHECK(map->extract(owned) == "c string");
    CHECK(map->update("literal", [](std::string& value) { value = "figurative"; }));
    CHECK(difference_verified(*map, model{{"literal", "figurative"}}) == "");
}

template <class Face>
concept writable = requires(Face& face) {
    face.insert("", 1u);
}
|| requires(Face& face) { face.erase(""); };

TEST_CASE("the types of the face") {
    using map = memory_shadow::map<std::string, std::uint32_t>;
    static_assert(std::is_same_v<map::key_type, std::string>);
    static_assert(std::is_same_v<map::mapped_type, std::uint32_t>);
    static_assert(std::is_unsigned_v<map::size_type>);
    static_assert(std::is_signed_v<map::difference_type>);
    static_assert(std::is_same_v<map::iterator, map::const_iterator>);
    static_assert(std::is_same_v<decltype(std::declval<map&>().begin()), map::iterator>);
    static_assert(std::is_same_v<decltype(*std::declval<map&>().begin()),
                                 std::pair<std::string_view, std::uint32_t>>);
    static_assert(std::is_same_v<decltype(std::declval<map&>().rbegin()), map::reverse_iterator>);
    static_assert(
        std::is_same_v<decltype(std::declval<const map&>().get("")), std::optional<std::uint32_t>>);
    static_assert(std::is_same_v<decltype(std::declval<const map&>().at("")), std::uint32_t>);
    static_assert(std::is_same_v<decltype(std::declval<const map&>().size()), map::size_type>);
    static_assert(std::is_same_v<map::snapshot_type::key_type, std::string>);
    static_assert(std::is_same_v<map::transaction_type::mapped_type, std::uint32_t>);
    // A snapshot cannot write.
    static_assert(writable<map> && writable<map::transaction_type>);
    static_assert(!writable<map::snapshot_type> && !writable<const map>);
    CHECK(map::max_size() > 0);
}

} // namespace

TEST_CASE("many keys at once come back whatever iterators hold of the smallest cache") {
    using map_type = quire::btree_map<std::string, std::string, quire::page_size<512>>;
    const quire_test::temp_dir directory;
    map_type map(directory.path("map"), {.cache_bytes = 1});
    const auto key = [](int n) {
        return std::to_string(1'000'000 + n * 7919 % 20'000) + std::string(100, 'k');
    };
    {
        auto transaction = map.transaction();
        for (int n = 0; n < 20'000; ++n) transaction.insert_or_assign(key(n), "value");
        transaction.commit();
    }
    map.insert_or_assign(key(1), "value"); // keeps some frames for the writer
    const auto now = map.snapshot();
    std::vector<decltype(now.begin())> held;
    for (int i = 0; i <= 40; ++i) {
        CAPTURE(i);
        std::vector<std::string> keys;
        for (int n = 0; n < 14; ++n) keys.push_back(key(i * 100 + n * 1'371));
        std::vector<std::optional<std::string>> found(keys.size());
        try {
            now.multi_get(keys, found);
            for (const auto& each : found) REQUIRE(each == "value");
            held.push_back(now.find(key(i * 487)));
        } catch (const quire::cache_exhausted&) {
            REQUIRE(i > 15);
            break;
        }
    }
}
