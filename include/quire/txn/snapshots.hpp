// Versions: those that are built and not yet published, the current one, those that snapshots hold.
//
// A version is built by the writer, and the next one upon it; it is published, in order, when its
// commit is as durable as was asked. A record is immutable but for its count of holders, from when
// it is built, or held. Readers find the current record inside an epoch guard and either use it
// within that guard or take a share of it; a record whose last share is gone is reused once no
// operation in flight can have it in hand.
// Thread-safety: current, publish, share, unshare from any thread (share: inside a guard, or of a
// record already shared); the rest from the one writer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include <quire/cache/epoch.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/sort.hpp>
#include <quire/core/sync.hpp>
#include <quire/format/header_slot.hpp>

namespace quire {

// A version that snapshots or iterators hold, and with it the pages that only it can see.
struct held_version {
    version number{};
    std::uint64_t holders = 0;
    std::uint64_t milliseconds = 0; // since it has been held without a break
    std::uint64_t pages = 0;        // pending ones that it sees; other versions may see them too

    friend bool operator==(const held_version&, const held_version&) = default;
};

namespace txn {

using root_records = std::array<format::root_record, format::roots_in_slot>;

struct version_record {
    version number{};
    root_records roots{};
    std::atomic<std::uint64_t> holders{0};
    std::atomic<std::uint64_t> own{0}; // of them, the store's
    // coarse_milliseconds() of the first of these holders; of one before, for an instant.
    std::atomic<std::int64_t> since{0};
    // Of a lazy commit: LSNs to which the log must be written and durable before it may be read.
    std::uint64_t written = 0;
    std::uint64_t durable = 0;

    // In one order with what lazy commits do, whose writer looks for holders.
    void share() noexcept {
        if (holders.fetch_add(1, std::memory_order_seq_cst) == 0)
            since.store(coarse_milliseconds(), std::memory_order_relaxed);
    }
    void unshare() noexcept { holders.fetch_sub(1, std::memory_order_release); }
    struct share_guard {
        version_record& of;
        ~share_guard() { of.unshare(); }
    };
    [[nodiscard]] bool held() const noexcept {
        return holders.load(std::memory_order_seq_cst) != 0;
    }
    // A share of the store's own, which held() does not tell of.
    void hold() noexcept {
        own.fetch_add(1, std::memory_order_relaxed);
        share();
    }
    void let_go() noexcept {
        unshare();
        own.fetch_sub(1, std::memory_order_relaxed);
    }

private:
    template <class>
    friend class snapshots;

    version_record* next = nullptr;  // in the writer's list of all records
    version_record* later = nullptr; // the version built after it, while it is not published
    cache::epoch_stamp retired{};    // when it was seen not to be the current one any more
    bool built = false;
};

template <class Epoch>
class snapshots {
public:
    snapshots() = default;
    snapshots(const snapshots&) = delete;
    snapshots& operator=(const snapshots&) = delete;
    ~snapshots() {
        while (all_ != nullptr) {
            version_record* const record = all_;
            all_ = record->next;
            delete record;
        }
    }

    [[nodiscard]] version_record* current() const noexcept {
        return current_.load(std::memory_order_seq_cst);
    }

    // A record to fill and publish. Throws std::bad_alloc.
    [[nodiscard]] version_record& prepare() {
        if (spare_ == nullptr) {
            open_.reserve(count_ + 1);
            versions_.reserve(count_ + 1);
            spare_ = new version_record;
            spare_->next = all_;
            all_ = spare_;
            ++count_;
        }
        return *spare_;
    }
    // The prepared record is the newest version from now on; readers do not see it yet.
    void build() noexcept {
        version_record* const record = spare_;
        spare_ = nullptr;
        record->built = true;
        record->retired = cache::epoch_stamp::none;
        record->later = nullptr;
        latch_guard hold(latch_);
        if (first_unpublished_ == nullptr) first_unpublished_ = record;
        else newest_->later = record;
        newest_ = record;
    }
    // Readers see version v, and that is the newest they see. Requires: it and those before it are
    // built; nothing happens when a newer one is published.
    void publish(version v) noexcept {
        latch_guard hold(latch_);
        version_record* last = nullptr;
        while (first_unpublished_ != nullptr && !(v < first_unpublished_->number)) {
            last = first_unpublished_;
            first_unpublished_ = last->later;
        }
        if (last != nullptr) current_.store(last, std::memory_order_seq_cst);
    }
    // The newest version built; what the next one is built upon.
    [[nodiscard]] version_record* newest() const noexcept { return newest_; }

    // What has become of readers since the last call: gives true when they see another version than
    // before, and the stamp with which what they saw is retired.
    [[nodiscard]] bool observe(Epoch& epoch, cache::epoch_stamp& stamp, version& seen) noexcept {
        const version_record* const now = current();
        if (now == observed_) return false;
        observed_ = now;
        stamp = epoch.advance();
        seen = now->number;
        for (version_record* record = all_; record != nullptr; record = record->next)
            if (record->built && record != now && !(seen < record->number) &&
                record->retired == cache::epoch_stamp::none)
                record->retired = stamp;
        return true;
    }

    // Versions that snapshots and iterators hold, ascending, each once; and finds a record that
    // nobody can reach for the next prepare. The span is good until the next call. O(records).
    [[nodiscard]] std::span<const version> open(const Epoch& epoch) noexcept {
        open_.clear();
        for (version_record* record = all_; record != nullptr; record = record->next) {
            if (!record->built) continue;
            const auto held = [record] {
                return record->holders.load(std::memory_order_acquire) != 0;
            };
            // The holders are looked at again after the operations: one may end by becoming one.
            if (!held() && spare_ == nullptr && record->retired != cache::epoch_stamp::none &&
                epoch.passed(record->retired) && !held()) {
                record->built = false;
                spare_ = record;
            } else if (held()) {
                open_.push_back(to_integer(record->number));
            }
        }
        sort_ascending(open_.data(), open_.size());
        std::size_t kept = 0;
        for (const std::uint64_t v : open_)
            if (kept == 0 || open_[kept - 1] != v) open_[kept++] = v;
        open_.shorten(kept);
        versions_.clear();
        for (const std::uint64_t v : open_) versions_.push_back(static_cast<version>(v));
        return {versions_.data(), versions_.size()};
    }

    // The same with their holders. Throws std::bad_alloc. O(records * log records).
    [[nodiscard]] growing_array<held_version> held(const Epoch& epoch) {
        const std::span<const version> numbers = open(epoch);
        growing_array<held_version> all;
        all.resize(numbers.size());
        for (std::size_t i = 0; i < numbers.size(); ++i) all[i].number = numbers[i];
        const std::int64_t now = coarse_milliseconds();
        for (const version_record* record = all_; record != nullptr; record = record->next) {
            const std::uint64_t all_holders = record->holders.load(std::memory_order_acquire);
            const std::uint64_t own = record->own.load(std::memory_order_relaxed);
            const std::uint64_t holders = all_holders > own ? all_holders - own : 0;
            if (!record->built || holders == 0) continue;
            std::size_t low = 0; // a version may have several records
            for (std::size_t n = numbers.size(); n > 1;) {
                const std::size_t half = n / 2;
                if (!(record->number < numbers[low + half])) low += half;
                n -= half;
            }
            if (low == numbers.size() || numbers[low] != record->number) continue; // just taken
            const std::int64_t since = record->since.load(std::memory_order_relaxed);
            const auto age =
                static_cast<std::uint64_t>(since != 0 && now > since ? now - since : 0);
            all[low].holders += holders;
            if (all[low].milliseconds < age) all[low].milliseconds = age;
        }
        std::size_t kept = 0;
        for (const held_version& each : all)
            if (each.holders != 0) all[kept++] = each;
        all.shorten(kept);
        return all;
    }

#if QUIRE_MONITOR
    // Whether a version from `first` on and before `last` can be read, or will be: it is held, or
    // the one that readers see, or later. Operations in flight hold nothing. The writer's.
    [[nodiscard]] bool can_read(version first, version last) const noexcept {
        const version seen = current()->number;
        for (const version_record* record = all_; record != nullptr; record = record->next) {
            if (!record->built || record->number < first || !(record->number < last)) continue;
            if (!(record->number < seen) || record->holders.load(std::memory_order_acquire) != 0)
                return true;
        }
        return false;
    }
#endif

private:
    std::atomic<version_record*> current_{nullptr};
    latch latch_;                                 // over what publish changes
    version_record* first_unpublished_ = nullptr; // of those built
    version_record* newest_ = nullptr;            // the writer's, and its `later`
    const version_record* observed_ = nullptr;    // the writer's
    version_record* spare_ = nullptr;             // to be filled next
    version_record* all_ = nullptr;
    std::size_t count_ = 0;
    growing_array<std::uint64_t> open_;
    growing_array<version> versions_;
};

} // namespace txn

} // namespace quire
