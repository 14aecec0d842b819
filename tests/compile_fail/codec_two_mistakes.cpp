// expect: quire: a view does not own what it shows
// expect: quire: a pointer has no meaning in another process
#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<std::string_view, codec::role::key>());
static_assert(codec::check_storable<const char*, codec::role::value>());
