// Keys and values at the limits: nothing at all, a quarter of a page and one byte around it,
// several pages, megabytes, and the largest value there is.
#include <quire/write_face.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>

#include <quire/btree_map.hpp>

#include "support/model.hpp"

namespace {

using namespace quire_test;

using model = std::map<std::string, std::string>;

#define CONFIGURATIONS memory_none, memory_shadow, file_shadow, mmap_shadow

// Every key size with every value size, alone and beside each other.
template <class Map>
void check_sizes(quire::options how) {
    constexpr std::size_t page = Map::page_bytes;
    const std::vector<std::size_t> key_sizes{0, 1, 2, page / 8, page / 4 - 1, page / 4};
    std::vector<std::size_t> value_sizes{
        0,         1,           page / 4 - 1, page / 4,  page / 4 + 1, page / 2, page - 64,
        page - 40, page - 32,   page - 24,    page - 16, page,         page + 1, 2 * page - 40,
        2 * page,  9 * page + 7};
    for (std::size_t d = 1; d < 34; ++d) value_sizes.push_back(page / 4 - d);
    opened<Map> map(how);
    model expected;
    for (std::size_t v = 0; v < value_sizes.size(); ++v) {
        for (const std::size_t k : key_sizes) {
            if (k == 0 && v > 0) continue;
            if (k == 1 && v > 200) continue;
            std::string key(k, 'k');
            if (k > 0) key[k - 1] = static_cast<char>(v + 1);
            const std::string value = text_of(value_sizes[v], k);
            CHECK(map->insert(key, value).second);
            CHECK(map->get(key) == value);
            expected.emplace(key, value);
        }
    }
    CHECK(difference_verified(*map, expected) == "");
    map.reopen();
    CHECK(difference_verified(*map, expected) == "");
    // Each value becomes another size.
    std::size_t i = 0;
    for (auto& [key, value] : expected) {
        ++i;
        value = text_of(value_sizes[i * 13 % value_sizes.size()], i);
        map->insert_or_assign(key, value);
        if (i % 20 == 0) map->verify();
    }
    CHECK(difference_verified(*map, expected) == "");
    // And goes.
    for (bool front = true; !expected.empty(); front = !front) {
        const auto gone = front ? expected.begin() : std::prev(expected.end());
        CHECK(map->erase(gone->first) == 1);
        expected.erase(gone);
        if (expected.size() % 30 == 0) CHECK(difference_verified(*map, expected) == "");
    }
    CHECK(difference_verified(*map, expected) == "");
}

TEST_CASE_TEMPLATE("every size of key beside every size of value", C, CONFIGURATIONS) {
    check_sizes<typename C::template map<std::string, std::string, quire::page_size<512>>>(
        {.cache_bytes = 1, .durability = quire::durability::none});
    check_sizes<typename C::template map<std::string, std::string>>(quick);
}

TEST_CASE_TEMPLATE("a key over a quarter of a page", C, CONFIGURATIONS) {
    using map_type = typename C::template map<std::string, std::string>;
    opened<map_type> map;
    const std::string longest(1024, 'k');
    const std::string longer(1025, 'k');
    map->insert(longest, "1");
    const model expected{{longest, "1"}};
    try {
        map->insert(longer, "2");
        FAIL("it was taken");
    } catch (const quire::key_too_large& error) {
        CHECK(error.code() == quire::error_code::key_too_large);
        CHECK(error.found().find("1025") != std::string::npos);
        CHECK(error.expected().find("1024") != std::string::npos);
        CHECK(error.path() == map->path());
    }
    CHECK_THROWS_AS(map->insert_or_assign(longer, "2"), quire::key_too_large);
    CHECK_THROWS_AS(map->try_emplace(longer, "2"), quire::key_too_large);
    CHECK_THROWS_AS(map->emplace(longer, "2"), quire::key_too_large);
    CHECK_THROWS_AS(map->insert_or_assign(std::string(1 << 20, 'k'), "2"), quire::key_too_large);
    // What cannot be there is not there.
    CHECK_FALSE(map->contains(longer));
    CHECK_FALSE(map->get(longer));
    CHECK(map->find(longer) == map->end());
    CHECK(map->count(longer) == 0);
    CHECK(map->erase(longer) == 0);
    CHECK_FALSE(map->extract(longer));
    CHECK_FALSE(map->update(longer, [](std::string&) {}));
    CHECK(difference_verified(*map, expected) == "");
    if constexpr (transactional<map_type>) {
        auto tx = map->transaction();
        tx.insert("a", "1");
        CHECK_THROWS_AS(tx.insert(longer, "2"), quire::key_too_large);
        tx.commit();
        CHECK(difference_verified(*map, model{{"a", "1"}, {longest, "1"}}) == "");
    }
}

TEST_CASE_TEMPLATE("many of the longest keys", C, CONFIGURATIONS) {
    opened<typename C::template map<std::string, std::string, quire::page_size<512>>> map;
    model expected;
    for (std::uint64_t i = 0; i < 300; ++i) {
        // Shared from the front, from the back, and not at all.
        const std::string number = key_text(i * 7919 % 300);
        const std::string key = i % 3 == 0   ? std::string(122, 'k') + number
                                : i % 3 == 1 ? number + std::string(122, 'k')
                                             : text_of(128, i);
        map->insert(key, text_of(i % 129, i));
        expected.emplace(key, text_of(i % 129, i));
    }
    CHECK(difference_verified(*map, expected) == "");
    while (expected.size() > 10) {
        const auto gone =
            std::next(expected.begin(), static_cast<std::ptrdiff_t>(expected.size() * 5 / 7));
        map->erase(gone->first);
        expected.erase(gone);
    }
    CHECK(difference_verified(*map, expected) == "");
}

TEST_CASE_TEMPLATE("values of megabytes", C, CONFIGURATIONS) {
    using map_type = typename C::template map<std::uint64_t, std::string>;
    opened<map_type> map({.cache_bytes = 1 << 20, .durability = quire::durability::none});
    std::map<std::uint64_t, std::string> expected;
    for (std::uint64_t i = 0; i < 6; ++i) {
        expected[i] = text_of((i << 20) + i * 1000 + 1, i);
        map->insert(i, expected[i]);
    }
    CHECK(difference_verified(*map, expected) == "");
    map.reopen();
    CHECK(difference_verified(*map, expected) == "");
    if constexpr (transactional<map_type>) {
        const auto snap = map->snapshot();
        auto tx = map->transaction();
        tx.insert_or_assign(3, text_of(4 << 20, 9));
        const auto point = tx.savepoint();
        tx.erase(5);
        tx.update(4, [](std::string& value) { value.resize(10); });
        CHECK(tx.at(4).size() == 10);
        tx.rollback(point);
        CHECK(tx.at(5) == expected[5]);
        CHECK(tx.at(3) == text_of(4 << 20, 9));
        tx.commit();
        CHECK(difference(snap, expected) == "");
        expected[3] = text_of(4 << 20, 9);
        CHECK(difference_verified(*map, expected) == "");
    }
    const auto pages = map->stats().pages;
    for (int round = 0; round < 6; ++round)
        for (std::uint64_t i = 0; i < 6; ++i) map->insert_or_assign(i, expected[i]);
    map->flush();
    CHECK(difference_verified(*map, expected) == "");
    CHECK(map->stats().pages < pages * 3); // runs that are given up are used again
    map->clear();
    CHECK(map->empty());
    map->verify();
}

// A text that is not there: its codec says how long it is.
struct claimed {
    std::uint64_t bytes = 0;
};
struct claimed_codec {
    using value_type = claimed;
    using view_type = claimed;
    using arg_type = claimed;
    static constexpr std::string_view name = "test.claimed";
    static constexpr std::size_t fixed_size = quire::codec::variable;
    static std::size_t size(claimed c) { return c.bytes; }
    static std::byte* encode(claimed c, std::byte* to) {
        encoded = true;
        for (std::uint64_t i = 0; i < c.bytes; ++i) to[i] = static_cast<std::byte>(i * i >> 7);
        return to + c.bytes;
    }
    static claimed decode(quire::bytes_view bytes) { return {bytes.size()}; }
    static inline bool encoded = false;
};

TEST_CASE_TEMPLATE("a value over 1 GiB is refused before any memory is taken for it", C,
                   memory_none, memory_shadow, file_shadow) {
    using map_type =
        typename C::template map<std::uint64_t, claimed, quire::codec::value<claimed_codec>>;
    opened<map_type> map;
    map->insert(1, claimed{5});
    claimed_codec::encoded = false;
    for (const std::uint64_t bytes :
         {(std::uint64_t{1} << 30) + 1, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
        CAPTURE(bytes);
        CHECK_THROWS_AS(map->insert(2, claimed{bytes}), quire::value_too_large);
        CHECK_THROWS_AS(map->insert_or_assign(1, claimed{bytes}), quire::value_too_large);
        CHECK_THROWS_AS(map->update(1, [&](claimed& c) { c.bytes = bytes; }),
                        quire::value_too_large);
    }
    try {
        map->insert(2, claimed{(std::uint64_t{1} << 30) + 1});
    } catch (const quire::value_too_large& error) {
        CHECK(error.code() == quire::error_code::value_too_large);
        CHECK(error.found() == "1073741825 bytes");
        CHECK(error.expected() == "at most 1073741824");
        CHECK(error.path() == map->path());
    }
    CHECK_FALSE(claimed_codec::encoded);
    CHECK(map->size() == 1);
    CHECK((*map->begin()).second.bytes == 5);
    map->verify();
}

TEST_SUITE("long") {
    TEST_CASE_TEMPLATE("one value of 1 GiB", C, memory_shadow, file_shadow) {
        using map_type = typename C::template map<std::uint64_t, std::string>;
        opened<map_type> map;
        std::string value(std::size_t{1} << 30, 'x');
        for (std::size_t i = 0; i < value.size(); i += 4093) value[i] = static_cast<char>(i >> 12);
        map->insert(1, "before");
        map->insert(2, value);
        map->insert(3, "after");
        map.reopen();
        map->verify();
        CHECK(map->size() == 3);
        {
            const auto it = map->find(2);
            CHECK((*it).second == value);
        }
        value.push_back('x');
        CHECK_THROWS_AS(map->insert_or_assign(2, value), quire::value_too_large);
        value.resize(value.size() - 2); // one byte below the limit
        CHECK_FALSE(map->insert_or_assign(2, value).second);
        CHECK(map->at(2) == value);
        CHECK(map->erase(2) == 1);
        CHECK(map->at(1) == "before");
        CHECK(map->at(3) == "after");
        map->verify();
    }
}

} // namespace
