// expect: quire: a struct of more than 16 fields
#include <quire/codec/of.hpp>

using namespace quire;

struct wide {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};
static_assert(codec::check_storable<wide, codec::role::value>());
