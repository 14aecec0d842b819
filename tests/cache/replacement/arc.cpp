// ARC.
#include <quire/cache/replacement/arc.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include "agreement.hpp"

using namespace quire;
using namespace quire_test;
using replacement::arrival;
using replacement::no_frame;

TEST_CASE("arc is the textbook's") { agrees_with<replacement::arc>(textbook::arc); }

TEST_CASE("a page used twice outlives those used once, whatever their age") {
    replacement::arc policy;
    policy.reset(4, 4);
    for (std::uint32_t frame = 0; frame < 4; ++frame) load(policy, frame);
    policy.on_hit(0);
    frames_of frames(4);
    frames.wanted = page_id{200};
    CHECK(policy.victim(frames) == 1);
    policy.on_load(1, page_id{200}, arrival::wanted);
    frames.in_use[2] = true;
    frames.wanted = page_id{201};
    CHECK(policy.victim(frames) == 3);
    frames.wanted = page_id::none;
    CHECK(policy.victim(frames) == 1);
    CHECK(policy.victim(frames) == 0); // 2 is in use
    CHECK(policy.victim(frames) == no_frame);
    policy.on_leave(2);
    frames.in_use[2] = false;
    CHECK(policy.victim(frames) == no_frame);
}
