// Doing again what a log says, in the order of keys (change_window.hpp); what is overwritten in the
// same window is never written (decision 0017).
// Thread-safety: the writer's.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/change_window.hpp>
#include <quire/format/log_record.hpp>
#include <quire/record_change.hpp>

namespace quire::detail {

template <class Types>
class replay_window {
public:
    // Fills as much memory as a sixteenth of the cache, from 64 KiB to 16 MiB: the more, the fewer
    // leaves are looked for twice.
    replay_window(record_change<Types> changes, std::uint64_t cache_bytes) noexcept
        : changes_(changes), window_(changes, limit_for(cache_bytes)) {}

    // The next operation of the log. Throws corruption, and whatever a change throws.
    void add(const format::log_update& update) {
        changes_.check(update);
        if (update.type == format::record_type::clear) { // of what came before nothing is left
            window_.forget();
            return changes_.clear();
        }
        window_.add(update.type == format::record_type::put ? record_action::put
                                                            : record_action::erase,
                    update.key, update.value);
    }
    // Applies what was gathered. Throws whatever a change throws.
    void apply() { window_.apply(); }

private:
    [[nodiscard]] static std::size_t limit_for(std::uint64_t cache_bytes) noexcept {
        constexpr std::uint64_t least = std::uint64_t{64} << 10;
        constexpr std::uint64_t most = std::uint64_t{16} << 20;
        const std::uint64_t share = cache_bytes / 16;
        return static_cast<std::size_t>(share < least ? least : share < most ? share : most);
    }

    record_change<Types> changes_;
    change_window<Types> window_;
};

} // namespace quire::detail
