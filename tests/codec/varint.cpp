#include "samples.hpp"

using namespace codec_test;

namespace {

std::string put(std::uint64_t number) {
    std::vector<std::byte> bytes(codec::varint_size(number));
    CHECK(codec::put_varint(bytes.data(), number) == bytes.data() + bytes.size());
    return hex(bytes);
}

std::string refused(std::string_view text) {
    const auto bytes = from_hex(text);
    bytes_view rest = bytes;
    try {
        static_cast<void>(codec::take_varint(role::value, rest));
    } catch (const quire::corruption& error) {
        return error.found();
    }
    return {};
}

} // namespace

TEST_CASE("lengths are LEB128") {
    CHECK(put(0) == "00");
    CHECK(put(127) == "7f");
    CHECK(put(128) == "8001");
    CHECK(put(624485) == "e58e26");
    CHECK(put(~std::uint64_t{0}) == "ffffffffffffffffff01");
    for (unsigned bit = 0; bit < 64; ++bit)
        for (const std::uint64_t number :
             {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit, ~std::uint64_t{0} >> bit}) {
            const auto bytes = from_hex(put(number) + "aa");
            bytes_view rest = bytes;
            CHECK(codec::take_varint(role::value, rest) == number);
            CHECK(hex(rest) == "aa");
        }
}

TEST_CASE("lengths that are cut, too long or not the shortest are refused") {
    CHECK(refused("") == "the end of its bytes");
    CHECK(refused("80") == "the end of its bytes");
    CHECK(refused("8000") == "a length with leading zeros");
    CHECK(refused("ff8000") == "a length with leading zeros");
    CHECK(refused("ffffffffffffffffff02") == "a length beyond 64 bits");
    CHECK(refused("ffffffffffffffffffff01") == "a length beyond 64 bits");
    CHECK(refused("00").empty());
}
