// The clock: its hand goes round, spares what was used once, and gives up after two rounds.
#include <quire/cache/replacement/clock.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

using quire::replacement::clock;
using quire::replacement::frame_use;
using quire::replacement::no_frame;

namespace {

// Frames as the cache sees them.
struct frames {
    enum class state : std::uint8_t { occupied, touched, marked };
    std::vector<state> at;
    std::uint32_t examined = 0;

    explicit frames(std::size_t n, state all = state::touched) : at(n, all) {}
    frame_use ask(std::uint32_t f) noexcept {
        ++examined;
        if (at[f] == state::occupied) return frame_use::occupied;
        if (at[f] == state::marked) return frame_use::unused;
        at[f] = state::marked;
        return frame_use::used;
    }
};

} // namespace

TEST_CASE("the clock spares a used frame once, in the order of the hand") {
    clock c;
    c.reset(4, 4);
    frames f(4);
    CHECK(c.victim(f) == 0);
    CHECK(f.examined == 5); // all four marked, then the first again
    CHECK(c.victim(f) == 1);
    CHECK(c.victim(f) == 2);
    f.at[3] = frames::state::touched;
    f.at[0] = f.at[1] = f.at[2] = frames::state::occupied;
    CHECK(c.victim(f) == 3);
    CHECK(f.examined == 5 + 1 + 1 + 5);
}

TEST_CASE("a frame used between two visits stays, the others go") {
    clock c;
    c.reset(8, 8);
    frames f(8);
    for (int round = 0; round < 100; ++round) {
        f.at[5] = frames::state::touched;
        const std::uint32_t victim = c.victim(f);
        REQUIRE(victim != no_frame);
        REQUIRE(victim != 5);
        f.at[victim] = frames::state::touched; // another page moves in
    }
}

TEST_CASE("the clock passes over frames that cannot be given up") {
    clock c;
    c.reset(5, 5);
    frames f(5, frames::state::occupied);
    CHECK(c.victim(f) == no_frame);
    CHECK(f.examined <= 2 * 5 + 1);
    f.at[3] = frames::state::marked;
    CHECK(c.victim(f) == 3);
}

TEST_CASE("when every frame is used again at once the clock gives up") {
    clock c;
    c.reset(6, 6);
    struct {
        std::uint32_t examined = 0;
        frame_use ask(std::uint32_t) noexcept {
            ++examined;
            return frame_use::used;
        }
    } busy;
    CHECK(c.victim(busy) == no_frame);
    CHECK(busy.examined == 13);
}

TEST_CASE("a reset clock starts from the first frame, of as many as there are now") {
    clock c;
    c.reset(3, 3);
    frames f(3, frames::state::marked);
    CHECK(c.victim(f) == 0);
    CHECK(c.victim(f) == 1);
    c.reset(2, 2);
    frames g(2, frames::state::marked);
    CHECK(c.victim(g) == 0);
    CHECK(c.victim(g) == 1);
    CHECK(c.victim(g) == 0);
    clock fresh;
    CHECK(fresh.victim(f) == no_frame);
    CHECK(clock::name == "clock");
}
