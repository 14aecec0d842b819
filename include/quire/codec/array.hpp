// Codec of std::array<T, N>, "array<u8,24>": its elements one after another as the fields of a
// tuple are (codec/fields.hpp), in both roles. Arrays of std::byte and of unsigned char are one
// copy. There is no codec of built-in arrays.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include <quire/codec/concepts.hpp>
#include <quire/codec/fields.hpp>
#include <quire/codec/integer.hpp>
#include <quire/codec/name.hpp>

namespace quire::codec {
namespace detail {

inline constexpr std::string_view array_open = "array<";

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t N>
inline constexpr bool is_std_array<std::array<T, N>> = true;

template <class T>
concept byte_like = std::same_as<T, std::byte> || std::same_as<T, unsigned char>;

template <class T, std::size_t N>
struct parts_of<std::array<T, N>> {
    using type = types<T>;
};

} // namespace detail

template <class T, std::size_t N, role Role>
    requires storable<T, Role>
struct of<std::array<T, N>, Role> {
    using value_type = std::array<T, N>;
    using view_type = value_type;
    using arg_type = const value_type&;
    using element = of<T, Role>;

    static constexpr std::string_view name =
        detail::list_name<detail::array_open, detail::angle_close, element::name,
                          detail::decimal<N>::value>::value;
    static constexpr std::size_t fixed_size =
        N == 0 ? 0 : element::fixed_size == variable ? variable : N * element::fixed_size;
    static constexpr bool ordered = Role == role::key;

    [[nodiscard]] static constexpr std::size_t size(const value_type& values) {
        if constexpr (fixed_size != variable) return fixed_size;
        else {
            std::size_t bytes = last::size(values[N - 1]);
            for (std::size_t i = 0; i + 1 < N; ++i) bytes += inner::size(values[i]);
            return bytes;
        }
    }

    static constexpr std::byte* encode(const value_type& values, std::byte* to) {
        if constexpr (N != 0) {
            if constexpr (detail::byte_like<T>) {
                if (!std::is_constant_evaluated()) {
                    std::memcpy(to, values.data(), N);
                    return to + N;
                }
            }
            for (std::size_t i = 0; i + 1 < N; ++i) to = inner::encode(values[i], to);
            to = last::encode(values[N - 1], to);
        }
        return to;
    }

    [[nodiscard]] static constexpr value_type decode(bytes_view from) {
        if constexpr (fixed_size != variable)
            if (from.size() != fixed_size) wrong_size(Role, from.size(), fixed_size);
        if constexpr (N != 0 && detail::byte_like<T>) {
            value_type values{};
            if (std::is_constant_evaluated())
                for (std::size_t i = 0; i < N; ++i) values[i] = static_cast<T>(from[i]);
            else std::memcpy(values.data(), from.data(), N);
            return values;
        } else if constexpr (std::default_initializable<T> && std::movable<T> && N != 0) {
            value_type values{};
            for (std::size_t i = 0; i + 1 < N; ++i) values[i] = inner::take(from);
            values[N - 1] = last::take(from);
            expect_end(from);
            return values;
        } else {
            return take_all(std::make_index_sequence<N>{}, from);
        }
    }

    [[nodiscard]] static constexpr bool before(const value_type& left, const value_type& right)
        requires(Role == role::key)
    {
        for (std::size_t i = 0; i < N; ++i) {
            if (codec::before<element>(left[i], right[i])) return true;
            if (codec::before<element>(right[i], left[i])) return false;
        }
        return false;
    }

private:
    using inner = detail::field<element, Role, false>;
    using last = detail::field<element, Role, true>;

    template <std::size_t... I>
    [[nodiscard]] static constexpr value_type take_all(std::index_sequence<I...>,
                                                       bytes_view from) {
        value_type values{detail::field<element, Role, I + 1 == N>::take(from)...};
        expect_end(from);
        return values;
    }
    static constexpr void expect_end(bytes_view from) {
        if (!from.empty()) malformed(Role, "bytes after the last element", "none");
    }
};

} // namespace quire::codec
