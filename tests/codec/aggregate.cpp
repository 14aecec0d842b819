#include "samples.hpp"

#include <limits>
#include <variant>

using namespace codec_test;
using namespace std::string_literals;

namespace {

enum class color : std::uint8_t { red, green };

struct point {
    std::int32_t x;
    double y;
    bool operator==(const point&) const = default;
};

struct padded {
    char kind;
    std::int64_t number;
    char last;
    auto operator<=>(const padded&) const = default;
};

struct name {
    std::string family;
    std::string given;
    std::uint8_t age;
    auto operator<=>(const name&) const = default;
};

struct everything {
    std::string text;
    std::optional<std::string> maybe;
    std::array<int, 3> three;
    point where;
    std::vector<std::uint32_t> many;
    std::pair<int, std::string> two;
    std::tuple<> none;
    color shade;
    std::array<std::byte, 4> bytes;
    bool operator==(const everything&) const = default;
};

struct nothing {
    bool operator==(const nothing&) const = default;
};
struct one {
    std::vector<int> only;
    bool operator==(const one&) const = default;
};
struct fixed_for_life {
    const int id;
    const std::string text;
    bool set = true;
    auto operator<=>(const fixed_for_life&) const = default;
};
struct sixteen {
    std::uint8_t a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
    auto operator<=>(const sixteen&) const = default;
};
struct holds_one {
    one inner;
};
struct initialised {
    int a = 1;
    std::string b = "b";
    std::optional<point> c{};
};

template <std::size_t N>
struct fields_of;
#define FIELDS(n, ...)                                                                             \
    template <>                                                                                    \
    struct fields_of<n> {                                                                          \
        std::uint8_t __VA_ARGS__;                                                                  \
    }
FIELDS(1, a);
FIELDS(2, a, b);
FIELDS(3, a, b, c);
FIELDS(4, a, b, c, d);
FIELDS(5, a, b, c, d, e);
FIELDS(6, a, b, c, d, e, f);
FIELDS(7, a, b, c, d, e, f, g);
FIELDS(8, a, b, c, d, e, f, g, h);
FIELDS(9, a, b, c, d, e, f, g, h, i);
FIELDS(10, a, b, c, d, e, f, g, h, i, j);
FIELDS(11, a, b, c, d, e, f, g, h, i, j, k);
FIELDS(12, a, b, c, d, e, f, g, h, i, j, k, l);
FIELDS(13, a, b, c, d, e, f, g, h, i, j, k, l, m);
FIELDS(14, a, b, c, d, e, f, g, h, i, j, k, l, m, n);
FIELDS(15, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
FIELDS(16, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
#undef FIELDS

template <std::size_t N>
void keeps_declaration_order() {
    CAPTURE(N);
    std::string digits;
    for (std::size_t i = 0; i < N; ++i) digits += hex(std::array{static_cast<std::byte>(i + 1)});
    using C = of<fields_of<N>, role::key>;
    static_assert(C::fixed_size == N);
    CHECK(encoded<C>(decoded<C>(digits)) == digits);
    CHECK(decoded<C>(digits).a == 1);
}

} // namespace

TEST_CASE("fields stand in the order of declaration, for every number of them") {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (keeps_declaration_order<I + 1>(), ...);
    }(std::make_index_sequence<16>{});
}

TEST_CASE("structs as keys are in the order of their first difference") {
    chance any(141);
    std::vector<name> names;
    std::vector<padded> records;
    std::vector<sixteen> wide(20);
    for (int i = 0; i < 100; ++i) {
        names.push_back({any.text(), any.text(), static_cast<std::uint8_t>(any.below(2))});
        records.push_back({static_cast<char>(any.below(2)), any.integer<std::int64_t>(),
                           static_cast<char>(any.below(2))});
    }
    for (auto& sample : wide) sample.a = sample.p = static_cast<std::uint8_t>(any.below(3));
    obeys_key_laws<of<name, role::key>>(names, 142);
    obeys_value_laws<of<name>>(names, 143);
    obeys_key_laws<of<padded, role::key>>(records, 144);
    obeys_value_laws<of<padded>>(records, 145);
    obeys_key_laws<of<sixteen, role::key>>(wide, 146);
    obeys_key_laws<of<fixed_for_life, role::key>>(
        {{1, "a"}, {1, "a", false}, {1, "\0"s}, {-1, "b"}}, 147);
    // point has no operator<.
    obeys_key_laws<of<point, role::key>>(
        {{1, -0.0}, {1, 2.0}, {-1, std::numeric_limits<double>::quiet_NaN()}, {-1, 7.0}}, 148);
}

TEST_CASE("structs of everything come back") {
    std::vector<everything> samples;
    chance any(149);
    for (int i = 0; i < 40; ++i) {
        everything sample{any.text(),     std::nullopt, {1, 2, 3},    {any.integer<int>(), 0.5},
                          {1, 2, 70000},  {},           {},           color::green,
                          {std::byte{9}, {}, {}, {}}};
        if (any.below(2) == 0) sample.maybe = any.text();
        sample.two = {any.integer<int>(), any.text()};
        samples.push_back(sample);
    }
    obeys_value_laws<of<everything>>(samples, 150);
    CHECK(of<everything>::name == "{string,optional<string>,array<i32,3>,{i32,f64},vector<u32>,"
                                  "tuple<i32,string>,tuple<>,u8,array<u8,4>}");
    obeys_value_laws<of<nothing>>({{}}, 151);
    obeys_key_laws<of<nothing, role::key>>(std::vector<nothing>{}, 152);
    obeys_value_laws<of<one>>({{}, {{1, 2}}}, 153);
    CHECK(of<nothing>::name == "{}");
    CHECK(of<std::monostate>::name == "{}");
    CHECK(of<holds_one>::name == "{{vector<i32>}}");
    CHECK(of<initialised>::name == "{i32,string,optional<{i32,f64}>}");
}

TEST_CASE("the bytes of structs have no padding") {
    CHECK(encoded<of<padded>>({1, 2, 3}) == "01" "0200000000000000" "03");
    CHECK(encoded<of<padded, role::key>>({0, -1, 0}) ==
          std::string(std::is_signed_v<char> ? "80" : "00") + "7fffffffffffffff" +
              (std::is_signed_v<char> ? "80" : "00"));
    CHECK(encoded<of<name>>({"a", "", 7}) == "0161" "00" "07");
    CHECK(encoded<of<name, role::key>>({"a", "", 7}) == "610000" "0000" "07");
    static_assert(of<padded>::fixed_size == 10);
    static_assert(of<name>::fixed_size == codec::variable);
}

TEST_CASE("malformed structs are refused") {
    CHECK(refusal<of<padded>>("0102") == "value: 2 bytes, 10 bytes");
    CHECK(refusal<of<nothing>>("00") == "value: 1 bytes, 0 bytes");
    CHECK(refusal<of<name>>("0261") == "value: 1 bytes, 2 bytes");
    CHECK(refusal<of<name>>("000001ff") == "value: bytes after the last field, none");
    CHECK(refusal<of<name, role::key>>("6100") == "key: the end of its bytes, an end mark (00 00)");
}

TEST_CASE("structs encode and decode in constant expressions") {
    constexpr auto holds = [] {
        using C = of<point, role::key>;
        std::byte bytes[12]{};
        const point value{-5, 2.5};
        return C::encode(value, bytes) == bytes + 12 && C::decode(bytes) == value;
    };
    static_assert(holds());
}
