// Replacement policies as a user writes them.
#pragma once

#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>

namespace quire_test {

// docs:anywhere
// Second chance without a memory of where the last sweep ended: each begins at a random frame. The
// second round always finds what the first one marked.
class anywhere : public quire::replacement::policy_base {
public:
    static constexpr std::string_view name = "anywhere";

    void reset(std::uint32_t frames, std::uint32_t) noexcept { frames_ = frames; }

    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        random_ = random_ * 1664525 + 1013904223;
        for (std::uint64_t looked = 0; looked < 2 * std::uint64_t{frames_}; ++looked) {
            const auto frame = static_cast<std::uint32_t>((random_ + looked) % frames_);
            if (frames.ask(frame) == quire::replacement::frame_use::unused) return frame;
        }
        return quire::replacement::no_frame;
    }

private:
    std::uint32_t frames_ = 0;
    std::uint32_t random_ = 1;
};
static_assert(quire::replacement::replacement_policy<anywhere>);
// docs:end

} // namespace quire_test
