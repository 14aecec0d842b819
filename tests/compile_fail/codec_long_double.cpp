// expect: quire: long double differs between machines
#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<std::array<long double, 2>, codec::role::value>());
