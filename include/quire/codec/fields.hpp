// Several encodings one after another: what tuples, arrays and aggregates share.
//   role::key    fixed-size fields bare; fields of variable size terminated (codec/escape.hpp) but
//                for the last, which is bare, so that one string alone costs nothing
//   role::value  fixed-size fields bare; fields of variable size with their length in front
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include <quire/codec/concepts.hpp>
#include <quire/codec/escape.hpp>
#include <quire/codec/malformed.hpp>
#include <quire/codec/varint.hpp>

namespace quire::codec::detail {

// One field of type C::value_type among others.
template <class C, role Role, bool Last>
struct field {
    using value_type = typename C::value_type;
    static constexpr bool fixed = C::fixed_size != variable;
    static constexpr bool bare = Role == role::key && Last;

    [[nodiscard]] static constexpr std::size_t size(const value_type& value) {
        if constexpr (fixed) return C::fixed_size;
        else if constexpr (bare) return C::size(value);
        else if constexpr (Role == role::key) return terminated_size<C>(value);
        else {
            const std::size_t bytes = C::size(value);
            return varint_size(bytes) + bytes;
        }
    }

    static constexpr std::byte* encode(const value_type& value, std::byte* to) {
        if constexpr (fixed || bare) return C::encode(value, to);
        else if constexpr (Role == role::key) return terminate(to, C::encode(value, to));
        else return C::encode(value, put_varint(to, C::size(value)));
    }

    // Removes the field from the front of `from`.
    [[nodiscard]] static constexpr value_type take(bytes_view& from) {
        if constexpr (!fixed && !bare && Role == role::key) {
            scratch copy;
            return static_cast<value_type>(C::decode(take_terminated(from, copy)));
        } else {
            std::uint64_t bytes = from.size();
            if constexpr (fixed) bytes = C::fixed_size;
            else if constexpr (!bare) bytes = take_varint(Role, from);
            if (bytes > from.size()) wrong_size(Role, from.size(), bytes);
            const bytes_view own = from.first(static_cast<std::size_t>(bytes));
            from = from.subspan(own.size());
            return static_cast<value_type>(C::decode(own));
        }
    }
};

template <role Role, class... Cs>
struct field_list {
    static constexpr std::size_t count = sizeof...(Cs);
    static constexpr std::size_t fixed_size = ((Cs::fixed_size != variable) && ...)
                                                  ? (std::size_t{0} + ... + Cs::fixed_size)
                                                  : variable;

    [[nodiscard]] static constexpr std::size_t size(const typename Cs::value_type&... values) {
        return size_of(indices{}, values...);
    }
    static constexpr std::byte* encode(std::byte* to, const typename Cs::value_type&... values) {
        return encode_at(indices{}, to, values...);
    }
    // Made as T{first field, second field, ...}.
    template <class T>
    [[nodiscard]] static constexpr T decode(bytes_view from) {
        return decode_as<T>(indices{}, from);
    }
    // The order of two tuples of the fields, the first most significant.
    template <class Left, class Right>
    [[nodiscard]] static constexpr bool before(const Left& left, const Right& right) {
        return before_at(indices{}, left, right);
    }

private:
    using indices = std::index_sequence_for<Cs...>;

    template <std::size_t... I>
    [[nodiscard]] static constexpr std::size_t
    size_of(std::index_sequence<I...>, const typename Cs::value_type&... values) {
        if constexpr (fixed_size != variable) return fixed_size;
        else
            return (std::size_t{0} + ... + field<Cs, Role, I + 1 == count>::size(values));
    }

    template <std::size_t... I>
    static constexpr std::byte* encode_at(std::index_sequence<I...>, std::byte* to,
                                          const typename Cs::value_type&... values) {
        ((to = field<Cs, Role, I + 1 == count>::encode(values, to)), ...);
        return to;
    }

    template <class T, std::size_t... I>
    [[nodiscard]] static constexpr T decode_as(std::index_sequence<I...>, bytes_view from) {
        if constexpr (fixed_size != variable)
            if (from.size() != fixed_size) wrong_size(Role, from.size(), fixed_size);
        // Braces, because only they promise the order left to right.
        T all{field<Cs, Role, I + 1 == count>::take(from)...};
        if (!from.empty()) malformed(Role, "bytes after the last field", "none");
        return all;
    }

    template <std::size_t... I, class Left, class Right>
    [[nodiscard]] static constexpr bool before_at(std::index_sequence<I...>, const Left& left,
                                                  const Right& right) {
        bool less = false;
        static_cast<void>(
            ((codec::before<Cs>(std::get<I>(left), std::get<I>(right))
                  ? (less = true)
                  : codec::before<Cs>(std::get<I>(right), std::get<I>(left))) ||
             ...));
        return less;
    }
};

} // namespace quire::codec::detail
