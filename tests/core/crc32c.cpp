#include <quire/core/crc32c.hpp>

#include <random>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

quire::bytes_view bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    std::vector<std::byte> bytes(size);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random() & 0xFF);
    return bytes;
}

// The definition, one bit at a time.
std::uint32_t crc32c_by_definition(quire::bytes_view data) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const std::byte b : data) {
        crc ^= static_cast<std::uint32_t>(b);
        for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
    }
    return ~crc;
}

} // namespace

// The check value of the CRC catalogue, and the examples of RFC 3720, B.4.
TEST_CASE("known vectors") {
    CHECK(quire::crc32c({}) == 0);
    CHECK(quire::crc32c(bytes_of("123456789")) == 0xE3069283);
    CHECK(quire::crc32c(std::vector<std::byte>(32)) == 0x8A9136AA);
    CHECK(quire::crc32c(std::vector<std::byte>(32, std::byte{0xFF})) == 0x62A8AB43);
    std::vector<std::byte> ascending;
    for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<std::byte>(i));
    CHECK(quire::crc32c(ascending) == 0x46DD794E);
    CHECK(quire::crc32c(std::vector<std::byte>(ascending.rbegin(), ascending.rend())) ==
          0x113FDB5C);
}

TEST_CASE("every length and alignment gives what the definition gives") {
    const auto bytes = random_bytes(2000, 3);
    const quire::bytes_view all{bytes};
    for (std::size_t size = 0; size + 8 <= bytes.size(); size += size < 64 ? 1 : 37)
        for (std::size_t offset = 0; offset < 8; ++offset) {
            CAPTURE(size);
            CAPTURE(offset);
            const auto part = all.subspan(offset, size);
            const std::uint32_t expected = crc32c_by_definition(part);
            REQUIRE(quire::crc32c(part) == expected);
            REQUIRE(~quire::detail::crc32c_software(0xFFFFFFFF, part.data(), part.size()) ==
                    expected);
        }
}

TEST_CASE("a checksum continues over the next bytes") {
    const auto bytes = random_bytes(4096, 4);
    const quire::bytes_view all{bytes};
    for (const std::size_t cut : {0U, 1U, 7U, 8U, 767U, 768U, 769U, 2048U, 4095U, 4096U}) {
        CAPTURE(cut);
        CHECK(quire::crc32c(all.subspan(cut), quire::crc32c(all.first(cut))) == quire::crc32c(all));
    }
}

TEST_CASE("any single flipped bit changes the checksum") {
    auto bytes = random_bytes(512, 5);
    const std::uint32_t intact = quire::crc32c(bytes);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        REQUIRE(quire::crc32c(bytes) != intact);
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
}
