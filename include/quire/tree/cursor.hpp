// A position in one version of a tree that outlives an operation: the path by page references, and
// the leaf itself, pinned. Pages have no sibling links (a copied leaf would have to copy its
// neighbours); the next leaf is found through the parent.
//
// Thread-safety: a cursor is used by one thread at a time; any number of cursors on one tree.
// Requires: what the root reaches stays readable while the cursor lives (a snapshot holds it, or
// nobody changes it), and an epoch guard is held during each call.
// Cost of a step: O(1) inside a leaf, one page fetch more at its end, amortised O(1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <quire/core/assert.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/tree/descent.hpp>

namespace quire::tree {

// What follows a seek.
enum class next_steps : std::uint8_t { none, forward };

template <class Layout, class Cache>
class cursor {
public:
    cursor() = default;
    cursor(const cursor& other) noexcept { copy(other); }
    cursor(cursor&& other) noexcept { take(other); }
    cursor& operator=(const cursor& other) noexcept {
        if (this != &other) {
            release();
            copy(other);
        }
        return *this;
    }
    cursor& operator=(cursor&& other) noexcept {
        if (this != &other) {
            release();
            take(other);
        }
        return *this;
    }
    ~cursor() { release(); }

    // Positions. A cursor that finds no record is at the end.
    void to_end() noexcept { release(); }
    void to_first(Cache& cache, const format::root_record& root) { to_edge<false>(cache, root); }
    void to_last(Cache& cache, const format::root_record& root) { to_edge<true>(cache, root); }
    // The first record not less than the key; says whether it is the key. `then` says whether more
    // steps forward are likely, so that what they need is asked for already.
    bool to_lower_bound(Cache& cache, const format::root_record& root, typename Layout::key_arg key,
                        next_steps then = next_steps::none) {
        release();
        if (!root.root) return false;
        page_ref ref = root.root;
        const std::byte* above = nullptr;
        float share = -1;
        for (std::uint32_t level = root.level;; --level) {
            const std::byte* const page =
                read_to_search<Layout, asking::by_prefetch>(cache, ref, level, share);
            if (level == 0) {
                const node::search_result at = Layout::find(page, key);
                push(ref, at.index);
                if (then == next_steps::forward) expect_steps(cache, above, page, at.index);
                settle(cache, page, at.index);
                return at.found;
            }
            const std::uint32_t index = Layout::child_index(page, key);
                if (level == 1) share = Layout::share_of_child(page, index, key);
            push(ref, index);
            ref = Layout::child(page, index);
            above = page;
        }
    }
    // Where the descent stands. Requires: it stands on a record.
    void to(Cache& cache, const descent<Layout>& at) {
        release();
        for (std::uint32_t i = 0; i < at.depth; ++i)
            push(format::ref_of(at.steps[i].page), at.steps[i].index);
        settle(cache, at.leaf().page, at.leaf().index);
    }

    [[nodiscard]] bool at_end() const noexcept { return leaf_ == nullptr; }
    [[nodiscard]] const std::byte* leaf() const noexcept { return leaf_; }
    [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
    // Same record of the same version, or both at the end. The same leaf may lie in two frames.
    [[nodiscard]] bool same(const cursor& other) const noexcept {
        if (leaf_ == nullptr || other.leaf_ == nullptr) return leaf_ == other.leaf_;
        return index_ == other.index_ && steps_[depth_ - 1].ref() == other.steps_[depth_ - 1].ref();
    }
    // Whether the next step stays in this leaf, and needs no guard.
    [[nodiscard]] bool next_is_here() const noexcept { return index_ + 1 < count_; }
    void step_here() noexcept {
        ++index_;
        Layout::prefetch_record(leaf_, index_ + records_ahead);
    }
    [[nodiscard]] bool previous_is_here() const noexcept { return index_ != 0; }
    void step_back_here() noexcept { --index_; }

    // To the next record, or the end. Requires: !at_end().
    void next(Cache& cache) {
        QUIRE_PRECONDITION(!at_end(), "an iterator at the end is not advanced");
        if (next_is_here()) step_here();
        else next_leaf(cache);
    }
    // To the first record of the next leaf, or the end.
    void next_leaf(Cache& cache) {
        QUIRE_PRECONDITION(!at_end(), "an iterator at the end is not advanced");
        std::uint32_t depth = depth_ - 1;
        while (depth != 0) {
            const step up = steps_[depth - 1];
            const std::uint32_t level = depth_ - depth;
            const std::byte* const page = read_page<Layout>(cache, up.ref(), level);
            if (up.index < format::count_of(page)) {
                move_down<false>(cache, page, depth, up.index + 1);
                return;
            }
            --depth;
        }
        release();
    }
    // To the record before. Requires: !at_end() (see to_last); false when there is none, and then
    // the cursor has not moved.
    bool previous(Cache& cache) {
        QUIRE_PRECONDITION(!at_end(), "previous needs a position");
        if (index_ != 0) {
            --index_;
            return true;
        }
        std::uint32_t depth = depth_ - 1;
        while (depth != 0) {
            const step up = steps_[depth - 1];
            const std::byte* const page = read_page<Layout>(cache, up.ref(), depth_ - depth);
            if (up.index != 0) {
                move_down<true>(cache, page, depth, up.index - 1);
                return true;
            }
            --depth;
        }
        return false;
    }

private:
    // Without page_ref, whose default value would be stored most_levels times for each iterator.
    struct step {
        page_id id;
        std::uint32_t birth;
        std::uint32_t index;

        [[nodiscard]] page_ref ref() const noexcept { return {id, birth}; }
    };
    // Records whose memory is asked for ahead of the one that is read.
    static constexpr std::uint32_t records_ahead = 3;
    // Records left in a leaf below which a seek asks for the next leaf too.
    static constexpr std::uint32_t short_rest = 12;
    // Leaves that the medium is asked for at once.
    static constexpr std::uint32_t most_ahead = 256;

    void push(page_ref ref, std::uint32_t index) {
        QUIRE_ASSERT(depth_ < most_levels, "a root's level is checked when its store is opened");
        steps_[depth_++] = {ref.id, ref.birth, index};
    }
    void hold(Cache& cache, const std::byte* page, std::uint32_t index) noexcept {
        cache.pin(page);
        if (leaf_ != nullptr) cache_->unpin(leaf_);
        cache_ = &cache;
        leaf_ = page;
        index_ = index;
        count_ = format::count_of(page);
    }
    // The next records, and the next leaf when they may not be enough, are wanted soon.
    void expect_steps(Cache& cache, const std::byte* above, const std::byte* leaf,
                      std::uint32_t index) const noexcept {
        for (std::uint32_t i = 0; i < records_ahead; ++i)
            Layout::prefetch_record(leaf, index + 1 + i);
        if (above == nullptr || index + short_rest < format::count_of(leaf)) return;
        const std::uint32_t next = steps_[depth_ - 2].index + 1;
        if (next > format::count_of(above)) return;
        if (const std::byte* const page = cache.peek(Layout::child(above, next)); page != nullptr) {
            __builtin_prefetch(page);
            ask_for_leaf<Layout, asking::by_prefetch>(page);
        }
    }
    // Stands before record `index` of the leaf, which may be past its last.
    void settle(Cache& cache, const std::byte* page, std::uint32_t index) {
        hold(cache, page, index);
        if (index_ >= count_) next_leaf(cache);
    }
    // Replaces the path from `depth` on by child `index` of `page`, then its first or last records.
    // The cursor does not move if a page cannot be read.
    template <bool Last>
    void move_down(Cache& cache, const std::byte* page, std::uint32_t depth, std::uint32_t index) {
        const std::uint32_t leaves = depth_ - 1;
        step fresh[most_levels];
        fresh[depth - 1].index = index;
        for (std::uint32_t d = depth;; ++d) {
            const page_ref ref = Layout::child(page, fresh[d - 1].index);
            if constexpr (!Last)
                if (d == leaves) read_ahead(cache, page, ref, fresh[d - 1].index);
            // Who steps from leaf to leaf seldom comes back to one.
            page = read_page<Layout>(cache, ref, leaves - d,
                                     d == leaves ? replacement::arrival::once
                                                 : replacement::arrival::wanted);
            const std::uint32_t count = format::count_of(page);
            if (d == leaves) {
                if (count == 0) fail_empty(cache.path(), ref); // no commit leaves an empty leaf
                fresh[d] = {ref.id, ref.birth, Last ? count - 1 : 0};
                break;
            }
            fresh[d] = {ref.id, ref.birth, Last ? count : 0};
        }
        steps_[depth - 1].index = index;
        for (std::uint32_t d = depth; d <= leaves; ++d) steps_[d] = fresh[d];
        hold(cache, page, fresh[leaves].index);
    }
    // Going forward, from leaf to leaf that are not in memory: asks the medium for more and more of
    // those that follow, up to all children of the page above, and reads neighbours together.
    void read_ahead(Cache& cache, const std::byte* above, page_ref leaf, std::uint32_t index) {
        if (index == 0 || run_ == 0) expected_ = index; // another page above, or another run
        if (cache.peek(leaf) != nullptr) return;
        if (run_ < most_ahead) run_ = run_ == 0 ? 1 : 2 * run_;
        if (run_ == 1) return;
        const std::uint32_t children = format::count_of(above) + 1;
        page_ref wanted[most_ahead];
        std::uint32_t n = 0;
        if (expected_ < children && index + run_ / 2 >= expected_) {
            if (expected_ < index) expected_ = index;
            for (; expected_ < children && n < run_; ++expected_)
                wanted[n++] = Layout::child(above, expected_);
            cache.expect({wanted, n}, Cache::most_together);
        }
        for (n = 0; n < Cache::most_together && n < run_ && index + n < children; ++n) {
            wanted[n] = Layout::child(above, index + n);
            if (wanted[n].id != leaf.id + n) break;
        }
        if (n > 1)
            cache.read_together({wanted, n},
                                [](const std::byte* p) noexcept { return Layout::validate(p); });
    }
    template <bool Last>
    void to_edge(Cache& cache, const format::root_record& root) {
        release();
        if (!root.root) return;
        page_ref ref = root.root;
        for (std::uint32_t level = root.level;; --level) {
            const std::byte* const page = read_page<Layout>(cache, ref, level);
            const std::uint32_t count = format::count_of(page);
            const std::uint32_t index = !Last ? 0 : level == 0 ? count - 1 : count;
            push(ref, index);
            if (level == 0) {
                if (count == 0) fail_empty(cache.path(), ref);
                return hold(cache, page, index);
            }
            ref = Layout::child(page, index);
        }
    }
    void release() noexcept {
        if (leaf_ != nullptr) cache_->unpin(leaf_);
        leaf_ = nullptr;
        index_ = 0;
        count_ = 0;
        depth_ = 0;
        run_ = 0;
    }
    void copy(const cursor& other) noexcept {
        cache_ = other.cache_;
        leaf_ = other.leaf_;
        index_ = other.index_;
        count_ = other.count_;
        depth_ = other.depth_;
        for (std::uint32_t i = 0; i < depth_; ++i) steps_[i] = other.steps_[i];
        if (leaf_ != nullptr) cache_->pin(leaf_);
    }
    void take(cursor& other) noexcept {
        cache_ = other.cache_;
        leaf_ = std::exchange(other.leaf_, nullptr);
        index_ = std::exchange(other.index_, 0);
        count_ = std::exchange(other.count_, 0);
        depth_ = std::exchange(other.depth_, 0);
        for (std::uint32_t i = 0; i < depth_; ++i) steps_[i] = other.steps_[i];
    }

    Cache* cache_ = nullptr;
    const std::byte* leaf_ = nullptr; // null: at the end
    std::uint32_t index_ = 0;
    std::uint32_t count_ = 0;
    std::uint32_t depth_ = 0;
    std::uint32_t run_ = 0;      // leaves to ask for at the next one that is not in memory
    std::uint32_t expected_ = 0; // children of the page above that were asked for, if run_ is not 0
    step steps_[most_levels]; // [0, depth_) from the root; [depth_ - 1] is the leaf
};

} // namespace quire::tree
