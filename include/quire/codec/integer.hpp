// Codecs of integers, characters, bool and enumerations, and of 128-bit integers where the compiler
// has them. A type is named for its size and sign, so that int, long and std::int32_t of one size
// are one codec: "u8" ... "u64", "i8" ... "i64", "u128", "i128", "bool"; an enumeration is its
// underlying type. char is signed on some hosts and unsigned on others, and so is its name.
//
// bool other than 0 and 1 is malformed. Every number of its underlying type is a value of an
// enumeration. So write `enum name : type` or `enum class name`: an enumeration without a fixed
// underlying type can hold fewer numbers than that type, and nothing can check which.
// 128-bit integers have no native form: pages hold their encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <quire/codec/concepts.hpp>
#include <quire/codec/malformed.hpp>
#include <quire/codec/scalar.hpp>

namespace quire::codec {
namespace detail {

template <class T>
concept small_integer =
    std::is_integral_v<T> && unqualified<T> && !std::is_same_v<T, bool> && sizeof(T) <= 8;
template <class T>
concept enumeration = std::is_enum_v<T> && unqualified<T>;

template <std::size_t Bytes, bool Signed>
[[nodiscard]] consteval std::string_view integer_name() {
    if constexpr (Bytes == 1) return Signed ? "i8" : "u8";
    else if constexpr (Bytes == 2) return Signed ? "i16" : "u16";
    else if constexpr (Bytes == 4) return Signed ? "i32" : "u32";
    else return Signed ? "i64" : "u64";
}

// std::int8_t ... std::uint64_t, whatever T's own name is.
template <class T>
using exact_integer =
    std::conditional_t<std::is_signed_v<T>, std::make_signed_t<unsigned_of_size<sizeof(T)>>,
                       unsigned_of_size<sizeof(T)>>;

template <class T>
struct integer_form {
    using value_type = T;
    using native_type = exact_integer<T>;
    static constexpr native_order order =
        std::is_signed_v<T> ? native_order::signed_integer : native_order::unsigned_integer;
    static constexpr std::string_view name = integer_name<sizeof(T), std::is_signed_v<T>>();
    [[nodiscard]] static constexpr native_type to_native(T value) noexcept {
        return static_cast<native_type>(value);
    }
    [[nodiscard]] static constexpr T from_native(native_type native) noexcept {
        return static_cast<T>(native);
    }
};

template <role Role>
struct bool_form {
    using value_type = bool;
    using native_type = std::uint8_t;
    static constexpr native_order order = native_order::unsigned_integer;
    static constexpr std::string_view name = "bool";
    [[nodiscard]] static constexpr native_type to_native(bool value) noexcept {
        return value ? 1 : 0;
    }
    [[nodiscard]] static constexpr bool from_native(native_type native) {
        if (native > 1) malformed(Role, native, "0 or 1 (bool)");
        return native != 0;
    }
};

template <class T, role Role>
struct enumeration_form {
    using value_type = T;
    using base = of<std::underlying_type_t<T>, Role>;
    using native_type = typename base::native_type;
    static constexpr native_order order = base::order;
    static constexpr std::string_view name = base::name;
    [[nodiscard]] static constexpr native_type to_native(T value) noexcept {
        return base::to_native(static_cast<std::underlying_type_t<T>>(value));
    }
    [[nodiscard]] static constexpr T from_native(native_type native) {
        return static_cast<T>(base::from_native(native));
    }
};

} // namespace detail

template <detail::small_integer T, role Role>
struct of<T, Role> : detail::scalar<detail::integer_form<T>, Role> {};

template <role Role>
struct of<bool, Role> : detail::scalar<detail::bool_form<Role>, Role> {};

template <detail::enumeration T, role Role>
struct of<T, Role> : detail::scalar<detail::enumeration_form<T, Role>, Role> {};

#if defined(__SIZEOF_INT128__)
namespace detail {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

template <class T, bool Signed, role Role>
struct wide_integer {
    using value_type = T;
    using view_type = T;
    using arg_type = T;

    static constexpr std::string_view name = Signed ? "i128" : "u128";
    static constexpr std::size_t fixed_size = 16;
    static constexpr bool ordered = Role == role::key;

    [[nodiscard]] static constexpr std::size_t size(T) noexcept { return fixed_size; }

    static constexpr std::byte* encode(T value, std::byte* to) noexcept {
        const auto bits = static_cast<uint128>(value);
        const auto high = static_cast<std::uint64_t>(bits >> 64);
        const auto low = static_cast<std::uint64_t>(bits);
        if constexpr (Role == role::key) {
            store_be<std::uint64_t>(to, high ^ flip);
            store_be<std::uint64_t>(to + 8, low);
        } else {
            store_le<std::uint64_t>(to, low);
            store_le<std::uint64_t>(to + 8, high);
        }
        return to + fixed_size;
    }

    [[nodiscard]] static constexpr T decode(bytes_view from) {
        if (from.size() != fixed_size) wrong_size(Role, from.size(), fixed_size);
        const std::byte* const at = from.data();
        if constexpr (Role == role::key)
            return join(load_be<std::uint64_t>(at) ^ flip, load_be<std::uint64_t>(at + 8));
        else return join(load_le<std::uint64_t>(at + 8), load_le<std::uint64_t>(at));
    }

private:
    static constexpr std::uint64_t flip = Signed ? std::uint64_t{1} << 63 : 0;

    [[nodiscard]] static constexpr T join(std::uint64_t high, std::uint64_t low) noexcept {
        return static_cast<T>(static_cast<uint128>(high) << 64 | low);
    }
};

} // namespace detail

template <role Role>
struct of<detail::int128, Role> : detail::wide_integer<detail::int128, true, Role> {};
template <role Role>
struct of<detail::uint128, Role> : detail::wide_integer<detail::uint128, false, Role> {};
#endif

} // namespace quire::codec
