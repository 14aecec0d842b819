// Why a type cannot be stored, or a struct is no codec: one error with one sentence. Each check is
// a consteval function that is true if it compiles at all:
//
//   static_assert(codec::check_storable<T, codec::role::key>());
//   static_assert(codec::check_codec<C, codec::role::key, T>());
//
// What is refused inside a pair, an array or a struct is reported for the innermost type that is
// wrong; the compiler's notes name the types around it. So that nothing behind the check fails as
// well, code goes on with checked<C, Role, T>, which is C or else a codec that always compiles.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include <quire/codec/aggregate.hpp>
#include <quire/codec/array.hpp>
#include <quire/codec/concepts.hpp>
#include <quire/codec/floating.hpp>
#include <quire/codec/integer.hpp>
#include <quire/codec/optional.hpp>
#include <quire/codec/raw.hpp>
#include <quire/codec/string.hpp>
#include <quire/codec/tuple.hpp>
#include <quire/codec/vector.hpp>

namespace quire::codec {

// C is a codec for T in this role, as the floors above need it.
template <class C, role Role, class T>
concept codec_for = value_codec<C> && std::same_as<typename C::value_type, T> &&
                    (Role == role::value || key_codec<C>) &&
                    (native_codec<C> || !requires { typename C::native_type; });

namespace detail {

// Depends on T, so that the sentence waits for an instantiation.
template <class... T>
inline constexpr bool never = false;

template <class T>
concept pointing = std::is_pointer_v<T> || std::is_member_pointer_v<T> ||
                   std::is_null_pointer_v<T> || refers<T>;

template <class T>
inline constexpr bool is_descending_of_nothing = false;
template <class T>
    requires requires { typename T::reverses_no_key_codec; }
inline constexpr bool is_descending_of_nothing<T> = true;

template <class T, role Role>
consteval void refuse();

// The first of the parts that is not storable, if there is one.
template <role Role>
[[nodiscard]] consteval bool refuse_part(types<>) {
    return false;
}
template <role Role, class First, class... Rest>
[[nodiscard]] consteval bool refuse_part(types<First, Rest...>) {
    if constexpr (!storable<First, Role>) {
        refuse<First, Role>();
        return true;
    } else return refuse_part<Role>(types<Rest...>{});
}

// Whether refuse_part would find one.
template <role Role, class... Parts>
[[nodiscard]] consteval bool all_storable(types<Parts...>) {
    return (storable<Parts, Role> && ...);
}

template <class T, role Role>
consteval void refuse_aggregate() {
    constexpr shape found = aggregate_shape<T>;
    if constexpr (found == shape::based)
        static_assert(never<T>, "quire: a struct with a base class cannot be taken apart into "
                                "fields; make the base a member");
    else if constexpr (found == shape::crowded)
        static_assert(never<T>, "quire: a struct of more than 16 fields cannot be taken apart; "
                                "group some of them in a struct of their own");
    else if constexpr (found == shape::uncountable)
        static_assert(never<T>, "quire: the fields of this struct cannot be counted; use "
                                "std::array for built-in arrays and no references");
    else if constexpr (!refuse_part<Role>(field_types<T>{}))
        static_assert(never<T>, "quire: this struct cannot be made from its fields; specialise "
                                "quire::codec::of for it");
}

template <class T, role Role>
consteval void refuse() {
    if constexpr (std::is_reference_v<T>)
        static_assert(never<T>, "quire: a reference cannot be stored; store what it refers to");
    else if constexpr (!unqualified<T>)
        static_assert(never<T>, "quire: a stored type is neither const nor volatile; drop the "
                                "qualifier");
    else if constexpr (std::is_array_v<T>)
        static_assert(never<T>, "quire: a built-in array cannot be stored; use std::array");
    else if constexpr (pointing<T>)
        static_assert(never<T>, "quire: a pointer has no meaning in another process; store what "
                                "it points to");
    else if constexpr (std::is_same_v<T, long double>)
        static_assert(never<T>, "quire: long double differs between machines; use double");
    else if constexpr (is_view<T>)
        static_assert(never<T>, "quire: a view does not own what it shows; store std::string, "
                                "std::vector or std::array");
    else if constexpr (std::is_union_v<T>)
        static_assert(never<T>, "quire: a union does not say which member it holds; store a "
                                "struct");
    else if constexpr (!std::is_same_v<typename parts_of<T>::type, types<>> &&
                       !all_storable<value_only<T> ? role::value : Role>(
                           typename parts_of<T>::type{}))
        static_cast<void>(
            refuse_part<value_only<T> ? role::value : Role>(typename parts_of<T>::type{}));
    else if constexpr (value_only<T> && Role == role::key)
        static_assert(never<T>, "quire: a std::vector is no key; use std::string or "
                                "std::vector<std::byte> for byte strings");
    else if constexpr (value_only<T>)
        static_assert(never<T>, "quire: a std::vector of elements that take no bytes has no size; "
                                "store their number");
    else if constexpr (aggregate<T>) refuse_aggregate<T, Role>();
    else if constexpr (opaque_value<T>)
        static_assert(never<T>, "quire: the bytes of this class have no order; to make it a key, "
                                "specialise quire::codec::of<T, quire::codec::role::key>");
    else if constexpr (opaque<T>)
        static_assert(never<T>, "quire: this class has padding or floating point, so equal values "
                                "differ in their bytes; specialise quire::codec::of for it");
    else
        static_assert(never<T>, "quire: there is no codec for this type; specialise "
                                "quire::codec::of for it or name one with codec::key or "
                                "codec::value");
}

// A codec that compiles wherever one is needed. Nothing is ever stored by it.
template <class T>
struct refused : of<unsigned char, role::key> {};

} // namespace detail

template <class C, role Role, class T = void>
consteval bool check_codec() {
    using detail::never;
    if constexpr (detail::is_descending_of_nothing<C>)
        static_assert(never<C>, "quire: codec::descending<C> needs a key codec C");
    else if constexpr (!requires { typename C::value_type; })
        static_assert(never<C>, "quire: a codec says what it stores: using value_type = ...");
    else if constexpr (!requires { typename C::view_type; })
        static_assert(never<C>, "quire: a codec says what decode gives: using view_type = ...");
    else if constexpr (!requires { typename C::arg_type; })
        static_assert(never<C>, "quire: a codec says what encode takes: using arg_type = ...");
    else if constexpr (!detail::named<C>)
        static_assert(never<C>, "quire: a codec has a name that stands in the file: static "
                                "constexpr std::string_view name");
    else if constexpr (!detail::sized<C>)
        static_assert(never<C>, "quire: a codec says how many bytes an encoding has: static "
                                "constexpr std::size_t fixed_size, or codec::variable");
    else if constexpr (!requires(typename C::arg_type argument) {
                           { C::size(argument) } -> std::same_as<std::size_t>;
                       })
        static_assert(never<C>, "quire: a codec says how many bytes encode will write: static "
                                "std::size_t size(arg_type)");
    else if constexpr (!requires(typename C::arg_type argument, std::byte* to) {
                           { C::encode(argument, to) } -> std::same_as<std::byte*>;
                       })
        static_assert(never<C>, "quire: a codec writes and returns the end: static std::byte* "
                                "encode(arg_type, std::byte* to)");
    else if constexpr (!requires(bytes_view from) {
                           { C::decode(from) } -> std::same_as<typename C::view_type>;
                       })
        static_assert(never<C>, "quire: a codec reads what it wrote: static view_type "
                                "decode(bytes_view)");
    else if constexpr (!std::constructible_from<typename C::value_type, typename C::view_type>)
        static_assert(never<C>, "quire: a codec's value_type must be constructible from its "
                                "view_type");
    else if constexpr (!std::convertible_to<const typename C::value_type&, typename C::arg_type>)
        static_assert(never<C>, "quire: a codec's value_type must convert to its arg_type");
    else if constexpr (Role == role::key && !key_codec<C>)
        static_assert(never<C>, "quire: a key codec promises that its encodings are in the order "
                                "of the keys: static constexpr bool ordered = true");
    else if constexpr (requires { typename C::native_type; } && !native_codec<C>)
        static_assert(never<C>, "quire: a codec with native_type also has order, to_native and "
                                "from_native, and fixed_size is sizeof(native_type)");
    else if constexpr (!std::is_void_v<T> && !std::same_as<typename C::value_type, T>)
        static_assert(never<C, T>, "quire: this codec is for another type than the one it is "
                                   "given for; its value_type must be that type");
    return true;
}

template <class T, role Role>
consteval bool check_storable() {
    if constexpr (storable<T, Role>) return check_codec<of<T, Role>, Role, T>();
    else detail::refuse<T, Role>();
    return true;
}

// C where it is fit to store T in this role, else a codec that compiles.
template <class C, role Role, class T>
using checked = std::conditional_t<codec_for<C, Role, T>, C, detail::refused<C>>;

} // namespace quire::codec
