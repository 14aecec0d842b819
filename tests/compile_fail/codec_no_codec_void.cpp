// expect: quire: there is no codec for this type
#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<void, codec::role::value>());
