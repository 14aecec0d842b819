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

    void reset(std::uint32_t frames, std::uint32_t) noexcept {
        frames_ = frames;
        hand_ = 0;
    }

    // Gives up after two sweeps found nothing. O(frames) at worst, O(1) on average.
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        const std::uint64_t most = frames_ == 0 ? 0 : 2 * std::uint64_t{frames_} + 1;
        for (std::uint64_t looked = 0; looked < most; ++looked) {
            const std::uint32_t frame = hand_;
            hand_ = hand_ + 1 == frames_ ? 0 : hand_ + 1;
            if (frames.ask(frame) == frame_use::unused) return frame;
        }
        return no_frame;
    }

private:
    std::uint32_t frames_ = 0;
    std::uint32_t hand_ = 0;
};

} // namespace quire::replacement
