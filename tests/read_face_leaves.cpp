// for_each_leaf: the arrays of a page, shown in place.
#include <quire/read_face.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "support/model.hpp"

namespace {

using namespace quire_test;

TEST_CASE_TEMPLATE("for_each_leaf shows every record in order", C, memory_none, memory_shadow,
                   file_shadow, mmap_shadow, file_none) {
    using map_type = typename C::template map<std::int32_t, std::uint64_t, quire::page_size<512>>;
    opened<map_type> map;
    map->for_each_leaf([](auto, auto) { FAIL("an empty map has no leaves"); });
    std::map<std::int32_t, std::uint64_t> expected;
    for (std::int32_t i = -700; i < 700; ++i) expected[i * 3] = static_cast<std::uint64_t>(i + 9);
    map->insert_range(expected);
    const auto check = [&](const auto& face) {
        std::vector<std::pair<const std::int32_t, std::uint64_t>> seen;
        int leaves = 0;
        face.for_each_leaf(
            [&](std::span<const std::int32_t> keys, std::span<const std::uint64_t> values) {
                REQUIRE(keys.size() == values.size());
                CHECK(!keys.empty());
                ++leaves;
                for (std::size_t i = 0; i < keys.size(); ++i) seen.emplace_back(keys[i], values[i]);
            });
        CHECK(leaves > 20);
        CHECK(std::vector<std::pair<const std::int32_t, std::uint64_t>>(expected.begin(),
                                                                        expected.end()) == seen);
    };
    check(*map);
    if constexpr (transactional<map_type>) {
        const auto snap = map->snapshot();
        auto tx = map->transaction();
        tx.erase_if([](const auto& record) { return record.first > -900; });
        check(snap);
        tx.rollback();
    }
}

TEST_CASE("for_each_leaf of byte arrays, doubles and single bytes") {
    using bytes = std::array<std::byte, 24>;
    memory_shadow::map<bytes, std::array<std::byte, 150>> arrays;
    memory_none::map<double, float> numbers;
    memory_none::map<std::uint8_t, bool> small;
    for (unsigned i = 0; i < 200; ++i) {
        bytes key{};
        key[5] = static_cast<std::byte>(i);
        arrays.insert(key, {static_cast<std::byte>(i)});
        numbers.insert(i - 100.5, static_cast<float>(i));
        small.insert(static_cast<std::uint8_t>(i), i % 3 == 0);
    }
    unsigned n = 0;
    arrays.for_each_leaf([&](std::span<const bytes> keys, auto values) {
        for (std::size_t i = 0; i < keys.size(); ++i, ++n)
            CHECK((keys[i][5] == std::byte(n) && values[i][0] == std::byte(n)));
    });
    CHECK(n == 200);
    n = 0;
    numbers.for_each_leaf([&](std::span<const double> keys, std::span<const float> values) {
        for (std::size_t i = 0; i < keys.size(); ++i, ++n)
            CHECK((keys[i] == n - 100.5 && values[i] == static_cast<float>(n)));
    });
    CHECK(n == 200);
    n = 0;
    small.for_each_leaf(
        [&](std::span<const std::uint8_t> keys, std::span<const std::uint8_t> values) {
            for (std::size_t i = 0; i < keys.size(); ++i, ++n)
                CHECK((keys[i] == n && values[i] == (n % 3 == 0)));
        });
    CHECK(n == 200);
}

} // namespace
