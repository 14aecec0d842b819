// Keys and values that are numbers: order, the ends of their ranges, NaN and signed zero.
#include <quire/types.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "support/type_check.hpp"

namespace {

using namespace quire_test;

template <class T>
void check_integer() {
    using limits = std::numeric_limits<T>;
    std::vector<std::pair<T, T>> records;
    const auto add = [&](T key) { records.emplace_back(key, static_cast<T>(~key)); };
    add(limits::min());
    add(static_cast<T>(limits::min() + 1));
    if (std::is_signed_v<T>) {
        add(static_cast<T>(-100));
        add(static_cast<T>(-1));
        add(0);
    }
    for (int i = 2; i < 100; ++i) add(static_cast<T>(i));
    add(static_cast<T>(limits::max() - 1));
    add(limits::max());
    check_types<T, T>(records);
}

TEST_CASE("integers") {
    check_integer<std::uint8_t>();
    check_integer<std::int8_t>();
    check_integer<std::uint16_t>();
    check_integer<std::int32_t>();
    check_integer<std::uint64_t>();
    check_integer<std::int64_t>();
}

enum class colour : std::int8_t { black = -1, red = 0, green = 7, white = 100 };
enum class flag : std::uint32_t {};

TEST_CASE("enumerations and bool") {
    check_types<colour, flag>({{colour::black, flag{1}},
                               {colour::red, flag{0}},
                               {colour::green, flag{~0u}},
                               {colour::white, flag{5}}});
    check_types<bool, bool>({{false, true}, {true, false}});
    check_types<flag, std::string>({{flag{1}, "one"}, {flag{0x80000000u}, "high"}});
}

TEST_CASE("floating point") {
    using limits = std::numeric_limits<double>;
    check_types<double, double>({{-limits::infinity(), 1.5},
                                 {limits::lowest(), -0.25},
                                 {-1.0, limits::infinity()},
                                 {-limits::min(), 3.0},
                                 {-limits::denorm_min(), 4.0},
                                 {0.0, 5.0},
                                 {limits::denorm_min(), 6.0},
                                 {1.0, limits::denorm_min()},
                                 {1.0 + limits::epsilon(), 8.0},
                                 {limits::max(), 9.0},
                                 {limits::infinity(), 10.0}});
    check_types<float, float>({{-2.0f, 1.0f}, {-0.5f, 2.0f}, {0.0f, 3.0f}, {1e30f, 4.0f}});
    memory_shadow::map<double, double> map;
    map.insert(-0.0, -0.0);
    CHECK(map.contains(0.0));         // one key
    CHECK(std::signbit(map.at(0.0))); // values keep their sign
    map.insert(std::nan(""), 1.0);
    map.insert(-limits::infinity(), 2.0);
    map.insert(limits::infinity(), std::nan(""));
    CHECK(map.size() == 4);
    CHECK(map.at(-std::nan("7")) == 1.0); // every NaN is one key, behind infinity
    CHECK(std::isnan((*--map.end()).first));
    CHECK(std::isnan(map.at(limits::infinity())));
    CHECK((*map.upper_bound(limits::infinity())).second == 1.0);
}

} // namespace
