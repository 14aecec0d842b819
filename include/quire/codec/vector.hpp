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
#include <vector>

#include <quire/codec/concepts.hpp>
#include <quire/codec/fields.hpp>
#include <quire/codec/name.hpp>

namespace quire::codec {
namespace detail {

inline constexpr std::string_view vector_open = "vector<";

template <class T>
struct parts_of<std::vector<T>> {
    using type = types<T>;
};
template <class T>
inline constexpr bool value_only<std::vector<T>> = true;

} // namespace detail

// The role is a parameter, so that a specialisation for a type in both roles is the better match.
template <class T, role Role>
    requires(Role == role::value && !std::is_same_v<T, std::byte>) && storable<T, role::value> &&
            (of<T, role::value>::fixed_size != 0)
struct of<std::vector<T>, Role> {
    using value_type = std::vector<T>;
    using view_type = value_type;
    using arg_type = const value_type&;
    using element = of<T, role::value>;

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
    using one = detail::field<element, role::value, false>;
    static constexpr bool one_copy = std::is_arithmetic_v<T> && !std::is_same_v<T, bool> &&
                                     std::endian::native == std::endian::little;
};

} // namespace quire::codec
