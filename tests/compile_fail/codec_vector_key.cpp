// expect: quire: a std::vector is no key
#include <vector>

#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<std::vector<unsigned char>, codec::role::key>());
