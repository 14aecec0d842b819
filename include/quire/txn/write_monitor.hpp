// Watches over the writes of a store, for tests (QUIRE_MONITOR):
//   1. no page is written that the durable root reaches
//   2. no slot names a state before the pages that were written for it are synced, unless it
//      vouches for them
//
// What a root reaches is told by its free map. Memory comes from malloc, see
// space/reuse_monitor.hpp. Thread-safety: write(), unsynced() and synced() from any thread, the
// others from whoever is about to write a slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include <quire/core/assert.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/sync.hpp>
#include <quire/space/page_space.hpp>

namespace quire::txn {

class write_monitor {
public:
    write_monitor() = default;
    write_monitor(const write_monitor&) = delete;
    write_monitor& operator=(const write_monitor&) = delete;
    ~write_monitor() {
        std::free(durable_.dead);
        std::free(next_.dead);
    }

    // The state that the next slot will name is as the store is now.
    void name(const space::page_space& now) noexcept {
        const std::uint64_t words = now.end() / 64 + 1;
        void* const more = std::realloc(next_.dead, words * sizeof(std::uint64_t));
        if (more == nullptr) {
            next_.pages = 0; // not watched
            return;
        }
        next_.dead = static_cast<std::uint64_t*>(more);
        for (std::uint64_t i = 0; i < words; ++i) next_.dead[i] = now.dead().word(i);
        next_.pages = now.end();
        next_.header = now.header();
    }
    // That slot is durable.
    void settle() noexcept {
        latch_guard hold(latch_);
        std::swap(durable_, next_);
        naming_ = false;
    }

    // Pages are written, so many of which hold something. Aborts if the durable root reaches one,
    // or that of a slot on its way.
    void write(page_id first, std::uint64_t pages, std::uint64_t kept) noexcept {
        latch_guard hold(latch_);
        for (std::uint64_t n = to_integer(first), end = n + pages; n < end; ++n)
            QUIRE_ASSERT(!durable_.reaches(n) && !(naming_ && next_.reaches(n)),
                         "no page of the durable root is overwritten");
        unsynced_ += kept;
    }
    // So many pages of a checkpoint are written.
    void write_taken(std::size_t pages) noexcept {
        latch_guard hold(latch_);
        taken_ += pages;
    }
    // What the next sync makes durable, for synced().
    [[nodiscard]] std::uint64_t unsynced() noexcept {
        latch_guard hold(latch_);
        return unsynced_;
    }
    void synced(std::uint64_t pages) noexcept {
        latch_guard hold(latch_);
        unsynced_ -= pages;
        taken_ = 0;
    }
    // A slot is about to be written in the writer's place, which vouches for so many pages.
    void slot(std::uint64_t vouched) noexcept {
        latch_guard hold(latch_);
        QUIRE_ASSERT(unsynced_ <= vouched, "no slot names pages that are not synced");
        naming_ = true;
        static_cast<void>(vouched);
    }
    // Or beside the writer, whose pages it does not name.
    void slot_of_checkpoint() noexcept {
        latch_guard hold(latch_);
        QUIRE_ASSERT(taken_ == 0, "no slot names pages of a checkpoint that are not synced");
        naming_ = true;
    }

private:
    struct state {
        std::uint64_t* dead = nullptr; // bits of the pages that it does not reach
        std::uint64_t pages = 0;
        std::uint64_t header = 0;

        [[nodiscard]] bool reaches(std::uint64_t n) const noexcept {
            return n < header || (n < pages && (dead[n / 64] >> (n % 64) & 1U) == 0);
        }
    };

    latch latch_;
    state durable_;
    state next_;          // named by whoever writes slots
    bool naming_ = false; // its slot is on its way
    std::uint64_t unsynced_ = 0; // pages
    std::uint64_t taken_ = 0;    // of a checkpoint
};

} // namespace quire::txn
