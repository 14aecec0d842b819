// descending<C>: the order of a key codec, reversed; codec::descending<codec::of<std::uint64_t>>
// counts down. Named "descending<u64>". Takes key codecs of any kind:
//   scalars           the complement of the rank; the native form is complemented too (for floating
//                     point: negated), so spans of keys give complements
//   of fixed size     the complement of every byte
//   of variable size  the encoding terminated (codec/escape.hpp), then the complement: without the
//                     end mark a prefix would still be first
// decode gives the value itself: there are no bytes for a view to point to.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include <quire/codec/concepts.hpp>
#include <quire/codec/escape.hpp>
#include <quire/codec/malformed.hpp>
#include <quire/codec/name.hpp>
#include <quire/codec/rank.hpp>
#include <quire/core/bytes.hpp>

namespace quire::codec {
namespace detail {

inline constexpr std::string_view descending_open = "descending<";

template <class C>
struct reversed_native {};

template <native_codec C>
struct reversed_native<C> {
    using native_type = typename C::native_type;
    static constexpr native_order order = C::order;
    [[nodiscard]] static constexpr native_type to_native(typename C::value_type value) noexcept {
        return mirrored(C::to_native(value));
    }
    [[nodiscard]] static constexpr typename C::value_type from_native(native_type native) {
        return C::from_native(mirrored(native));
    }

private:
    [[nodiscard]] static constexpr native_type mirrored(native_type native) noexcept {
        return from_rank<order, native_type>(
            static_cast<rank_type<native_type>>(~to_rank<order>(native)));
    }
};

constexpr void complement(const std::byte* from, std::size_t size, std::byte* to) noexcept {
    for (std::size_t i = 0; i < size; ++i) to[i] = ~from[i];
}

template <key_codec C>
struct reversed : reversed_native<C> {
    using value_type = typename C::value_type;
    using view_type = value_type;
    using arg_type = typename C::arg_type;

    static constexpr std::string_view name =
        list_name<descending_open, angle_close, C::name>::value;
    static constexpr std::size_t fixed_size = C::fixed_size;
    static constexpr bool ordered = true;

    [[nodiscard]] static constexpr std::size_t size(arg_type argument) {
        if constexpr (fixed_size != variable) return fixed_size;
        else return terminated_size<C>(argument);
    }

    static constexpr std::byte* encode(arg_type argument, std::byte* to) {
        std::byte* end = C::encode(argument, to);
        if constexpr (fixed_size == variable) end = terminate(to, end);
        complement(to, static_cast<std::size_t>(end - to), to);
        return end;
    }

    [[nodiscard]] static constexpr value_type decode(bytes_view from) {
        if constexpr (fixed_size != variable) {
            if (from.size() != fixed_size) wrong_size(role::key, from.size(), fixed_size);
            std::array<std::byte, fixed_size> bytes{};
            complement(from.data(), fixed_size, bytes.data());
            return static_cast<value_type>(C::decode(bytes));
        } else {
            scratch whole;
            std::byte* const begin = whole.take(from.size());
            complement(from.data(), from.size(), begin);
            bytes_view rest(begin, from.size());
            scratch copy;
            const bytes_view bare = take_terminated(rest, copy);
            if (!rest.empty()) malformed(role::key, "bytes after the end mark", "none");
            return static_cast<value_type>(C::decode(bare));
        }
    }

    template <class Left, class Right>
    [[nodiscard]] static constexpr bool before(const Left& left, const Right& right) {
        return codec::before<C>(right, left);
    }
};

} // namespace detail

// C: a key codec, or of<T>, which stands for of<T, role::key>.
template <class C>
struct descending {
    using reverses_no_key_codec = C; // for checks.hpp
};

template <class C>
    requires key_codec<as_key<C>>
struct descending<C> : detail::reversed<as_key<C>> {};

} // namespace quire::codec
