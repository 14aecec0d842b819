// The bytes of every scalar, given its form: a struct with value_type, native_type, order, name,
// to_native and from_native. In role::key the bytes are the rank, big-endian, so that they are in
// order; in role::value they are the native, little-endian, as pages of fixed-size records hold it.
#pragma once

#include <bit>
#include <cstddef>

#include <quire/codec/concepts.hpp>
#include <quire/codec/malformed.hpp>
#include <quire/codec/rank.hpp>
#include <quire/core/bytes.hpp>

namespace quire::codec::detail {

template <class Form, role Role>
struct scalar : Form {
    using value_type = typename Form::value_type;
    using native_type = typename Form::native_type;
    using view_type = value_type;
    using arg_type = value_type;

    static constexpr std::size_t fixed_size = sizeof(native_type);
    static constexpr bool ordered = Role == role::key;

    [[nodiscard]] static constexpr std::size_t size(value_type) noexcept { return fixed_size; }

    static constexpr std::byte* encode(value_type value, std::byte* to) noexcept {
        const native_type native = Form::to_native(value);
        if constexpr (Role == role::key)
            store_be<rank_type<native_type>>(to, to_rank<Form::order>(native));
        else store_le<rank_type<native_type>>(to, std::bit_cast<rank_type<native_type>>(native));
        return to + fixed_size;
    }

    [[nodiscard]] static constexpr value_type decode(bytes_view from) {
        if (from.size() != fixed_size) wrong_size(Role, from.size(), fixed_size);
        if constexpr (Role == role::key)
            return Form::from_native(
                from_rank<Form::order, native_type>(load_be<rank_type<native_type>>(from.data())));
        else
            return Form::from_native(
                std::bit_cast<native_type>(load_le<rank_type<native_type>>(from.data())));
    }
};

} // namespace quire::codec::detail
