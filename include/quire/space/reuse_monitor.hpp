// Watches over the reuse of pages, for tests (QUIRE_MONITOR): remembers of every freed page from
// which version to which it was in use, and asks for each page that is handed out whether one of
// these versions can still be read. By other means than space/pending.hpp, which decides it; but
// operations in flight, which only epochs know of, are not seen.
//
// Memory comes from malloc, so that tests in which allocations fail see the same ones with it and
// without it; if there is none, pages are no longer watched. Thread-safety: the writer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <quire/core/assert.hpp>
#include <quire/core/ids.hpp>
#include <quire/space/pending.hpp>

namespace quire::space {

class reuse_monitor {
public:
    // Whether one of the versions from `birth` on and before `freed` can be read, by whomever.
    using question = bool (*)(const void* of, version birth, version freed);

    reuse_monitor() = default;
    reuse_monitor(const reuse_monitor&) noexcept {} // a copy's pages are watched by nobody
    reuse_monitor& operator=(const reuse_monitor&) = delete;
    ~reuse_monitor() { std::free(lives_); }

    void ask(question can_be_read, const void* of) noexcept {
        can_be_read_ = can_be_read;
        of_ = of;
    }
    // The version no longer reaches the pages.
    void freed(const freed_run& run, version by) noexcept {
        if (!cover(to_integer(run.first) + std::uint64_t{run.pages})) return;
        for (std::uint32_t i = 0; i < run.pages; ++i)
            lives_[to_integer(run.first) + i] = {run.birth, by};
    }
    // The pages get other content. Aborts if it is too early.
    void reused(page_id first, std::uint32_t pages) noexcept {
        if (can_be_read_ == nullptr) return;
        for (std::uint64_t id = to_integer(first), n = id + pages; id < n && id < size_; ++id) {
            life& last = lives_[id];
            QUIRE_ASSERT(last.freed == version::none || !can_be_read_(of_, last.birth, last.freed),
                         "no page is reused that a version still reads");
            last = {};
        }
    }

private:
    struct life {
        version birth{};
        version freed{}; // none: not known to have been used
    };

    [[nodiscard]] bool cover(std::uint64_t pages) noexcept {
        if (pages <= size_) return true;
        const std::uint64_t wanted = 2 * pages;
        void* const more = std::realloc(lives_, wanted * sizeof(life));
        if (more == nullptr) return false;
        lives_ = static_cast<life*>(more);
        for (; size_ < wanted; ++size_) lives_[size_] = {};
        return true;
    }

    question can_be_read_ = nullptr;
    const void* of_ = nullptr;
    life* lives_ = nullptr; // by page
    std::uint64_t size_ = 0;
};

} // namespace quire::space
