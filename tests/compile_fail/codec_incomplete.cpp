// expect: quire: there is no codec for this type
#include <quire/codec/of.hpp>

using namespace quire;

struct later;
static_assert(codec::check_storable<later, codec::role::key>());
