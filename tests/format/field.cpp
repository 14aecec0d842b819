#include <quire/format/field.hpp>

#include <array>

#include <doctest/doctest.h>

using quire::format::field;
using quire::format::tiles;

namespace {

constexpr std::array<field, 2> whole{{{"a", 0, 4}, {"b", 4, 2}}};
constexpr std::array<field, 2> gap{{{"a", 0, 4}, {"b", 5, 1}}};
constexpr std::array<field, 2> overlap{{{"a", 0, 4}, {"b", 3, 3}}};
constexpr std::array<field, 2> unordered{{{"b", 4, 2}, {"a", 0, 4}}};
constexpr std::array<field, 2> empty_field{{{"a", 0, 6}, {"b", 6, 0}}};

} // namespace

TEST_CASE("only fields without gap, overlap or emptiness fill a structure") {
    static_assert(tiles(whole, 6));
    static_assert(!tiles(whole, 7));
    static_assert(!tiles(whole, 5));
    static_assert(!tiles(gap, 6));
    static_assert(!tiles(overlap, 6));
    static_assert(!tiles(unordered, 6));
    static_assert(!tiles(empty_field, 6));
    CHECK(whole.size() == 2);
}
