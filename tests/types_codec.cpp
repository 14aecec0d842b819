// Codecs that the user names: descending orders, and codecs of one's own.
#include <quire/types.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <quire/btree_map.hpp>

#include "support/type_check.hpp"

namespace {

using namespace quire_test;
namespace codec = quire::codec;

TEST_CASE("descending orders") {
    using down = codec::key<codec::descending<codec::of<std::uint64_t, codec::role::key>>>;
    check_types<std::uint64_t, std::string, down>(
        numbered<std::uint64_t>({~0ull, 1ull << 40, 300, 256, 255, 1, 0}));
    using down_signed = codec::key<codec::descending<codec::of<std::int32_t, codec::role::key>>>;
    check_types<std::int32_t, std::int32_t, down_signed>({{5, 1}, {0, 2}, {-1, 3}, {-100, 4}});
    using down_text = codec::key<codec::descending<codec::of<std::string, codec::role::key>>>;
    check_types<std::string, std::string, down_text>(
        numbered<std::string>({"b", "ab", std::string("a\0", 2), "a", std::string(1, '\0'), ""}));
}

// Texts in an order of their own: by length, then as bytes; and a value that is scrambled.
struct by_length {
    using value_type = std::string;
    using view_type = std::string;
    using arg_type = std::string_view;
    static constexpr std::string_view name = "test.by_length";
    static constexpr std::size_t fixed_size = codec::variable;
    static constexpr bool ordered = true;
    static constexpr std::size_t size(std::string_view text) { return text.size() + 1; }
    static constexpr std::byte* encode(std::string_view text, std::byte* to) {
        *to++ = static_cast<std::byte>(text.size());
        for (const char c : text) *to++ = static_cast<std::byte>(c);
        return to;
    }
    static std::string decode(quire::bytes_view bytes) {
        if (bytes.empty()) throw quire::corruption("a text by length has a length");
        std::string text;
        for (const std::byte b : bytes.subspan(1)) text += static_cast<char>(b);
        return text;
    }
};
struct scrambled {
    using value_type = std::uint32_t;
    using view_type = std::uint32_t;
    using arg_type = std::uint32_t;
    static constexpr std::string_view name = "test.scrambled";
    static constexpr std::size_t fixed_size = 5;
    static constexpr std::size_t size(std::uint32_t) { return fixed_size; }
    static std::byte* encode(std::uint32_t value, std::byte* to) {
        for (unsigned i = 0; i < 4; ++i)
            *to++ = static_cast<std::byte>((value >> (8 * i)) & 0xFFu) ^ std::byte{0x5A};
        *to++ = std::byte{0x77};
        return to;
    }
    static std::uint32_t decode(quire::bytes_view bytes) {
        if (bytes.size() != fixed_size || bytes[4] != std::byte{0x77})
            throw quire::corruption("not scrambled");
        std::uint32_t value = 0;
        for (unsigned i = 0; i < 4; ++i)
            value |= static_cast<std::uint32_t>(bytes[i] ^ std::byte{0x5A}) << (8 * i);
        return value;
    }
};

TEST_CASE("codecs of one's own") {
    check_types<std::string, std::uint32_t, codec::key<by_length>, codec::value<scrambled>>(
        {{"", 1}, {"b", 2}, {"c", 0xFFFFFFFFu}, {"aa", 4}, {"aaa", 0}});
    check_types<std::uint64_t, std::uint32_t, codec::value<scrambled>>({{1, 10}, {2, 20}});
    using map = memory_shadow::map<std::string, std::uint32_t, codec::key<by_length>>;
    static_assert(std::is_same_v<decltype((*std::declval<map&>().begin()).first), std::string>);
}

} // namespace
