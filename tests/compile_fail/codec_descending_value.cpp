// expect: quire: codec::descending<C> needs a key codec C
#include <quire/codec/of.hpp>

using namespace quire;

class ticket {
public:
    int number() const { return number_; }

private:
    int number_ = 0;
};
using policy = codec::key<codec::descending<codec::of<ticket>>>;
static_assert(codec::check_codec<policy::codec, codec::role::key, ticket>());
