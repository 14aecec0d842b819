// expect: quire: a union does not say which member it holds
#include <quire/codec/of.hpp>

using namespace quire;

union either {
    int number;
    float measure;
};
static_assert(codec::check_storable<either, codec::role::value>());
