// Automatic compaction: small steps that follow commits while much of the store is free and stays
// so.
//
// Between two checkpoints every page that changes needs a free one, and what it leaves is free with
// the next: pages that are free now and then are no surplus, and moving others onto them would only
// make the store longer. So what counts is the number of pages that have been free from one durable
// version to the next.
//
// A step moves a few pages from the end of the store to free places before them, and gives up the
// end once it is free; it packs no leaves, makes nothing durable and waits for nobody: what it
// moved is written with the next commit or checkpoint that writes, which also makes the places free
// that it left. If another writer is at work, there is no step. Steps come once in `step_weight`
// changes, so a change bears the cost of a fraction of a page that moves.
//
// Before a store is closed that has changed, pages of its end move to free places and then leaves
// are packed, for a second at most, if the share of free pages is above the same limit. A small one
// is compacted, if it would lose an eighth of its pages and 16 KiB.
//
// A step that fails, for want of room or memory or because a page cannot be read, is undone, and
// the commit that it followed is none the wiser; the next steps are put off.
//
// Thread-safety: any thread may commit; one takes the step.
#pragma once

#include <atomic>
#include <cstdint>

#include <quire/compaction.hpp>
#include <quire/core/ids.hpp>
#include <quire/record_change.hpp>
#include <quire/space_use.hpp>
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
          relocator_(space_, s.root(Types::tree_index), state.work), share_(share),
          opened_(s.committed_version()) {
        at_.at_end = true;
    }

    void committed(unsigned changes) noexcept override {
        typename space::page_counts now = space_.counts();
        note(now);
        now.free = surplus_.load(std::memory_order_relaxed);
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

    void closing() noexcept override {
        try {
            // Not while a transaction is open, which is a mistake that the store reports.
            if (store_.poisoned() || !space_.is_idle()) return;
            compactor<Types> all(store_, state_);
            const compaction_report found = all.look();
            if (store_.committed_version() == opened_) return; // nothing has changed
            const auto go_on = [](const compaction_report&) { return true; };
            if (is_small(found)) {
                if (gains(found)) static_cast<void>(all.run({}, go_on));
            } else if (is_due({found.pages, found.reclaimable})) {
                static_cast<void>(all.run({.milliseconds = closing_milliseconds}, go_on,
                                          compaction_kind::quick));
            }
        } catch (...) {
            // The store is closed as it is.
        }
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
    static constexpr std::uint64_t closing_milliseconds = 1000;
    // Of a store that is read to see how thin its leaves are, and what must be gained then.
    static constexpr std::uint64_t small_bytes = std::uint64_t{1} << 20;
    static constexpr std::uint64_t least_gain_bytes = std::uint64_t{16} << 10;

    [[nodiscard]] bool is_due(const typename space::page_counts& now) const noexcept {
        return now.all >= least_pages &&
               static_cast<double>(now.free) > share_ * static_cast<double>(now.all);
    }

    [[nodiscard]] static bool is_small(const compaction_report& found) noexcept {
        return found.pages * store::cache_type::page_size <= small_bytes;
    }
    // Of a small store.
    [[nodiscard]] bool gains(const compaction_report& found) {
        const space_use use = measure_space<Types>(
            store_, version_share<Types>(store_, store_.share_current()));
        const std::uint64_t gain =
            found.reclaimable + use.leaf - use.leaf_bytes / Types::layout::leaf_capacity;
        return gain >= found.pages / 8 && gain * store::cache_type::page_size >= least_gain_bytes;
    }

    // By any thread; that two of them mix their notes does no harm.
    void note(const typename space::page_counts& now) noexcept {
        constexpr auto relaxed = std::memory_order_relaxed;
        const version durable = space_.durable();
        if (cycle_.load(relaxed) != durable) {
            cycle_.store(durable, relaxed);
            surplus_.store(lowest_.load(relaxed), relaxed);
            lowest_.store(now.free, relaxed);
        } else if (now.free < lowest_.load(relaxed)) {
            lowest_.store(now.free, relaxed);
            if (now.free < surplus_.load(relaxed)) surplus_.store(now.free, relaxed);
        }
    }

    void step(const typename space::page_counts& now) {
        const bool begins = at_.at_end;
        if (begins) {
            // What the last pass moved is free with the next durable version.
            if (passed_in_ == space_.durable()) return;
            begin_pass(now);
        }
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
    // The pages that are to move lie behind all that the store would have without most of the
    // surplus. A pass that has not made it shorter is followed by a rest, each longer than the one
    // before: a snapshot may hold its end.
    void begin_pass(const typename space::page_counts& now) noexcept {
        passed_in_ = space_.durable();
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
    const version opened_; // what was committed then
    std::atomic<version> cycle_{version::none}; // durable, since lowest_ was begun
    std::atomic<std::uint64_t> lowest_{0};      // free pages in this cycle
    std::atomic<std::uint64_t> surplus_{0};     // and in this one or the one before
    std::atomic<bool> busy_{false};
    std::atomic<bool> trimmed_{false}; // the store is shorter than its file
    // Of whoever made it busy.
    unsigned weight_ = 0;
    std::uint32_t resting_ = 0;
    std::uint32_t rest_ = 1;
    std::uint64_t shortest_ = ~std::uint64_t{0};
    version passed_in_ = version::none; // what was durable when the last pass began
    typename relocator::place at_;
    tree::relocation_aim aim_;
    tree::relocation_facts done_;
};

} // namespace quire::detail
