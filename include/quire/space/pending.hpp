// Pages that nothing current reaches but that somebody older still may: a reader in flight, a
// snapshot, or the durable root that a crash would go back to.
//
// A run born in version b and freed in version f may be reused when
//   - every operation that began before f was published has ended,
//   - no snapshot v with b <= v < f is open,
//   - no durable root reaches it: b is newer than the durable version, or f is not.
// So a long-lived snapshot keeps only the pages that it can see.
// Thread-safety: none; owned by the writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <quire/cache/epoch.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>

namespace quire::space {

// Neighbouring pages freed together: one page, or an overflow run.
struct freed_run {
    page_id first;
    std::uint32_t pages;
    version birth;
};

class pending {
public:
    // Of a version that readers do not see yet.
    static constexpr auto unseen = static_cast<cache::epoch_stamp>(~std::uint64_t{0});

    // The runs freed by committed version `freed`, whose operations in flight end with `stamp`, or
    // with one that seen() tells later; the list is empty afterwards. Throws std::bad_alloc without
    // effect.
    void add(growing_array<freed_run>& runs, version freed, cache::epoch_stamp stamp) {
        prepare(runs.size());
        for (const freed_run& run : runs) {
            in_flight_.push_back({run, freed, stamp});
            pages_ += run.pages;
        }
        runs.clear();
    }
    // Makes the next add of that many runs noexcept.
    void prepare(std::size_t runs) {
        if (in_flight_.capacity() - in_flight_.size() < runs)
            in_flight_.reserve(2 * in_flight_.size() + runs);
    }

    // Readers see version v and those before it: operations that do not end with `stamp`.
    void seen(version v, cache::epoch_stamp stamp) noexcept {
        for (std::size_t n = in_flight_.size(); n-- != 0 && in_flight_[n].stamp == unseen;)
            if (in_flight_[n].freed <= v) in_flight_[n].stamp = stamp;
    }

    // How many runs, oldest first, no operation in flight can see any more. To be asked before the
    // open snapshots are looked up: an operation may end by becoming a snapshot.
    template <class Passed>
    [[nodiscard]] std::size_t ready(Passed&& passed) const {
        std::size_t n = 0;
        bool known = false;
        for (; n < in_flight_.size(); ++n) {
            if (known && in_flight_[n].stamp == in_flight_[n - 1].stamp) continue;
            if (in_flight_[n].stamp == unseen || !passed(in_flight_[n].stamp)) break;
            known = true;
        }
        return n;
    }

    // Hands every run of the first `ready`, and of those looked at before, that may be reused now
    // to `release(run)` (noexcept). `snapshots`: open versions, ascending. Throws std::bad_alloc
    // without effect.
    template <class Release>
    void collect(std::size_t ready, std::span<const version> snapshots, version durable,
                 Release&& release) {
        // Each run moves to one list at most.
        undurable_.reserve(undurable_.size() + ready + seen_.size());
        seen_.reserve(seen_.size() + ready + undurable_.size());
        blockers_.reserve(blockers_.size() + snapshots.size());
        for (std::size_t n = 0; n < ready; ++n) settle(in_flight_[n], snapshots, durable, release);
        if (ready != 0) {
            const std::size_t left = in_flight_.size() - ready;
            move_bytes(reinterpret_cast<std::byte*>(in_flight_.data()),
                       reinterpret_cast<const std::byte*>(in_flight_.data() + ready),
                       left * sizeof(waiting));
            in_flight_.shorten(left);
        }
        if (durable != settled_durable_) {
            settled_durable_ = durable;
            std::size_t kept = 0;
            for (std::size_t n = 0; n < undurable_.size(); ++n) {
                const waiting run = undurable_[n];
                if (run.freed > durable) undurable_[kept++] = run;
                else settle(run, snapshots, durable, release);
            }
            undurable_.shorten(kept);
        }
        if (!a_blocker_closed(snapshots)) return;
        blockers_.clear();
        const std::size_t before = seen_.size();
        std::size_t kept = 0;
        for (std::size_t n = 0; n < before; ++n) {
            const waiting run = seen_[n];
            if (seer_of(run, snapshots) != nullptr) {
                note_blocker(*seer_of(run, snapshots));
                seen_[kept++] = run;
            } else if (run.run.birth <= durable && run.freed > durable) {
                // What saw it was a checkpoint, whose root is the durable one now.
                undurable_.push_back(run);
            } else {
                pages_ -= run.run.pages;
                release(run.run);
            }
        }
        seen_.shorten(kept);
    }

    [[nodiscard]] std::uint64_t pages() const noexcept { return pages_; }

    // Calls visit(run) for every pending run.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const auto* const list : {&in_flight_, &undurable_, &seen_})
            for (const waiting& w : *list) visit(w.run);
    }

private:
    struct waiting {
        freed_run run;
        version freed;
        cache::epoch_stamp stamp;
    };

    // The oldest open snapshot that sees the run, or null.
    [[nodiscard]] static const version* seer_of(const waiting& w,
                                                std::span<const version> snapshots) noexcept {
        std::size_t low = 0;
        for (std::size_t high = snapshots.size(); low < high;) {
            const std::size_t middle = low + (high - low) / 2;
            if (snapshots[middle] < w.run.birth) low = middle + 1;
            else high = middle;
        }
        return low < snapshots.size() && snapshots[low] < w.freed ? &snapshots[low] : nullptr;
    }
    template <class Release>
    void settle(const waiting& w, std::span<const version> snapshots, version durable,
                Release& release) noexcept {
        if (w.run.birth <= durable && w.freed > durable) {
            undurable_.push_back(w);
        } else if (const version* const seer = seer_of(w, snapshots); seer != nullptr) {
            note_blocker(*seer);
            seen_.push_back(w);
        } else {
            pages_ -= w.run.pages;
            release(w.run);
        }
    }
    // Snapshots that keep a run of seen_; once one of them is closed, seen_ is looked through.
    void note_blocker(version v) noexcept {
        for (const version known : blockers_)
            if (known == v) return;
        blockers_.push_back(v);
    }
    [[nodiscard]] bool a_blocker_closed(std::span<const version> snapshots) const noexcept {
        for (const version v : blockers_) {
            std::size_t low = 0;
            for (std::size_t high = snapshots.size(); low < high;) {
                const std::size_t middle = low + (high - low) / 2;
                if (snapshots[middle] < v) low = middle + 1;
                else high = middle;
            }
            if (low == snapshots.size() || snapshots[low] != v) return true;
        }
        return false;
    }

    growing_array<waiting> in_flight_; // in order of their stamps
    growing_array<waiting> undurable_; // the durable root reaches them
    growing_array<waiting> seen_;      // a snapshot does
    growing_array<version> blockers_;
    version settled_durable_{};
    std::uint64_t pages_ = 0;
};

} // namespace quire::space
