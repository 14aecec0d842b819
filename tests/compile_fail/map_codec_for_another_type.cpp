// expect: quire: this codec is for another type
#include <cstdint>

#include <quire/btree_map.hpp>

quire::btree_map<std::uint32_t, int, quire::codec::key<quire::codec::of<std::uint64_t>>> map{
    "map.quire"};
