// expect: quire: the fields of this struct cannot be counted
#include <quire/codec/of.hpp>

using namespace quire;

struct record {
    char name[8];
    int number;
};
static_assert(codec::check_storable<record, codec::role::value>());
