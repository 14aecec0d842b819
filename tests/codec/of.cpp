#include <quire/codec/of.hpp>

#include "samples.hpp"

using namespace codec_test;

TEST_CASE("the umbrella has a codec for every type the library stores") {
    using all = std::tuple<int, bool, std::byte, double, std::string, std::array<char, 2>,
                           std::pair<int, int>, std::optional<int>>;
    static_assert(codec::key_codec<of<all, role::key>>);
    static_assert(codec::key_codec<codec::descending<of<all>>>);
    static_assert(codec::value_codec<of<std::vector<all>>>);
    static_assert(codec::key_codec<codec::key<of<std::vector<std::byte>>>::codec>);
    CHECK(of<all>::name ==
          (std::is_signed_v<char>
               ? "tuple<i32,bool,u8,f64,string,array<i8,2>,tuple<i32,i32>,optional<i32>>"
               : "tuple<i32,bool,u8,f64,string,array<u8,2>,tuple<i32,i32>,optional<i32>>"));
}

TEST_CASE("names do not depend on the role") {
    using all = std::tuple<int, std::string, std::optional<std::array<double, 2>>>;
    CHECK(of<all, role::key>::name == of<all, role::value>::name);
}
