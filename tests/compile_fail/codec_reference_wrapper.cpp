// expect: quire: a pointer has no meaning in another process
#include <functional>

#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<std::reference_wrapper<int>, codec::role::value>());
