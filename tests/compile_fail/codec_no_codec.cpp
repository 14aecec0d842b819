// expect: quire: there is no codec for this type
#include <map>

#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<std::map<int, int>, codec::role::value>());
