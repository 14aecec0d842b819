// ARC, the adaptive replacement cache: pages used once lately (T1) and pages used more often (T2),
// each least recently used, and the memory of those that left either (B1, B2). A page that is
// wanted again soon after it left one of them makes that one larger.
// Source: N. Megiddo, D. S. Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003,
// figure 4; p and its steps are real numbers here.
// Thread-safety: called under the cache's latch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/cache/replacement/lists.hpp>

namespace quire::replacement {

class arc : public policy_base {
    static constexpr std::size_t once = 0;  // T1, and B1 among the remembered
    static constexpr std::size_t often = 1; // T2, and B2
    using memory = detail::remembered_pages;

public:
    static constexpr std::string_view name = "arc";
    static constexpr bool wants_hits = true;
    static constexpr std::size_t bytes_per_frame =
        detail::linked_lists::bytes_per_element + sizeof(page_id) + memory::bytes_per_element;

    void reset(std::uint32_t frames, std::uint32_t pages) {
        lists_.reset(frames);
        pages_.clear();
        pages_.resize(frames);
        left_.reset(pages + 1);
        most_ = pages;
        target_ = 0;
        known_ = page_id::none;
    }
    void on_load(std::uint32_t frame, page_id page, arrival) noexcept {
        if (known_ != page) meet(page); // no room had to be made for it
        pages_[frame] = page;
        lists_.push_head(frame, known_ == page && known_often_ ? often : once);
        known_ = page_id::none;
    }
    void on_hit(std::uint32_t frame) noexcept {
        if (lists_.in_any(frame)) lists_.move_to_head(frame, often);
    }
    void on_leave(std::uint32_t frame) noexcept { lists_.remove(frame); }
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        const page_id wanted = frames.incoming();
        bool from_often_left = false;
        bool forget_it = false;
        if (wanted != page_id::none && known_ != wanted) {
            const std::uint32_t at = left_.find(wanted);
            from_often_left = at != detail::nil && left_.is_in(at, often);
            meet(wanted);
            if (at == detail::nil) { // case IV: neither in memory nor remembered
                const std::uint32_t c = most_;
                if (lists_.size(once) + left_.size(once) >= c) {
                    if (lists_.size(once) < c) left_.forget_oldest(once);
                    else forget_it = true;
                } else if (lists_.size(once) + lists_.size(often) + left_.size(once) +
                               left_.size(often) >=
                           2 * c) {
                    left_.forget_oldest(often);
                }
            }
        }
        const auto ones = static_cast<double>(lists_.size(once));
        const bool from_once =
            forget_it || lists_.empty(often) ||
            (!lists_.empty(once) && (ones > target_ || (from_often_left && ones == target_)));
        std::size_t list = from_once ? once : often;
        std::uint32_t frame = detail::take_oldest(lists_, list, frames);
        if (frame == detail::nil) {
            list = 1 - list;
            frame = detail::take_oldest(lists_, list, frames);
        }
        if (frame != detail::nil && !forget_it) left_.push_head(pages_[frame], list);
        return frame;
    }

private:
    // Cases II and III: the page is wanted again after it left.
    void meet(page_id page) noexcept {
        known_ = page;
        const std::uint32_t at = left_.find(page);
        known_often_ = at != detail::nil;
        if (!known_often_) return;
        const auto ones = static_cast<double>(left_.size(once));
        const auto others = static_cast<double>(left_.size(often));
        const auto most = static_cast<double>(most_);
        if (left_.is_in(at, once)) {
            target_ += others > ones ? others / ones : 1;
            if (target_ > most) target_ = most;
        } else {
            target_ -= ones > others ? ones / others : 1;
            if (target_ < 0) target_ = 0;
        }
        left_.forget(at);
    }

    detail::linked_lists lists_;
    growing_array<page_id> pages_; // by frame
    memory left_;
    std::uint32_t most_ = 0;        // c
    double target_ = 0;             // p: what T1 should have
    page_id known_ = page_id::none; // the page that room was made for
    bool known_often_ = false;      // it was remembered
};

} // namespace quire::replacement
