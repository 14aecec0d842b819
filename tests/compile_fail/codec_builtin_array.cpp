// expect: quire: a built-in array cannot be stored
#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<char[8], codec::role::key>());
