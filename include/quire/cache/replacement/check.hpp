// The laws of a replacement policy that the compiler cannot check, tried out on random requests:
// for a test of a policy of your own.
#pragma once

#include <cstdint>
#include <string>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>

namespace quire::replacement {

namespace detail {

// Frames as a cache has them, and a note of what the policy does with them.
class tried_frames {
public:
    enum class holds : std::uint8_t { nothing, page, page_in_use };

    explicit tried_frames(std::uint32_t n) {
        state.resize(n);
        marked.resize(n);
        page.resize(n);
    }
    [[nodiscard]] frame_use ask(std::uint32_t n) noexcept {
        if (!may_ask(n) || state[n] != holds::page) return frame_use::occupied;
        if (marked[n]) {
            go(n);
            return frame_use::unused;
        }
        marked[n] = true;
        return frame_use::used;
    }
    [[nodiscard]] bool take(std::uint32_t n) noexcept {
        if (!may_ask(n) || state[n] != holds::page) return false;
        go(n);
        return true;
    }
    [[nodiscard]] page_id incoming() const noexcept { return wanted; }

    growing_array<holds> state;
    growing_array<bool> marked;
    growing_array<page_id> page;
    page_id wanted = page_id::none;
    std::uint32_t gone = no_frame;
    std::uint64_t asked = 0;
    const char* broken = nullptr;

private:
    [[nodiscard]] bool may_ask(std::uint32_t n) noexcept {
        ++asked;
        if (n >= state.size()) broken = "it asks about a frame that there is not";
        else if (gone != no_frame) broken = "it asks again after a page went out";
        else if (asked > 64 * (state.size() + 1)) broken = "it does not come to an end";
        return broken == nullptr;
    }
    void go(std::uint32_t n) noexcept {
        state[n] = holds::nothing;
        gone = n;
    }
};

} // namespace detail

// The law that the policy breaks, as a sentence, or nothing. Tries caches of 1 to 200 frames with
// 20,000 requests in all, from a seed: the same seed, the same requests.
template <replacement_policy Policy>
[[nodiscard]] std::string broken_law(std::uint64_t seed) {
    using holds = detail::tried_frames::holds;
    std::uint64_t state = seed * 2 + 1;
    const auto below = [&state](std::uint32_t n) { // a linear congruential generator will do
        state = state * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::uint32_t>((state >> 33) % n);
    };
    Policy policy;
    for (int round = 0; round < 40; ++round) {
        const std::uint32_t count = 1 + below(200);
        const std::uint32_t pages = 1 + below(3 * count);
        const std::uint32_t in_use = below(100); // percent
        detail::tried_frames frames(count);
        policy.reset(count, count);
        for (int request = 0; request < 500; ++request) {
            const std::uint32_t n = below(count);
            switch (frames.state[n]) {
            case holds::page_in_use:
                frames.state[n] = holds::page;
                break;
            case holds::page:
                frames.marked[n] = false;
                if constexpr (Policy::wants_hits) policy.on_hit(n);
                if (below(8) == 0) { // changed, or given up by its owner
                    policy.on_leave(n);
                    frames.state[n] = holds::nothing;
                } else if (below(100) < in_use) {
                    frames.state[n] = holds::page_in_use;
                }
                break;
            case holds::nothing:
                break;
            }
            frames.wanted = below(16) == 0 ? page_id::none : static_cast<page_id>(1 + below(pages));
            std::uint32_t room = no_frame;
            bool any = false;
            for (std::uint32_t f = 0; f < count; ++f) {
                if (frames.state[f] == holds::nothing) room = f;
                any = any || frames.state[f] == holds::page;
                // Pages are in one frame at a time, but for what its owner still uses.
                if (frames.state[f] != holds::nothing && frames.page[f] == frames.wanted)
                    frames.wanted = page_id::none;
            }
            if (room == no_frame) {
                frames.gone = no_frame;
                frames.asked = 0;
                room = policy.victim(frames);
                if (frames.broken != nullptr) return frames.broken;
                if (room != frames.gone) return "it answers with another frame than went out";
                if (room == no_frame && any) return "it finds no frame though one can be given up";
            }
            if (room == no_frame || frames.wanted == page_id::none) continue;
            frames.state[room] = holds::page;
            frames.marked[room] = !Policy::load_is_use;
            frames.page[room] = frames.wanted;
            policy.on_load(room, frames.wanted, below(4) == 0 ? arrival::once : arrival::wanted);
        }
    }
    return {};
}

} // namespace quire::replacement
