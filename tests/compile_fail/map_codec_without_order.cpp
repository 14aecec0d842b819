// expect: quire: a key codec promises
#include <cstdint>

#include <quire/btree_map.hpp>

// The codec of values: little-endian, so its bytes are not in the order of the numbers.
struct little_endian : quire::codec::of<std::uint32_t> {
    static constexpr bool ordered = false;
};

quire::btree_map<std::uint32_t, int, quire::codec::key<little_endian>> map{"map.quire"};
