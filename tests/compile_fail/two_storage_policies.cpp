// expect: quire: a btree_map has one storage policy
#include <quire/btree_map.hpp>

quire::btree_map<int, int, quire::storage::mmap, quire::storage::file> map{"map.quire"};
