// The codec concepts: who models them, the least that does, and that each requirement is one.
#include <vector>

#include <quire/codec/of.hpp>

namespace {

using namespace quire;
using codec::native_codec;
using codec::native_order;
using codec::of;
using codec::role;
using codec::value_codec;

// --- shipped models ---------------------------------------------------------------------------

enum class color : std::uint8_t { red, green };
struct row {
    std::string text;
    color shade;
    std::optional<std::int64_t> number;
};
class opaque {
public:
    [[nodiscard]] int number() const { return number_; }

private:
    int number_ = 0;
};

template <class T>
inline constexpr bool keyed = codec::key_codec<of<T, role::key>> && value_codec<of<T>> &&
                              codec::key_codec<codec::descending<of<T>>> &&
                              !codec::key_codec<of<T>>;
template <class T>
inline constexpr bool scalar = keyed<T> && native_codec<of<T>> && native_codec<of<T, role::key>> &&
                               native_codec<codec::descending<of<T>>>;

static_assert(scalar<signed char> && scalar<unsigned char> && scalar<char> && scalar<bool>);
static_assert(scalar<short> && scalar<unsigned short> && scalar<int> && scalar<unsigned>);
static_assert(scalar<long> && scalar<unsigned long> && scalar<long long>);
static_assert(scalar<unsigned long long> && scalar<wchar_t> && scalar<char8_t>);
static_assert(scalar<char16_t> && scalar<char32_t> && scalar<std::byte> && scalar<color>);
static_assert(scalar<float> && scalar<double>);
static_assert(keyed<std::string> && keyed<std::vector<std::byte>>);
static_assert(keyed<std::array<std::byte, 24>> && keyed<std::array<std::string, 2>>);
static_assert(keyed<std::pair<int, std::string>> && keyed<std::tuple<>>);
static_assert(keyed<std::tuple<int, double, std::string>> && keyed<std::optional<std::string>>);
static_assert(keyed<row> && keyed<std::pair<row, row>>);
static_assert(!native_codec<of<std::string, role::key>> && !native_codec<of<row>>);
static_assert(value_codec<of<std::vector<row>>> && value_codec<of<opaque>>);
static_assert(!codec::key_codec<of<opaque>>);
#if defined(__SIZEOF_INT128__)
static_assert(keyed<codec::detail::int128> && keyed<codec::detail::uint128>);
#endif

// --- the least that is a codec, and what uses no more than the concept says --------------------

struct token {
    std::byte byte;
};

struct minimal {
    using value_type = token;
    using view_type = token;
    using arg_type = token;
    static constexpr std::string_view name = "token";
    static constexpr std::size_t fixed_size = 1;
    static std::size_t size(token) { return 1; }
    static std::byte* encode(token value, std::byte* to) {
        *to = value.byte;
        return to + 1;
    }
    static token decode(bytes_view from) { return {from.front()}; }
};
static_assert(value_codec<minimal> && !codec::key_codec<minimal> && !native_codec<minimal>);

struct minimal_key : minimal {
    static constexpr bool ordered = true;
};
static_assert(codec::key_codec<minimal_key>);

struct minimal_native : minimal_key {
    using native_type = std::uint8_t;
    static constexpr native_order order = native_order::unsigned_integer;
    static std::uint8_t to_native(token value) { return static_cast<std::uint8_t>(value.byte); }
    static token from_native(std::uint8_t native) { return {std::byte{native}}; }
};
static_assert(native_codec<minimal_native>);
static_assert(codec::codec_for<minimal_native, role::key, token>);
static_assert(!codec::codec_for<minimal, role::key, token>);
static_assert(!codec::codec_for<minimal, role::value, int>);

} // namespace

// Outside the unnamed namespace, where their undefined members draw no warning.
namespace codec_archetypes {

struct name_not_constant : minimal {
    static const std::string_view name;
};
struct fixed_size_not_constant : minimal {
    static const std::size_t fixed_size;
};

} // namespace codec_archetypes

// The library's consumers of key codecs, on the archetypes.
template struct quire::codec::detail::reversed<minimal_key>;
template struct quire::codec::detail::reversed<minimal_native>;
template struct quire::codec::detail::field<minimal, quire::codec::role::value, false>;
template struct quire::codec::detail::field<minimal_key, quire::codec::role::key, false>;
template struct quire::codec::detail::field_list<quire::codec::role::value, minimal, minimal>;

namespace {

// --- one requirement missing at a time ----------------------------------------------------------

struct without_value_type : minimal {
private:
    using minimal::value_type;
};
struct without_view_type : minimal {
private:
    using minimal::view_type;
};
struct without_arg_type : minimal {
private:
    using minimal::arg_type;
};
struct without_name : minimal {
private:
    using minimal::name;
};
struct name_of_other_type : minimal {
    static constexpr const char* name = "token";
};
struct without_fixed_size : minimal {
private:
    using minimal::fixed_size;
};
struct fixed_size_of_other_type : minimal {
    static constexpr int fixed_size = 1;
};
struct without_size : minimal {
    static void size(token) = delete;
};
struct size_of_other_type : minimal {
    static int size(token) { return 1; }
};
struct without_encode : minimal {
    static void encode(token, std::byte*) = delete;
};
struct encode_returns_nothing : minimal {
    static void encode(token, std::byte*) {}
};
struct without_decode : minimal {
    static token decode(bytes_view) = delete;
};
struct decode_of_other_type : minimal {
    static std::byte decode(bytes_view from) { return from.front(); }
};
struct view_makes_no_value : minimal {
    using view_type = std::string;
    static std::string decode(bytes_view) { return {}; }
};
struct value_makes_no_argument : minimal {
    using arg_type = int;
    static std::size_t size(int) { return 1; }
    static std::byte* encode(int, std::byte* to) { return to; }
};

static_assert(!value_codec<without_value_type> && !value_codec<without_view_type>);
static_assert(!value_codec<without_arg_type> && !value_codec<without_name>);
static_assert(!value_codec<name_of_other_type>);
static_assert(!value_codec<codec_archetypes::name_not_constant>);
static_assert(!value_codec<without_fixed_size> && !value_codec<fixed_size_of_other_type>);
static_assert(!value_codec<codec_archetypes::fixed_size_not_constant>);
static_assert(!value_codec<without_size> && !value_codec<size_of_other_type>);
static_assert(!value_codec<without_encode> && !value_codec<encode_returns_nothing>);
static_assert(!value_codec<without_decode> && !value_codec<decode_of_other_type>);
static_assert(!value_codec<view_makes_no_value> && !value_codec<value_makes_no_argument>);
static_assert(!value_codec<int> && !value_codec<of<int*>>);

struct not_ordered : minimal {
    static constexpr bool ordered = false;
};
static_assert(!codec::key_codec<not_ordered>);

struct native_is_class : minimal_native {
    using native_type = token;
    static token to_native(token value) { return value; }
    static token from_native(token value) { return value; }
};
struct native_of_other_size : minimal_native {
    using native_type = std::uint16_t;
    static std::uint16_t to_native(token) { return 0; }
    static token from_native(std::uint16_t) { return {}; }
};
struct without_order : minimal_native {
private:
    using minimal_native::order;
};
struct without_to_native : minimal_native {
    static std::uint8_t to_native(token) = delete;
};
struct without_from_native : minimal_native {
    static token from_native(std::uint8_t) = delete;
};
static_assert(!native_codec<native_is_class> && !native_codec<native_of_other_size>);
static_assert(!native_codec<without_order> && !native_codec<without_to_native>);
static_assert(!native_codec<without_from_native>);
static_assert(!codec::codec_for<without_order, role::key, token>);

} // namespace
