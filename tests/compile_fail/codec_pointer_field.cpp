// expect: quire: a pointer has no meaning in another process
#include <quire/codec/of.hpp>

using namespace quire;

struct node {
    int number;
    node* next;
};
static_assert(codec::check_storable<node, codec::role::value>());
