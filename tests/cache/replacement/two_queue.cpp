// 2Q.
#include <quire/cache/replacement/two_queue.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include "agreement.hpp"

using namespace quire;
using namespace quire_test;
using replacement::arrival;
using replacement::no_frame;

TEST_CASE("two_queue is the textbook's") {
    agrees_with<replacement::two_queue>(textbook::two_queue);
}

TEST_CASE("a page that comes back after it left the first queue is kept longest") {
    replacement::two_queue policy;
    policy.reset(4, 4);
    for (std::uint32_t frame = 0; frame < 4; ++frame) load(policy, frame);
    frames_of frames(4);
    frames.wanted = page_id{200};
    CHECK(policy.victim(frames) == 0); // page 100
    policy.on_load(0, page_id{200}, arrival::wanted);
    frames.wanted = page_id{100};
    CHECK(policy.victim(frames) == 1);
    policy.on_load(1, page_id{100}, arrival::wanted);
    frames.wanted = page_id::none;
    CHECK(policy.victim(frames) == 2);
    CHECK(policy.victim(frames) == 3);
    CHECK(policy.victim(frames) == 1); // one in the first queue is not more than a quarter
    CHECK(policy.victim(frames) == 0);
    CHECK(policy.victim(frames) == no_frame);
}
