#include "samples.hpp"

using namespace codec_test;
using namespace std::string_literals;
using codec::detail::field_list;

namespace {

using text_key = of<std::string, role::key>;
using text = of<std::string>;
using number = of<std::uint8_t>;

template <class List, class... Ts>
std::string written(const Ts&... values) {
    std::vector<std::byte> bytes(List::size(values...));
    CHECK(List::encode(bytes.data(), values...) == bytes.data() + bytes.size());
    return hex(bytes);
}

} // namespace

TEST_CASE("key fields of variable size are terminated, but for the last") {
    using list = field_list<role::key, text_key, text_key>;
    static_assert(list::fixed_size == codec::variable);
    CHECK(written<list>("\0"s, "\0"s) == "00010000" "00");
    CHECK(written<field_list<role::key, text_key>>("\0"s) == "00");
    using pair = std::pair<std::string, std::string>;
    CHECK(list::decode<pair>(from_hex("0001000000")) == pair("\0"s, "\0"s));
}

TEST_CASE("value fields of variable size have their length in front, the last too") {
    using list = field_list<role::value, text, number, text>;
    CHECK(written<list>("ab"s, std::uint8_t{7}, ""s) == "026162" "07" "00");
    using all = std::tuple<std::string, std::uint8_t, std::string>;
    CHECK(list::decode<all>(from_hex("0261620700")) == all("ab", std::uint8_t{7}, ""));
}

TEST_CASE("fields of fixed size stand side by side") {
    static_assert(field_list<role::value>::fixed_size == 0);
    static_assert(field_list<role::value, number, of<double>>::fixed_size == 9);
    CHECK(written<field_list<role::value, number, number>>(std::uint8_t{1}, std::uint8_t{2}) ==
          "0102");
}

TEST_CASE("the first difference decides the order") {
    using list = field_list<role::key, text_key, of<int, role::key>>;
    const auto before = [](const std::string& a, int b, const std::string& c, int d) {
        return list::before(std::tie(a, b), std::tie(c, d));
    };
    CHECK(before("a", 2, "b", 1));
    CHECK(!before("b", 1, "a", 2));
    CHECK(before("a", 1, "a", 2));
    CHECK(!before("a", 1, "a", 1));
}
