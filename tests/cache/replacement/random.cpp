// A page at random.
#include <quire/cache/replacement/random.hpp>

#include <array>
#include <cstdint>

#include <doctest/doctest.h>

#include "agreement.hpp"

using namespace quire;
using namespace quire_test;
using replacement::no_frame;

TEST_CASE("random gives up each frame about as often") {
    replacement::random policy;
    policy.reset(10, 10);
    frames_of frames(10);
    std::array<int, 10> chosen{};
    for (int i = 0; i < 10'000; ++i) ++chosen[policy.victim(frames)];
    for (const int times : chosen) {
        CHECK(times > 850);
        CHECK(times < 1150);
    }
}

TEST_CASE("random finds the one frame that can be given up") {
    replacement::random policy;
    policy.reset(1000, 1000);
    frames_of frames(1000);
    frames.in_use.assign(1000, true);
    CHECK(policy.victim(frames) == no_frame);
    frames.in_use[777] = false;
    CHECK(policy.victim(frames) == 777);
    replacement::random fresh;
    CHECK(fresh.victim(frames) == no_frame);
}

TEST_CASE("random repeats itself after a reset") {
    replacement::random policy;
    frames_of frames(50);
    std::array<std::uint32_t, 20> first{};
    policy.reset(50, 50);
    for (std::uint32_t& frame : first) frame = policy.victim(frames);
    policy.reset(50, 50);
    for (const std::uint32_t frame : first) CHECK(policy.victim(frames) == frame);
}

TEST_CASE("random keeps what a loop would drive out") {
    const auto loop = traces::loop(20'000, 220, 1);
    CHECK(replacement::simulate<replacement::random>(loop, 221, 200) > 12'000);
    CHECK(textbook::lru(loop, 200) == 0);
}
