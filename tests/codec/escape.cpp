#include "samples.hpp"

using namespace codec_test;
using namespace std::string_literals;

namespace {

using text = of<std::string, role::key>;

// A key codec that does not know its zeros.
struct plain_text : of<std::string, role::key> {
    static void zeros() = delete;
};

std::string ended(std::string_view bare) {
    const std::size_t size = codec::detail::terminated_size<text>(bare);
    CHECK(size == codec::detail::terminated_size<plain_text>(bare));
    std::vector<std::byte> bytes(size);
    std::byte* const end = text::encode(bare, bytes.data());
    CHECK(codec::detail::terminate(bytes.data(), end) == bytes.data() + size);
    return hex(bytes);
}

std::string taken(std::string_view encoded, std::string_view rest_expected = "") {
    const auto bytes = from_hex(encoded);
    bytes_view rest = bytes;
    codec::detail::scratch copy;
    const std::string bare = hex(codec::detail::take_terminated(rest, copy));
    CHECK(hex(rest) == rest_expected);
    return bare;
}

} // namespace

TEST_CASE("terminated byte strings") {
    CHECK(ended("") == "0000");
    CHECK(ended("a") == "610000");
    CHECK(ended("\0"s) == "00010000");
    CHECK(ended("a\0\0b"s) == "6100010001620000");
    CHECK(taken("0000") == "");
    CHECK(taken("610000ff", "ff") == "61");
    CHECK(taken("00010000" "0000", "0000") == "00");
    CHECK(taken("6100010001620000") == "61000062");
}

TEST_CASE("terminating keeps the order, and no result is a prefix of another") {
    constexpr std::uint64_t seed = 61;
    CAPTURE(seed);
    chance any(seed);
    for (int i = 0; i < 5000; ++i) {
        const std::string left = any.text();
        const std::string right = any.text();
        const std::string left_ended = ended(left);
        const std::string right_ended = ended(right);
        CHECK((left < right) == (left_ended < right_ended));
        CHECK((left == right) == (left_ended == right_ended));
        if (left != right) CHECK(right_ended.compare(0, left_ended.size(), left_ended) != 0);
        CHECK(taken(left_ended + "00", "00") ==
              hex(std::as_bytes(std::span(left.data(), left.size()))));
    }
}

TEST_CASE("long byte strings leave the inline buffer") {
    for (const std::size_t size : {254U, 255U, 256U, 257U, 1000U}) {
        const std::string zeros(size, '\0');
        CHECK(taken(ended(zeros)) == std::string(2 * size, '0'));
    }
}

TEST_CASE("bytes without an end or with a bare zero are refused") {
    for (const char* const bytes : {"", "61", "00", "6100", "0001", "000100"})
        CHECK_THROWS_AS(static_cast<void>(taken(bytes)), quire::corruption);
    CHECK_THROWS_WITH(static_cast<void>(taken("610002")),
                      "a stored key is not an encoding of its type (key: found a zero that is "
                      "neither escaped nor an end, expected 00 01 or 00 00)");
}
