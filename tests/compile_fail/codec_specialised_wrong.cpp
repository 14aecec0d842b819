// expect: quire: a codec has a name
#include <quire/codec/of.hpp>

using namespace quire;

struct mine {
    mine* next;
};
template <codec::role Role>
struct quire::codec::of<mine, Role> {
    using value_type = mine;
    using view_type = mine;
    using arg_type = mine;
};
static_assert(codec::check_storable<mine, codec::role::value>());
