// SIEVE: a queue in the order of arrival and a hand that goes from its old end to its new one. What
// was used since the hand passed stays where it is; the first page that was not goes.
// Source: Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, "SIEVE is Simpler than LRU: an
// Efficient Turn-Key Eviction Algorithm for Web Caches", NSDI 2024.
//
// Unlike the clock it puts new pages before the hand's reach and does not count their arrival as a
// use, so that pages wanted once leave soon. A hit costs nothing but the removal of a mark.
// Thread-safety: called under the cache's latch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/cache/replacement/lists.hpp>

namespace quire::replacement {

class sieve : public policy_base {
public:
    static constexpr std::string_view name = "sieve";
    static constexpr bool load_is_use = false;
    static constexpr std::size_t bytes_per_frame = detail::linked_lists::bytes_per_element;

    void reset(std::uint32_t frames, std::uint32_t) {
        queue_.reset(frames);
        hand_ = detail::nil;
    }
    void on_load(std::uint32_t frame, page_id, arrival) noexcept { queue_.push_head(frame); }
    void on_leave(std::uint32_t frame) noexcept {
        if (!queue_.in_any(frame)) return;
        if (hand_ == frame) hand_ = queue_.newer(frame);
        queue_.remove(frame);
    }
    // Gives up after two rounds found nothing. O(frames) at worst, O(1) on average.
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        const std::uint64_t most = 2 * std::uint64_t{queue_.size()} + 1;
        if (queue_.empty()) return no_frame;
        for (std::uint64_t looked = 0; looked < most; ++looked) {
            const std::uint32_t frame = hand_ == detail::nil ? queue_.tail() : hand_;
            hand_ = queue_.newer(frame);
            if (frames.ask(frame) != frame_use::unused) continue;
            queue_.remove(frame);
            return frame;
        }
        return no_frame;
    }

private:
    detail::linked_lists queue_;
    std::uint32_t hand_ = detail::nil; // nil: at the tail
};

} // namespace quire::replacement
