// What a power cut may leave of a file: its durable bytes and any part of what was written since
// the last sync.
//
// The rules, no kinder than a file system has to be: a pending write is cut into sectors of 512
// bytes, and each of them reaches the medium or not, or is torn: some first bytes of it do. A size
// reaches the medium together with those asked for before it, and apart from the data: bytes that
// were lost inside it read as zeros, bytes outside it are gone. Other bytes do not change.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "support/recorded_disk.hpp"

namespace quire_test {

// One file's durable bytes and pending changes, event by event.
class crash_replay {
public:
    static constexpr std::size_t sector_size = 512;

    // Starts with a durable file.
    explicit crash_replay(bytes durable = {}) : durable_(std::move(durable)) {}

    void apply(const disk_event& e) {
        switch (e.what) {
        case disk_event::kind::sync:
            durable_ = everything();
            pending_.clear();
            pieces_.clear();
            return;
        case disk_event::kind::write: {
            std::uint64_t at = 0;
            while (at < e.content.size()) {
                const std::uint64_t in_sector = (e.offset + at) % sector_size;
                const std::uint64_t n =
                    std::min<std::uint64_t>(sector_size - in_sector, e.content.size() - at);
                pieces_.push_back({pending_.size(), static_cast<std::size_t>(at),
                                   static_cast<std::size_t>(n)});
                at += n;
            }
            pending_.push_back(&e);
            return;
        }
        case disk_event::kind::resize: pending_.push_back(&e); return;
        default: return;
        }
    }

    [[nodiscard]] const bytes& durable() const noexcept { return durable_; }
    [[nodiscard]] std::size_t pending_events() const noexcept { return pending_.size(); }
    [[nodiscard]] std::size_t pending_sectors() const noexcept { return pieces_.size(); }

    // For each pending sector how many of its bytes are kept, and of how many of the pending events
    // the size is.
    struct selection {
        std::vector<std::size_t> kept;
        std::size_t sizes = 0;
    };
    static constexpr std::size_t whole = sector_size;

    [[nodiscard]] bytes image(const selection& s) const {
        bytes image = durable_;
        std::uint64_t size = durable_.size();
        std::size_t at = 0;
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            const disk_event& e = *pending_[i];
            if (e.what == disk_event::kind::resize) {
                if (i >= s.sizes) continue;
                if (e.offset < image.size())
                    std::fill(image.begin() + static_cast<std::ptrdiff_t>(e.offset), image.end(),
                              std::byte{0});
                size = e.offset;
                continue;
            }
            if (i < s.sizes) size = std::max<std::uint64_t>(size, e.offset + e.content.size());
            for (; at < pieces_.size() && pieces_[at].event == i; ++at) {
                const piece& p = pieces_[at];
                const std::size_t n = std::min(p.size, s.kept[at]);
                if (n == 0) continue;
                const auto to = static_cast<std::size_t>(e.offset) + p.from;
                if (image.size() < to + n) image.resize(to + n);
                std::memcpy(image.data() + to, e.content.data() + p.from, n);
            }
        }
        image.resize(static_cast<std::size_t>(size));
        return image;
    }
    [[nodiscard]] bytes everything() const {
        return image({std::vector<std::size_t>(pieces_.size(), whole), pending_.size()});
    }

    // Hands images to `check(image)`: nothing and everything kept, and `random_images` random ones;
    // where `thorough`, also each sector alone missing, and each alone there (of many, some).
    template <class Check>
    void for_each_image(std::mt19937_64& random, bool thorough, std::size_t random_images,
                        Check&& check) const {
        const std::size_t n = pieces_.size();
        const std::size_t all = pending_.size();
        selection s{std::vector<std::size_t>(n, 0), 0};
        check(image(s));
        if (all == 0) return;
        s.sizes = all;
        check(image(s));
        s.kept.assign(n, whole);
        check(image(s));
        s.sizes = 0;
        check(image(s));
        s.sizes = all;
        if (thorough) {
            constexpr std::size_t most = 48;
            for (std::size_t k = 0; k < std::min(n, most); ++k) {
                const std::size_t i = n <= most ? k : random() % n;
                s.kept.assign(n, whole);
                s.kept[i] = 0;
                check(image(s));
                s.kept[i] = random() % whole;
                check(image(s));
                s.kept.assign(n, 0);
                s.kept[i] = whole;
                check(image(s));
            }
        }
        for (std::size_t k = 0; k < random_images; ++k) {
            const std::uint64_t likely = 1 + random() % 9;
            for (std::size_t& kept : s.kept) {
                kept = random() % 10 < likely ? whole : 0;
                if (random() % 16 == 0) kept = random() % whole;
            }
            s.sizes = random() % 2 == 0 ? all : random() % (all + 1);
            check(image(s));
        }
    }

private:
    struct piece {
        std::size_t event;
        std::size_t from; // in the event's content
        std::size_t size;
    };
    bytes durable_;
    std::vector<const disk_event*> pending_;
    std::vector<piece> pieces_;
};

} // namespace quire_test
