// expect: quire: a codec's value_type must be constructible
#include <quire/codec/of.hpp>

using namespace quire;

struct mine {
    using value_type = std::string;
    using view_type = std::optional<int>;
    using arg_type = const std::string&;
    static constexpr std::string_view name = "mine";
    static constexpr std::size_t fixed_size = 1;
    static constexpr bool ordered = true;
    static constexpr std::size_t size(const std::string&) { return 1; }
    static std::byte* encode(const std::string&, std::byte* to) { return to + 1; }
    static std::optional<int> decode(bytes_view) { return {}; }
};
static_assert(codec::check_codec<mine, codec::role::key, std::string>());
