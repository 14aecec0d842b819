// expect: quire: a view does not own what it shows
#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<std::span<int>, codec::role::value>());
