// Least recently used: the page whose last use is longest ago goes.
// Source: P. J. Denning, "The Working Set Model for Program Behavior", 1968, and textbooks since.
//
// Wants every hit: a reader notes them in batches, see page_cache.hpp. Loops slightly larger than
// the cache and long scans are what it is worst at; pages of a scan come in at the cold end.
// Thread-safety: called under the cache's latch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/cache/replacement/lists.hpp>

namespace quire::replacement {

class lru : public policy_base {
public:
    static constexpr std::string_view name = "lru";
    static constexpr bool wants_hits = true;
    static constexpr std::size_t bytes_per_frame = detail::linked_lists::bytes_per_element;

    void reset(std::uint32_t frames, std::uint32_t) { recency_.reset(frames); }
    void on_load(std::uint32_t frame, page_id, arrival why) noexcept {
        if (why == arrival::once) recency_.push_tail(frame);
        else recency_.push_head(frame);
    }
    void on_hit(std::uint32_t frame) noexcept {
        if (recency_.in_any(frame)) recency_.move_to_head(frame);
    }
    void on_leave(std::uint32_t frame) noexcept { recency_.remove(frame); }
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        return detail::take_oldest(recency_, 0, frames);
    }

private:
    detail::linked_lists recency_;
};

} // namespace quire::replacement
