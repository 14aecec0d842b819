#include <quire/core/assert.hpp>

#include <doctest/doctest.h>

#include "support/death.hpp"

TEST_CASE("assertions that hold do nothing, and a condition is evaluated at most once") {
    int evaluated = 0;
    QUIRE_PRECONDITION(++evaluated > 0, "counting is possible");
    QUIRE_ASSERT(++evaluated > 0, "counting is possible");
    CHECK(evaluated == (QUIRE_ASSERTIONS ? 2 : 0));
}

#if QUIRE_ASSERTIONS
TEST_CASE("a broken precondition aborts with its sentence, its condition and its place") {
    const auto seen =
        quire_test::death_of([] { QUIRE_PRECONDITION(1 + 1 == 3, "the caller can add"); });
    CHECK(seen.says("precondition failed: the caller can add (1 + 1 == 3)"));
    CHECK(seen.says("assert.cpp:"));
}

TEST_CASE("a broken invariant is told apart from a broken precondition") {
    const auto seen = quire_test::death_of([] { QUIRE_ASSERT(1 + 1 == 3, "the library can add"); });
    CHECK(seen.says("invariant failed: the library can add"));
    CHECK_FALSE(seen.says("precondition"));
}
#endif

TEST_CASE("a call that does not abort is not a death") {
    CHECK_FALSE(quire_test::death_of([] {}).aborted);
}
