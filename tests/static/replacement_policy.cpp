// The replacement concept: who models it, the least that does, and that each requirement is one.
#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/policies.hpp>

#include "../cache/replacement/archetypes.hpp"

namespace {

using quire::replacement::frame_use;
using quire::replacement::policy_base;
using quire::replacement::replacement_policy;

// --- shipped models, and those of the tests ---------------------------------------------------

static_assert(replacement_policy<quire::replacement::clock>);
static_assert(replacement_policy<quire::replacement::fifo>);
static_assert(replacement_policy<quire::replacement::random>);
static_assert(replacement_policy<quire::replacement::lru>);
static_assert(replacement_policy<quire::replacement::sieve>);
static_assert(replacement_policy<quire::replacement::lru_k<>>);
static_assert(replacement_policy<quire::replacement::lru_k<3, 100>>);
static_assert(replacement_policy<quire::replacement::two_queue>);
static_assert(replacement_policy<quire::replacement::arc>);
static_assert(replacement_policy<quire::replacement::s3_fifo>);
// Who does not want hits costs a lookup nothing.
static_assert(!quire::replacement::clock::wants_hits && !quire::replacement::fifo::wants_hits &&
              !quire::replacement::random::wants_hits && !quire::replacement::sieve::wants_hits);
static_assert(replacement_policy<quire_test::anywhere>);
static_assert(quire::replacement::clock::name == "clock");
static_assert(!replacement_policy<int> && !replacement_policy<policy_base>);

// --- the least that is a policy ---------------------------------------------------------------

struct minimal : policy_base {
    static constexpr std::string_view name = "minimal";
    void reset(std::uint32_t, std::uint32_t) {}
    template <class Frames>
    std::uint32_t victim(Frames&& frames) noexcept {
        return frames.take(0) ? 0 : quire::replacement::no_frame;
    }
};
static_assert(replacement_policy<minimal>);
static_assert(!minimal::wants_hits && minimal::load_is_use && minimal::bytes_per_frame == 0);

// All that the cache may ask of a policy; it compiles for the least one, so nothing else is needed.
template <replacement_policy P>
struct consumer {
    static std::uint32_t use() {
        P policy;
        policy.reset(128, 128);
        policy.on_load(3, quire::page_id{7}, quire::replacement::arrival::once);
        policy.on_hit(3);
        policy.on_leave(3);
        struct {
            std::uint32_t looked = 0;
            frame_use ask(std::uint32_t frame) noexcept {
                ++looked;
                return frame == 0 ? frame_use::used : frame_use::unused;
            }
            bool take(std::uint32_t) noexcept { return false; }
            quire::page_id incoming() const noexcept { return quire::page_id::none; }
        } frames;
        return policy.victim(frames) + frames.looked + static_cast<std::uint32_t>(P::name.size()) +
               static_cast<std::uint32_t>(P::wants_hits) + P::bytes_per_frame;
    }
};

// --- one almost-policy per requirement --------------------------------------------------------

struct no_base {
    static constexpr std::string_view name = "no base";
    void reset(std::uint32_t, std::uint32_t) noexcept {}
    template <class Frames>
    std::uint32_t victim(Frames&&) noexcept {
        return 0;
    }
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

struct throwing_hit : minimal {
    void on_hit(std::uint32_t) {}
};
static_assert(!replacement_policy<throwing_hit>);

struct throwing_load : minimal {
    void on_load(std::uint32_t, quire::page_id, quire::replacement::arrival) {}
};
static_assert(!replacement_policy<throwing_load>);

struct throwing_leave : minimal {
    void on_leave(std::uint32_t) {}
};
static_assert(!replacement_policy<throwing_leave>);

struct throwing_victim : minimal {
    template <class Frames>
    std::uint32_t victim(Frames&&) {
        return 0;
    }
};
static_assert(!replacement_policy<throwing_victim>);

struct signed_victim : minimal {
    template <class Frames>
    int victim(Frames&&) noexcept {
        return 0;
    }
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
