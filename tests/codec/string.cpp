#include "samples.hpp"

using namespace codec_test;
using namespace std::string_literals;

TEST_CASE("strings are their bytes, in the order of std::string") {
    std::vector<std::string> samples{"", "\0"s, "\0\0"s, "\0\1"s, "a", "aa", "ab", "b", "\x7f",
                                     "\x80", "\xff", "\xff\xff", std::string(1000, 'x'),
                                     std::string(1000, '\0'), std::string(300, '\xff')};
    chance any(51);
    for (int i = 0; i < 100; ++i) samples.push_back(any.text());
    obeys_key_laws<of<std::string, role::key>>(samples, 52);
    obeys_value_laws<of<std::string>>(samples, 53);
    CHECK(encoded<of<std::string, role::key>>("ab\0c"s) == "61620063");
    CHECK(encoded<of<std::string>>("") == "");
    CHECK(of<std::string>::name == "string");
    CHECK(of<std::string>::fixed_size == codec::variable);
}

TEST_CASE("whatever converts to std::string_view is a string key") {
    using key = of<std::string, role::key>;
    const char* const text = "abc";
    CHECK(encoded<key>(text) == encoded<key>(std::string("abc")));
    CHECK(encoded<key>(std::string_view("abcd").substr(0, 3)) == "616263");
}

TEST_CASE("a string view shows the stored bytes and copies nothing") {
    const auto bytes = from_hex("616263");
    const std::string_view view = of<std::string>::decode(bytes);
    CHECK(static_cast<const void*>(view.data()) == bytes.data());
    CHECK(view == "abc");
    CHECK(of<std::string>::decode({}).empty());
}

TEST_CASE("byte strings") {
    using key = of<std::vector<std::byte>, role::key>;
    std::vector<std::vector<std::byte>> samples{{}};
    chance any(54);
    for (int i = 0; i < 100; ++i) samples.push_back(any.bytes());
    obeys_key_laws<key>(samples, 55);
    obeys_value_laws<of<std::vector<std::byte>>>(samples, 56);
    CHECK(key::name == "bytes");

    const auto bytes = from_hex("00ff01");
    const codec::byte_string_view view = key::decode(bytes);
    CHECK(view.data() == bytes.data());
    CHECK(std::vector<std::byte>(view) == bytes);
    CHECK(view == codec::byte_string_view(bytes));
    CHECK(codec::byte_string_view(from_hex("00")) < view);
    CHECK(encoded<key>(std::array{std::byte{1}, std::byte{0}}) == "0100");
}
