// Changes of many records, gathered, sorted by key, and done in that order: those of one leaf come
// together, so a page is read and searched for all of them while it is at hand, and the leaves of
// the next ones are asked for meanwhile.
//
// Of several changes of one key in a window only the one that counts is done: the last that puts or
// erases, the first that inserts. Insertions and other changes are not mixed.
// Thread-safety: the writer's.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/core/bytes.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/sort.hpp>
#include <quire/record_change.hpp>

namespace quire::detail {

template <class Types>
class change_window {
    using layout = typename Types::layout;
    using key_arg = typename layout::key_arg;

public:
    // Fills `limit` bytes of memory; larger changes are done at once.
    change_window(record_change<Types> changes, std::size_t limit) noexcept
        : changes_(changes), limit_(limit) {}

    // The key as the log has it; both are copied. Throws whatever a change throws.
    void add(record_action what, bytes_view key, bytes_view value) {
        const std::size_t bytes = key.size() + value.size();
        if (bytes_.size() + bytes + ranks_.size() * per_change > limit_) apply();
        if (bytes > limit_) return changes_.change(what, as_arg(key), value, nullptr);
        ranks_.push_back({prefix_of(key), static_cast<std::uint32_t>(gathered_.size())});
        gathered_.push_back({bytes_.size(), static_cast<std::uint32_t>(key.size()),
                             static_cast<std::uint32_t>(value.size()), what});
        bytes_.append(key.data(), key.size());
        bytes_.append(value.data(), value.size());
    }
    // Does what was gathered. Throws whatever a change throws.
    void apply() {
        const std::size_t n = ranks_.size();
        ranks_.resize(2 * n); // room to sort them
        const rank* const sorted =
            merge_sort(ranks_.data(), ranks_.data() + n, n,
                       [this](const rank& a, const rank& b) { return less(a, b); });
        // Equal keys are in the order in which they came.
        const auto counts = [&](std::size_t i) {
            return gathered_[sorted[i].index].what == record_action::insert
                       ? i == 0 || less(sorted[i - 1], sorted[i])
                       : i + 1 == n || less(sorted[i], sorted[i + 1]);
        };
        for (std::size_t i = 0; i < n; ++i) {
            if (!counts(i)) continue;
            const gathered& one = gathered_[sorted[i].index];
            const bytes_view value{bytes_.data() + one.at + one.key_size, one.value_size};
            if (i + changes_ahead < n) {
                const key_arg soon = key_of(gathered_[sorted[i + changes_ahead].index]);
                changes_.change(one.what, key_of(one), value, &soon);
            } else {
                changes_.change(one.what, key_of(one), value, nullptr);
            }
        }
        forget();
    }
    void forget() noexcept {
        ranks_.clear();
        gathered_.clear();
        bytes_.clear();
    }

private:
    struct gathered {
        std::size_t at; // in bytes_
        std::uint32_t key_size;
        std::uint32_t value_size;
        record_action what;
    };
    struct rank {
        std::uint64_t prefix; // in the order of the keys, as far as eight bytes tell
        std::uint32_t index;  // in gathered_
    };

    // With room for sorting.
    static constexpr std::size_t per_change = sizeof(gathered) + 2 * sizeof(rank);
    // As many leaves are on their way from memory.
    static constexpr std::size_t changes_ahead = 6;

    [[nodiscard]] static std::uint64_t prefix_of(bytes_view key) noexcept {
        std::byte first[8]{};
        copy_bytes(first, key.data(), key.size() < 8 ? key.size() : 8);
        return Types::integer_keys ? load_le<std::uint64_t>(first) : load_be<std::uint64_t>(first);
    }
    [[nodiscard]] key_arg as_arg(bytes_view key) const {
        return Types::from_log(key, changes_.path_of_store());
    }
    [[nodiscard]] key_arg key_of(const gathered& of) const {
        return as_arg({bytes_.data() + of.at, of.key_size});
    }
    [[nodiscard]] bool less(const rank& a, const rank& b) const {
        if (a.prefix != b.prefix) return a.prefix < b.prefix;
        return layout::less(key_of(gathered_[a.index]), key_of(gathered_[b.index]));
    }

    record_change<Types> changes_;
    std::size_t limit_;
    growing_array<std::byte> bytes_; // keys and values
    growing_array<gathered> gathered_;
    growing_array<rank> ranks_;
};

} // namespace quire::detail
