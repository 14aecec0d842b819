// expect: quire: a view does not own what it shows
#include <quire/codec/of.hpp>

using namespace quire;

struct word {
    std::string_view text;
    int count;
};
static_assert(codec::check_storable<word, codec::role::key>());
