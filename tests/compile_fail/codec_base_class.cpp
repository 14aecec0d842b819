// expect: quire: a struct with a base class
#include <quire/codec/of.hpp>

using namespace quire;

struct base {
    int x;
};
struct derived : base {
    int y;
};
static_assert(codec::check_storable<derived, codec::role::value>());
