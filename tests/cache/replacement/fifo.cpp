// First in, first out.
#include <quire/cache/replacement/fifo.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include "agreement.hpp"

using namespace quire;
using namespace quire_test;
using replacement::no_frame;

TEST_CASE("fifo is the textbook's") { agrees_with<replacement::fifo>(textbook::fifo); }

TEST_CASE("fifo gives up in the order of arrival and passes over what is in use") {
    replacement::fifo policy;
    policy.reset(4, 4);
    for (const std::uint32_t frame : {2U, 0U, 3U, 1U}) load(policy, frame);
    frames_of frames(4);
    frames.in_use[2] = true;
    CHECK(policy.victim(frames) == 0);
    policy.on_leave(3);
    CHECK(policy.victim(frames) == 1); // 2 went to the back of the queue
    CHECK(policy.victim(frames) == no_frame);
    frames.in_use[2] = false;
    CHECK(policy.victim(frames) == 2);
    CHECK(policy.victim(frames) == no_frame);
    policy.reset(1, 1);
    load(policy, 0);
    CHECK(policy.victim(frames) == 0);
}
