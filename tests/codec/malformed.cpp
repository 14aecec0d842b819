#include "samples.hpp"

using namespace codec_test;

TEST_CASE("malformed bytes are corruption that names its field, found and expected") {
    try {
        codec::malformed(role::key, "a", "b");
    } catch (const quire::corruption& error) {
        CHECK(error.code() == quire::error_code::corruption);
        CHECK(error.field() == "key");
        CHECK(error.found() == "a");
        CHECK(error.expected() == "b");
        CHECK(std::string(error.what()) ==
              "a stored key is not an encoding of its type (key: found a, expected b)");
    }
    CHECK_THROWS_WITH_AS(codec::malformed(role::value, 7, "8"),
                         "a stored value is not an encoding of its type "
                         "(value: found 7, expected 8)",
                         quire::corruption);
    CHECK_THROWS_WITH_AS(codec::wrong_size(role::value, 7, 8),
                         "a stored value is not an encoding of its type "
                         "(value: found 7 bytes, expected 8 bytes)",
                         quire::corruption);
}
