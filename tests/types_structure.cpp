// Structures and vectors as values, structures as keys, and the views that iterators give.
#include <quire/types.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "support/type_check.hpp"

namespace {

using namespace quire_test;

enum class colour : std::int8_t { black = -1, red = 0, green = 7, white = 100 };
struct address {
    std::string street;
    std::uint16_t number = 0;
    friend bool operator==(const address&, const address&) = default;
};
struct person {
    std::string name;
    std::uint8_t age = 0;
    double weight = 0;
    std::optional<address> home;
    std::vector<std::string> tags;
    colour likes = colour::red;
    friend bool operator==(const person&, const person&) = default;
};
struct place {
    std::int32_t row = 0;
    std::string column;
    friend bool operator==(const place&, const place&) = default;
};
// Trivially copyable, with a padding hole were it not stored field by field.
struct reading {
    std::uint8_t sensor = 0;
    std::uint64_t at = 0;
    std::uint16_t value = 0;
    friend bool operator==(const reading&, const reading&) = default;
};
// Not an aggregate: stored as its bytes.
class money {
public:
    money() = default;
    explicit money(std::int64_t cents) : cents_(cents) {}
    friend bool operator==(const money&, const money&) = default;

private:
    std::int64_t cents_ = 0;
};
struct nothing {
    friend bool operator==(const nothing&, const nothing&) = default;
};

TEST_CASE("structures") {
    check_types<std::uint64_t, person>(
        {{1, {}},
         {2, {"ann", 30, 61.5, address{"high street", 7}, {"a", "", "b"}, colour::white}},
         {3, {"bob", 255, -1, std::nullopt, {}, colour::black}},
         {~0ull, {text_of(3000), 0, 0, address{text_of(200), 1}, {text_of(900)}, {}}}});
    check_types<place, reading>({{{-5, "a"}, {1, 2, 3}},
                                 {{0, ""}, {255, ~0ull, 9}},
                                 {{0, "a"}, {}},
                                 {{0, std::string("a\0", 2)}, {4, 5, 6}},
                                 {{1, ""}, {7, 8, 9}}});
    check_types<reading, money>({{{0, 1, 0}, money(-1)},
                                 {{0, 1, 1}, money(7)},
                                 {{0, 256, 0}, money(1ll << 60)},
                                 {{1, 0, 0}, money()}});
    check_types<std::string, nothing>({{"", {}}, {"a", {}}, {"b", {}}}); // a set
    check_types<std::uint64_t, nothing>({{1, {}}, {2, {}}});
}

TEST_CASE("vectors as values") {
    check_types<std::uint32_t, std::vector<std::string>>(
        {{1, {}}, {2, {""}}, {3, {"a", "", text_of(700)}}, {4, std::vector<std::string>(300)}});
    check_types<std::string, std::vector<std::pair<std::uint32_t, std::string>>>(
        {{"a", {}}, {"b", {{1, "x"}, {2, ""}}}});
    check_types<std::string, std::vector<std::uint64_t>>(
        {{"a", {}}, {"b", std::vector<std::uint64_t>(5000, 77)}, {"c", {1, 2, 3}}});
}

TEST_CASE("views are what the codecs say") {
    using texts = memory_shadow::map<std::string, std::string>;
    static_assert(std::is_same_v<texts::key_view, std::string_view>);
    static_assert(std::is_same_v<texts::value_view, std::string_view>);
    using numbers = memory_shadow::map<std::uint64_t, double>;
    static_assert(std::is_same_v<numbers::key_view, std::uint64_t>);
    static_assert(std::is_same_v<numbers::value_view, double>);
    using structures = memory_shadow::map<place, person>;
    static_assert(std::is_same_v<structures::key_view, place>);
    static_assert(std::is_same_v<structures::value_view, person>);
    CHECK(true);
}

} // namespace
