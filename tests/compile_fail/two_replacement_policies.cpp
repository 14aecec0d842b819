// expect: quire: a btree_map has one replacement policy
#include <quire/btree_map.hpp>

// A second replacement policy, so that two different ones can be named.
struct other : quire::replacement::clock {};

quire::btree_map<int, int, quire::replacement::clock, other> map{"map.quire"};
