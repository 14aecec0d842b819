// A replacement policy by itself: how many requests of a trace it would have answered from memory.
// Takes no part in a store; for comparing policies and sizing caches (benchmarks/replay).
#pragma once

#include <cstdint>
#include <span>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>

namespace quire::replacement {

// Hits of the trace with that many frames, which are empty at first. Does what a cache does: asks
// the policy only when all frames are full. Every page of the trace is below `pages`; 5 bytes are
// taken for each, and what the policy takes for each frame. Requires: frames > 0.
template <replacement_policy Policy>
[[nodiscard]] std::uint64_t simulate(std::span<const std::uint32_t> trace, std::uint32_t pages,
                                     std::uint32_t frames) {
    class state {
    public:
        state(std::uint32_t pages, std::uint32_t frames) {
            frame_of.resize(pages);
            page_in.resize(frames);
            marked.resize(frames);
        }
        [[nodiscard]] frame_use ask(std::uint32_t frame) noexcept {
            if (page_in[frame] == page_id::none) return frame_use::occupied;
            if (!marked[frame]) {
                marked[frame] = true;
                return frame_use::used;
            }
            return take(frame) ? frame_use::unused : frame_use::occupied;
        }
        [[nodiscard]] bool take(std::uint32_t frame) noexcept {
            if (page_in[frame] == page_id::none) return false;
            frame_of[to_integer(page_in[frame])] = 0;
            page_in[frame] = page_id::none;
            return true;
        }
        [[nodiscard]] page_id incoming() const noexcept { return wanted; }

        growing_array<std::uint32_t> frame_of; // by page, plus 1; 0: not in memory
        growing_array<page_id> page_in;        // by frame
        growing_array<bool> marked;            // by frame
        page_id wanted = page_id::none;
    };
    state in(pages, frames);
    Policy policy;
    policy.reset(frames, frames);
    std::uint64_t hits = 0;
    std::uint32_t filled = 0;
    for (const std::uint32_t page : trace) {
        if (const std::uint32_t at = in.frame_of[page]; at != 0) {
            ++hits;
            in.marked[at - 1] = false;
            if constexpr (Policy::wants_hits) policy.on_hit(at - 1);
            continue;
        }
        in.wanted = static_cast<page_id>(page);
        const std::uint32_t frame = filled < frames ? filled++ : policy.victim(in);
        if (frame == no_frame) continue; // the policy breaks its law; the page passes by
        in.page_in[frame] = in.wanted;
        in.frame_of[page] = frame + 1;
        in.marked[frame] = !Policy::load_is_use;
        policy.on_load(frame, in.wanted, arrival::wanted);
    }
    return hits;
}

} // namespace quire::replacement
