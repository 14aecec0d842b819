// Codec of trivially copyable classes that are no aggregates, "raw<16>": their bytes as they are in
// memory. Only for classes whose equal values have equal bytes, so without padding and floating
// point, and only as values: the bytes have no order. On a big-endian host the name is
// "raw_be<16>", so a file moved between hosts is refused and not misread.
//
// A class that refers to something (an iterator, a view, std::reference_wrapper) has no codec; the
// obvious ones are recognised, and one that hides a pointer cannot be.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include <quire/codec/concepts.hpp>
#include <quire/codec/malformed.hpp>
#include <quire/codec/name.hpp>
#include <quire/core/bytes.hpp>

namespace quire::codec {
namespace detail {

template <class T>
inline constexpr bool is_view = false;
template <class C, class Traits>
inline constexpr bool is_view<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;

template <class T>
concept refers = std::is_class_v<T> && requires { sizeof(T); } &&
                 (requires(const T& t) { *t; } || requires(const T& t) {
                     { t.get() } -> std::same_as<typename T::element_type*>;
                 } || requires(const T& t) {
                     { t.get() } -> std::same_as<typename T::type&>;
                 });

// Trivially copyable classes that no other header takes.
template <class T>
concept opaque = unqualified<T> && std::is_class_v<T> && requires { sizeof(T); } &&
                 !std::is_aggregate_v<T> && std::is_trivially_copyable_v<T>;

template <class T>
concept opaque_value =
    opaque<T> && std::has_unique_object_representations_v<T> && !is_view<T> && !refers<T>;

inline constexpr std::string_view raw_open =
    std::endian::native == std::endian::little ? "raw<" : "raw_be<";

} // namespace detail

// The role is a parameter, so that a specialisation for a type in both roles is the better match.
template <detail::opaque_value T, role Role>
    requires(Role == role::value)
struct of<T, Role> {
    using value_type = T;
    using view_type = T;
    using arg_type = const T&;

    static constexpr std::string_view name =
        detail::list_name<detail::raw_open, detail::angle_close,
                          detail::decimal<sizeof(T)>::value>::value;
    static constexpr std::size_t fixed_size = sizeof(T);

    [[nodiscard]] static constexpr std::size_t size(const T&) noexcept { return fixed_size; }

    static constexpr std::byte* encode(const T& value, std::byte* to) noexcept {
        const auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
        for (const std::byte byte : bytes) *to++ = byte;
        return to;
    }
    [[nodiscard]] static constexpr T decode(bytes_view from) {
        if (from.size() != fixed_size) wrong_size(role::value, from.size(), fixed_size);
        std::array<std::byte, sizeof(T)> bytes{};
        for (std::size_t i = 0; i < fixed_size; ++i) bytes[i] = from[i];
        return std::bit_cast<T>(bytes);
    }
};

} // namespace quire::codec
