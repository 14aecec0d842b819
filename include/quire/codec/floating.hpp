// Codecs of float and double, "f32" and "f64", as IEEE 754 bits.
//
// The order of keys is total and agrees with == and <:
//   -infinity < ... < -denormals < 0 < denormals < ... < +infinity < NaN
//   1. -0 and +0 are equal, so they are one key; it reads back as +0.
//   2. every NaN, whatever its sign and payload, is one key, the quiet NaN 0x7FF8000000000000
//      (0x7FC00000), which is after +infinity. NaN != NaN, and yet find(NaN) finds it: a key that
//      could be put in and never found again would be worse.
//   3. a stored key with other bits of NaN or with -0 is malformed.
// Values keep all their bits: -0 stays -0, a NaN keeps its payload.
//
// Everything works on bits, so -ffast-math changes nothing. long double differs between machines
// and has no codec.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <quire/codec/concepts.hpp>
#include <quire/codec/malformed.hpp>
#include <quire/codec/scalar.hpp>

namespace quire::codec {
namespace detail {

static_assert(sizeof(float) == 4 && sizeof(double) == 8, "quire needs IEEE 754 float and double");

template <class T>
concept floating = std::same_as<T, float> || std::same_as<T, double>;

template <floating T, role Role>
struct floating_form {
    using value_type = T;
    using native_type = T;
    static constexpr native_order order = native_order::floating;
    static constexpr std::string_view name = sizeof(T) == 4 ? "f32" : "f64";

    [[nodiscard]] static constexpr T to_native(T value) noexcept {
        if constexpr (Role == role::value) return value;
        else return std::bit_cast<T>(canonical(std::bit_cast<rank_type<T>>(value)));
    }
    [[nodiscard]] static constexpr T from_native(T native) {
        if constexpr (Role == role::key) {
            const auto bits = std::bit_cast<rank_type<T>>(native);
            if (bits != canonical(bits))
                malformed(Role, bits == sign ? "-0" : "a NaN with a payload",
                          "+0, or the one quiet NaN");
        }
        return native;
    }
    [[nodiscard]] static constexpr bool before(T left, T right) noexcept
        requires(Role == role::key)
    {
        return to_rank<order>(to_native(left)) < to_rank<order>(to_native(right));
    }

private:
    using bits_type = rank_type<T>;
    static constexpr bits_type sign = bits_type{1} << (8 * sizeof(T) - 1);
    static constexpr bits_type infinity =
        static_cast<bits_type>(sizeof(T) == 4 ? 0x7F800000U : 0x7FF0000000000000U);
    static constexpr bits_type quiet_nan =
        static_cast<bits_type>(sizeof(T) == 4 ? 0x7FC00000U : 0x7FF8000000000000U);

    [[nodiscard]] static constexpr bits_type canonical(bits_type bits) noexcept {
        if ((bits & ~sign) > infinity) return quiet_nan;
        return bits == sign ? 0 : bits;
    }
};

} // namespace detail

template <detail::floating T, role Role>
struct of<T, Role> : detail::scalar<detail::floating_form<T, Role>, Role> {};

} // namespace quire::codec
