// Packs neighbouring thin leaves of one parent into fewer, on plain memory: which leaves, what the
// fewer ones will hold and what the page above them will be is known before anything is changed.
//
// Cost rule: leaves are packed when that writes at most four pages for each one that it saves. Half
// full leaves cost one page for each that is saved; three quarters full are just worth it. Leaves
// are filled to 31/32: who packs wants a small store, and one that small records are added to still
// finds room for one or two in each.
//
// An inner page keeps two children, but for a root, which then gives way to its only one.
// Thread-safety: choose is a pure function; the rest is one writer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/page_header.hpp>
#include <quire/node/layout.hpp>

namespace quire::tree {

// Children of one inner page that are looked at together, at most.
inline constexpr std::uint32_t most_children = 32;

// Children [begin, end) of an inner page.
struct leaf_group {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t pack_from = 0; // those packed together; none if both are equal
    std::uint32_t pack_to = 0;
    const std::byte* leaves[most_children]; // [0] is child begin

    [[nodiscard]] bool packs() const noexcept { return pack_from != pack_to; }
    [[nodiscard]] const std::byte* leaf(std::uint32_t child) const noexcept {
        return leaves[child - begin];
    }
};

template <class Layout>
class leaf_packing {
    using key_arg = typename Layout::key_arg;
    using key_buffer = typename Layout::key_buffer;
    using workspace = typename Layout::workspace;

public:
    // Throws std::bad_alloc.
    leaf_packing() { pages_.resize(std::size_t{most_children} * Layout::page_size); }

    // Finds the first leaves of the group that are worth packing, from a thin one on, and moves the
    // group's end behind them; or before a thin leaf at the end, whose neighbours are not seen yet.
    // Requires: no leaf is empty.
    static void choose(leaf_group& here, std::uint32_t children, bool below_root) noexcept;

    // Packs the chosen leaves. False if nothing is saved, or the page above them has no room.
    // Throws std::bad_alloc.
    [[nodiscard]] bool plan(workspace& work, const std::byte* parent, const leaf_group& here,
                            bool below_root);

    // ---- what was planned ----
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    // Where the last of them begins, if it is one of several and has room left: to be packed with
    // what follows. Null otherwise.
    [[nodiscard]] const key_buffer* open_end() const noexcept {
        const bool full = Layout::used(image(count_ - 1)) + Layout::leaf_capacity / 16 > target;
        return count_ < 2 || full ? nullptr : &separators_[count_ - 2];
    }
    // Into a new leaf.
    void put_leaf(std::byte* page, std::uint32_t n) const noexcept { put(page, image(n)); }
    // Into the page above, whose packed children then are still the old ones. Other children than
    // the packed ones may have moved since they were planned.
    void put_parent(std::byte* parent, const leaf_group& here) noexcept {
        const std::uint32_t gone = here.pack_to - here.pack_from - count_;
        for (std::uint32_t i = here.begin; i < here.end; ++i) {
            if (i >= here.pack_from && i < here.pack_to) continue;
            Layout::set_child(parent_, i < here.pack_from ? i : i - gone,
                              Layout::child(parent, i));
        }
        put(parent, parent_);
    }

private:
    static constexpr std::uint32_t target = Layout::leaf_capacity / 32 * 31;
    static constexpr std::uint32_t thin = Layout::leaf_capacity / 8 * 7;
    static constexpr std::uint32_t most_written_for_one = 4;

    [[nodiscard]] const std::byte* image(std::uint32_t n) const noexcept {
        return pages_.data() + std::size_t{n} * Layout::page_size;
    }
    [[nodiscard]] std::byte* image(std::uint32_t n) noexcept {
        return pages_.data() + std::size_t{n} * Layout::page_size;
    }
    // The content of a page, under the identity of another one.
    static void put(std::byte* to, const std::byte* from) noexcept {
        const page_id id = format::id_of(to);
        const version birth = format::birth_of(to);
        std::memcpy(to + 4, from + 4, Layout::page_size - 4);
        format::set_identity(to, id, birth);
    }
    [[nodiscard]] bool fill_up(workspace& work, std::byte* filling, std::byte* next);
    [[nodiscard]] bool plan_parent(const std::byte* parent, const leaf_group& here) noexcept;

    growing_array<std::byte> pages_;
    key_buffer separators_[most_children]; // behind each page but the last
    std::uint32_t count_ = 0;
    std::byte parent_[Layout::page_size];
    std::byte next_[Layout::page_size];
    std::byte rest_[Layout::page_size];
    std::byte fuller_[Layout::page_size];
    std::byte value_[Layout::page_size];
};

template <class Layout>
void leaf_packing<Layout>::choose(leaf_group& here, std::uint32_t children,
                                  bool below_root) noexcept {
    const auto used = [&](std::uint32_t i) { return Layout::used(here.leaf(i)); };
    for (std::uint32_t from = here.begin; from < here.end; ++from) {
        if (used(from) > thin) continue;
        std::uint64_t bytes = 0;
        std::uint32_t saves = 0;
        std::uint32_t to = from;
        for (std::uint32_t i = from; i < here.end; ++i) {
            bytes += used(i);
            const std::uint32_t leaves = i + 1 - from;
            const auto needed = static_cast<std::uint32_t>((bytes + target - 1) / target);
            if (needed >= leaves) continue;
            const std::uint32_t saved = leaves - needed;
            if (needed > most_written_for_one * saved || saved <= saves) continue;
            if (leaves == children && needed == 1 && !below_root) continue;
            saves = saved;
            to = i + 1;
        }
        if (saves == 0) continue;
        here.pack_from = from;
        here.pack_to = to;
        here.end = to;
        return;
    }
    if (here.end < children && here.end - here.begin > 1 && used(here.end - 1) <= thin) --here.end;
}

template <class Layout>
bool leaf_packing<Layout>::plan(workspace& work, const std::byte* parent, const leaf_group& here,
                                bool below_root) {
    const std::uint32_t leaves = here.pack_to - here.pack_from;
    key_buffer scratch;
    count_ = 0;
    std::byte* filling = image(0);
    std::memcpy(filling, here.leaf(here.pack_from), Layout::page_size);
    for (std::uint32_t i = here.pack_from + 1; i < here.pack_to; ++i) {
        std::memcpy(next_, here.leaf(i), Layout::page_size);
        const std::uint32_t full = Layout::used(filling);
        if (full + Layout::used(next_) <= target && Layout::plan_leaf_merge(work, filling, next_)) {
            Layout::apply_leaf_merge(work, filling);
            continue;
        }
        key_buffer& border = separators_[count_];
        if (full < target && fill_up(work, filling, next_))
            border.assign(Layout::planned_separator(work));
        else border.assign(Layout::arg_of(Layout::key(parent, i - 1, scratch)));
        if (count_ + 2 >= leaves) return false; // saves nothing
        filling = image(++count_);
        std::memcpy(filling, next_, Layout::page_size);
    }
    ++count_;
    // As choose says, which could only estimate.
    if (count_ == 1 && !below_root && leaves == format::count_of(parent) + 1) return false;
    return count_ < leaves && plan_parent(parent, here);
}

// Moves records from the front of `next` to `filling`, which is below the target, up to it; false,
// and nothing has happened, if that is none.
template <class Layout>
bool leaf_packing<Layout>::fill_up(workspace& work, std::byte* filling, std::byte* next) {
    const std::uint32_t count = format::count_of(next);
    const std::uint32_t each = Layout::used(next) / count + 1;
    // Rounded up: a page of few large records would stay far from full.
    std::uint32_t taken = (target - Layout::used(filling) + each - 1) / each;
    if (taken >= count) taken = count - 1;
    if (taken == 0) return false;
    // A spread is of an insertion: record `taken` is inserted where it stood, as the first of its
    // page.
    key_buffer scratch;
    key_buffer key;
    key.assign(Layout::arg_of(Layout::key(next, taken, scratch)));
    const node::stored_value value = Layout::value(next, taken);
    std::memcpy(value_, value.bytes.data(), value.bytes.size());
    std::memcpy(rest_, next, sizeof rest_);
    Layout::erase(rest_, taken);
    const bool planned = Layout::plan_leaf_spread(
        work, filling, rest_,
        {taken, true, key.arg(), {{value_, value.bytes.size()}, value.overflow}},
        node::bias::ascending);
    if (!planned) return false;
    std::memcpy(fuller_, filling, sizeof fuller_);
    const std::uint32_t before = format::count_of(filling);
    Layout::apply_leaf_spread(work, fuller_, rest_);
    if (format::count_of(fuller_) < before) return false; // that was the nearest border there is
    std::memcpy(filling, fuller_, sizeof fuller_);
    std::memcpy(next, rest_, sizeof rest_);
    return true;
}

template <class Layout>
bool leaf_packing<Layout>::plan_parent(const std::byte* parent, const leaf_group& here) noexcept {
    std::memcpy(parent_, parent, Layout::page_size);
    for (std::uint32_t i = here.pack_to; i-- > here.pack_from + count_;)
        Layout::erase_child(parent_, i);
    for (std::uint32_t n = 0; n + 1 < count_; ++n) {
        const key_arg border = separators_[n].arg();
        if (!Layout::fits_separator_replacement(parent_, here.pack_from + n, border)) return false;
        Layout::replace_separator(parent_, here.pack_from + n, border);
    }
    return true;
}

} // namespace quire::tree
