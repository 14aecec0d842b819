// LRU-K.
#include <quire/cache/replacement/lru_k.hpp>

#include <cstddef>

#include <doctest/doctest.h>

#include "agreement.hpp"

using namespace quire;
using namespace quire_test;
using replacement::no_frame;

using lru_3_20 = replacement::lru_k<3, 20>;

TEST_CASE("lru_k is the paper's") {
    agrees_with<replacement::lru_k<1>>(
        [](const auto& trace, std::size_t frames) { return textbook::lru_k<1>(trace, frames, 0); });
    agrees_with<replacement::lru_k<2>>(
        [](const auto& trace, std::size_t frames) { return textbook::lru_k<2>(trace, frames, 0); });
    agrees_with<lru_3_20>([](const auto& trace, std::size_t frames) {
        return textbook::lru_k<3>(trace, frames, 20);
    });
}

TEST_CASE("lru_k<1> is lru") { agrees_with<replacement::lru_k<1>>(textbook::lru); }

TEST_CASE("uses within the correlated period count as one, and the young are spared") {
    replacement::lru_k<2, 3> policy;
    policy.reset(3, 3);
    load(policy, 0);  // time 1
    policy.on_hit(0); // 2: correlated
    load(policy, 1);  // 3
    load(policy, 2);  // 4
    policy.on_hit(2); // 5
    frames_of frames(3);
    CHECK(policy.victim(frames) == 0); // at 6: the only one not young
    frames.in_use[1] = true;
    CHECK(policy.victim(frames) == 2); // all are young: the one used longest ago that can go
    CHECK(policy.victim(frames) == no_frame);
    frames.in_use[1] = false;
    CHECK(policy.victim(frames) == 1);
    CHECK(policy.victim(frames) == no_frame);
    policy.on_hit(1); // gone meanwhile
    policy.on_leave(1);
}
