// 2Q: pages come in through a short first-in-first-out queue, where further uses count as one.
// Those that are wanted again after they left it, while they are still remembered, are the ones
// worth keeping, least recently used.
// Source: T. Johnson, D. Shasha, "2Q: A Low Overhead High Performance Buffer Management Replacement
// Algorithm", VLDB 1994: the full version, with its suggestion of a quarter of the frames for the
// queue (Kin) and half as many pages remembered as there are frames (Kout).
// Thread-safety: called under the cache's latch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/cache/replacement/lists.hpp>

namespace quire::replacement {

class two_queue : public policy_base {
    static constexpr std::size_t in = 0;   // A1in
    static constexpr std::size_t main = 1; // Am
    using memory = detail::returning_pages;

public:
    static constexpr std::string_view name = "two_queue";
    static constexpr bool wants_hits = true;
    static constexpr std::size_t bytes_per_frame =
        detail::linked_lists::bytes_per_element + sizeof(page_id) + memory::bytes_per_element / 2;

    void reset(std::uint32_t frames, std::uint32_t pages) {
        lists_.reset(frames);
        pages_.clear();
        pages_.resize(frames);
        most_in_ = pages / 4 == 0 ? 1 : pages / 4;
        out_.reset(pages / 2 == 0 ? 1 : pages / 2);
    }
    void on_load(std::uint32_t frame, page_id page, arrival) noexcept {
        pages_[frame] = page;
        lists_.push_head(frame, out_.comes_back(page) ? main : in);
    }
    void on_hit(std::uint32_t frame) noexcept {
        if (lists_.contains(frame, main)) lists_.move_to_head(frame, main);
    }
    void on_leave(std::uint32_t frame) noexcept { lists_.remove(frame); }
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        out_.expect(frames.incoming());
        const bool from_in = lists_.size(in) > most_in_ || lists_.empty(main);
        std::uint32_t frame = detail::take_oldest(lists_, from_in ? in : main, frames);
        if (frame == detail::nil) frame = detail::take_oldest(lists_, from_in ? main : in, frames);
        else if (from_in) out_.push_head(pages_[frame]);
        return frame;
    }

private:
    detail::linked_lists lists_;
    growing_array<page_id> pages_; // by frame
    memory out_;                   // A1out
    std::uint32_t most_in_ = 1;
};

} // namespace quire::replacement
