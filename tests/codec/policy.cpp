#include "samples.hpp"

using namespace codec_test;

TEST_CASE("codec policies name codecs, and of<T> as a key is the key codec of T") {
    static_assert(std::is_base_of_v<codec::codec_policy_base, codec::key<of<int>>>);
    static_assert(std::is_base_of_v<codec::codec_policy_base, codec::value<of<int>>>);
    static_assert(std::is_same_v<codec::key<of<int>>::codec, of<int, role::key>>);
    static_assert(std::is_same_v<codec::key<of<int, role::key>>::codec, of<int, role::key>>);
    static_assert(std::is_same_v<codec::value<of<int>>::codec, of<int>>);
    using down = codec::descending<of<int>>;
    static_assert(std::is_same_v<codec::key<down>::codec, down>);
    CHECK(encoded<codec::key<down>::codec>(0) == "7fffffff");
}
