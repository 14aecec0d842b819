// A page at random goes. No state, no cost on a hit, and no order of requests that it is worst at;
// on a loop that does not fit it keeps what lru and fifo lose.
// Source of the numbers: S. Vigna, "An experimental exploration of Marsaglia's xorshift
// generators, scrambled", 2016 (xorshift64*). The seed is fixed: runs can be repeated.
// Thread-safety: called under the cache's latch.
#pragma once

#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>

namespace quire::replacement {

class random : public policy_base {
public:
    static constexpr std::string_view name = "random";

    void reset(std::uint32_t frames, std::uint32_t) noexcept {
        frames_ = frames;
        state_ = 0x9E3779B97F4A7C15U;
    }
    // A few throws; then, so that one page among many occupied frames is found, a walk.
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        if (frames_ == 0) return no_frame;
        for (int throws = 0; throws < 16; ++throws)
            if (const std::uint32_t frame = next(); frames.take(frame)) return frame;
        std::uint32_t frame = next();
        for (std::uint32_t looked = 0; looked < frames_; ++looked) {
            if (frames.take(frame)) return frame;
            frame = frame + 1 == frames_ ? 0 : frame + 1;
        }
        return no_frame;
    }

private:
    [[nodiscard]] std::uint32_t next() noexcept {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        const std::uint64_t drawn = (state_ * 0x2545F4914F6CDD1DU) >> 32;
        return static_cast<std::uint32_t>(drawn * frames_ >> 32);
    }

    std::uint32_t frames_ = 0;
    std::uint64_t state_ = 1;
};

} // namespace quire::replacement
