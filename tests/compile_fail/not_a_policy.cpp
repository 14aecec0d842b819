// expect: quire: what follows the key and the value of a btree_map must be policies
#include <quire/btree_map.hpp>

// What std::map would take here.
template <class T>
struct less {};

quire::btree_map<int, int, less<int>> map{"map.quire"};
