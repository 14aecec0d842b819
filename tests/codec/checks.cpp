// That the sentences appear is tested by tests/compile_fail/codec_*.cpp.
#include "samples.hpp"

using namespace codec_test;

namespace {

struct linked {
    int number;
    linked* next;
};

struct own {
    void* handle;
};

} // namespace

// A type with a codec of its own may be anything.
template <role Role>
struct quire::codec::of<own, Role> {
    using value_type = own;
    using view_type = own;
    using arg_type = own;
    static constexpr std::string_view name = "own";
    static constexpr std::size_t fixed_size = 0;
    static constexpr bool ordered = true;
    static std::size_t size(own) { return 0; }
    static std::byte* encode(own, std::byte* to) { return to; }
    static own decode(bytes_view) { return {nullptr}; }
};

TEST_CASE("what is storable passes the check") {
    CHECK(codec::check_storable<int, role::key>());
    CHECK(codec::check_storable<std::vector<std::string>, role::value>());
    CHECK(codec::check_storable<own, role::key>());
    CHECK(codec::check_storable<std::pair<own, std::string>, role::value>());
    CHECK(codec::check_codec<codec::descending<of<int>>, role::key, int>());
}

TEST_CASE("a refused type is replaced by a codec that compiles") {
    using C = of<int, role::key>;
    static_assert(std::is_same_v<codec::checked<C, role::key, int>, C>);
    using refused = codec::checked<of<linked, role::key>, role::key, linked>;
    static_assert(codec::key_codec<refused>);
    using other = codec::checked<C, role::key, long long>;
    static_assert(codec::key_codec<other> && !std::is_same_v<other, C>);
    using unordered = codec::checked<of<int>, role::key, int>;
    static_assert(codec::key_codec<unordered>);
    CHECK(refused::fixed_size == 1);
}
