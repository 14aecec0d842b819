// Codec of aggregates, "{u32,string}": the fields of a struct one after another as those of a tuple
// are (codec/fields.hpp), without padding and without a line of the user's. As keys they are in the
// order of their first difference, field by field in the order of declaration.
//
// Takes structs of up to 16 fields without a base class, without built-in arrays (use std::array)
// and without anonymous unions, whose fields have codecs themselves. codec/checks.hpp says which of
// these a type breaks. Adding, removing or reordering fields changes the name and the encoding.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <quire/codec/array.hpp>
#include <quire/codec/concepts.hpp>
#include <quire/codec/fields.hpp>
#include <quire/codec/name.hpp>

namespace quire::codec {
namespace detail {

inline constexpr std::size_t most_fields = 16;

// Initialises a field of any type in an unevaluated T{...}. Never called.
template <class T>
struct any_field {
    template <class Field>
        requires(!std::is_same_v<Field, T>)
    operator Field() const noexcept {
        __builtin_unreachable();
    }
};
// Initialises nothing but a base class of T. Never called.
template <class T>
struct any_base {
    template <class Base>
        requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>)
    operator Base() const noexcept {
        __builtin_unreachable();
    }
};

template <class T, std::size_t>
using any_field_at = any_field<T>;

template <class T, std::size_t... I>
[[nodiscard]] consteval bool takes(std::index_sequence<I...>) {
    return requires { T{any_field_at<T, I>{}...}; };
}
template <class T, std::size_t... I>
[[nodiscard]] consteval bool has_base(std::index_sequence<I...>) {
    return requires { T{any_base<T>{}, any_field_at<T, I>{}...}; };
}
// Whether T takes the fields `Before`, then one initialised by a list of `Own`, then `After`.
template <class T, std::size_t... Before, std::size_t... Own, std::size_t... After>
[[nodiscard]] consteval bool takes_list(std::index_sequence<Before...>, std::index_sequence<Own...>,
                                        std::index_sequence<After...>) {
    return requires {
        T{any_field_at<T, Before>{}..., {any_field_at<T, Own>{}...},
          any_field_at<T, After>{}...};
    };
}
// Whether a built-in array begins at initialiser At of Count: its elements were counted as fields,
// so a list of Size takes the place of Size initialisers, and not of one.
template <class T, std::size_t Count, std::size_t At, std::size_t Size = 0>
[[nodiscard]] consteval bool array_begins() {
    using before = std::make_index_sequence<At>;
    using own = std::make_index_sequence<Size>;
    if constexpr (Size > Count - At) return false;
    else if constexpr (Size < 2) {
        using after = std::make_index_sequence<Count - At - 1>;
        if constexpr (takes_list<T>(before{}, own{}, after{})) return false;
        else return array_begins<T, Count, At, Size + 1>();
    } else {
        using after = std::make_index_sequence<Count - At - Size>;
        using one_more = std::make_index_sequence<Count - At - Size + 1>;
        if constexpr (takes_list<T>(before{}, own{}, after{}) &&
                      !takes_list<T>(before{}, own{}, one_more{}))
            return true;
        else return array_begins<T, Count, At, Size + 1>();
    }
}
template <class T, std::size_t... I>
[[nodiscard]] consteval bool has_array(std::index_sequence<I...>) {
    return (array_begins<T, sizeof...(I), I>() || ...);
}

inline constexpr std::size_t no_count = static_cast<std::size_t>(-1);

// The largest number of initialisers that T takes; those it takes are a range without gaps.
template <class T, std::size_t N = 0, bool Taken = false>
[[nodiscard]] consteval std::size_t count_fields() {
    if constexpr (takes<T>(std::make_index_sequence<N>{})) {
        if constexpr (N > most_fields) return N;
        else return count_fields<T, N + 1, true>();
    } else if constexpr (Taken) return N - 1;
    else if constexpr (N > most_fields) return no_count;
    else return count_fields<T, N + 1, false>();
}

enum class shape { plain, based, crowded, uncountable };

template <class T>
[[nodiscard]] consteval shape shape_of() {
    constexpr std::size_t count = count_fields<T>();
    if constexpr (count == no_count) return shape::uncountable;
    else if constexpr (count == 0) return std::is_empty_v<T> ? shape::plain : shape::uncountable;
    else if constexpr (has_base<T>(std::make_index_sequence<count - 1>{})) return shape::based;
    else if constexpr (count > most_fields) return shape::crowded;
    else if constexpr (has_array<T>(std::make_index_sequence<count>{})) return shape::uncountable;
    else return shape::plain;
}

template <class T>
concept aggregate = unqualified<T> && std::is_class_v<T> && requires { sizeof(T); } &&
                    std::is_aggregate_v<T> && !is_std_array<T>;

template <class T>
inline constexpr shape aggregate_shape = shape_of<T>();

// Calls visit(types<declared type of each field>, each field). Requires: the shape is plain.
template <class T, class Visit>
constexpr decltype(auto) visit_fields(const T& all, Visit&& visit) {
    constexpr std::size_t count = count_fields<T>();
    if constexpr (count == 0) {
        static_cast<void>(all);
        return visit(types<>{});
    }
    else if constexpr (count == 1) {
        const auto& [a] = all;
        return visit(types<decltype(a)>{}, a);
    }
    else if constexpr (count == 2) {
        const auto& [a, b] = all;
        return visit(types<decltype(a), decltype(b)>{}, a, b);
    }
    else if constexpr (count == 3) {
        const auto& [a, b, c] = all;
        return visit(types<decltype(a), decltype(b), decltype(c)>{}, a, b, c);
    }
    else if constexpr (count == 4) {
        const auto& [a, b, c, d] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d)>{}, a, b, c, d);
    }
    else if constexpr (count == 5) {
        const auto& [a, b, c, d, e] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e)>{}, a, b,
                           c, d, e);
    }
    else if constexpr (count == 6) {
        const auto& [a, b, c, d, e, f] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f)>{}, a, b, c, d, e, f);
    }
    else if constexpr (count == 7) {
        const auto& [a, b, c, d, e, f, g] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f), decltype(g)>{}, a, b, c, d, e, f, g);
    }
    else if constexpr (count == 8) {
        const auto& [a, b, c, d, e, f, g, h] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f), decltype(g), decltype(h)>{}, a, b, c, d, e, f, g, h);
    }
    else if constexpr (count == 9) {
        const auto& [a, b, c, d, e, f, g, h, i] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f), decltype(g), decltype(h), decltype(i)>{}, a, b, c, d, e, f,
                           g, h, i);
    }
    else if constexpr (count == 10) {
        const auto& [a, b, c, d, e, f, g, h, i, j] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f), decltype(g), decltype(h), decltype(i), decltype(j)>{}, a, b,
                           c, d, e, f, g, h, i, j);
    }
    else if constexpr (count == 11) {
        const auto& [a, b, c, d, e, f, g, h, i, j, k] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                           decltype(k)>{}, a, b, c, d, e, f, g, h, i, j, k);
    }
    else if constexpr (count == 12) {
        const auto& [a, b, c, d, e, f, g, h, i, j, k, l] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                           decltype(k), decltype(l)>{}, a, b, c, d, e, f, g, h, i, j, k, l);
    }
    else if constexpr (count == 13) {
        const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                           decltype(k), decltype(l), decltype(m)>{}, a, b, c, d, e, f, g, h, i, j,
                           k, l, m);
    }
    else if constexpr (count == 14) {
        const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                           decltype(k), decltype(l), decltype(m), decltype(n)>{}, a, b, c, d, e, f,
                           g, h, i, j, k, l, m, n);
    }
    else if constexpr (count == 15) {
        const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                           decltype(k), decltype(l), decltype(m), decltype(n), decltype(o)>{}, a, b,
                           c, d, e, f, g, h, i, j, k, l, m, n, o);
    }
    else if constexpr (count == 16) {
        const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = all;
        return visit(types<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                           decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                           decltype(k), decltype(l), decltype(m), decltype(n), decltype(o),
                           decltype(p)>{}, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
    }
}

struct declared_types {
    // Const comes from the visited object; a reference shows that the field is one.
    template <class... Fs>
    constexpr types<std::remove_cv_t<Fs>...> operator()(types<Fs...>,
                                                        const auto&...) const noexcept {
        return {};
    }
};

template <class T>
using field_types = decltype(visit_fields(std::declval<const T&>(), declared_types{}));

template <class T, role Role, class... Fs>
[[nodiscard]] consteval bool rebuilds_from(types<Fs...>) {
    if constexpr ((storable<Fs, Role> && ...)) return requires { T{std::declval<Fs>()...}; };
    else return false;
}

template <class T, role Role>
[[nodiscard]] consteval bool fields_storable() {
    if constexpr (aggregate_shape<T> != shape::plain) return false;
    else return rebuilds_from<T, Role>(field_types<T>{});
}

inline constexpr std::string_view brace_open = "{";
inline constexpr std::string_view brace_close = "}";

template <class T, role Role, class... Fs>
struct aggregate_codec {
    using value_type = T;
    using view_type = T;
    using arg_type = const T&;
    using fields = field_list<Role, of<Fs, Role>...>;

    static constexpr std::string_view name =
        list_name<brace_open, brace_close, of<Fs, Role>::name...>::value;
    static constexpr std::size_t fixed_size = fields::fixed_size;
    static constexpr bool ordered = Role == role::key;

    [[nodiscard]] static constexpr std::size_t size(const T& all) {
        if constexpr (fixed_size != variable) return fixed_size;
        else
            return visit_fields(
                all, [](auto, const Fs&... each) { return fields::size(each...); });
    }
    static constexpr std::byte* encode(const T& all, std::byte* to) {
        return visit_fields(
            all, [to](auto, const Fs&... each) { return fields::encode(to, each...); });
    }
    [[nodiscard]] static constexpr T decode(bytes_view from) {
        return fields::template decode<T>(from);
    }
    // Field by field, whatever operator< the type has or has not.
    [[nodiscard]] static constexpr bool before(const T& left, const T& right)
        requires(Role == role::key)
    {
        const auto as_tuple = [](auto, const Fs&... each) {
            return std::tuple<const Fs&...>(each...);
        };
        return fields::before(visit_fields(left, as_tuple), visit_fields(right, as_tuple));
    }
};

template <class T, role Role, class Fields>
struct aggregate_codec_of;
template <class T, role Role, class... Fs>
struct aggregate_codec_of<T, Role, types<Fs...>> : aggregate_codec<T, Role, Fs...> {};

} // namespace detail

template <detail::aggregate T, role Role>
    requires(detail::fields_storable<T, Role>())
struct of<T, Role> : detail::aggregate_codec_of<T, Role, detail::field_types<T>> {};

} // namespace quire::codec
