// expect: quire: a btree_map has one transaction policy
#include <quire/btree_map.hpp>

quire::btree_map<int, int, quire::txn::none, quire::page_size<512>, quire::txn::shadow> map{
    "map.quire"};
