// Second chance: a hand sweeps the frames; a frame used since the hand's last visit is spared once.
// Source: F. J. Corbato, "A Paging Experiment with the Multics System", 1969.
//
// A hit costs nothing: the hand itself marks a page as "not used since" in the translation entry
// that every reader loads anyway, and only the reader that meets a mark removes it.
// Thread-safety: called under the cache's latch.
#pragma once

#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>

namespace quire::replacement {

class clock : public policy_base {
public:
    static constexpr std::string_view name = "clock";

    // Forgets everything; the cache has `frames` frames from now on.
    void reset(std::uint32_t frames) noexcept {
        frames_ = frames;
        hand_ = 0;
    }

    // The next frame to give up, or no_frame when two sweeps found none. `examine` says what a
    // frame is, and marks it when it answers `used`. O(frames) at worst, O(1) on average.
    template <class Examine>
    [[nodiscard]] std::uint32_t victim(Examine&& examine) noexcept {
        for (std::uint64_t looked = 0; looked < 2 * std::uint64_t{frames_} + 1; ++looked) {
            const std::uint32_t frame = hand_;
            hand_ = hand_ + 1 == frames_ ? 0 : hand_ + 1;
            if (examine(frame) == frame_use::unused) return frame;
        }
        return no_frame;
    }

private:
    std::uint32_t frames_ = 0;
    std::uint32_t hand_ = 0;
};

} // namespace quire::replacement
