// What a codec is: how one type becomes bytes and bytes become the type again. A codec is a
// stateless struct of static members, chosen at compile time:
//
//   using value_type = T;        what the user stores
//   using view_type  = ...;      what decode gives: T, or something cheap that T is made from
//   using arg_type   = ...;      what size and encode take; whatever converts to it is accepted
//   static constexpr std::string_view name;       stands in the file; never changes its meaning
//   static constexpr std::size_t fixed_size;      bytes of every encoding, or codec::variable
//   static constexpr std::size_t size(arg_type);                  bytes that encode will write
//   static constexpr std::byte* encode(arg_type, std::byte* to);  writes them, returns their end
//   static constexpr view_type decode(bytes_view);  the whole span is one encoding
//
// and, if it may encode keys,
//
//   static constexpr bool ordered = true;
//
// which promises that encodings compared as unsigned bytes, a prefix first, are in the order of the
// keys: the codec's before(a, b) if it has one, else a < b. A scalar also offers its native form,
// which pages of fixed-size records store little-endian and search without decoding:
//
//   using native_type = ...;  static constexpr native_order order = ...;
//   static constexpr native_type to_native(T);  static constexpr T from_native(native_type);
//
// Invariants of every codec here:
//   1. decode of any bytes is memory-safe; what no encode wrote throws quire::corruption.
//   2. equal keys have equal encodings, different keys different ones.
//   3. an encoding depends on nothing but the value: not on padding, host or byte order.
// Thread-safety: there is no state.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <quire/core/bytes.hpp>

namespace quire::codec {

// What an encoding is for. Keys keep their order as bytes; values are little-endian and compact.
enum class role : std::uint8_t { value, key };

// How the native form of a scalar compares; the numbers are those of format::key_order.
enum class native_order : std::uint8_t {
    unsigned_integer = 1,
    signed_integer = 2,
    floating = 3, // total order of the bits: -NaN, -infinity, ..., -0, +0, ..., +infinity, +NaN
};

// fixed_size of a codec whose encodings differ in size.
inline constexpr std::size_t variable = static_cast<std::size_t>(-1);

// The codec of T. Specialise it for a type of your own before its first use:
//   template <> struct quire::codec::of<my_type, quire::codec::role::key> { ... };
template <class T, role Role = role::value>
struct of;

namespace detail {

template <class C>
concept named = requires {
    requires std::same_as<decltype(C::name), const std::string_view>;
    typename std::integral_constant<std::size_t, C::name.size()>; // a constant expression
};
template <class C>
concept sized = requires {
    requires std::same_as<decltype(C::fixed_size), const std::size_t>;
    typename std::integral_constant<std::size_t, C::fixed_size>;
};

} // namespace detail

template <class C>
concept value_codec =
    detail::named<C> && detail::sized<C> &&
    std::constructible_from<typename C::value_type, typename C::view_type> &&
    std::convertible_to<const typename C::value_type&, typename C::arg_type> &&
    requires(typename C::arg_type argument, std::byte* to, bytes_view from) {
        { C::size(argument) } -> std::same_as<std::size_t>;
        { C::encode(argument, to) } -> std::same_as<std::byte*>;
        { C::decode(from) } -> std::same_as<typename C::view_type>;
    };

template <class C>
concept key_codec = value_codec<C> && requires { requires C::ordered; };

// Has a native form. Holds for scalars in both roles.
template <class C>
concept native_codec =
    value_codec<C> && requires(typename C::value_type value, typename C::native_type native) {
        requires std::is_arithmetic_v<typename C::native_type>;
        requires C::fixed_size == sizeof(typename C::native_type);
        requires std::same_as<decltype(C::order), const native_order>;
        { C::to_native(value) } -> std::same_as<typename C::native_type>;
        { C::from_native(native) } -> std::same_as<typename C::value_type>;
    };

// There is a codec for T, the library's or a specialisation. Why there is none: codec/checks.hpp.
template <class T, role Role>
concept storable = requires { typename of<T, Role>::value_type; };

namespace detail {

template <class C>
struct key_form {
    using type = C;
};
template <class T>
struct key_form<of<T, role::value>> {
    using type = of<T, role::key>;
};

} // namespace detail

// A codec as it is meant where a key is: of<T> stands for of<T, role::key>.
template <class C>
using as_key = typename detail::key_form<C>::type;

// The order of keys under C, of values or of anything else that C compares.
template <class C, class Left, class Right>
[[nodiscard]] constexpr bool before(const Left& left, const Right& right) {
    if constexpr (requires { C::before(left, right); }) return C::before(left, right);
    else return left < right;
}

namespace detail {

template <class T>
concept unqualified = std::same_as<T, std::remove_cvref_t<T>>;

template <class... Ts>
struct types {};

template <class C>
inline constexpr bool is_of_two_types = false;
template <template <class, class> class C, class T, class Allocator>
inline constexpr bool is_of_two_types<C<T, Allocator>> = true;

// A std::vector or what looks like one, a class of an element and an allocator; not what is derived
// from one. Told by its members: who stores no vector does not compile the header of one, 4 % of a
// small program's compile time.
template <class C>
concept vector_like =
    is_of_two_types<C> && requires(C& values, typename C::value_type value, std::size_t n) {
        typename C::allocator_type;
        values.reserve(n);
        values.resize(n);
        values.push_back(value);
        requires std::is_same_v<typename C::value_type, bool> || requires { values.data(); };
        requires std::default_initializable<C>;
        requires !std::is_aggregate_v<C> && !std::is_trivially_copyable_v<C>;
        requires !requires { typename C::traits_type; }; // which a string has
    };

// What a composite type is made of, for checks.hpp. Each composite's header specialises it.
template <class T>
struct parts_of {
    using type = types<>;
};

// Containers that are values only, because their elements have no terminated form.
template <class T>
inline constexpr bool value_only = false;

} // namespace detail

} // namespace quire::codec
