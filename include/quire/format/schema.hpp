// What a tree holds, as the catalog records it. The catalog is a tree of slotted pages with tree id
// 0; its keys are tree names, its values are the records below. A store of one map has one record,
// under the name "main".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/core/result.hpp>
#include <quire/format/field.hpp>

namespace quire::format {

enum class layout_kind : std::uint8_t { fixed = 1, slotted = 2 };

// How the keys of a fixed page compare. Slotted pages always compare bytewise.
enum class key_order : std::uint8_t {
    unsigned_integer = 1, // little-endian
    signed_integer = 2,   // little-endian, two's complement
    floating = 3,         // little-endian IEEE 754, total order, -0 before +0
    bytes = 4,            // unsigned bytes from the first
};

inline constexpr std::string_view main_tree_name = "main";
inline constexpr std::uint32_t variable_size = 0xFFFFFFFFU;

inline constexpr std::array<field, 8> schema_fields{{
    {"tree_id", 0, 4},
    {"layout", 4, 1},
    {"key_order", 5, 1},
    {"reserved", 6, 2},
    {"key_size", 8, 4},
    {"value_size", 12, 4},
    {"key_codec_size", 16, 2},
    {"value_codec_size", 18, 2},
    // then the names of the key codec and the value codec
}};
inline constexpr std::size_t schema_head_size = 20;
static_assert(tiles(schema_fields, schema_head_size));

// Names longer than this are stored shortened (stored_codec_name), so that the record of a tree
// fits a page of 512 bytes without overflow.
inline constexpr std::size_t longest_codec_name = 40;

struct schema {
    tree_id tree{};
    layout_kind layout = layout_kind::slotted;
    key_order order = key_order::bytes;
    std::uint32_t key_size = variable_size;   // bytes, or variable_size
    std::uint32_t value_size = variable_size; // bytes, or variable_size
    std::string key_codec;                    // as stored_codec_name gives it
    std::string value_codec;
};

// A codec's name as it stands in the file: itself, or its start and a 64-bit FNV-1a digest of it.
[[nodiscard]] inline std::string stored_codec_name(std::string_view name) {
    if (name.size() <= longest_codec_name) return std::string(name);
    std::uint64_t digest = 0xCBF29CE484222325U;
    for (const char c : name)
        digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    char hex[18];
    std::snprintf(hex, sizeof hex, "~%016llx", static_cast<unsigned long long>(digest));
    return std::string(name.substr(0, longest_codec_name - 17)) + hex;
}

[[nodiscard]] inline std::string encode(const schema& s) {
    std::string out(schema_head_size, '\0');
    auto* const to = reinterpret_cast<std::byte*>(out.data());
    store_le<std::uint32_t>(to, to_integer(s.tree));
    to[4] = static_cast<std::byte>(s.layout);
    to[5] = static_cast<std::byte>(s.order);
    store_le<std::uint32_t>(to + 8, s.key_size);
    store_le<std::uint32_t>(to + 12, s.value_size);
    store_le<std::uint16_t>(to + 16, static_cast<std::uint16_t>(s.key_codec.size()));
    store_le<std::uint16_t>(to + 18, static_cast<std::uint16_t>(s.value_codec.size()));
    return out + s.key_codec + s.value_codec;
}

[[nodiscard]] inline result<schema> parse_schema(bytes_view from) {
    if (from.size() < schema_head_size)
        return quire::detail::fault_of("schema", {from.size(), " bytes"},
                                       {"at least ", schema_head_size});
    const std::byte* const p = from.data();
    const std::size_t key_name = load_le<std::uint16_t>(p + 16);
    const std::size_t value_name = load_le<std::uint16_t>(p + 18);
    if (from.size() != schema_head_size + key_name + value_name)
        return quire::detail::fault_of("schema", {from.size(), " bytes"},
                                       schema_head_size + key_name + value_name);
    schema s;
    s.tree = static_cast<tree_id>(load_le<std::uint32_t>(p));
    const auto layout = static_cast<unsigned>(p[4]);
    if (layout < 1 || layout > 2) return quire::detail::fault_of("layout", layout, "1 or 2");
    const auto order = static_cast<unsigned>(p[5]);
    if (order < 1 || order > 4) return quire::detail::fault_of("key_order", order, "1 to 4");
    s.layout = static_cast<layout_kind>(layout);
    s.order = static_cast<key_order>(order);
    s.key_size = load_le<std::uint32_t>(p + 8);
    s.value_size = load_le<std::uint32_t>(p + 12);
    const auto* const names = reinterpret_cast<const char*>(p + schema_head_size);
    s.key_codec.assign(names, key_name);
    s.value_codec.assign(names + key_name, value_name);
    return s;
}

} // namespace quire::format
