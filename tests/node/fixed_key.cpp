#include <quire/node/fixed_key.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

using quire::format::key_order;
using quire::node::bytes_arg;
using quire::node::bytes_key;
using quire::node::integer_key;

namespace {

// Keys as stored, in ascending order: ranks ascend, and every step there and back is the identity.
template <class Key>
void check_order(const std::vector<typename Key::stored_type>& ascending) {
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        CAPTURE(i);
        CHECK(Key::unrank(Key::rank(ascending[i])) == ascending[i]);
        CHECK(Key::rank(Key::unrank(ascending[i])) == ascending[i]);
        if (i > 0) CHECK(Key::less(Key::rank(ascending[i - 1]), Key::rank(ascending[i])));
        std::byte bytes[sizeof(ascending[i])];
        Key::store(bytes, Key::rank(ascending[i]));
        CHECK(quire::load_le<typename Key::stored_type>(bytes) == ascending[i]);
        CHECK(Key::equal(Key::load(bytes), Key::rank(ascending[i])));
    }
}

} // namespace

TEST_CASE("unsigned keys are their own rank") {
    check_order<integer_key<std::uint8_t, key_order::unsigned_integer>>({0, 1, 127, 128, 255});
    check_order<integer_key<std::uint64_t, key_order::unsigned_integer>>(
        {0, 1, 1ULL << 63, ~0ULL - 1, ~0ULL});
}

TEST_CASE("signed keys: negative ones come first") {
    check_order<integer_key<std::uint8_t, key_order::signed_integer>>({128, 255, 0, 1, 127});
    check_order<integer_key<std::uint16_t, key_order::signed_integer>>(
        {0x8000, 0xFFFF, 0, 1, 0x7FFF});
    check_order<integer_key<std::uint32_t, key_order::signed_integer>>(
        {0x80000000, 0xFFFFFFFF, 0, 1, 0x7FFFFFFF});
    check_order<integer_key<std::uint64_t, key_order::signed_integer>>(
        {1ULL << 63, ~0ULL, 0, 1, ~0ULL >> 1});
}

TEST_CASE("floating-point keys: the total order, with -0 before +0") {
    using limits = std::numeric_limits<double>;
    std::vector<std::uint64_t> bits;
    for (const double d : {-limits::infinity(), -1e300, -1.5, -limits::denorm_min(), -0.0, 0.0,
                           limits::denorm_min(), 1.0, 1.5, 1e300, limits::infinity()})
        bits.push_back(std::bit_cast<std::uint64_t>(d));
    check_order<integer_key<std::uint64_t, key_order::floating>>(bits);

    std::vector<std::uint32_t> small;
    for (const float f : {-2.0F, -1.0F, -0.0F, 0.0F, 1.0F, 2.0F})
        small.push_back(std::bit_cast<std::uint32_t>(f));
    check_order<integer_key<std::uint32_t, key_order::floating>>(small);
}

TEST_CASE("keys of bytes compare from the first byte, unsigned") {
    const std::byte low[3] = {std::byte{1}, std::byte{255}, std::byte{255}};
    const std::byte high[3] = {std::byte{128}, std::byte{0}, std::byte{0}};
    using key = bytes_key<3>;
    CHECK(key::less({low}, {high}));
    CHECK_FALSE(key::less({high}, {low}));
    CHECK_FALSE(key::less({low}, {low}));
    CHECK(key::equal({low}, {low}));
    CHECK_FALSE(key::equal({low}, {high}));
}

TEST_CASE("a buffer owns its key") {
    bytes_key<3>::buffer owned;
    {
        std::byte bytes[3] = {std::byte{1}, std::byte{2}, std::byte{3}};
        owned.assign({bytes});
        bytes[0] = std::byte{9};
    }
    CHECK(owned.arg().data[0] == std::byte{1});
    CHECK(owned.arg().data[2] == std::byte{3});

    integer_key<std::uint32_t, key_order::signed_integer>::buffer number;
    number.assign(77);
    CHECK(number.arg() == 77);
}
