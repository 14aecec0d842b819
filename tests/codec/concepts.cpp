// The concepts themselves are tested by compiling, in tests/static/codec_concepts.cpp. Here: a
// codec that models them from outside the library, the one of docs/policies/codec.md.
#include "samples.hpp"

using namespace codec_test;

namespace {

struct by_length : of<std::string, role::key> {
    static bool before(std::string_view left, std::string_view right) {
        return left.size() < right.size();
    }
};

// docs:date
class date {
public:
    constexpr date(int year, int month, int day) : year_(year), month_(month), day_(day) {}
    constexpr int year() const { return year_; }
    constexpr int month() const { return month_; }
    constexpr int day() const { return day_; }
    friend constexpr auto operator<=>(const date&, const date&) = default;

private:
    int year_, month_, day_;
};

// Four bytes instead of three ints, in the order of the calendar.
struct date_codec {
    using value_type = date;
    using view_type = date;
    using arg_type = const date&;

    static constexpr std::string_view name = "date";
    static constexpr std::size_t fixed_size = 4;
    static constexpr bool ordered = true; // as bytes: year, big-endian; month; day

    static constexpr std::size_t size(const date&) { return fixed_size; }

    static constexpr std::byte* encode(const date& value, std::byte* to) {
        to = year::encode(static_cast<std::int16_t>(value.year()), to);
        *to++ = static_cast<std::byte>(value.month());
        *to++ = static_cast<std::byte>(value.day());
        return to;
    }

    static constexpr date decode(quire::bytes_view from) {
        if (from.size() != fixed_size)
            quire::codec::wrong_size(quire::codec::role::key, from.size(), fixed_size);
        const auto month = static_cast<int>(from[2]);
        if (month < 1 || month > 12)
            quire::codec::malformed(quire::codec::role::key, static_cast<unsigned>(month),
                                    "a month, 1 to 12");
        return date(year::decode(from.first(2)), month, static_cast<int>(from[3]));
    }

private:
    using year = quire::codec::of<std::int16_t, quire::codec::role::key>;
};
static_assert(quire::codec::check_codec<date_codec, quire::codec::role::key, date>());
static_assert(quire::codec::order_holds_on<date_codec>(
    std::array{date(-44, 3, 15), date(1969, 12, 31), date(1970, 1, 1), date(1970, 1, 2)}));
// docs:end

struct meeting {
    date when;
    std::string subject;
};

} // namespace

// docs:specialise
template <quire::codec::role Role>
struct quire::codec::of<date, Role> : date_codec {};
// docs:end

TEST_CASE("the order of keys is the codec's before, or operator<") {
    CHECK(codec::before<of<int, role::key>>(1, 2));
    CHECK(!codec::before<of<int, role::key>>(2, 1));
    CHECK(codec::before<by_length>("b", "aa"));
    CHECK(!codec::before<of<std::string, role::key>>(std::string("b"), std::string("aa")));
}

TEST_CASE("a codec from outside obeys the laws, alone and inside others") {
    chance any(201);
    std::vector<date> dates;
    std::vector<std::pair<std::string, date>> pairs;
    for (int i = 0; i < 60; ++i) {
        dates.emplace_back(static_cast<std::int16_t>(any.number()), 1 + int(any.below(12)),
                           1 + int(any.below(31)));
        pairs.emplace_back(any.text(), dates.back());
    }
    // docs:check
    CHECK(quire::codec::check_order<date_codec>(dates) == "");
    // docs:end
    obeys_key_laws<date_codec>(dates, 202);
    obeys_key_laws<codec::descending<date_codec>>(dates, 203);
    obeys_key_laws<of<std::pair<std::string, date>, role::key>>(pairs, 204);
    CHECK(of<meeting>::name == "{date,string}");
    CHECK(of<meeting>::decode(encoding<of<meeting>>({dates[0], "x"})).when == dates[0]);
    CHECK(refusal<date_codec>("80001301") == "key: 19, a month, 1 to 12");
}
