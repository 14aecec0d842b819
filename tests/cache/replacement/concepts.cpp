// The laws of a replacement policy, over every policy in the list: add yours.
#include <quire/cache/replacement/concepts.hpp>

#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include <quire/cache/replacement/clock.hpp>

#include "archetypes.hpp"

#define EVERY_POLICY quire::replacement::clock, quire_test::anywhere

using quire::replacement::frame_use;
using quire::replacement::no_frame;

TEST_CASE_TEMPLATE("a policy finds a frame exactly when there is one to give up", Policy,
                   EVERY_POLICY) {
    constexpr std::uint64_t seed = 20240611;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    Policy policy;
    for (int round = 0; round < 300; ++round) {
        const auto frames = static_cast<std::uint32_t>(1 + random() % 200);
        const auto occupied = random() % 101; // percent
        policy.reset(frames);
        std::vector<bool> can_go(frames);
        std::vector<bool> marked(frames);
        for (int call = 0; call < 20; ++call) {
            bool any = false;
            for (std::uint32_t f = 0; f < frames; ++f) {
                can_go[f] = random() % 100 >= occupied;
                if (random() % 2 == 0) marked[f] = false; // used since
                any = any || can_go[f];
            }
            std::uint32_t unused = no_frame;
            bool lawful = true; // asks only about frames there are, and nothing after `unused`
            const std::uint32_t victim = policy.victim([&](std::uint32_t f) noexcept {
                lawful = lawful && f < frames && unused == no_frame;
                if (!lawful) return frame_use::occupied;
                if (!can_go[f]) return frame_use::occupied;
                if (marked[f]) {
                    unused = f;
                    return frame_use::unused;
                }
                marked[f] = true;
                return frame_use::used;
            });
            REQUIRE(lawful);
            REQUIRE(victim == unused);
            REQUIRE((victim != no_frame) == any);
            if (victim != no_frame) marked[victim] = false;
        }
    }
}

TEST_CASE_TEMPLATE("a policy reaches every frame", Policy, EVERY_POLICY) {
    Policy policy;
    policy.reset(50);
    std::vector<bool> gone(50);
    for (std::uint32_t i = 0; i < 50; ++i) {
        const std::uint32_t victim = policy.victim([&](std::uint32_t f) noexcept {
            return gone[f] ? frame_use::occupied : frame_use::unused;
        });
        REQUIRE(victim < 50);
        REQUIRE_FALSE(gone[victim]);
        gone[victim] = true;
    }
}
