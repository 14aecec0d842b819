// The replacement concept: who models it, the least that does, and that each requirement is one.
#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/clock.hpp>
#include <quire/cache/replacement/concepts.hpp>

#include "../cache/replacement/archetypes.hpp"

namespace {

using quire::replacement::frame_use;
using quire::replacement::policy_base;
using quire::replacement::replacement_policy;

// --- shipped models, and those of the tests ---------------------------------------------------

static_assert(replacement_policy<quire::replacement::clock>);
static_assert(replacement_policy<quire_test::anywhere>);
static_assert(quire::replacement::clock::name == "clock");
static_assert(!replacement_policy<int> && !replacement_policy<policy_base>);

// --- the least that is a policy ---------------------------------------------------------------

struct minimal : policy_base {
    static constexpr std::string_view name = "minimal";
    void reset(std::uint32_t) noexcept {}
    template <class Examine>
    std::uint32_t victim(Examine&& examine) noexcept {
        return examine(0) == frame_use::unused ? 0 : quire::replacement::no_frame;
    }
};
static_assert(replacement_policy<minimal>);

// All that the cache may ask of a policy; it compiles for the least one, so nothing else is needed.
template <replacement_policy P>
struct consumer {
    static std::uint32_t use() {
        P policy;
        policy.reset(128);
        std::uint32_t looked = 0;
        const auto examine = [&looked](std::uint32_t frame) noexcept {
            ++looked;
            return frame == 0 ? frame_use::used : frame_use::unused;
        };
        return policy.victim(examine) + looked + static_cast<std::uint32_t>(P::name.size());
    }
};

// --- one almost-policy per requirement --------------------------------------------------------

struct no_base {
    static constexpr std::string_view name = "no base";
    void reset(std::uint32_t) noexcept {}
    template <class Examine>
    std::uint32_t victim(Examine&&) noexcept { return 0; }
};
static_assert(!replacement_policy<no_base> && no_base::name == "no base");

struct private_base : private minimal {
    using minimal::name, minimal::reset, minimal::victim;
};
static_assert(!replacement_policy<private_base>);

// Hidden by a private member, a requirement is as good as missing.
#define ALMOST(type, member)                                                                       \
    struct type : minimal {                                                                        \
    private:                                                                                       \
        using minimal::member;                                                                     \
    };                                                                                             \
    static_assert(!replacement_policy<type>)

ALMOST(no_name, name);
ALMOST(no_reset, reset);
ALMOST(no_victim, victim);
#undef ALMOST

// Nothing else is wrong with them.
struct all_of_it : minimal {};
static_assert(replacement_policy<all_of_it>);

struct needs_arguments : minimal {
    explicit needs_arguments(int) {}
};
static_assert(!replacement_policy<needs_arguments>);

struct throwing_reset : minimal {
    void reset(std::uint32_t) {}
};
static_assert(!replacement_policy<throwing_reset>);

struct throwing_victim : minimal {
    template <class Examine>
    std::uint32_t victim(Examine&&) { return 0; }
};
static_assert(!replacement_policy<throwing_victim>);

struct signed_victim : minimal {
    template <class Examine>
    int victim(Examine&&) noexcept { return 0; }
};
static_assert(!replacement_policy<signed_victim>);

struct numbered_name : minimal {
    static constexpr int name = 7;
};
static_assert(!replacement_policy<numbered_name>);

template struct consumer<minimal>;
template struct consumer<quire::replacement::clock>;
template struct consumer<quire_test::anywhere>;

} // namespace
