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

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <quire/cache/epoch.hpp>
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
    // The runs freed by committed version `freed`. Takes them over; throws std::bad_alloc without
    // effect.
    void add(std::vector<freed_run>& runs, version freed, cache::epoch_stamp stamp) {
        if (runs.empty()) return;
        prepare();
        for (const freed_run& run : runs) pages_ += run.pages;
        batches_.push_back({std::move(runs), freed, stamp});
        runs.clear();
    }
    // Makes the next add noexcept.
    void prepare() {
        if (batches_.size() == batches_.capacity()) batches_.reserve(2 * batches_.size() + 4);
    }

    // How many batches, oldest first, no operation in flight can see any more. To be asked before
    // the open snapshots are looked up: an operation may end by becoming a snapshot.
    template <class Passed>
    [[nodiscard]] std::size_t ready(Passed&& passed) const {
        std::size_t n = 0;
        while (n < batches_.size() && passed(batches_[n].stamp)) ++n;
        return n;
    }

    // Hands every run of the first `ready` batches, and of those looked at before, that may be
    // reused now to `release(run)` (noexcept). `snapshots`: open versions, ascending. A
    // std::bad_alloc inside leaves the rest pending.
    template <class Release>
    void collect(std::size_t ready, std::span<const version> snapshots, version durable,
                 Release&& release) {
        for (std::size_t done = 0; done < ready; ++done) {
            batch& b = batches_[done];
            while (!b.runs.empty()) {
                settle({b.runs.back(), b.freed}, snapshots, durable, release);
                b.runs.pop_back();
            }
        }
        batches_.erase(batches_.begin(), batches_.begin() + static_cast<std::ptrdiff_t>(ready));
        if (durable != settled_durable_) {
            settled_durable_ = durable;
            for (std::size_t n = undurable_.size(); n-- != 0;) {
                const freed_at run = undurable_[n];
                if (run.freed > durable) continue;
                settle(run, snapshots, durable, release);
                undurable_[n] = undurable_.back();
                undurable_.pop_back();
            }
        }
        for (std::size_t n = blocked_.size(); n-- != 0;) {
            if (std::binary_search(snapshots.begin(), snapshots.end(), blocked_[n].by)) continue;
            std::vector<freed_at> runs = std::move(blocked_[n].runs);
            blocked_.erase(blocked_.begin() + static_cast<std::ptrdiff_t>(n));
            for (const freed_at& run : runs) settle(run, snapshots, durable, release);
        }
    }

    [[nodiscard]] std::uint64_t pages() const noexcept { return pages_; }

    // Calls visit(run) for every pending run.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const batch& b : batches_)
            for (const freed_run& run : b.runs) visit(run);
        for (const freed_at& at : undurable_) visit(at.run);
        for (const blocked& b : blocked_)
            for (const freed_at& at : b.runs) visit(at.run);
    }

private:
    struct freed_at {
        freed_run run;
        version freed;
    };
    struct batch {
        std::vector<freed_run> runs;
        version freed{};
        cache::epoch_stamp stamp{};
    };
    // Runs that the snapshot `by` sees; looked at again when it is closed.
    struct blocked {
        version by;
        std::vector<freed_at> runs;
    };

    template <class Release>
    void settle(freed_at at, std::span<const version> snapshots, version durable,
                Release& release) {
        if (at.run.birth <= durable && at.freed > durable) {
            undurable_.push_back(at);
            return;
        }
        const auto seer = std::lower_bound(snapshots.begin(), snapshots.end(), at.run.birth);
        if (seer != snapshots.end() && *seer < at.freed) {
            for (blocked& b : blocked_)
                if (b.by == *seer) {
                    b.runs.push_back(at);
                    return;
                }
            blocked_.push_back({*seer, {at}});
            return;
        }
        pages_ -= at.run.pages;
        release(at.run);
    }

    std::vector<batch> batches_; // in order of their stamps
    std::vector<freed_at> undurable_;
    std::vector<blocked> blocked_;
    version settled_durable_{};
    std::uint64_t pages_ = 0;
};

} // namespace quire::space
