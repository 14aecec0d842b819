// Doing again what a log says, in the order of keys: operations are gathered in a window, sorted by
// key, and the last one of each key is applied. Operations of one leaf come together then, so a
// page is read and searched for all of them while it is at hand; what is overwritten in the same
// window is never written (decision 0017).
// Thread-safety: the writer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <quire/core/bytes.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/sort.hpp>
#include <quire/format/log_record.hpp>
#include <quire/record_change.hpp>

namespace quire::detail {

template <class Types>
class replay_window {
    using layout = typename Types::layout;
    using key_arg = typename layout::key_arg;

public:
    // Fills as much memory as a sixteenth of the cache, from 64 KiB to 16 MiB: the more, the fewer
    // leaves are looked for twice. Larger operations are done at once.
    replay_window(record_change<Types> changes, std::uint64_t cache_bytes) noexcept
        : changes_(changes), limit_(static_cast<std::size_t>(cache_bytes / 16)) {
        constexpr std::size_t least = std::size_t{64} << 10;
        constexpr std::size_t most = std::size_t{16} << 20;
        if (limit_ < least) limit_ = least;
        if (cache_bytes / 16 > most) limit_ = most;
    }

    // The next operation of the log. Throws corruption, and whatever a change throws.
    void add(const format::log_update& update) {
        changes_.check(update);
        if (update.type == format::record_type::clear) { // of what came before nothing is left
            forget();
            return changes_.clear();
        }
        const std::size_t bytes = update.key.size() + update.value.size();
        if (bytes_.size() + bytes + ranks_.size() * per_operation > limit_) apply();
        if (bytes > limit_)
            return changes_.replay(Types::from_log(update.key, changes_.path_of_store()),
                                   update.type == format::record_type::put, update.value);
        ranks_.push_back({prefix_of(update.key), static_cast<std::uint32_t>(operations_.size())});
        operations_.push_back({bytes_.size(), static_cast<std::uint32_t>(update.key.size()),
                               static_cast<std::uint32_t>(update.value.size()), update.type});
        bytes_.append(update.key.data(), update.key.size());
        bytes_.append(update.value.data(), update.value.size());
    }
    // Applies what was gathered. Throws whatever a change throws.
    void apply() {
        const std::size_t n = ranks_.size();
        ranks_.resize(2 * n); // room to sort them
        const rank* const sorted =
            merge_sort(ranks_.data(), ranks_.data() + n, n,
                       [this](const rank& a, const rank& b) { return less(a, b); });
        for (std::size_t i = 0; i < n; ++i) {
            // Equal keys are in the order of the log.
            if (i + 1 < n && !less(sorted[i], sorted[i + 1])) continue;
            const operation& last = operations_[sorted[i].index];
            changes_.replay(key_of(last), last.type == format::record_type::put,
                            {bytes_.data() + last.at + last.key_size, last.value_size});
        }
        forget();
    }

private:
    struct operation {
        std::size_t at; // in bytes_
        std::uint32_t key_size;
        std::uint32_t value_size;
        format::record_type type;
    };
    struct rank {
        std::uint64_t prefix; // in the order of the keys, as far as eight bytes tell
        std::uint32_t index;  // of the operation
    };

    // With room for sorting.
    static constexpr std::size_t per_operation = sizeof(operation) + 2 * sizeof(rank);

    void forget() noexcept {
        ranks_.clear();
        operations_.clear();
        bytes_.clear();
    }
    [[nodiscard]] static std::uint64_t prefix_of(bytes_view key) noexcept {
        std::byte first[8]{};
        copy_bytes(first, key.data(), key.size() < 8 ? key.size() : 8);
        return Types::integer_keys ? load_le<std::uint64_t>(first) : load_be<std::uint64_t>(first);
    }
    [[nodiscard]] key_arg key_of(const operation& of) const {
        return Types::from_log({bytes_.data() + of.at, of.key_size}, changes_.path_of_store());
    }
    [[nodiscard]] bool less(const rank& a, const rank& b) const {
        if (a.prefix != b.prefix) return a.prefix < b.prefix;
        return layout::less(key_of(operations_[a.index]), key_of(operations_[b.index]));
    }

    record_change<Types> changes_;
    std::size_t limit_;
    growing_array<std::byte> bytes_; // keys and values
    growing_array<operation> operations_;
    growing_array<rank> ranks_;
};

} // namespace quire::detail
