// SIEVE.
#include <quire/cache/replacement/sieve.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include "agreement.hpp"

using namespace quire;
using namespace quire_test;
using replacement::no_frame;

TEST_CASE("sieve is the textbook's") { agrees_with<replacement::sieve>(textbook::sieve); }

TEST_CASE("sieve's hand goes on where it was, also when its page leaves by itself") {
    replacement::sieve policy;
    policy.reset(5, 5);
    for (std::uint32_t frame = 0; frame < 5; ++frame) load(policy, frame);
    frames_of frames(5);
    frames.in_use[0] = true;
    CHECK(policy.victim(frames) == 1);
    policy.on_leave(2); // the hand stands there
    CHECK(policy.victim(frames) == 3);
    CHECK(policy.victim(frames) == 4);
    CHECK(policy.victim(frames) == no_frame);
    frames.in_use[0] = false;
    CHECK(policy.victim(frames) == 0);
    CHECK(policy.victim(frames) == no_frame);
    policy.on_leave(0);
}
