// expect: quire: a pointer has no meaning in another process
#include <quire/btree_map.hpp>

quire::btree_map<int, const char*> map{"map.quire"};
