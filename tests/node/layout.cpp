#include <quire/node/layout.hpp>

#include <doctest/doctest.h>

namespace detail = quire::node::detail;

TEST_CASE("rounding up and the alignment of a size") {
    static_assert(detail::round_up(0, 8) == 0);
    static_assert(detail::round_up(1, 8) == 8);
    static_assert(detail::round_up(16, 8) == 16);
    static_assert(detail::round_up(17, 1) == 17);
    static_assert(detail::alignment_of(1, 16) == 1);
    static_assert(detail::alignment_of(150, 16) == 2);
    static_assert(detail::alignment_of(12, 16) == 4);
    static_assert(detail::alignment_of(8, 16) == 8);
    static_assert(detail::alignment_of(64, 16) == 16);
    static_assert(detail::alignment_of(0, 16) == 16);
    CHECK(detail::ref_size == sizeof(quire::page_ref));
}

TEST_CASE("a value does not go to an overflow run unless it says so") {
    CHECK_FALSE(quire::node::stored_value{}.overflow);
}
