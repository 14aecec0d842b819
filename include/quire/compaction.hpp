// Compaction: makes a store's file as short as what it holds, a few pages at a time, beside readers
// and writers. btree_map::compact is its face.
//
//   pack     neighbouring leaves that are thin become fewer (tree/packing.hpp)
//   move     pages at the end of the file go to free places before them (tree/relocate.hpp)
//   settle   what moved becomes durable, and what it left behind free (txn/compacting.hpp)
//   shorten  the file is cut
//   punch    long runs of free pages that stay, since snapshots or the budget kept what lies behind
//            them from moving, give their blocks back where the file system takes them
//
// What a pass has to do is looked for outside the writer's place; there, it is a transaction of at
// most a few dozen pages, which changes no record. Between two of them, whoever waits comes first,
// and there is a rest twice as long as the step was, for those who wait for nothing but memory.
//
// Cost: every leaf is read once, to be packed, and where the map may have overflow runs once more
// for each pass that moves. Pages are written to new places only: half full leaves cost half a page
// for each page that there was, and as they go to the lowest free places, few of them move again.
// A store without free pages grows by `step_pages` for as long as it takes to free some.
//
// Invariants:
//   1. pages written, those of the free map included, are at most the budget
//   2. the file does not end longer than it was, whatever stops the compaction, unless others write
//      or take snapshots meanwhile, or the medium fails
// Thread-safety: one thread's; any number of compactors work beside each other.
#pragma once

#include <cstdint>
#include <ctime>
#include <utility>

#include <quire/core/ids.hpp>
#include <quire/record_change.hpp>
#include <quire/tree/relocate.hpp>
#include <quire/txn/compacting.hpp>

namespace quire {

// How much a compaction may do.
struct compaction_budget {
    std::uint64_t pages = ~std::uint64_t{0};        // written
    std::uint64_t milliseconds = ~std::uint64_t{0}; // until it begins to end
};

// What a compaction found, or has done so far.
struct compaction_report {
    std::uint64_t pages_before = 0; // of the store, when it began
    std::uint64_t pages = 0;        // of the store
    // By how many of `pages` the store can become shorter: those that are free, or will be as soon
    // as what replaced them is durable. What packing leaves saves is not known before they are
    // read.
    std::uint64_t reclaimable = 0;
    // Pages that nothing but an old snapshot, or an iterator, keeps from being free.
    std::uint64_t kept_by_snapshots = 0;
    std::uint64_t moved = 0;   // pages that went to a lower place
    std::uint64_t saved = 0;   // pages that packing made superfluous
    std::uint64_t written = 0; // pages
    std::uint64_t punched = 0; // free pages that stay, but whose blocks the file system has back
    bool stopped = false;      // by its budget, or by whoever was asked
};

namespace detail {

// `quick` moves pages before it packs leaves, for it may have to stop, and makes room only when
// there is none: nobody else is at work.
enum class compaction_kind : std::uint8_t { whole, quick };

template <class Types>
class compactor {
    using store = typename Types::store;
    using layout = typename Types::layout;
    using relocator = tree::relocator<layout, txn::compacting<store>>;
    using place = typename relocator::place;

public:
    // Throws std::bad_alloc.
    compactor(store& s, writer_state<Types>& state)
        : store_(s), state_(state), space_(s),
          relocator_(space_, s.root(Types::tree_index), state.work) {}

    // Waits for the writer's place.
    [[nodiscard]] compaction_report look() {
        take_count();
        facts_.pages_before = facts_.pages;
        return facts_;
    }

    // Compacts; asks go_on(report) before the first step and after each. Throws io_error,
    // storage_full, corruption, poisoned, read_only, std::bad_alloc: the map's content is as it
    // was, and what has moved so far has moved.
    template <class GoOn>
    compaction_report run(const compaction_budget& budget, GoOn&& go_on,
                          compaction_kind kind = compaction_kind::whole) {
        store_.require_writable();
        kind_ = kind;
        budget_ = budget;
        began_ = txn::monotonic_microseconds();
        static_cast<void>(look());
        if (!go_on(static_cast<const compaction_report&>(facts_))) facts_.stopped = true;
        // Without transactions, what is not durable yet is changed in place and does not move.
        if (!facts_.stopped && (soon_ != 0 || (moves && !store::transactional)))
            settle_if_affordable(nowhere);
        if (kind == compaction_kind::quick) {
            move_all(go_on);
            shortest_ = ~std::uint64_t{0};
        }
        pack(go_on);
        move_all(go_on);
        end();
        return facts_;
    }

private:
    // Pages that a transaction moves at most, and by which a store without free ones may grow.
    static constexpr std::uint32_t step_pages = 48;
    // A transaction ends after so long, even if what it reads has to come from the medium.
    static constexpr std::uint64_t step_microseconds = 1000;
    // Pages that may wait to be settled: where commits wait for them, fewer.
    static constexpr std::uint64_t most_unsettled = store::logs ? 2048 : 256;
    static constexpr std::uint64_t least_unsettled = 64;
    // By which a round of moving shortens a store whose compaction may not come to its end, so that
    // what it has done by then has done some good.
    static constexpr std::uint64_t round_pages = 16384;
    static constexpr int most_ending_settles = 5;
    // In memory without transactions, pages change in place.
    static constexpr bool moves = store::on_device || store::transactional;
    static constexpr page_id nowhere = tree::relocation_aim::nowhere;

    [[nodiscard]] std::uint32_t children() const noexcept {
        const std::uint64_t frames = space_.some_frames() / 3;
        return frames < 2                     ? 2
               : frames < tree::most_children ? static_cast<std::uint32_t>(frames)
                                              : tree::most_children;
    }
    // In the writer's place.
    void look_at_costs() noexcept {
        const format::root_record& now = store_.root(Types::tree_index);
        level_ = now.level;
        step_cost_ = relocator::most_pages(now.level, children());
        settle_cost_ = space_.most_for_settling();
    }
    void take_count() {
        const txn::reclaimable_pages now = space_.count([this] { look_at_costs(); });
        facts_.pages = now.all;
        facts_.reclaimable = now.free + now.soon;
        facts_.kept_by_snapshots = now.kept;
        soon_ = now.soon;
        take_progress();
    }
    void take_progress() noexcept {
        facts_.written = space_.written();
        facts_.moved = done_.moved;
        facts_.saved = done_.saved;
    }

    // ---- limits ----

    // Whether `pages` more may be written, and all that comes at the end after them.
    [[nodiscard]] bool affords(std::uint64_t pages) const noexcept {
        if (ending_ || budget_.pages == ~std::uint64_t{0}) return true;
        return space_.written() + pages + reserved_ + most_ending_settles * settle_cost_ <=
               budget_.pages;
    }
    // Pages that a run may have which moves in a step of that cost.
    [[nodiscard]] std::uint64_t most_affordable(std::uint64_t cost) const noexcept {
        if (ending_ || budget_.pages == ~std::uint64_t{0}) return ~std::uint64_t{0};
        return budget_.pages - space_.written() - cost - reserved_ -
               most_ending_settles * settle_cost_;
    }
    [[nodiscard]] bool in_time() const noexcept {
        return ending_ || budget_.milliseconds == ~std::uint64_t{0} ||
               txn::monotonic_microseconds() - began_ < budget_.milliseconds * 1000;
    }

    // ---- passes ----

    template <class GoOn>
    void pack(GoOn&& go_on) {
        tree::relocation_aim aim;
        aim.packs = true;
        pass(aim, go_on);
    }
    template <class GoOn>
    void move_all(GoOn&& go_on) {
        if constexpr (moves)
            while (move(go_on)) {}
    }
    // False if there is nothing more to gain.
    template <class GoOn>
    bool move(GoOn&& go_on) {
        if (facts_.stopped) return false;
        if (unsettled_ != 0) settle_if_affordable(limit_);
        if (space_.has_free_end()) settle_if_affordable(limit_); // what became free is given up
        take_count();
        // Room for what the pages above those that move need on the way.
        const std::uint64_t spare = 2 * (level_ + 1) + settle_cost_;
        const std::uint64_t to = facts_.pages - facts_.reclaimable + spare;
        // A round that gains next to nothing is the last one.
        if (to >= facts_.pages || facts_.pages + facts_.pages / 256 >= shortest_) return false;
        shortest_ = facts_.pages;
        const bool may_stop = budget_.pages != ~std::uint64_t{0} ||
                              budget_.milliseconds != ~std::uint64_t{0};
        const bool by_rounds = may_stop && to + round_pages < facts_.pages;
        move_from(by_rounds ? facts_.pages - round_pages : to, go_on);
        return true;
    }
    template <class GoOn>
    void move_from(std::uint64_t first, GoOn&& go_on) {
        limit_ = static_cast<page_id>(first);
        tree::relocation_aim aim;
        aim.limit = limit_;
        if (done_.has_runs) { // before single pages take the places that they need together
            aim.moves_runs = true;
            aim.moves_pages = false;
            pass(aim, go_on);
        }
        aim.moves_runs = false;
        aim.moves_pages = true;
        pass(aim, go_on);
    }
    template <class GoOn>
    void pass(tree::relocation_aim aim, GoOn&& go_on) {
        aim.children = children();
        place at;
        while (!facts_.stopped && find(at, aim)) {
            done_.lacks_room = false;
            const std::uint64_t began = txn::monotonic_microseconds();
            const bool stays = !step(at, aim);
            if (facts_.stopped) return;
            const std::uint64_t frames = space_.some_frames();
            const std::uint64_t few = frames < least_unsettled ? least_unsettled : frames;
            const bool waits = stays || done_.lacks_room;
            if (waits && unsettled_ == 0) return; // there is no room, and none is to come
            const bool is_much = unsettled_ >= (few < most_unsettled ? few : most_unsettled);
            if (waits || (is_much && kind_ == compaction_kind::whole))
                settle_if_affordable(aim.limit == nowhere ? limit_ : aim.limit);
            take_progress();
            if (!go_on(static_cast<const compaction_report&>(facts_))) facts_.stopped = true;
            space_.let_others();
            if (store::transactional && kind_ == compaction_kind::whole)
                rest(2 * (txn::monotonic_microseconds() - began)); // docs/decisions/0023
        }
    }
    // Leaves the memory to others: readers, who wait for nobody, notice who moves pages beside them
    // all the time.
    static void rest(std::uint64_t microseconds) noexcept {
        if (microseconds > step_microseconds) microseconds = step_microseconds;
        const timespec pause{0, static_cast<long>(microseconds * 1000)};
        ::nanosleep(&pause, nullptr);
    }
    // Goes on to the next place where there is something to do; false at the end. Outside the
    // writer's place.
    [[nodiscard]] bool find(place& at, const tree::relocation_aim& aim) {
        while (!at.at_end) {
            if (!in_time()) {
                facts_.stopped = true;
                return false;
            }
            const bool found = store_.with_current(
                Types::tree_index, [&](const format::root_record& now) {
                    return relocator::worth_a_step(store_.cache(), now, at, aim, done_);
                });
            if (found) return true;
        }
        return false;
    }
    // A transaction. False if there was no room for it.
    [[nodiscard]] bool step(place& at, tree::relocation_aim aim) {
        bool did = false;
        space_.begin();
        try {
            state_.trail = {};
            const std::uint64_t before = space_.written();
            const std::uint64_t began = txn::monotonic_microseconds();
            for (; !at.at_end && space_.written() - before < step_pages; did = true) {
                look_at_costs();
                if (!affords(step_cost_)) {
                    facts_.stopped = true;
                    break;
                }
                if (!has_room()) break;
                aim.most_run_pages = most_affordable(step_cost_);
                // changing() reserves 3 * (level + 2) pages.
                store_.changing(static_cast<std::uint32_t>(step_cost_ / 3),
                                [&] { relocator_.step(at, aim, done_); });
                if (done_.lacks_room ||
                    txn::monotonic_microseconds() - began > step_microseconds) {
                    did = true;
                    break;
                }
            }
            unsettled_ += space_.written() - before;
        } catch (...) {
            space_.roll_back();
            throw;
        }
        space_.commit_moved();
        return did;
    }
    // In the writer's place: whether a step finds its pages among the free ones, or may lengthen
    // the store: a little, for a while, and only if nobody holds what would become free.
    [[nodiscard]] bool has_room() {
        if constexpr (!moves) return true;
        const std::uint64_t free = store_.space().free().size();
        if (free >= step_cost_ + 6) return true;
        if (store_.space().end() + step_cost_ + 6 - free >
            facts_.pages_before + step_pages + 2 * step_cost_)
            return false;
        if constexpr (Types::transactional)
            if (store_.held_versions().size() != 0) return false;
        const std::uint64_t before = reserved_;
        reserved_ = 2 * (step_pages + 2 * step_cost_); // to move it back
        if (affords(step_cost_)) return true;
        reserved_ = before;
        return false;
    }

    void settle_if_affordable(page_id limit) {
        if (!affords(settle_cost_)) {
            facts_.stopped = true;
            return;
        }
        settle(limit);
    }
    void settle(page_id limit) {
        space_.settle(limit);
        unsettled_ = 0;
    }

    // Moves back what made the store longer, gives up its free end, cuts the file.
    void end() {
        ending_ = space_.written() != 0 || !facts_.stopped;
        if (!ending_) return take_count();
        const bool stopped = std::exchange(facts_.stopped, false);
        if constexpr (!moves) {
            settle(nowhere);
        } else {
            if (unsettled_ != 0) settle(limit_);
            for (int n = 0; n < most_ending_settles; ++n) {
                take_count();
                if (!space_.has_free_end()) {
                    if (facts_.pages <= facts_.pages_before) break;
                    move_from(facts_.pages_before, [](const compaction_report&) { return true; });
                }
                settle(limit_);
            }
            space_.shorten();
            facts_.punched = space_.punch();
        }
        facts_.stopped = stopped;
        take_count();
    }

    store& store_;
    writer_state<Types>& state_;
    txn::compacting<store> space_;
    relocator relocator_;
    tree::relocation_facts done_;
    compaction_report facts_;
    compaction_budget budget_;
    compaction_kind kind_ = compaction_kind::whole;
    std::uint64_t began_ = 0;
    std::uint64_t unsettled_ = 0; // pages that moved since the last settle
    std::uint64_t reserved_ = 0;  // of the budget, to move back what made the store longer
    std::uint64_t soon_ = 0;      // pages that a settle makes free
    std::uint64_t shortest_ = ~std::uint64_t{0}; // the store, when a round of moving began
    page_id limit_ = nowhere;                    // the last one that pages were moved from
    std::uint32_t level_ = 0;
    std::uint64_t step_cost_ = 0; // pages, at most
    std::uint64_t settle_cost_ = 0;
    bool ending_ = false;
};

} // namespace detail

} // namespace quire
