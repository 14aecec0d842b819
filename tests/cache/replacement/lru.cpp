// Least recently used.
#include <quire/cache/replacement/lru.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include "agreement.hpp"

using namespace quire;
using namespace quire_test;
using replacement::arrival;
using replacement::no_frame;

TEST_CASE("lru is the textbook's") { agrees_with<replacement::lru>(textbook::lru); }

TEST_CASE("lru gives up what was used longest ago; a page of a scan goes first") {
    replacement::lru policy;
    policy.reset(4, 4);
    for (std::uint32_t frame = 0; frame < 3; ++frame) load(policy, frame);
    load(policy, 3, arrival::once);
    policy.on_hit(0);
    frames_of frames(4);
    CHECK(policy.victim(frames) == 3);
    CHECK(policy.victim(frames) == 1);
    policy.on_hit(1); // gone meanwhile: nothing to do
    load(policy, 3, arrival::once);
    policy.on_hit(3); // wanted after all
    CHECK(policy.victim(frames) == 2);
    CHECK(policy.victim(frames) == 0);
    CHECK(policy.victim(frames) == 3);
    CHECK(policy.victim(frames) == no_frame);
}
