// expect: quire: the bytes of this class have no order
#include <quire/codec/of.hpp>

using namespace quire;

class ticket {
public:
    int number() const { return number_; }

private:
    int number_ = 0;
};
static_assert(codec::check_storable<ticket, codec::role::key>());
