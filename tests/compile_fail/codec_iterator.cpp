// expect: quire: a pointer has no meaning in another process
#include <vector>

#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<std::vector<int>::iterator, codec::role::value>());
