// LRU-K: the page whose K-th last use is longest ago goes; one that was used less than K times goes
// before all others. Uses within the correlated reference period of one another count as one, and a
// page younger than that is spared. Uses are remembered for as many pages that left as there are
// frames.
// Source: E. J. O'Neil, P. E. O'Neil, G. Weikum, "The LRU-K Page Replacement Algorithm For Database
// Disk Buffering", SIGMOD 1993. Time is counted in loads and hits.
//
// A hit moves the page in a heap: O(log frames).
// Thread-safety: called under the cache's latch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quire/cache/replacement/concepts.hpp>
#include <quire/cache/replacement/lists.hpp>

namespace quire::replacement {

template <std::size_t K = 2, std::uint64_t CorrelatedPeriod = 0>
class lru_k : public policy_base {
    static_assert(K >= 1 && K <= 8, "quire: lru_k looks back 1 to 8 uses");

    struct history {
        std::array<std::uint64_t, K> uses{}; // the last first; 0: there was none
        std::uint64_t last = 0;              // correlated or not
    };
    using memory = detail::remembered_pages;

    struct facts {
        history seen;
        page_id page = page_id::none;
        std::uint32_t place = detail::nil; // in heap_
        bool refused = false;              // in victim
    };

public:
    static constexpr std::string_view name = K == 1   ? "lru_k<1>"
                                             : K == 2 ? "lru_k<2>"
                                             : K == 3 ? "lru_k<3>"
                                                      : "lru_k";
    static constexpr bool wants_hits = true;
    static constexpr std::size_t bytes_per_frame =
        sizeof(facts) + 2 * sizeof(std::uint32_t) + memory::bytes_per_element + sizeof(history);

    void reset(std::uint32_t frames, std::uint32_t pages) {
        facts_.clear();
        facts_.resize(frames);
        heap_.clear();
        heap_.reserve(frames);
        spared_.reserve(frames);
        left_.reset(pages);
        histories_.clear();
        histories_.resize(pages);
        now_ = 0;
    }
    void on_load(std::uint32_t frame, page_id page, arrival) noexcept {
        ++now_;
        facts& f = facts_[frame];
        f.page = page;
        history known = recall(page);
        for (std::size_t i = K - 1; i > 0; --i) known.uses[i] = known.uses[i - 1];
        known.uses[0] = now_;
        known.last = now_;
        f.seen = known;
        put_in(frame);
    }
    void on_hit(std::uint32_t frame) noexcept {
        ++now_;
        facts& f = facts_[frame];
        if (f.place == detail::nil) return;
        history& seen = f.seen;
        if (now_ - seen.last > CorrelatedPeriod) {
            const std::uint64_t correlated = seen.last - seen.uses[0];
            for (std::size_t i = K - 1; i > 0; --i)
                seen.uses[i] = seen.uses[i - 1] == 0 ? 0 : seen.uses[i - 1] + correlated;
            seen.uses[0] = now_;
            sink(f.place); // only ever later
        }
        seen.last = now_;
    }
    void on_leave(std::uint32_t frame) noexcept {
        if (facts_[frame].place != detail::nil) take_out(facts_[frame].place);
    }
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        std::uint32_t chosen = no_frame;
        while (chosen == no_frame && !heap_.empty()) {
            const std::uint32_t frame = heap_[0];
            take_out(0);
            if (!is_young(frame) && frames.take(frame)) chosen = frame;
            else spared_.push_back(frame); // reserved
        }
        while (chosen == no_frame) { // only young ones are left: the one used longest ago
            std::uint32_t oldest = no_frame;
            for (const std::uint32_t frame : spared_)
                if (is_young(frame) && !facts_[frame].refused &&
                    (oldest == no_frame || facts_[frame].seen.last < facts_[oldest].seen.last))
                    oldest = frame;
            if (oldest == no_frame) break;
            if (frames.take(oldest)) chosen = oldest;
            else facts_[oldest].refused = true;
        }
        for (const std::uint32_t frame : spared_) {
            facts_[frame].refused = false;
            if (frame != chosen) put_in(frame);
        }
        spared_.clear();
        if (chosen != no_frame) {
            const std::uint32_t at = left_.push_head(facts_[chosen].page);
            if (at != detail::nil) histories_[at] = facts_[chosen].seen;
        }
        return chosen;
    }

private:
    // Whether its last use is within the period before the use that room is made for.
    [[nodiscard]] bool is_young(std::uint32_t frame) const noexcept {
        return now_ + 1 - facts_[frame].seen.last <= CorrelatedPeriod;
    }
    // What is remembered of a page that left; it is forgotten there.
    [[nodiscard]] history recall(page_id page) noexcept {
        const std::uint32_t at = left_.find(page);
        if (at == detail::nil) return {};
        const history seen = histories_[at];
        left_.forget(at);
        return seen;
    }

    // A binary heap of frames, the one to give up first on top; facts_ know their places.
    [[nodiscard]] bool before(std::uint32_t left, std::uint32_t right) const noexcept {
        const history& l = facts_[left].seen;
        const history& r = facts_[right].seen;
        return l.uses[K - 1] != r.uses[K - 1] ? l.uses[K - 1] < r.uses[K - 1]
                                              : l.uses[0] < r.uses[0];
    }
    void set(std::uint32_t place, std::uint32_t frame) noexcept {
        heap_[place] = frame;
        facts_[frame].place = place;
    }
    void put_in(std::uint32_t frame) noexcept {
        heap_.push_back(frame); // reserved
        rise(static_cast<std::uint32_t>(heap_.size() - 1), frame);
    }
    void take_out(std::uint32_t place) noexcept {
        facts_[heap_[place]].place = detail::nil;
        const std::uint32_t last = heap_.back();
        heap_.pop_back();
        if (place == heap_.size()) return;
        rise(place, last);
        sink(facts_[last].place);
    }
    void rise(std::uint32_t place, std::uint32_t frame) noexcept {
        while (place != 0 && before(frame, heap_[(place - 1) / 2])) {
            set(place, heap_[(place - 1) / 2]);
            place = (place - 1) / 2;
        }
        set(place, frame);
    }
    void sink(std::uint32_t place) noexcept {
        const std::uint32_t frame = heap_[place];
        for (;;) {
            std::uint32_t child = 2 * place + 1;
            if (child >= heap_.size()) break;
            if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
            if (!before(heap_[child], frame)) break;
            set(place, heap_[child]);
            place = child;
        }
        set(place, frame);
    }

    growing_array<facts> facts_; // by frame
    growing_array<std::uint32_t> heap_;
    growing_array<std::uint32_t> spared_; // scratch of victim
    memory left_;
    growing_array<history> histories_; // by number in left_
    std::uint64_t now_ = 0;
};

} // namespace quire::replacement
