// expect: quire: a btree_map has one codec for its keys
#include <quire/btree_map.hpp>

using ascending = quire::codec::of<int, quire::codec::role::key>;
quire::btree_map<int, int, quire::codec::key<ascending>,
                 quire::codec::key<quire::codec::descending<ascending>>>
    map{"map.quire"};
