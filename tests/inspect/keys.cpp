// How keys in pages compare, and how they are shown.
#include <quire/inspect/keys.hpp>

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using quire::format::key_order;
using quire::inspect::compare_keys;
using quire::inspect::key_text;
using quire::inspect::view_of;

template <class T>
std::string stored(T value) { // little-endian on any host
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    if constexpr (std::endian::native == std::endian::big)
        bytes.assign(bytes.rbegin(), bytes.rend());
    return bytes;
}

int sign(int n) { return n < 0 ? -1 : n > 0 ? 1 : 0; }

// Keys given in ascending order.
void check_ascending(key_order order, const std::vector<std::string>& keys) {
    for (std::size_t i = 0; i < keys.size(); ++i)
        for (std::size_t j = 0; j < keys.size(); ++j) {
            CAPTURE(i);
            CAPTURE(j);
            const int expected = i < j ? -1 : i > j ? 1 : 0;
            CHECK(sign(compare_keys(order, view_of(keys[i]), view_of(keys[j]))) == expected);
        }
}

} // namespace

TEST_CASE("integers compare by value") {
    check_ascending(key_order::unsigned_integer,
                    {stored<std::uint64_t>(0), stored<std::uint64_t>(1), stored<std::uint64_t>(255),
                     stored<std::uint64_t>(256), stored<std::uint64_t>(1ULL << 63),
                     stored<std::uint64_t>(~0ULL)});
    check_ascending(
        key_order::unsigned_integer,
        {stored<std::uint8_t>(0), stored<std::uint8_t>(127), stored<std::uint8_t>(255)});
    check_ascending(key_order::signed_integer,
                    {stored(std::numeric_limits<std::int32_t>::min()), stored<std::int32_t>(-256),
                     stored<std::int32_t>(-1), stored<std::int32_t>(0), stored<std::int32_t>(1),
                     stored<std::int32_t>(256), stored(std::numeric_limits<std::int32_t>::max())});
    check_ascending(key_order::signed_integer, {stored<std::int8_t>(-128), stored<std::int8_t>(-1),
                                                stored<std::int8_t>(0), stored<std::int8_t>(127)});
}

TEST_CASE("floating-point keys compare in total order") {
    using limits = std::numeric_limits<double>;
    check_ascending(key_order::floating,
                    {stored(-limits::quiet_NaN()), stored(-limits::infinity()), stored(-2.5),
                     stored(-limits::denorm_min()), stored(-0.0), stored(0.0),
                     stored(limits::denorm_min()), stored(1.0), stored(limits::max()),
                     stored(limits::infinity()), stored(limits::quiet_NaN())});
    check_ascending(key_order::floating,
                    {stored(-1.5F), stored(-0.0F), stored(0.0F), stored(2.0F)});
}

TEST_CASE("byte strings compare by unsigned bytes, a prefix first") {
    check_ascending(key_order::bytes, {"", std::string(1, '\0'), "a", "ab", "b", "\x7F", "\x80"});
}

TEST_CASE("a key in two pieces is one key") {
    const std::string prefix = "common";
    const std::string rest = "tail";
    const std::string whole = "commontail";
    const quire::inspect::key_view split{view_of(prefix).rest, view_of(rest).rest};
    CHECK(split.size() == 10);
    CHECK(split.bytes() == whole);
    CHECK(compare_keys(key_order::bytes, split, view_of(whole)) == 0);
    CHECK(compare_keys(key_order::bytes, split, view_of("commontaik")) > 0);
    CHECK(compare_keys(key_order::bytes, split, view_of("commontails")) < 0);
}

TEST_CASE("keys are shown as numbers, text or hex") {
    CHECK(key_text(key_order::unsigned_integer, view_of(stored<std::uint16_t>(65535))) == "65535");
    CHECK(key_text(key_order::signed_integer, view_of(stored<std::int16_t>(-2))) == "-2");
    CHECK(key_text(key_order::signed_integer,
                   view_of(stored(std::numeric_limits<std::int64_t>::min()))) ==
          "-9223372036854775808");
    CHECK(key_text(key_order::bytes, view_of("word")) == "\"word\"");
    CHECK(key_text(key_order::bytes, view_of("")) == "x''");
    CHECK(key_text(key_order::bytes, view_of("a\xFF")) == "x'61ff'");
    CHECK(key_text(key_order::floating, view_of(stored(1.0F))) == "x'0000803f'");
    CHECK(key_text(key_order::bytes, view_of(std::string(30, 'x'))) ==
          "\"" + std::string(20, 'x') + "\"... (30 bytes)");
}
