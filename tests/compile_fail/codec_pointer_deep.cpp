// expect: quire: a pointer has no meaning in another process
#include <vector>

#include <quire/codec/of.hpp>

using namespace quire;

struct inner {
    std::optional<std::pair<int, const int*>> link;
};
struct outer {
    int number;
    std::vector<inner> all;
};
static_assert(codec::check_storable<outer, codec::role::value>());
