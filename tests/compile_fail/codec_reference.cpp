// expect: quire: a reference cannot be stored
#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<int&, codec::role::key>());
