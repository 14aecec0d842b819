// Builds a tree from records in ascending order, from below: leaves are filled one after the other,
// and pages above them as they close. Each page is put together in memory of the loader's own and
// copied into a page of the store once, when it is full.
//
//   level 2            [ open ]
//   level 1   (closed) [ open ]          one open page a level
//   leaves    (closed) (closed) [ open ]
//
// Of a Writer it asks for writer.create(facts), as tree/editor.hpp does.
//
// Invariants:
//   1. what is closed is never changed again
//   2. every inner page has two children or more: one that is full gives its last child to the page
//      that follows it
// Cost: O(1) for a record, and one copy of each page. Memory: one page a level.
// Thread-safety: the writer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/owned.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/node/layout.hpp>
#include <quire/tree/descent.hpp>

namespace quire::tree {

template <class Layout, class Writer>
class bulk_loader {
    using key_arg = typename Layout::key_arg;
    using key_buffer = typename Layout::key_buffer;

public:
    // Leaves and the pages above them are closed once that share of them is full: above 0, 1 at
    // most. Throws std::bad_alloc.
    bulk_loader(Writer& writer, tree_id tree, double fill)
        : writer_(writer), tree_(tree),
          leaf_target_(static_cast<std::uint32_t>(Layout::leaf_capacity * fill)),
          inner_target_(static_cast<std::uint32_t>(Layout::inner_capacity * fill)) {
        open(0);
    }

    // The level of the highest page so far. A call of add or finish creates a page a level at most,
    // and one above.
    [[nodiscard]] std::uint32_t level() const noexcept { return top_; }
    [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
    // Whether the key may come next.
    [[nodiscard]] bool in_order(key_arg key) const noexcept {
        return records_ == 0 || Layout::less(last_.arg(), key);
    }
    // Whether add would close a leaf, and needs pages.
    [[nodiscard]] bool wants_page(key_arg key, node::stored_value value) const noexcept {
        const std::byte* const leaf = levels_[0]->image;
        const std::uint32_t count = format::count_of(leaf);
        return count != 0 &&
               (Layout::used(leaf) >= leaf_target_ || !Layout::fits(leaf, count, key, value));
    }
    // The next record. Requires: in_order(key), a record of at most half a page. Throws
    // std::bad_alloc, after which nothing but giving up is possible.
    void add(key_arg key, node::stored_value value) {
        QUIRE_ASSERT(in_order(key), "records are loaded in order");
        if (wants_page(key, value)) {
            const page_ref full = close(0);
            add_child(1, full, *levels_[0]);
            start(0, Layout::leaf_kind);
            levels_[0]->low.assign(separator(key));
        }
        std::byte* const leaf = levels_[0]->image;
        Layout::insert(leaf, format::count_of(leaf), key, value);
        last_.assign(key);
        ++records_;
    }
    // The records of a whole leaf of such a tree, as they lie there; what was open before is
    // closed, however full. Requires: in_order(its first key), no overflow runs. Throws as add.
    void add_leaf(const std::byte* leaf) {
        const std::uint32_t count = format::count_of(leaf);
        key_buffer scratch;
        const auto key = [&](std::uint32_t i) {
            return Layout::arg_of(Layout::key(leaf, i, scratch));
        };
        QUIRE_ASSERT(count != 0 && in_order(key(0)), "leaves are loaded in order");
        open_page& open = *levels_[0];
        if (format::count_of(open.image) != 0) {
            const page_ref full = close(0);
            add_child(1, full, open);
            open.low.assign(separator(key(0)));
        }
        std::memcpy(open.image, leaf, Layout::page_size);
        last_.assign(key(count - 1));
        records_ += count;
    }
    // Closes all that is open. Throws as add.
    [[nodiscard]] format::root_record finish() {
        format::root_record root{tree_, 0, {}, records_};
        if (records_ == 0) return root;
        std::uint32_t level = 0;
        page_ref last = close(0);
        for (; level < top_; ++level) {
            add_child(level + 1, last, *levels_[level]);
            last = close(level + 1);
        }
        root.root = last;
        root.level = static_cast<decltype(root.level)>(level);
        return root;
    }

private:
    struct open_page {
        key_buffer low; // its separator from the page before, unless it is the first of its level
        std::byte image[Layout::page_size];
    };

    void open(std::uint32_t level) {
        levels_[level] = owned<open_page>(new open_page); // not value-initialised
        start(level, level == 0 ? Layout::leaf_kind : Layout::inner_kind);
        top_ = level;
    }
    void start(std::uint32_t level, format::page_kind kind) noexcept {
        format::start_page(levels_[level]->image, {kind, static_cast<std::uint8_t>(level), tree_},
                           page_id::none, version::none);
    }
    // The least key, of those that are short, above all so far and not above the key.
    [[nodiscard]] key_arg separator(key_arg key) const noexcept {
        if constexpr (Layout::kind == format::layout_kind::slotted) {
            const std::size_t same = common_prefix(last_.arg(), key);
            return key.first(same < key.size() ? same + 1 : key.size());
        } else {
            return key;
        }
    }
    // Puts the open page of the level into the store.
    [[nodiscard]] page_ref close(std::uint32_t level) noexcept {
        const std::byte* const image = levels_[level]->image;
        std::byte* const page =
            writer_.create({format::kind_of(image), static_cast<std::uint8_t>(level), tree_});
        const page_id id = format::id_of(page);
        const version birth = format::birth_of(page);
        std::memcpy(page + 4, image + 4, Layout::page_size - 4);
        format::set_identity(page, id, birth);
        return format::ref_of(page);
    }
    // A page of the level below has been closed.
    void add_child(std::uint32_t level, page_ref child, const open_page& closed) {
        QUIRE_ASSERT(level < most_levels, "a tree is not that high");
        if (level > top_) {
            open(level);
            Layout::start_inner(levels_[level]->image, child);
            return;
        }
        open_page& above = *levels_[level];
        const std::uint32_t count = format::count_of(above.image);
        const bool is_full = count >= 2 && Layout::used(above.image) >= inner_target_;
        if (!is_full && Layout::fits_separator(above.image, count, closed.low.arg())) {
            Layout::insert_separator(above.image, count, closed.low.arg(), child);
            return;
        }
        key_buffer scratch;
        key_buffer border;
        border.assign(Layout::arg_of(Layout::key(above.image, count - 1, scratch)));
        const page_ref last = Layout::child(above.image, count);
        Layout::erase_child(above.image, count);
        add_child(level + 1, close(level), above);
        start(level, Layout::inner_kind);
        Layout::start_inner(above.image, last);
        Layout::insert_separator(above.image, 0, closed.low.arg(), child);
        above.low = border;
    }

    Writer& writer_;
    tree_id tree_;
    std::uint32_t leaf_target_;
    std::uint32_t inner_target_;
    std::uint32_t top_ = 0;
    std::uint64_t records_ = 0;
    key_buffer last_;
    owned<open_page> levels_[most_levels];
};

} // namespace quire::tree
