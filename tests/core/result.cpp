#include <quire/core/result.hpp>

#include <string>

#include <doctest/doctest.h>

#include "support/death.hpp"

namespace {

quire::result<std::string> named(bool good) {
    if (good) return std::string("value");
    return quire::fault{"name", "nothing", "something"};
}

} // namespace

TEST_CASE("a result holds a value") {
    const auto result = named(true);
    REQUIRE(result);
    CHECK(*result == "value");
    CHECK(result->size() == 5);
}

TEST_CASE("or a result says what is wrong") {
    const auto result = named(false);
    REQUIRE_FALSE(result);
    CHECK(result.why().field == "name");
    CHECK(result.why().found == "nothing");
    CHECK(result.why().expected == "something");
}

#if QUIRE_ASSERTIONS
TEST_CASE("asking for the wrong one of the two is a mistake of the caller") {
    CHECK(quire_test::death_of([] { (void)*named(false); }).says("has no value"));
    CHECK(quire_test::death_of([] { (void)named(true).why(); }).says("has no fault"));
}
#endif
