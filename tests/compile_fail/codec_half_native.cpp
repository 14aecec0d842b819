// expect: quire: a codec with native_type also has
#include <quire/codec/of.hpp>

using namespace quire;

struct mine {
    using value_type = int;
    using view_type = int;
    using arg_type = int;
    static constexpr std::string_view name = "mine";
    static constexpr std::size_t fixed_size = 1;
    static constexpr bool ordered = true;
    static constexpr std::size_t size(int) { return 1; }
    static std::byte* encode(int, std::byte* to) { return to + 1; }
    static int decode(bytes_view from) { return static_cast<int>(from[0]); }
    using native_type = std::int8_t;
    static constexpr codec::native_order order = codec::native_order::signed_integer;
};
static_assert(codec::check_codec<mine, codec::role::key, int>());
