// Committed versions that somebody may read: the current one, and those that snapshots hold.
//
// A version record is immutable but for its count of holders. Readers find the current record
// inside an epoch guard and either use it within that guard or take a share of it; a record whose
// last share is gone is reused once no operation in flight can have it in hand.
// Thread-safety: current, share, unshare from any thread (share: inside a guard, or of a record
// already shared); the rest from the one writer.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include <quire/cache/epoch.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>

namespace quire::txn {

using root_records = std::array<format::root_record, format::roots_in_slot>;

struct version_record {
    version number{};
    root_records roots{};
    std::atomic<std::uint64_t> holders{0};

    void share() noexcept { holders.fetch_add(1, std::memory_order_relaxed); }
    void unshare() noexcept { holders.fetch_sub(1, std::memory_order_release); }
};

template <class Epoch>
class snapshots {
public:
    [[nodiscard]] version_record* current() const noexcept {
        return current_.load(std::memory_order_seq_cst);
    }

    // A record to fill and publish. Throws std::bad_alloc.
    [[nodiscard]] version_record& prepare() {
        if (spare_ == nullptr) {
            records_.reserve(records_.size() + 1);
            open_.reserve(records_.size() + 1);
            records_.push_back({std::make_unique<version_record>(), {}, false});
            spare_ = records_.back().record.get();
        }
        return *spare_;
    }
    // Makes the prepared record the current one; gives the stamp with which what it replaces is
    // retired.
    cache::epoch_stamp publish(Epoch& epoch) noexcept {
        const version_record* const before = current();
        current_.store(spare_, std::memory_order_seq_cst);
        const cache::epoch_stamp stamp = epoch.advance();
        for (held& h : records_) {
            if (h.record.get() == before) h.retired = stamp;
            if (h.record.get() == spare_) h.published = true;
        }
        spare_ = nullptr;
        return stamp;
    }

    // Versions that snapshots and iterators hold, ascending; and frees records nobody can reach.
    [[nodiscard]] const std::vector<version>& open(const Epoch& epoch) {
        open_.clear();
        for (held& h : records_) {
            if (!h.published) continue;
            const bool is_current = h.record.get() == current();
            const bool passed = !is_current && epoch.passed(h.retired);
            if (h.record->holders.load(std::memory_order_acquire) != 0)
                open_.push_back(h.record->number);
            else if (passed && spare_ == nullptr) {
                h.published = false;
                spare_ = h.record.get();
            }
        }
        std::sort(open_.begin(), open_.end());
        open_.erase(std::unique(open_.begin(), open_.end()), open_.end());
        return open_;
    }

private:
    struct held {
        std::unique_ptr<version_record> record;
        cache::epoch_stamp retired{};
        bool published = false;
    };

    std::atomic<version_record*> current_{nullptr};
    version_record* spare_ = nullptr;
    std::vector<held> records_;
    std::vector<version> open_;
};

} // namespace quire::txn
