// Changes to one tree, copy on write: insert, replace and erase of one record at the end of a
// descent. The pages come from a Writer, which owns the version that is being built:
//
//   writer.cache()                 where pages are read
//   writer.own(page) -> std::byte* the page's copy in this version: itself if it was born in it,
//                                  else a copy under a new id, the old id freed. noexcept
//   writer.create(facts)           a new, empty page. noexcept
//   writer.release(page)           the page is no longer reachable in this version. noexcept
//   writer.owns(page)              born in this version?
//   writer.check_used(page)        throws corruption if its id is one that own and create may give;
//                                asked before they are: a file made to harm may call a page free
//                                that its tree uses, and a path must not change while it is copied
// The writer has reserved what one operation can need (pages_for), so nothing fails half way.
//
// Guarantee: every function reads all pages and plans all restructuring first, which may throw and
// leaves the tree as it was in content; what follows is noexcept.
//
// Shape rules:
//   1. A full leaf first evens out with a neighbour that has room, which keeps pages fuller than
//      splitting at once would (D. Knuth, TAOCP 3, 6.2.4, B*-trees); else it splits in two.
//   2. Records that arrive in ascending order leave full pages behind; mirrored for descending.
//   3. A leaf below 3/8 merges with a neighbour when both fill 7/8 of a page at most; so does an
//      inner page below 1/4, or it evens out. An empty page is unlinked, up to the root.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quire/core/assert.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/tree/descent.hpp>

namespace quire::tree {

// Where the last insertion went, to recognise runs of ascending or descending keys.
struct insertion_trail {
    page_id leaf = page_id::none;
    std::uint32_t index = 0;
};

template <class Layout, class Writer>
class editor {
public:
    using key_arg = typename Layout::key_arg;
    using path = descent<Layout>;
    using workspace = typename Layout::workspace;

    editor(Writer& writer, format::root_record& root, workspace& work,
           insertion_trail& trail) noexcept
        : writer_(writer), root_(root), work_(work), trail_(trail) {}

    // Pages that one operation on a tree of this height creates or frees at most.
    [[nodiscard]] static constexpr std::uint32_t pages_for(std::uint32_t level) noexcept {
        return 3 * (level + 2);
    }

    // Inserts the record where `at` points. Requires: !at.found. Afterwards `at` points to it, or
    // has depth 0 when the tree was restructured.
    void insert(path& at, key_arg key, node::stored_value value) {
        if (at.depth == 0) return insert_first(at, key, value);
        const auto leaf = at.leaf();
        if (QUIRE_LIKELY(Layout::fits(leaf.page, leaf.index, key, value))) {
            std::byte* const page = own_leaf(at);
            Layout::insert(page, leaf.index, key, value);
            trail_ = {format::id_of(page), leaf.index};
            ++root_.entries;
            return;
        }
        insert_into_full(at, key, value);
        at.depth = 0;
        ++root_.entries;
    }

    // Gives the record another value. Requires: at.found. Afterwards as insert.
    void replace(path& at, key_arg key, node::stored_value value) {
        const auto leaf = at.leaf();
        if (QUIRE_LIKELY(Layout::fits_replacement(leaf.page, leaf.index, value))) {
            Layout::replace(own_leaf(at), leaf.index, value);
            return;
        }
        replace_in_full(at, key, value);
        at.depth = 0;
    }

    // Removes the record. Requires: at.found.
    void erase(path& at);

    // Throws corruption if a page of the path is one that may be handed out.
    void check_used(const path& at) const {
        for (std::uint32_t i = 0; i < at.depth; ++i) writer_.check_used(at.steps[i].page);
    }

private:
    struct neighbours {
        const std::byte* left = nullptr;
        const std::byte* right = nullptr;
    };

    static constexpr std::uint32_t thin_leaf = Layout::leaf_capacity / 8 * 3;
    static constexpr std::uint32_t thin_inner = Layout::inner_capacity / 4;
    // Merging leaves room for the next insertions.
    static constexpr std::uint32_t full_enough = Layout::leaf_capacity / 8 * 7;
    // Two leaves even out when both together are below this; else one splits.
    static constexpr std::uint32_t room_for_two = Layout::leaf_capacity / 8 * 14;

    void insert_first(path& at, key_arg key, node::stored_value value) noexcept {
        std::byte* const page = writer_.create({Layout::leaf_kind, 0, root_.tree});
        Layout::insert(page, 0, key, value);
        root_.root = format::ref_of(page);
        root_.level = 0;
        root_.entries = 1;
        at.steps[0] = {page, 0};
        at.depth = 1;
    }

    // The leaf of the path, writable, and all above it in this version.
    std::byte* own_leaf(path& at) {
        if (QUIRE_LIKELY(writer_.owns(at.leaf().page))) {
            std::byte* const page = writer_.own(at.leaf().page);
            at.leaf().page = page;
            return page;
        }
        check_used(at);
        return own_path(at);
    }
    std::byte* own_path(path& at) noexcept { return own_path_of<Layout>(writer_, root_, at); }
    [[nodiscard]] static std::byte* owned(path& at, std::uint32_t i) noexcept {
        return const_cast<std::byte*>(at.steps[i].page);
    }

    [[nodiscard]] neighbours neighbours_of(const path& at, std::uint32_t i) {
        neighbours found;
        if (i == 0) return found;
        const auto& above = at.steps[i - 1];
        const std::uint32_t level = at.depth - 1 - i;
        if (above.index < format::count_of(above.page))
            found.right = read_page<Layout>(writer_.cache(),
                                            Layout::child(above.page, above.index + 1), level);
        if (above.index > 0)
            found.left = read_page<Layout>(writer_.cache(),
                                           Layout::child(above.page, above.index - 1), level);
        if (found.right != nullptr) writer_.check_used(found.right);
        if (found.left != nullptr) writer_.check_used(found.left);
        return found;
    }

    [[nodiscard]] node::bias bias_of(const path& at) const noexcept {
        const auto leaf = at.leaf();
        const std::uint32_t count = format::count_of(leaf.page);
        const bool follows = trail_.leaf == format::id_of(leaf.page);
        if (leaf.index == count) {
            bool last = true;
            for (std::uint32_t i = 0; i + 1 < at.depth; ++i)
                last = last && at.steps[i].index == format::count_of(at.steps[i].page);
            if (last || (follows && trail_.index + 1 == leaf.index)) return node::bias::ascending;
        }
        if (leaf.index == 0) {
            bool first = true;
            for (std::uint32_t i = 0; i + 1 < at.depth; ++i)
                first = first && at.steps[i].index == 0;
            if (first || (follows && trail_.index == 0)) return node::bias::descending;
        }
        return node::bias::middle;
    }

    void insert_into_full(path& at, key_arg key, node::stored_value value);
    void replace_in_full(path& at, key_arg key, node::stored_value value);
    [[nodiscard]] bool even_out(path& at, key_arg key, node::stored_value value);
    void add_to_parent(path& at, std::byte* right, node::bias border) noexcept;
    void unlink(path& at, std::uint32_t i) noexcept;
    void mend_inner(path& at, std::uint32_t i,
                    const neighbours (&beside)[most_levels]) noexcept;
    void merge_into(path& at, std::uint32_t i, neighbours beside, bool right) noexcept;

    Writer& writer_;
    format::root_record& root_;
    workspace& work_;
    insertion_trail& trail_;
};

template <class Layout, class Writer>
void editor<Layout, Writer>::insert_into_full(path& at, key_arg key, node::stored_value value) {
    check_used(at);
    const node::bias border = bias_of(at);
    if (border == node::bias::middle && even_out(at, key, value)) return;
    if (!Layout::plan_leaf_spread(work_, at.leaf().page, nullptr,
                                  {at.leaf().index, false, key, value}, border) &&
        !Layout::plan_leaf_spread(work_, at.leaf().page, nullptr,
                                  {at.leaf().index, false, key, value}, node::bias::middle))
        QUIRE_ASSERT(false, "a leaf of records of at most half a page can be split");
    std::byte* const left = own_path(at);
    std::byte* const right = writer_.create({Layout::leaf_kind, 0, root_.tree});
    Layout::apply_leaf_spread(work_, left, right);
    if (border == node::bias::ascending) trail_ = {format::id_of(right), 0};
    else if (border == node::bias::descending) trail_ = {format::id_of(left), 0};
    else trail_ = {};
    add_to_parent(at, right, border);
}

// The new record is larger than the old one and the leaf cannot hold it: splits the leaf as if the
// old record were not there and the new one were inserted.
template <class Layout, class Writer>
void editor<Layout, Writer>::replace_in_full(path& at, key_arg key, node::stored_value value) {
    check_used(at);
    std::byte rest[Layout::page_size];
    std::memcpy(rest, at.leaf().page, sizeof rest);
    Layout::erase(rest, at.leaf().index);
    const bool planned = Layout::plan_leaf_spread(
        work_, rest, nullptr, {at.leaf().index, false, key, value}, node::bias::middle);
    QUIRE_ASSERT(planned, "a leaf of records of at most half a page can be split");
    static_cast<void>(planned);
    std::byte* const left = own_path(at);
    std::byte* const right = writer_.create({Layout::leaf_kind, 0, root_.tree});
    Layout::apply_leaf_spread(work_, left, right);
    trail_ = {};
    add_to_parent(at, right, node::bias::middle);
}

// Inserts into the leaf and a neighbour under the same parent; false when neither has the room.
template <class Layout, class Writer>
bool editor<Layout, Writer>::even_out(path& at, key_arg key, node::stored_value value) {
    if (at.depth < 2) return false;
    const std::uint32_t index = at.leaf().index;
    const std::byte* const page = at.leaf().page;
    ask_for_all<Layout>(page);
    const neighbours beside = neighbours_of(at, at.depth - 1);
    const auto room = [&](const std::byte* other) {
        return other == nullptr ? ~std::uint32_t{0} : Layout::used(other);
    };
    const bool right = room(beside.right) <= room(beside.left);
    const std::byte* const other = right ? beside.right : beside.left;
    if (other == nullptr || Layout::used(page) + Layout::used(other) > room_for_two) return false;
    ask_for_all<Layout>(other);
    const bool planned =
        right ? Layout::plan_leaf_spread(work_, page, other, {index, false, key, value},
                                         node::bias::middle)
              : Layout::plan_leaf_spread(work_, other, page, {index, true, key, value},
                                         node::bias::middle);
    if (!planned) return false;
    const std::uint32_t above = at.depth - 2;
    const std::uint32_t child = at.steps[above].index;
    const std::uint32_t separator = right ? child : child - 1;
    if (!Layout::fits_separator_replacement(at.steps[above].page, separator,
                                            Layout::planned_separator(work_)))
        return false;
    std::byte* const mine = own_path(at);
    std::byte* const theirs = writer_.own(other);
    std::byte* const parent = owned(at, above);
    Layout::set_child(parent, right ? child + 1 : child - 1, format::ref_of(theirs));
    Layout::apply_leaf_spread(work_, right ? mine : theirs, right ? theirs : mine);
    Layout::replace_separator(parent, separator, Layout::planned_separator(work_));
    trail_ = {};
    return true;
}

// The page at the end of the owned path has been split; `right` is its new right half.
template <class Layout, class Writer>
void editor<Layout, Writer>::add_to_parent(path& at, std::byte* right, node::bias border) noexcept {
    typename Layout::key_buffer separator;
    separator.assign(Layout::planned_separator(work_));
    for (std::uint32_t i = at.depth - 1;; --i) {
        if (i == 0) {
            std::byte* const top = writer_.create(
                {Layout::inner_kind, static_cast<std::uint8_t>(root_.level + 1), root_.tree});
            Layout::start_inner(top, root_.root);
            Layout::insert_separator(top, 0, separator.arg(), format::ref_of(right));
            root_.root = format::ref_of(top);
            ++root_.level;
            return;
        }
        std::byte* const parent = owned(at, i - 1);
        const std::uint32_t index = at.steps[i - 1].index;
        if (Layout::fits_separator(parent, index, separator.arg())) {
            Layout::insert_separator(parent, index, separator.arg(), format::ref_of(right));
            return;
        }
        const bool planned = Layout::plan_inner_split(work_, parent, index, separator.arg(),
                                                      format::ref_of(right), border) ||
                             Layout::plan_inner_split(work_, parent, index, separator.arg(),
                                                      format::ref_of(right), node::bias::middle);
        QUIRE_ASSERT(planned, "an inner page of separators of at most a quarter page can be split");
        static_cast<void>(planned);
        std::byte* const beside = writer_.create(
            {Layout::inner_kind, static_cast<std::uint8_t>(format::level_of(parent)), root_.tree});
        Layout::apply_inner_split(work_, parent, beside);
        separator.assign(Layout::planned_separator(work_));
        right = beside;
    }
}

template <class Layout, class Writer>
void editor<Layout, Writer>::erase(path& at) {
    trail_ = {};
    const std::uint32_t last = at.depth - 1;
    const bool lonely = format::count_of(at.leaf().page) == 1;
    if (!lonely && Layout::used(at.leaf().page) >= thin_leaf) {
        Layout::erase(own_leaf(at), at.leaf().index);
        --root_.entries;
        return;
    }
    check_used(at);
    ask_for_all<Layout>(at.leaf().page);
    // All reading comes first: the neighbours of the leaf, and of each inner page that may follow.
    neighbours beside[most_levels];
    beside[last] = neighbours_of(at, last);
    for (std::uint32_t i = last; i-- > 1 && Layout::used(at.steps[i].page) < thin_inner + 64;)
        beside[i] = neighbours_of(at, i);
    std::byte* const page = own_path(at);
    Layout::erase(page, at.leaf().index);
    --root_.entries;
    if (format::count_of(page) == 0) {
        unlink(at, last);
    } else if (last != 0) {
        const std::uint32_t rest = Layout::used(page);
        const auto joins = [rest](const std::byte* other) {
            if (other == nullptr || Layout::used(other) + rest > full_enough) return false;
            ask_for_all<Layout>(other);
            return true;
        };
        if (joins(beside[last].right) && Layout::plan_leaf_merge(work_, page, beside[last].right)) {
            Layout::apply_leaf_merge(work_, page);
            merge_into(at, last, beside[last], true);
        } else if (joins(beside[last].left) &&
                   Layout::plan_leaf_merge(work_, beside[last].left, page)) {
            Layout::apply_leaf_merge(work_, page);
            merge_into(at, last, beside[last], false);
        } else {
            return;
        }
    }
    mend_inner(at, last, beside);
}

// The owned page at step i took over its neighbour's content: drops the neighbour.
template <class Layout, class Writer>
void editor<Layout, Writer>::merge_into(path& at, std::uint32_t i, neighbours beside,
                                        bool right) noexcept {
    std::byte* const parent = owned(at, i - 1);
    const std::uint32_t child = at.steps[i - 1].index;
    if (right) {
        Layout::erase_child(parent, child + 1);
        writer_.release(beside.right);
    } else {
        // The page takes its left neighbour's place and lower bound.
        Layout::set_child(parent, child - 1, format::ref_of(at.steps[i].page));
        Layout::erase_child(parent, child);
        at.steps[i - 1].index = child - 1;
        writer_.release(beside.left);
    }
}

// Removes the empty page at step i, and what becomes empty by that.
template <class Layout, class Writer>
void editor<Layout, Writer>::unlink(path& at, std::uint32_t i) noexcept {
    for (;; --i) {
        writer_.release(at.steps[i].page);
        if (i == 0) {
            root_.root = {};
            root_.level = 0;
            at.depth = 0;
            return;
        }
        std::byte* const parent = owned(at, i - 1);
        if (format::count_of(parent) != 0) {
            Layout::erase_child(parent, at.steps[i - 1].index);
            at.depth = i;
            return;
        }
    }
}

// Walks up from below step i: thin inner pages merge with a neighbour or even out with it, and a
// root with one child gives way to it.
template <class Layout, class Writer>
void editor<Layout, Writer>::mend_inner(
    path& at, std::uint32_t i, const neighbours (&beside)[most_levels]) noexcept {
    if (i > at.depth) i = at.depth;
    for (; i-- > 1;) {
        std::byte* const page = owned(at, i);
        if (Layout::used(page) >= thin_inner) return;
        const std::uint32_t child = at.steps[i - 1].index;
        std::byte* const parent = owned(at, i - 1);
        typename Layout::key_buffer scratch;
        const auto between = [&](std::uint32_t n) {
            return Layout::arg_of(Layout::key(parent, n, scratch));
        };
        const neighbours n = beside[i];
        if (n.right != nullptr && Layout::plan_inner_merge(work_, page, n.right, between(child))) {
            Layout::apply_inner_merge(work_, page);
            merge_into(at, i, n, true);
        } else if (n.left != nullptr &&
                   Layout::plan_inner_merge(work_, n.left, page, between(child - 1))) {
            Layout::apply_inner_merge(work_, page);
            merge_into(at, i, n, false);
        } else if (format::count_of(page) == 0 && (n.right != nullptr || n.left != nullptr)) {
            const bool right = n.right != nullptr;
            const std::byte* const other = right ? n.right : n.left;
            const std::uint32_t at_separator = right ? child : child - 1;
            const bool planned =
                right ? Layout::plan_inner_spread(work_, page, other, between(at_separator))
                      : Layout::plan_inner_spread(work_, other, page, between(at_separator));
            if (!planned || !Layout::fits_separator_replacement(parent, at_separator,
                                                                Layout::planned_separator(work_)))
                return;
            std::byte* const theirs = writer_.own(other);
            Layout::set_child(parent, right ? child + 1 : child - 1, format::ref_of(theirs));
            Layout::apply_inner_spread(work_, right ? page : theirs, right ? theirs : page);
            Layout::replace_separator(parent, at_separator, Layout::planned_separator(work_));
            return;
        } else {
            return;
        }
    }
    const std::byte* const top = at.steps[0].page;
    if (root_.level == 0 || at.depth == 0 || format::count_of(top) != 0) return;
    root_.root = Layout::child(top, 0);
    --root_.level;
    writer_.release(top);
}

} // namespace quire::tree
