// Codec of std::vector<T> as a value, "vector<u32>": its elements one after another; each with its
// length in front if T is of variable size. How many there are follows from the size. A vector is
// no key, but for std::vector<std::byte>, which is a byte string (codec/string.hpp).
//
// Elements of arithmetic types are one copy on a little-endian host. decode asks for memory in
// proportion to the bytes it is given, whatever they say.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>

#include <quire/codec/concepts.hpp>
#include <quire/codec/fields.hpp>
#include <quire/codec/name.hpp>

namespace quire::codec {
namespace detail {

inline constexpr std::string_view vector_open = "vector<";

template <vector_like C>
struct parts_of<C> {
    using type = types<typename C::value_type>;
};
template <vector_like C>
inline constexpr bool value_only<C> = true;

// A vector of what has a codec and takes bytes.
template <class C>
concept value_vector = vector_like<C> && !std::is_same_v<typename C::value_type, std::byte> &&
                       storable<typename C::value_type, role::value> &&
                       of<typename C::value_type, role::value>::fixed_size != 0;

} // namespace detail

// The role is a parameter, so that a specialisation for a type in both roles is the better match.
template <class C, role Role>
    requires(Role == role::value) && detail::value_vector<C>
struct of<C, Role> {
    using value_type = C;
    using view_type = value_type;
    using arg_type = const value_type&;
    using element = of<typename C::value_type, role::value>;

    static constexpr std::string_view name =
        detail::list_name<detail::vector_open, detail::angle_close, element::name>::value;
    static constexpr std::size_t fixed_size = variable;

    [[nodiscard]] static constexpr std::size_t size(const value_type& values) {
        if constexpr (element::fixed_size != variable) return values.size() * element::fixed_size;
        else {
            std::size_t bytes = 0;
            for (const T& value : values) bytes += one::size(value);
            return bytes;
        }
    }

    static constexpr std::byte* encode(const value_type& values, std::byte* to) {
        if constexpr (one_copy) {
            if (!std::is_constant_evaluated()) {
                if (!values.empty()) std::memcpy(to, values.data(), values.size() * sizeof(T));
                return to + values.size() * sizeof(T);
            }
        }
        for (const auto& value : values) to = one::encode(value, to);
        return to;
    }

    [[nodiscard]] static constexpr value_type decode(bytes_view from) {
        value_type values;
        if constexpr (element::fixed_size != variable) {
            const std::size_t count = from.size() / element::fixed_size;
            if (from.size() % element::fixed_size != 0)
                malformed(role::value, from.size() % element::fixed_size,
                          "no bytes after the last whole element");
            if constexpr (one_copy) {
                if (!std::is_constant_evaluated()) {
                    values.resize(count);
                    if (count != 0) std::memcpy(values.data(), from.data(), from.size());
                    return values;
                }
            }
            values.reserve(count);
        }
        while (!from.empty()) values.push_back(one::take(from));
        return values;
    }

private:
    using T = typename C::value_type;
    using one = detail::field<element, role::value, false>;
    static constexpr bool one_copy = std::is_arithmetic_v<T> && !std::is_same_v<T, bool> &&
                                     std::endian::native == std::endian::little;
};

} // namespace quire::codec
