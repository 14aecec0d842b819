// First in, first out: the page that came in longest ago goes, used or not.
//
// Knows nothing of use, so a hit costs nothing, and a scan drives out everything. A measure for
// others, and enough where every page is as good as another.
// Thread-safety: called under the cache's latch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/cache/replacement/lists.hpp>

namespace quire::replacement {

class fifo : public policy_base {
public:
    static constexpr std::string_view name = "fifo";
    static constexpr std::size_t bytes_per_frame = detail::linked_lists::bytes_per_element;

    void reset(std::uint32_t frames, std::uint32_t) { queue_.reset(frames); }
    void on_load(std::uint32_t frame, page_id, arrival) noexcept { queue_.push_head(frame); }
    void on_leave(std::uint32_t frame) noexcept { queue_.remove(frame); }
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        return detail::take_oldest(queue_, 0, frames);
    }

private:
    detail::linked_lists queue_;
};

} // namespace quire::replacement
