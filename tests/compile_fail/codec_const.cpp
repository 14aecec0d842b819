// expect: quire: a stored type is neither const nor volatile
#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<const int, codec::role::key>());
