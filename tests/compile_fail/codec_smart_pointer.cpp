// expect: quire: a pointer has no meaning in another process
#include <memory>

#include <quire/codec/of.hpp>

using namespace quire;

static_assert(codec::check_storable<std::unique_ptr<int>, codec::role::value>());
