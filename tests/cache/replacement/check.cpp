// The laws of a replacement policy, over every policy that is shipped and those that break them.
#include <quire/cache/replacement/check.hpp>

#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include <quire/policies.hpp>

#include "archetypes.hpp"

using namespace quire;
using replacement::broken_law;
using replacement::frame_use;
using replacement::no_frame;

using lru_3_40 = replacement::lru_k<3, 40>;

TEST_CASE_TEMPLATE("every policy keeps the laws", Policy, replacement::clock, replacement::fifo,
                   replacement::random, replacement::lru, replacement::sieve, replacement::lru_k<1>,
                   replacement::lru_k<2>, lru_3_40, replacement::two_queue, replacement::arc,
                   replacement::s3_fifo, quire_test::anywhere) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        CHECK(broken_law<Policy>(seed) == "");
    }
}

namespace {

struct lawless : replacement::policy_base {
    [[maybe_unused]] static constexpr std::string_view name = "lawless";
    std::uint32_t count = 0;
    void reset(std::uint32_t n, std::uint32_t) noexcept { count = n; }
};
struct out_of_range : lawless {
    template <class Frames>
    std::uint32_t victim(Frames&& frames) noexcept {
        return frames.take(count) ? count : no_frame;
    }
};
struct insatiable : lawless {
    template <class Frames>
    std::uint32_t victim(Frames&& frames) noexcept {
        std::uint32_t taken = no_frame;
        for (std::uint32_t f = 0; f < count; ++f)
            if (frames.take(f)) taken = f;
        return taken;
    }
};
struct patient : lawless {
    template <class Frames>
    std::uint32_t victim(Frames&& frames) noexcept {
        for (std::uint64_t i = 0; i < 1'000'000; ++i)
            if (frames.take(0)) return 0;
        return no_frame;
    }
};
struct mistaken : lawless {
    template <class Frames>
    std::uint32_t victim(Frames&& frames) noexcept {
        for (std::uint32_t f = 0; f < count; ++f)
            if (frames.take(f)) return f == 0 ? no_frame : f - 1;
        return no_frame;
    }
};
struct lazy : lawless {
    template <class Frames>
    std::uint32_t victim(Frames&& frames) noexcept {
        return frames.take(0) ? 0 : no_frame;
    }
};

} // namespace

TEST_CASE("a broken law is told") {
    CHECK(broken_law<out_of_range>(1) == "it asks about a frame that there is not");
    CHECK(broken_law<insatiable>(1) == "it asks again after a page went out");
    CHECK(broken_law<patient>(1) == "it does not come to an end");
    CHECK(broken_law<mistaken>(1) == "it answers with another frame than went out");
    CHECK(broken_law<lazy>(1) == "it finds no frame though one can be given up");
}
