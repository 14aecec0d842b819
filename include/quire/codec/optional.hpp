// Codec of std::optional<T>, "optional<u32>": a byte 00 for nothing, which is first in order, or 01
// and the encoding of T. If T is of fixed size so is the optional: nothing is followed by zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <quire/codec/concepts.hpp>
#include <quire/codec/malformed.hpp>
#include <quire/codec/name.hpp>
#include <quire/core/bytes.hpp>

namespace quire::codec {
namespace detail {

inline constexpr std::string_view optional_open = "optional<";

template <class T>
struct parts_of<std::optional<T>> {
    using type = types<T>;
};

} // namespace detail

template <class T, role Role>
    requires storable<T, Role>
struct of<std::optional<T>, Role> {
    using value_type = std::optional<T>;
    using view_type = value_type;
    using arg_type = const value_type&;
    using element = of<T, Role>;

    static constexpr std::string_view name =
        detail::list_name<detail::optional_open, detail::angle_close, element::name>::value;
    static constexpr std::size_t fixed_size =
        element::fixed_size == variable ? variable : 1 + element::fixed_size;
    static constexpr bool ordered = Role == role::key;

    [[nodiscard]] static constexpr std::size_t size(const value_type& value) {
        if constexpr (fixed_size != variable) return fixed_size;
        else return value ? 1 + element::size(*value) : 1;
    }

    static constexpr std::byte* encode(const value_type& value, std::byte* to) {
        *to++ = std::byte{value ? std::uint8_t{1} : std::uint8_t{0}};
        if (value) return element::encode(*value, to);
        if constexpr (fixed_size != variable)
            for (std::size_t i = 1; i < fixed_size; ++i) *to++ = std::byte{0};
        return to;
    }

    [[nodiscard]] static constexpr value_type decode(bytes_view from) {
        if constexpr (fixed_size != variable) {
            if (from.size() != fixed_size) wrong_size(Role, from.size(), fixed_size);
        } else {
            if (from.empty()) malformed(Role, "0 bytes", "at least 1 byte (optional)");
        }
        const std::byte flag = from.front();
        from = from.subspan(1);
        if (flag == std::byte{1}) return value_type(static_cast<T>(element::decode(from)));
        if (flag != std::byte{0})
            malformed(Role, static_cast<std::uint64_t>(flag), "0 or 1 (optional)");
        if constexpr (fixed_size == variable) {
            if (!from.empty()) wrong_size(Role, from.size() + 1, 1);
        } else {
            for (const std::byte byte : from)
                if (byte != std::byte{0})
                    malformed(Role, "bytes behind an empty optional", "zeros");
        }
        return std::nullopt;
    }

    [[nodiscard]] static constexpr bool before(const value_type& left, const value_type& right)
        requires(Role == role::key)
    {
        if (!left || !right) return !left && right;
        return codec::before<element>(*left, *right);
    }
};

} // namespace quire::codec
