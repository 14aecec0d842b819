// expect: quire: this class has padding or floating point
#include <quire/codec/of.hpp>

using namespace quire;

class padded {
public:
    char kind() const { return kind_; }
    int number() const { return number_; }

private:
    char kind_ = 0;
    int number_ = 0;
};
static_assert(codec::check_storable<padded, codec::role::key>());
