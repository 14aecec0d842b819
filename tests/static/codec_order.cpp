// Encodings of boundary values are in the order of the keys, as constants.
#include <limits>

#include <quire/codec/of.hpp>
#include <quire/codec/order_check.hpp>

namespace {

using namespace quire::codec;
using namespace std::string_view_literals;

template <class T>
constexpr std::array boundaries{std::numeric_limits<T>::min(),
                                static_cast<T>(std::numeric_limits<T>::min() + 1),
                                static_cast<T>(-1),
                                T{0},
                                T{1},
                                static_cast<T>(std::numeric_limits<T>::max() / 2),
                                static_cast<T>(std::numeric_limits<T>::max() / 2 + 1),
                                std::numeric_limits<T>::max()};

template <class T, class Samples>
constexpr bool both_ways(const Samples& samples) {
    return order_holds_on<of<T, role::key>>(samples) && order_holds_on<descending<of<T>>>(samples);
}

static_assert(both_ways<std::int8_t>(boundaries<std::int8_t>));
static_assert(both_ways<std::uint8_t>(boundaries<std::uint8_t>));
static_assert(both_ways<std::int16_t>(boundaries<std::int16_t>));
static_assert(both_ways<std::uint16_t>(boundaries<std::uint16_t>));
static_assert(both_ways<std::int32_t>(boundaries<std::int32_t>));
static_assert(both_ways<std::uint32_t>(boundaries<std::uint32_t>));
static_assert(both_ways<std::int64_t>(boundaries<std::int64_t>));
static_assert(both_ways<std::uint64_t>(boundaries<std::uint64_t>));
static_assert(both_ways<char>(boundaries<char>));
static_assert(both_ways<char32_t>(boundaries<char32_t>));
static_assert(both_ways<bool>(std::array{false, true}));
#if defined(__SIZEOF_INT128__)
static_assert(both_ways<detail::int128>(std::array<detail::int128, 5>{
    -1, 0, 1, static_cast<detail::int128>(1) << 64, -(static_cast<detail::int128>(1) << 64)}));
#endif

template <class T>
constexpr std::array measures{-std::numeric_limits<T>::infinity(),
                              std::numeric_limits<T>::lowest(),
                              T{-1},
                              -std::numeric_limits<T>::min(),
                              -std::numeric_limits<T>::denorm_min(),
                              T{0} * T{-1},
                              T{0},
                              std::numeric_limits<T>::denorm_min(),
                              std::numeric_limits<T>::min(),
                              T{1},
                              std::numeric_limits<T>::max(),
                              std::numeric_limits<T>::infinity(),
                              std::numeric_limits<T>::quiet_NaN()};
static_assert(both_ways<float>(measures<float>));
static_assert(both_ways<double>(measures<double>));

constexpr std::array texts{""sv,   "\0"sv,   "\0\0"sv,  "\0\1"sv, "\1"sv,  "a"sv,
                           "aa"sv, "a\0"sv, "a\0b"sv, "b"sv,    "\x7f"sv, "\x80"sv, "\xff"sv};
static_assert(both_ways<std::string>(texts));

static_assert(both_ways<std::array<std::byte, 2>>(std::array<std::array<std::byte, 2>, 3>{
    {{}, {std::byte{0}, std::byte{1}}, {std::byte{255}, std::byte{0}}}}));
static_assert(both_ways<std::tuple<int, bool>>(
    std::array{std::tuple{-1, true}, std::tuple{-1, false}, std::tuple{0, false}}));
static_assert(both_ways<std::optional<int>>(
    std::array<std::optional<int>, 4>{std::nullopt, -1, 0, 1}));

struct point {
    int x;
    double y;
};
static_assert(both_ways<point>(std::array{point{-1, 2.0}, point{-1, -2.0}, point{0, 0.0}}));

} // namespace
