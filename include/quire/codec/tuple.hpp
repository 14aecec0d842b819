// Codecs of std::pair and std::tuple, "tuple<u32,string>" both: their fields one after another
// (codec/fields.hpp). As keys they are in the order of their first difference.
#pragma once

#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>

#include <quire/codec/concepts.hpp>
#include <quire/codec/fields.hpp>
#include <quire/codec/name.hpp>

namespace quire::codec {
namespace detail {

inline constexpr std::string_view tuple_open = "tuple<";

template <class... Ts>
struct parts_of<std::tuple<Ts...>> {
    using type = types<Ts...>;
};
template <class First, class Second>
struct parts_of<std::pair<First, Second>> {
    using type = types<First, Second>;
};

template <class Tuple, role Role, class... Ts>
struct tuple_codec {
    using value_type = Tuple;
    using view_type = Tuple;
    using arg_type = const Tuple&;
    using fields = field_list<Role, of<Ts, Role>...>;

    static constexpr std::string_view name =
        list_name<tuple_open, angle_close, of<Ts, Role>::name...>::value;
    static constexpr std::size_t fixed_size = fields::fixed_size;
    static constexpr bool ordered = Role == role::key;

    [[nodiscard]] static constexpr std::size_t size(const Tuple& all) {
        return std::apply([](const Ts&... each) { return fields::size(each...); }, all);
    }
    static constexpr std::byte* encode(const Tuple& all, std::byte* to) {
        return std::apply([to](const Ts&... each) { return fields::encode(to, each...); }, all);
    }
    [[nodiscard]] static constexpr Tuple decode(bytes_view from) {
        return fields::template decode<Tuple>(from);
    }
    [[nodiscard]] static constexpr bool before(const Tuple& left, const Tuple& right)
        requires(Role == role::key)
    {
        return fields::before(left, right);
    }
};

} // namespace detail

template <class... Ts, role Role>
    requires(storable<Ts, Role> && ...)
struct of<std::tuple<Ts...>, Role> : detail::tuple_codec<std::tuple<Ts...>, Role, Ts...> {};

template <class First, class Second, role Role>
    requires storable<First, Role> && storable<Second, Role>
struct of<std::pair<First, Second>, Role>
    : detail::tuple_codec<std::pair<First, Second>, Role, First, Second> {};

} // namespace quire::codec
