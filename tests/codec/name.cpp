#include "samples.hpp"

using namespace codec_test;

namespace {

inline constexpr std::string_view opening = "list<";
inline constexpr std::string_view closing = ">";
inline constexpr std::string_view left = "left";
inline constexpr std::string_view right = "right";

} // namespace

TEST_CASE("names are joined at compile time") {
    static_assert(codec::detail::list_name<opening, closing>::value == "list<>");
    static_assert(codec::detail::list_name<opening, closing, left>::value == "list<left>");
    static_assert(codec::detail::list_name<opening, closing, left, right>::value ==
                  "list<left,right>");
    static_assert(codec::detail::decimal<0>::value == "0");
    static_assert(codec::detail::decimal<10>::value == "10");
    static_assert(codec::detail::decimal<65536>::value == "65536");
    CHECK(codec::detail::decimal<907>::value == "907");
}
