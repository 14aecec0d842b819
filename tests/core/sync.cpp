#include <quire/core/sync.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/death.hpp"

TEST_CASE("a latch admits one thread at a time") {
    quire::latch latch;
    int count = 0; // not atomic: the latch is what makes it exact
    const auto work = [&] {
        for (int i = 0; i < 20'000; ++i) {
            const quire::latch_guard hold(latch);
            ++count;
        }
    };
    std::thread first{work};
    std::thread second{work};
    first.join();
    second.join();
    CHECK(count == 40'000);
}

TEST_CASE("a gate admits one holder, whichever thread lets it go") {
    quire::gate gate;
    gate.enter();
    CHECK_FALSE(gate.try_enter(0));
    std::thread{[&] { gate.leave(); }}.join();
    CHECK(gate.try_enter(0));
    gate.leave();
}

TEST_CASE("a guard leaves the gate that was entered, also on an exception") {
    quire::gate gate;
    gate.enter();
    try {
        const quire::gate_guard leave(gate);
        CHECK_FALSE(gate.try_enter(0));
        throw 1;
    } catch (int) {
    }
    CHECK(gate.try_enter(0));
    gate.leave();
}

TEST_CASE("who waits at a gate enters when it is left") {
    quire::gate gate;
    int inside = 0; // not atomic: the gate is what makes it exact
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) {
                gate.enter();
                ++inside;
                gate.leave();
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(inside == 4000);
}

TEST_CASE("a patient holder-to-be gets in within its time") {
    quire::gate gate;
    gate.enter();
    std::atomic<bool> entered{false};
    std::thread waiting{[&] { entered = gate.try_enter(60'000'000'000); }};
    gate.leave();
    waiting.join();
    CHECK(entered);
    CHECK_FALSE(gate.try_enter(0));
    gate.leave();
}

TEST_CASE("waiting ends when the time is over") {
    quire::gate gate;
    gate.enter();
    timespec before{};
    timespec after{};
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK_FALSE(gate.try_enter(2'000'000));
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1'000'000'000 + (after.tv_nsec - before.tv_nsec) >=
          2'000'000);
    gate.leave();
}

#if QUIRE_ASSERTIONS
TEST_CASE("leaving a gate that nobody holds is found") {
    CHECK(quire_test::death_of([] {
              quire::gate gate;
              gate.leave();
          }).says("only the holder leaves a gate"));
}
#endif
