// expect: quire: a reference cannot be stored
#include <quire/codec/of.hpp>

using namespace quire;

struct sample {
    int number;
    const double& measure;
};
static_assert(codec::check_storable<sample, codec::role::value>());
