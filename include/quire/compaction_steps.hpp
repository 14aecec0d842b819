// Automatic compaction: small steps that follow commits while much of the store is free.
//
// A step moves a few pages from the end of the store to free places before them, and gives up the
// end once it is free; it packs no leaves, makes nothing durable and waits for nobody: what it
// moved is written with the next commit or checkpoint that writes, which also makes the places free
// that it left. If another writer is at work, there is no step. Steps come once in `step_weight`
// changes, so a change bears the cost of a fraction of a page that moves.
//
// A step that fails, for want of room or memory or because a page cannot be read, is undone, and
// the commit that it followed is none the wiser; the next steps are put off.
//
// Thread-safety: any thread may commit; one takes the step.
#pragma once

#include <atomic>
#include <cstdint>

#include <quire/core/ids.hpp>
#include <quire/record_change.hpp>
#include <quire/tree/relocate.hpp>
#include <quire/txn/compacting.hpp>

namespace quire::detail {

template <class Types>
class compaction_steps final : public commit_follower {
    using store = typename Types::store;
    using space = txn::compacting<store>;
    using relocator = tree::relocator<typename Types::layout, space>;

public:
    // While the share of free pages is above `share`. Throws std::bad_alloc.
    compaction_steps(store& s, writer_state<Types>& state, double share)
        : store_(s), state_(state), space_(s),
          relocator_(space_, s.root(Types::tree_index), state.work), share_(share) {
        at_.at_end = true;
    }

    void committed(unsigned changes) noexcept override {
        const typename space::page_counts now = space_.counts();
        if (QUIRE_LIKELY(!is_due(now)) && !trimmed_.load(std::memory_order_relaxed)) return;
        if (busy_.exchange(true, std::memory_order_acquire)) return;
        weight_ += changes;
        if (weight_ >= step_weight && (resting_ == 0 || --resting_ == 0)) {
            weight_ = 0;
            try {
                if (trimmed_ && space_.try_shorten()) trimmed_ = false;
                if (is_due(now)) step(now);
            } catch (...) {
                resting_ = longest_rest; // a poisoned store says so with the next change
            }
        }
        busy_.store(false, std::memory_order_release);
    }

private:
    // Changes from one step to the next, and pages that it moves at most.
    static constexpr unsigned step_weight = 64;
    static constexpr std::uint32_t step_pages = 16;
    // Inner pages that it looks at, at most.
    static constexpr int step_looks = 4;
    // A store of fewer pages is left alone.
    static constexpr std::uint64_t least_pages = 64;
    static constexpr std::uint32_t longest_rest = 4096; // steps that are left out

    [[nodiscard]] bool is_due(const typename space::page_counts& now) const noexcept {
        return now.all >= least_pages &&
               static_cast<double>(now.free) > share_ * static_cast<double>(now.all);
    }

    void step(const typename space::page_counts& now) {
        const bool begins = at_.at_end;
        if (begins) begin_pass(now);
        bool found = false;
        for (int n = 0; !begins && !found && !at_.at_end && n < step_looks; ++n)
            found = store_.with_current(Types::tree_index, [&](const format::root_record& root) {
                return relocator::worth_a_step(store_.cache(), root, at_, aim_, done_);
            });
        if ((!begins && !found) || !store_.try_begin(0)) return;
        try {
            const std::uint64_t cost =
                relocator::most_pages(store_.root(Types::tree_index).level, step_pages);
            if (begins) {
                if (space_.trim()) trimmed_ = true;
            } else if (store_.space().free().size() > cost + 6) {
                state_.trail = {};
                store_.changing(static_cast<std::uint32_t>(cost / 3),
                                [&] { relocator_.step(at_, aim_, done_); });
            }
        } catch (...) {
            store_.roll_back();
            throw;
        }
        space_.commit_moved(space::publishing::later);
    }
    // The pages that are to move lie behind all that the store would have without most of the free
    // ones. A pass that has not made it shorter is followed by a rest, each longer than the one
    // before: a snapshot may hold its end.
    void begin_pass(const typename space::page_counts& now) noexcept {
        rest_ = now.all < shortest_ ? 1 : rest_ < longest_rest ? 2 * rest_ : rest_;
        shortest_ = now.all;
        if (rest_ > 1) resting_ = rest_;
        at_ = {};
        aim_.limit = static_cast<page_id>(now.all - now.free / 4 * 3);
        aim_.children = step_pages;
        done_.lacks_room = false;
    }

    store& store_;
    writer_state<Types>& state_;
    space space_;
    relocator relocator_;
    const double share_;
    std::atomic<bool> busy_{false};
    std::atomic<bool> trimmed_{false}; // the store is shorter than its file
    // Of whoever made it busy.
    unsigned weight_ = 0;
    std::uint32_t resting_ = 0;
    std::uint32_t rest_ = 1;
    std::uint64_t shortest_ = ~std::uint64_t{0};
    typename relocator::place at_;
    tree::relocation_aim aim_;
    tree::relocation_facts done_;
};

} // namespace quire::detail
