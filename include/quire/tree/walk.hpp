// Walks over all pages of one version of a tree: giving up every page, and verification.
//
// Thread-safety: as of the cache. A walk holds no guard between pages: `guarded(operation)` runs
// one operation under a guard, again from its start when the cache ran out of frames.
// Cost: every inner page is read; every leaf too, where it may refer to overflow runs or is
// verified.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <quire/core/error.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/tree/descent.hpp>
#include <quire/tree/overflow.hpp>

namespace quire::tree {

// Calls page(page_ref) for every page of the tree and run(run_ref) for every overflow run.
template <class Layout, class Cache, class Guarded, class Page, class Run>
void for_each_page(Cache& cache, const format::root_record& root, Guarded&& guarded, Page&& page,
                   Run&& run) {
    struct todo {
        page_ref ref;
        std::uint32_t level;
    };
    constexpr bool has_runs = Layout::kind == format::layout_kind::slotted;
    growing_array<todo> left;
    if (root.root) left.push_back({root.root, root.level});
    while (!left.empty()) {
        const todo next = left.back();
        left.pop_back();
        page(next.ref);
        if (next.level == 0 && !has_runs) continue;
        const std::size_t before = left.size();
        guarded([&] {
            left.shorten(before);
            const std::byte* const p = read_page<Layout>(cache, next.ref, next.level);
            if (next.level != 0) {
                for (std::uint32_t i = format::count_of(p) + 1; i-- != 0;)
                    left.push_back({Layout::child(p, i), next.level - 1});
            } else if constexpr (has_runs) {
                for (std::uint32_t i = 0; i < format::count_of(p); ++i)
                    if (const node::stored_value value = Layout::value(p, i); value.overflow)
                        run(decode_run(value.bytes, cache.path()));
            }
        });
    }
}

// What a tree is made of.
struct tree_facts {
    std::uint64_t records = 0;
    std::uint64_t leaf_pages = 0;
    std::uint64_t inner_pages = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t used_bytes = 0; // live bytes of leaf bodies
};

// Checks what every committed tree obeys: levels fall by one, keys ascend strictly and lie within
// the separators above them, no leaf is empty, the records are as many as the root record says;
// and, because it reads every page and run, every checksum on a device.
template <class Layout, class Cache, class Guarded, class Seen>
class tree_checker {
public:
    // seen(first, pages) is called for every page and run.
    tree_checker(Cache& cache, Guarded& guarded, Seen& seen) noexcept
        : cache_(cache), guarded_(guarded), seen_(seen) {}

    // Throws corruption at the first violation, io_error.
    tree_facts check(const format::root_record& root) {
        facts_ = {};
        if (root.root) visit(root.root, root.level, nullptr, nullptr);
        if (facts_.records != root.entries)
            detail::raise<corruption>(
                "the tree does not hold as many records as it says; restore a backup",
                cache_.path(), root.root.id, "entries", facts_.records, root.entries);
        return facts_;
    }

private:
    using key_buffer = typename Layout::key_buffer;

    [[noreturn]] QUIRE_COLD void fail(page_id page, const char* sentence) const {
        detail::raise<corruption>(sentence, cache_.path(), page, "key");
    }

    void visit(page_ref ref, std::uint32_t level, const key_buffer* low, const key_buffer* high) {
        // A copy, so that nothing is pinned or guarded while its children are visited.
        growing_array<std::byte> copy;
        copy.resize(Layout::page_size);
        guarded_([&] {
            std::memcpy(copy.data(), read_page<Layout>(cache_, ref, level), Layout::page_size);
        });
        const std::byte* const page = copy.data();
        const std::uint32_t count = format::count_of(page);
        key_buffer scratch;
        key_buffer before;
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto key = Layout::arg_of(Layout::key(page, i, scratch));
            if (i != 0 && !Layout::less(before.arg(), key))
                fail(ref.id, "keys of a page are not in order; restore a backup");
            if ((low != nullptr && Layout::less(key, low->arg())) ||
                (high != nullptr && !Layout::less(key, high->arg())))
                fail(ref.id, "a key lies outside its page's range; restore a backup");
            before.assign(key);
        }
        if (level == 0) {
            if (count == 0) fail(ref.id, "a leaf is empty; restore a backup");
            ++facts_.leaf_pages;
            facts_.records += count;
            facts_.used_bytes += Layout::used(page);
            if constexpr (Layout::kind == format::layout_kind::slotted) visit_runs(page, count);
        } else {
            ++facts_.inner_pages;
            key_buffer left;
            key_buffer right;
            for (std::uint32_t i = 0; i <= count; ++i) {
                if (i < count) right.assign(Layout::arg_of(Layout::key(page, i, scratch)));
                visit(Layout::child(page, i), level - 1, i == 0 ? low : &left,
                      i == count ? high : &right);
                left = right;
            }
        }
        seen_(ref.id, 1U);
    }

    void visit_runs(const std::byte* page, std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i) {
            const node::stored_value stored = Layout::value(page, i);
            if (!stored.overflow) continue;
            const run_ref run = decode_run(stored.bytes, cache_.path());
            value_.resize(run.value_size);
            read_run(cache_, run, {value_.data(), value_.size()});
            const std::uint32_t pages = format::run_pages(run.value_size, Layout::page_size);
            facts_.overflow_pages += pages;
            seen_(run.first.id, pages);
        }
    }

    Cache& cache_;
    Guarded& guarded_;
    Seen& seen_;
    tree_facts facts_;
    growing_array<std::byte> value_;
};

} // namespace quire::tree
