// S3-FIFO.
#include <quire/cache/replacement/s3_fifo.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include "agreement.hpp"

using namespace quire;
using namespace quire_test;
using replacement::no_frame;

TEST_CASE("s3_fifo is the textbook's") { agrees_with<replacement::s3_fifo>(textbook::s3_fifo); }

TEST_CASE("used twice in the small queue, a page moves to the main one") {
    replacement::s3_fifo policy;
    policy.reset(4, 4);
    for (std::uint32_t frame = 0; frame < 4; ++frame) load(policy, frame);
    policy.on_hit(0);
    policy.on_hit(0);
    policy.on_hit(1);
    frames_of frames(4);
    CHECK(policy.victim(frames) == 1); // once is not enough
    CHECK(policy.victim(frames) == 2);
    CHECK(policy.victim(frames) == 3);
    CHECK(policy.victim(frames) == 0);
    CHECK(policy.victim(frames) == no_frame);
}

TEST_CASE("s3_fifo finds the one page that can go, in a small queue that is short") {
    replacement::s3_fifo policy;
    policy.reset(20, 20);
    for (std::uint32_t frame = 0; frame < 20; ++frame) {
        load(policy, frame);
        if (frame >= 17) continue;
        policy.on_hit(frame);
        policy.on_hit(frame);
    }
    frames_of frames(20);
    frames.in_use.assign(20, true);
    CHECK(policy.victim(frames) == no_frame);
    frames.in_use[19] = false;
    CHECK(policy.victim(frames) == 19);
    policy.reset(20, 20);
    for (std::uint32_t frame = 0; frame < 20; ++frame) load(policy, frame);
    for (std::uint32_t frame = 0; frame < 18; ++frame) frames.in_use[frame] = true;
    frames.in_use[18] = true;
    frames.in_use[19] = false;
    CHECK(policy.victim(frames) == 19);
}
