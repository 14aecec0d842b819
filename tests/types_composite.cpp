// Keys made of texts, pairs, tuples, optionals and bytes, in their order.
#include <quire/types.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "support/type_check.hpp"

namespace {

using namespace quire_test;

TEST_CASE("strings with every byte, empty and shared beginnings") {
    check_types<std::string, std::string>(numbered<std::string>(
        {"", std::string(1, '\0'), std::string(2, '\0'), std::string("\0a", 2), "a",
         std::string("a\0", 2), std::string("a\0b", 3), "aa", "ab", "b", "\x7F", "\x80", "\xFF",
         "\xFF\xFF"}));
}

TEST_CASE("pairs and tuples as keys") {
    check_types<std::pair<std::uint32_t, std::string>, std::string>(
        numbered<std::pair<std::uint32_t, std::string>>({{0, "z"},
                                                         {1, ""},
                                                         {1, std::string(1, '\0')},
                                                         {1, "a"},
                                                         {1, "aa"},
                                                         {256, ""},
                                                         {0xFFFFFFFFu, "b"}}));
    using key = std::tuple<std::string, std::string, std::int16_t>;
    check_types<key, std::string>(numbered<key>({{"", "", -1},
                                                 {"", "", 1},
                                                 {"", "a", -1},
                                                 {std::string(1, '\0'), "", 0},
                                                 {"a", "", 0},
                                                 {"a", "b", 0},
                                                 {std::string("a\0", 2), "", 0},
                                                 {std::string("a\0b", 3), "", 0},
                                                 {"a\x01", "", 0},
                                                 {"ab", "", -5},
                                                 {"ab", "", 5}}));
    check_types<std::pair<std::uint8_t, std::int8_t>, std::pair<std::int32_t, bool>>(
        {{{0, -1}, {1, true}}, {{0, 1}, {-2, false}}, {{1, -128}, {3, true}}});
}

TEST_CASE("optional keys and values") {
    using key = std::optional<std::uint32_t>;
    check_types<key, std::optional<std::string>>(
        {{std::nullopt, "none"}, {0u, std::nullopt}, {1u, ""}, {0xFFFFFFFFu, "x"}});
    check_types<std::optional<std::string>, std::optional<std::int64_t>>(
        {{std::nullopt, 1}, {"", std::nullopt}, {"a", -3}});
}

TEST_CASE("byte arrays") {
    using key = std::array<std::byte, 24>;
    using value = std::array<std::byte, 150>;
    std::vector<std::pair<key, value>> records;
    for (unsigned i = 0; i < 300; ++i) {
        key k{};
        value v{};
        k[0] = static_cast<std::byte>(i / 64 * 60);
        k[11] = static_cast<std::byte>(i / 8);
        k[23] = static_cast<std::byte>(i % 8 * 36);
        v.fill(static_cast<std::byte>(i));
        records.emplace_back(k, v);
    }
    check_types<key, value>(records);
    check_types<std::array<std::uint8_t, 3>, std::array<std::uint32_t, 4>>(
        {{{0, 1, 2}, {1, 2, 3, 4}}, {{0, 1, 255}, {0, 0, 0, ~0u}}, {{9, 0, 0}, {}}});
}

} // namespace
