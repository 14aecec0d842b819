#include "samples.hpp"

#include <limits>

using namespace codec_test;
using codec::native_order;

TEST_CASE("ranks are in the order of their natives and lead back") {
    constexpr auto sign = native_order::signed_integer;
    static_assert(codec::to_rank<sign>(std::int8_t{-128}) == 0);
    static_assert(codec::to_rank<sign>(std::int8_t{0}) == 0x80);
    static_assert(codec::to_rank<sign>(std::int8_t{127}) == 0xFF);
    static_assert(codec::from_rank<sign, std::int8_t>(0) == -128);
    static_assert(codec::to_rank<native_order::unsigned_integer>(std::uint16_t{7}) == 7);

    constexpr auto floating = native_order::floating;
    const double ordered[] = {-std::numeric_limits<double>::infinity(), -1e300, -1.5,
                              -std::numeric_limits<double>::denorm_min(), -0.0, 0.0,
                              std::numeric_limits<double>::denorm_min(), 1.5, 1e300,
                              std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};
    for (std::size_t i = 0; i + 1 < std::size(ordered); ++i)
        CHECK(codec::to_rank<floating>(ordered[i]) < codec::to_rank<floating>(ordered[i + 1]));
    for (const double number : ordered)
        CHECK(std::bit_cast<std::uint64_t>(codec::from_rank<floating, double>(
                  codec::to_rank<floating>(number))) == std::bit_cast<std::uint64_t>(number));
}

TEST_CASE("every rank of 16 bits is taken once") {
    for (unsigned i = 0; i < 65536; ++i) {
        const auto rank = static_cast<std::uint16_t>(i);
        const auto native = codec::from_rank<native_order::signed_integer, std::int16_t>(rank);
        REQUIRE(codec::to_rank<native_order::signed_integer>(native) == rank);
        REQUIRE(native == static_cast<int>(i) - 32768);
    }
}
