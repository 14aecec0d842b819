// expect: quire: .*power of two from 512 to 65536
#include <quire/btree_map.hpp>

quire::btree_map<int, int, quire::page_size<1000>> map{"map.quire"};
