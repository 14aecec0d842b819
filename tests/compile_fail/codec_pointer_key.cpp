// expect: quire: a pointer has no meaning in another process
#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<const char*, codec::role::key>());
