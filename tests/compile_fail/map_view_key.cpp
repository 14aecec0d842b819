// expect: quire: a view does not own what it shows
#include <string_view>

#include <quire/btree_map.hpp>

quire::btree_map<std::string_view, int> map{"map.quire"};
