// expect: quire: a pointer has no meaning in another process
#include <quire/codec/of.hpp>

using namespace quire;

struct point {
    int x;
};
static_assert(codec::check_storable<int point::*, codec::role::value>());
