// S3-FIFO: three first-in-first-out queues. Pages come in through a small one; those used more than
// once in it move to the main one, the others are remembered for a while and go straight to the
// main one if they come back. The main queue gives a page another round for each use, three at
// most.
// Source: J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, "FIFO queues are all you need for cache
// eviction", SOSP 2023; a tenth of the frames for the small queue, as many pages remembered as the
// main one holds.
// Thread-safety: called under the cache's latch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/cache/replacement/lists.hpp>

namespace quire::replacement {

class s3_fifo : public policy_base {
    static constexpr std::size_t small = 0;
    static constexpr std::size_t main = 1;
    static constexpr std::uint8_t most_uses = 3;
    using memory = detail::returning_pages;

    struct facts {
        page_id page = page_id::none;
        std::uint8_t uses = 0;
    };

public:
    static constexpr std::string_view name = "s3_fifo";
    static constexpr bool wants_hits = true;
    static constexpr std::size_t bytes_per_frame =
        detail::linked_lists::bytes_per_element + sizeof(facts) + memory::bytes_per_element;

    void reset(std::uint32_t frames, std::uint32_t pages) {
        queues_.reset(frames);
        facts_.clear();
        facts_.resize(frames);
        small_size_ = pages / 10 == 0 ? 1 : pages / 10;
        ghost_.reset(pages > small_size_ ? pages - small_size_ : 0);
    }
    void on_load(std::uint32_t frame, page_id page, arrival) noexcept {
        facts_[frame] = {page, 0};
        queues_.push_head(frame, ghost_.comes_back(page) ? main : small);
    }
    void on_hit(std::uint32_t frame) noexcept {
        if (facts_[frame].uses < most_uses) ++facts_[frame].uses;
    }
    void on_leave(std::uint32_t frame) noexcept { queues_.remove(frame); }
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        ghost_.expect(frames.incoming());
        // Each frame is met once in the small queue, and once for each use and once more in main.
        const std::uint64_t most =
            (most_uses + 3) * (std::uint64_t{queues_.size(small)} + queues_.size(main));
        std::uint32_t refused = 0; // of main, one after the other
        for (std::uint64_t looked = 0; looked < most; ++looked) {
            const bool from_small =
                !queues_.empty(small) && (queues_.size(small) >= small_size_ ||
                                          queues_.empty(main) || refused > queues_.size(main));
            const std::uint32_t frame = queues_.tail(from_small ? small : main);
            std::uint8_t& uses = facts_[frame].uses;
            if (from_small && uses > 1) {
                uses = 0;
            } else if (!from_small && uses > 0) {
                --uses;
            } else if (frames.take(frame)) {
                queues_.remove(frame);
                if (from_small) ghost_.push_head(facts_[frame].page);
                return frame;
            } else if (!from_small) {
                ++refused;
            }
            queues_.move_to_head(frame, main); // also when it cannot be given up now
        }
        return no_frame;
    }

private:
    detail::linked_lists queues_;
    growing_array<facts> facts_; // by frame
    memory ghost_;
    std::uint32_t small_size_ = 1;
};

} // namespace quire::replacement
