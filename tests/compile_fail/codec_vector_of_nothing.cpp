// expect: quire: a std::vector of elements that take no bytes
#include <vector>

#include <quire/codec/of.hpp>

using namespace quire;

struct nothing {};
static_assert(codec::check_storable<std::vector<nothing>, codec::role::value>());
