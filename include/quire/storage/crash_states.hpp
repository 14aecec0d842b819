// What a power cut may leave of a simulated disk: any of the states that these rules allow (after
// T. S. Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).
//
//   1. A write is pending until its file is synced. It is cut into sectors; each of them reaches
//      the medium or not, whatever becomes of the others, or is torn: some first bytes of it do.
//   2. A change of size reaches the medium together with those of its file before it, and apart
//      from the data: bytes lost inside the size read as zeros, bytes outside it are gone.
//   3. Names made, changed or removed are pending until the directory is synced; each such change
//      reaches the medium or not, whatever becomes of the others. A renamed file has the one name
//      or the other. Syncing a file does not make its name durable.
//   4. Other bytes do not change.
//   5. A sync that failed made some pending changes of its file durable, and with some models of a
//      failure (failed_sync) the others never come to be: which ones is drawn by the seed.
//
// Kinder than some file systems: what was lost never reads as garbage.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <quire/storage/simulated_disk.hpp>

namespace quire::storage {

class crash_states {
public:
    using contents = simulated_disk::contents;
    static constexpr std::size_t sector = 512;

    // How many states are tried: all in which no sector is torn while they are at most
    // 2^exhaustive (up to 2^20), else chosen ones; and so many at random, with torn sectors.
    struct effort {
        unsigned exhaustive = 8;
        unsigned random = 8;
    };

    // Starts with a durable disk. The seed is for what syncs that fail lose.
    explicit crash_states(const contents& durable = {}, std::uint64_t seed = 1) : losses_(seed) {
        for (const auto& [name, bytes] : durable) {
            names_[name] = static_cast<std::uint32_t>(files_.size());
            files_.push_back({bytes, {}, {}});
        }
    }

    // The next change. Requires: it lives as long as this.
    void apply(const disk_change& change) {
        using kind = disk_change::kind;
        switch (change.what) {
        case kind::create:
            static_cast<void>(file_of(change)); // it is there, and empty
            [[fallthrough]];
        case kind::remove:
        case kind::rename: renamings_.push_back(&change); break;
        case kind::write: {
            file& f = file_of(change);
            for (std::size_t at = 0; at < change.content.size();) {
                const std::size_t inside = (change.offset + at) % sector;
                const std::size_t n = std::min(sector - inside, change.content.size() - at);
                f.pieces.push_back({f.pending.size(), at, n});
                at += n;
            }
            f.pending.push_back(&change);
            break;
        }
        case kind::resize: file_of(change).pending.push_back(&change); break;
        case kind::sync: {
            file& f = file_of(change);
            f.durable = image(f, nullptr, f.pending.size());
            f.pending.clear();
            f.pieces.clear();
            break;
        }
        case kind::lost: lose(file_of(change)); break;
        case kind::sync_directory:
            names_ = names_after(nullptr);
            renamings_.clear();
            break;
        case kind::mark: break;
        }
    }

    // Parts that reach the medium or do not: sectors, the size of each changed file, names.
    [[nodiscard]] std::size_t pending() const noexcept {
        std::size_t n = renamings_.size();
        for (const file& f : files_) n += f.pieces.size() + (f.pending.empty() ? 0 : 1);
        return n;
    }
    // The state in which everything reached the medium; also, unless a sync has lost something,
    // what a process finds that starts after another one was killed, while the machine went on.
    [[nodiscard]] contents everything() const { return state(std::vector<part>(pending(), whole)); }
    // The numbers of those files, and how many numbers are taken.
    [[nodiscard]] simulated_disk::numbering numbers() const { return names_after(nullptr); }
    [[nodiscard]] std::uint32_t numbers_taken() const noexcept {
        return static_cast<std::uint32_t>(files_.size());
    }

    // Calls check(contents) for the states of a crash at this moment, some of which may be alike,
    // until it returns false.
    template <class Check>
    void for_each(std::mt19937_64& random, const effort& how, Check&& check) const {
        const std::vector<std::size_t> values = values_of_parts();
        const std::size_t n = values.size();
        std::vector<part> chosen(n, 0);
        if (!check(state(chosen)) || n == 0) return;
        if (are_at_most(values, std::uint64_t{1} << std::min(how.exhaustive, 20U))) {
            std::vector<std::size_t> turn(n, 0); // counts through all of them
            for (;;) {
                std::size_t i = 0;
                for (; i < n && ++turn[i] == values[i]; ++i) turn[i] = 0;
                if (i == n) break;
                for (std::size_t k = 0; k < n; ++k) {
                    const std::size_t last = values[k] - 1;
                    // What state() takes for turn[k].
                    chosen[k] = static_cast<part>((turn[k] * whole + last - 1) / last);
                }
                if (!check(state(chosen))) return;
            }
        } else {
            chosen.assign(n, whole);
            if (!check(state(chosen))) return;
            // The first parts without the others (sectors of the first file come first, names
            // last), and each alone missing and alone there; of many, some.
            const std::size_t step = n / most_in_order + 1;
            for (std::size_t i = random() % step; i < n; i += step) {
                for (std::size_t k = 0; k < n; ++k) chosen[k] = k < i ? whole : 0;
                if (!check(state(chosen))) return;
                chosen.assign(n, whole);
                chosen[i] = 0;
                if (!check(state(chosen))) return;
                chosen.assign(n, 0);
                chosen[i] = whole;
                if (!check(state(chosen))) return;
            }
        }
        for (unsigned turn = 0; turn < how.random; ++turn) {
            const std::uint64_t likely = 1 + random() % 9;
            for (part& kept : chosen) {
                kept = random() % 10 < likely ? whole : 0;
                if (random() % 8 == 0) kept = static_cast<part>(random() % whole); // torn
            }
            if (!check(state(chosen))) return;
        }
    }

private:
    // Bytes of a sector, or of the changes of a file's size, that are kept; of a name, none or all.
    using part = std::uint16_t;
    static constexpr part whole = sector;
    static constexpr std::size_t most_in_order = 16;
    static constexpr std::size_t most_sizes = 64;

    struct piece {
        std::size_t change; // of the file's pending ones
        std::size_t from;   // in its content
        std::size_t size;
    };
    struct file {
        std::vector<std::byte> durable;
        std::vector<const disk_change*> pending; // writes and resizes
        std::vector<piece> pieces;               // of the writes
    };

    [[nodiscard]] file& file_of(const disk_change& change) {
        if (files_.size() <= change.file) files_.resize(change.file + std::size_t{1});
        return files_[change.file];
    }
    void lose(file& f) {
        const std::uint64_t likely = losses_() % 11; // none, all, or some
        std::vector<part> kept(f.pieces.size());
        for (part& each : kept) {
            each = losses_() % 10 < likely ? whole : 0;
            if (likely % 10 != 0 && losses_() % 8 == 0) each = static_cast<part>(losses_() % whole);
        }
        f.durable = image(f, kept.data(), losses_() % (f.pending.size() + 1));
        f.pending.clear();
        f.pieces.clear();
    }
    // How many values each part has: a sector two, if it is not torn; a size one for each change
    // and one more, a name two.
    [[nodiscard]] std::vector<std::size_t> values_of_parts() const {
        std::vector<std::size_t> values;
        for (const file& f : files_) {
            values.insert(values.end(), f.pieces.size(), 2);
            if (!f.pending.empty()) values.push_back(std::min(f.pending.size(), most_sizes) + 1);
        }
        values.insert(values.end(), renamings_.size(), 2);
        return values;
    }
    [[nodiscard]] static bool are_at_most(const std::vector<std::size_t>& values,
                                          std::uint64_t most) noexcept {
        std::uint64_t all = 1;
        for (const std::size_t v : values) {
            all *= v;
            if (all > most) return false;
        }
        return true;
    }

    [[nodiscard]] contents state(const std::vector<part>& kept) const {
        contents all;
        std::vector<const part*> pieces(files_.size());
        std::vector<std::size_t> sizes(files_.size());
        std::size_t at = 0;
        for (std::size_t i = 0; i < files_.size(); ++i) {
            pieces[i] = kept.data() + at;
            at += files_[i].pieces.size();
            if (const std::size_t n = files_[i].pending.size(); n != 0)
                sizes[i] = kept[at++] * n / whole;
        }
        for (const auto& [name, number] : names_after(kept.data() + at))
            all[name] = image(files_[number], pieces[number], sizes[number]);
        return all;
    }
    // `kept`: bytes of each piece, null for all of them; `sizes`: of how many changes the size is.
    [[nodiscard]] static std::vector<std::byte> image(const file& f, const part* kept,
                                                      std::size_t sizes) {
        std::vector<std::byte> bytes = f.durable;
        std::size_t size = bytes.size();
        std::size_t at = 0;
        for (std::size_t i = 0; i < f.pending.size(); ++i) {
            const disk_change& change = *f.pending[i];
            const auto offset = static_cast<std::size_t>(change.offset);
            if (change.what == disk_change::kind::resize) {
                if (i >= sizes) continue;
                if (offset < bytes.size())
                    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(offset), bytes.end(),
                              std::byte{0});
                size = offset;
                continue;
            }
            if (i < sizes) size = std::max(size, offset + change.content.size());
            for (; at < f.pieces.size() && f.pieces[at].change == i; ++at) {
                const piece& p = f.pieces[at];
                const std::size_t n =
                    kept == nullptr ? p.size : std::min<std::size_t>(p.size, kept[at]);
                if (n == 0) continue;
                if (bytes.size() < offset + p.from + n) bytes.resize(offset + p.from + n);
                std::memcpy(bytes.data() + offset + p.from, change.content.data() + p.from, n);
            }
        }
        bytes.resize(size);
        return bytes;
    }
    using name_table = simulated_disk::numbering;
    [[nodiscard]] name_table names_after(const part* kept) const {
        name_table names = names_;
        for (std::size_t i = 0; i < renamings_.size(); ++i) {
            if (kept != nullptr && kept[i] == 0) continue;
            const disk_change& change = *renamings_[i];
            names.erase(change.name);
            if (change.what == disk_change::kind::rename) // also a name between
                std::erase_if(names, [&](const auto& n) { return n.second == change.file; });
            if (change.what == disk_change::kind::create) names[change.name] = change.file;
            if (change.what == disk_change::kind::rename) names[change.to] = change.file;
        }
        return names;
    }

    std::vector<file> files_; // by number
    name_table names_;        // durable
    std::vector<const disk_change*> renamings_;
    std::mt19937_64 losses_;
};

} // namespace quire::storage
