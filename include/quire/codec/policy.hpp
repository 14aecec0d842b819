// The policies that give a map its codecs: btree_map<K, V, codec::key<my_codec>>. Without one, keys
// are encoded by of<K, role::key> and values by of<V, role::value>.
#pragma once

#include <quire/codec/concepts.hpp>

namespace quire::codec {

// What every codec policy derives from.
struct codec_policy_base {};

// Keys by C. of<T> stands for of<T, role::key>.
template <class C>
struct key : codec_policy_base {
    using codec = as_key<C>;
};

// Values by C.
template <class C>
struct value : codec_policy_base {
    using codec = C;
};

} // namespace quire::codec
