#include <quire/core/config.hpp>

#include <string>

#include <doctest/doctest.h>

TEST_CASE("the version in the header is the version of the build") {
    const std::string version = std::to_string(QUIRE_VERSION_MAJOR) + "." +
                                std::to_string(QUIRE_VERSION_MINOR) + "." +
                                std::to_string(QUIRE_VERSION_PATCH);
    CHECK(version == QUIRE_TEST_PROJECT_VERSION);
}
