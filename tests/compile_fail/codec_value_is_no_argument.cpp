// expect: quire: a codec's value_type must convert to its arg_type
#include <quire/codec/of.hpp>

using namespace quire;

struct mine {
    using value_type = std::string;
    using view_type = std::string;
    using arg_type = int;
    static constexpr std::string_view name = "mine";
    static constexpr std::size_t fixed_size = 1;
    static constexpr bool ordered = true;
    static constexpr std::size_t size(int) { return 1; }
    static std::byte* encode(int, std::byte* to) { return to + 1; }
    static std::string decode(bytes_view) { return {}; }
};
static_assert(codec::check_codec<mine, codec::role::key, std::string>());
