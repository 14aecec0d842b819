// The layout of records whose key and value have one size each: two packed arrays, no slots.
//
//   leaf    0        32                        values_offset              PageSize
//           +--------+-------------------------+--------------------------+
//           | header | key 0 | key 1 | ...     | value 0 | value 1 | ...  |
//           +--------+-------------------------+--------------------------+
//   inner   0        32                        children_offset            PageSize
//           +--------+-------------------------+--------------------------+
//           | header | separator 0 | ...       | child 0 | child 1 | ...  |
//           +--------+-------------------------+--------------------------+
//
// The offsets are constants of the type: a leaf of 64-bit keys and values in 4096 bytes holds 254
// records. Values are aligned to the largest power of two that divides their size, at most 16, as
// far as the page is. Inserting into a leaf is two memmoves; searching is search.hpp.
//
// Thread-safety: as in layout.hpp.
//
// Invariants of a page, besides the laws in layout.hpp:
//   1. count is at most leaf_slots or inner_slots, whichever the kind asks for.
//   2. A separator is the first key its right side had when they were parted.
//   3. The header's bytes 24..30 are the search hint of the page's keys (search.hpp).
//
// What it does not do: overflow values (a value of one size that does not fit is for `slotted`).
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/node/fixed_key.hpp>
#include <quire/node/layout.hpp>
#include <quire/node/search.hpp>

namespace quire::node {

// Key is integer_key or bytes_key. ValueSize may be 0: a set.
template <class Key, std::size_t ValueSize, std::size_t PageSize>
struct fixed {
    // ---- what it is ----
    static constexpr format::layout_kind kind = format::layout_kind::fixed;
    static constexpr format::page_kind leaf_kind = format::page_kind::fixed_leaf;
    static constexpr format::page_kind inner_kind = format::page_kind::fixed_inner;
    static constexpr std::size_t page_size = PageSize;
    static constexpr std::size_t key_size = Key::size;
    static constexpr std::size_t value_size = ValueSize;

    using key_type = Key;
    using key_arg = typename Key::key_arg;
    using key_buffer = typename Key::buffer;

    static constexpr std::size_t keys_offset = format::page_header_size;

private:
    static constexpr std::size_t values_after(std::size_t slots) noexcept {
        return detail::round_up(keys_offset + slots * key_size,
                                ValueSize == 0 ? 1 : detail::alignment_of(ValueSize, 16));
    }
    static constexpr std::size_t children_after(std::size_t slots) noexcept {
        return detail::round_up(keys_offset + slots * key_size, 8);
    }
    static constexpr std::uint32_t most_records() noexcept {
        std::size_t n = (PageSize - keys_offset) / (key_size + ValueSize);
        while (n > 0 && values_after(n) + n * ValueSize > PageSize) --n;
        return static_cast<std::uint32_t>(n);
    }
    static constexpr std::uint32_t most_separators() noexcept {
        std::size_t n = (PageSize - keys_offset) / (key_size + detail::ref_size);
        while (n > 0 && children_after(n) + (n + 1) * detail::ref_size > PageSize) --n;
        return static_cast<std::uint32_t>(n);
    }

public:
    static constexpr std::uint32_t leaf_slots = most_records();
    static constexpr std::uint32_t inner_slots = most_separators();
    static constexpr std::size_t values_offset = values_after(leaf_slots);
    static constexpr std::size_t children_offset = children_after(inner_slots);
    static constexpr std::uint32_t leaf_capacity =
        static_cast<std::uint32_t>(leaf_slots * (key_size + ValueSize));
    static constexpr std::uint32_t inner_capacity =
        static_cast<std::uint32_t>(inner_slots * (key_size + detail::ref_size));

    static_assert(PageSize >= format::smallest_page && PageSize <= format::largest_page);
    static_assert(leaf_slots >= 4,
                  "quire: four records do not fit a fixed leaf; take a larger page or slotted");
    static_assert(inner_slots >= 4,
                  "quire: four keys do not fit a fixed inner page; take a larger page or slotted");

    class workspace;

    // The key whose stored bytes these are; it may refer to them. Requires: key_size bytes.
    [[nodiscard]] static key_arg arg_of(bytes_view stored) noexcept {
        QUIRE_PRECONDITION(stored.size() == key_size, "a fixed key has the size of its type");
        return Key::load(stored.data());
    }
    [[nodiscard]] static bool less(key_arg left, key_arg right) noexcept {
        return Key::less(left, right);
    }

    // ---- reading ----
    // What is wrong with a page's bounds, or null.
    [[nodiscard]] static const char* validate(const std::byte* page) noexcept;
    // The first record of a leaf that is not less than the key.
    template <pace Pace = pace::eager>
    [[nodiscard]] static search_result find(const std::byte* leaf, key_arg key) noexcept;
    // Asks for the memory that a search for the key will read, of a page whose first line is near.
    QUIRE_INLINE static void prefetch_search(const std::byte* page, key_arg key) noexcept {
        prefetch_bound<Key>(keys(page), format::count_of(page), key, search_hint::load(page));
    }
    // How far into child i of an inner page the key most likely is, from 0 to 1; below: not known.
    [[nodiscard]] QUIRE_INLINE static float share_of_child(const std::byte* inner, std::uint32_t i,
                                                           key_arg key) noexcept {
        if (i == 0 || i >= format::count_of(inner)) return -1;
        return share_of_way<Key>(keys(inner), i, key, search_hint::load(inner));
    }
    // Asks for the lines of a leaf where such a key is most likely, and its value, while nothing of
    // the leaf is near. How many keys it has is not known: after random insertions four fifths of
    // the slots, more or less (decision 0021). All lines of few keys are asked for in any case.
    QUIRE_INLINE static void prefetch_share(const std::byte* leaf, float share) noexcept {
        if (!(share >= 0 && share <= 1)) return; // beyond 1: of a damaged page
        constexpr float usual = 0.82F * static_cast<float>(leaf_slots);
        const auto likely = static_cast<std::size_t>(share * usual);
        if constexpr (values_offset > most_lines_asked * 64)
            detail::prefetch_lines(keys(leaf) + likely * key_size, 5);
        if constexpr (ValueSize > 0)
            detail::prefetch_lines(values(leaf) + likely * ValueSize + ValueSize / 2,
                                   ValueSize > 64 ? 6 : 3);
    }
    // Asks for the memory of a record's value.
    QUIRE_INLINE static void prefetch_value(const std::byte* leaf, std::uint32_t i) noexcept {
        const std::byte* const value = values(leaf) + i * ValueSize;
        for (std::size_t at = 0; at < ValueSize && at < 256; at += 64)
            __builtin_prefetch(value + at);
        if constexpr (ValueSize > 1) __builtin_prefetch(value + ValueSize - 1);
    }
    // The child of an inner page that covers the key: the number of separators not greater than it.
    template <pace Pace = pace::eager>
    [[nodiscard]] static std::uint32_t child_index(const std::byte* inner, key_arg key) noexcept;
    // Requires: i <= count.
    [[nodiscard]] static page_ref child(const std::byte* inner, std::uint32_t i) noexcept {
        QUIRE_PRECONDITION(i <= format::count_of(inner), "an inner page has count + 1 children");
        return format::load_ref(inner + children_offset + i * detail::ref_size);
    }
    // The stored bytes of a record's or separator's key; they point into the page. i < count.
    [[nodiscard]] static bytes_view key(const std::byte* page, std::uint32_t i,
                                        key_buffer&) noexcept {
        QUIRE_PRECONDITION(i < format::count_of(page), "there is no such key");
        return {keys(page) + i * key_size, key_size};
    }
    [[nodiscard]] static stored_value value(const std::byte* leaf, std::uint32_t i) noexcept {
        QUIRE_PRECONDITION(i < format::count_of(leaf), "there is no such record");
        return {{values(leaf) + i * ValueSize, ValueSize}, false};
    }
    // Neighbours lie side by side, which processors notice by themselves.
    QUIRE_INLINE static void prefetch_record(const std::byte*, std::uint32_t) noexcept {}
    // The arrays of a leaf, count elements each; keys are little-endian natives (or bytes).
    [[nodiscard]] static const std::byte* keys(const std::byte* page) noexcept {
        return page + keys_offset;
    }
    [[nodiscard]] static const std::byte* values(const std::byte* leaf) noexcept {
        return leaf + values_offset;
    }
    // Live bytes of the body, of leaf_capacity or inner_capacity.
    [[nodiscard]] static std::uint32_t used(const std::byte* page) noexcept {
        return static_cast<std::uint32_t>(
            format::count_of(page) *
            (key_size + (format::kind_of(page) == leaf_kind ? ValueSize : detail::ref_size)));
    }

    // ---- leaf changes ----
    // Whether insert would find room.
    [[nodiscard]] static bool fits(const std::byte* leaf, std::uint32_t, key_arg,
                                   stored_value) noexcept {
        return format::count_of(leaf) < leaf_slots;
    }
    // Puts a record before record `index`. Requires: fits, a value of ValueSize bytes, no overflow.
    static void insert(std::byte* leaf, std::uint32_t index, key_arg key,
                       stored_value value) noexcept;
    [[nodiscard]] static bool fits_replacement(const std::byte*, std::uint32_t,
                                               stored_value) noexcept {
        return true;
    }
    // Requires: i < count and what insert asks of the value.
    static void replace(std::byte* leaf, std::uint32_t i, stored_value value) noexcept;
    static void erase(std::byte* leaf, std::uint32_t i) noexcept;

    // Spreads the records of two neighbours and a new one over two pages; with right == nullptr, of
    // one page over two. False, with nothing planned, if they do not fit.
    [[nodiscard]] static bool plan_leaf_spread(workspace&, const std::byte* left,
                                               const std::byte* right,
                                               const insertion<fixed>& record, bias border);
    static void apply_leaf_spread(workspace&, std::byte* left, std::byte* right) noexcept;
    // Puts all records of two neighbours into the left one. False if they do not fit.
    [[nodiscard]] static bool plan_leaf_merge(workspace&, const std::byte* left,
                                              const std::byte* right);
    static void apply_leaf_merge(workspace&, std::byte* left) noexcept;
    // Of the latest plan that parts two pages: all left keys < it <= all right keys. Valid until
    // the next plan.
    [[nodiscard]] static key_arg planned_separator(const workspace&) noexcept;

    // ---- inner changes ----
    // Makes a page with a started header an inner page of one child and no separator.
    static void start_inner(std::byte* inner, page_ref first_child) noexcept {
        format::set_count(inner, 0);
        store_child(inner, 0, first_child);
        note_ends(inner);
    }
    // Requires: i <= count.
    static void set_child(std::byte* inner, std::uint32_t i, page_ref ref) noexcept {
        QUIRE_PRECONDITION(i <= format::count_of(inner), "an inner page has count + 1 children");
        store_child(inner, i, ref);
    }
    [[nodiscard]] static bool fits_separator(const std::byte* inner, std::uint32_t,
                                             key_arg) noexcept {
        return format::count_of(inner) < inner_slots;
    }
    // Puts separator i and child i + 1 into the page. Requires: fits_separator.
    static void insert_separator(std::byte* inner, std::uint32_t i, key_arg key,
                                 page_ref right_child) noexcept;
    [[nodiscard]] static bool fits_separator_replacement(const std::byte*, std::uint32_t,
                                                         key_arg) noexcept {
        return true;
    }
    static void replace_separator(std::byte* inner, std::uint32_t i, key_arg key) noexcept {
        QUIRE_PRECONDITION(i < format::count_of(inner), "there is no such separator");
        Key::store(inner + keys_offset + i * key_size, key);
        if (i == 0 || i == format::count_of(inner) - 1) note_ends(inner);
    }
    // Takes child i out, and separator i - 1, or 0 for the first child. Requires: count >= 1.
    static void erase_child(std::byte* inner, std::uint32_t i) noexcept;

    // Parts a page that a new separator i with child i + 1 does not fit. planned_separator is then
    // in neither page but between them. False if the page has too few separators to part.
    [[nodiscard]] static bool plan_inner_split(workspace&, const std::byte* inner, std::uint32_t i,
                                               key_arg separator, page_ref right_child,
                                               bias border);
    static void apply_inner_split(workspace&, std::byte* left, std::byte* right) noexcept;
    // Evens out two neighbours; `between` is their separator in the parent, planned_separator the
    // one to replace it. False if there is nothing to gain.
    [[nodiscard]] static bool plan_inner_spread(workspace&, const std::byte* left,
                                                const std::byte* right, key_arg between);
    static void apply_inner_spread(workspace& work, std::byte* left, std::byte* right) noexcept {
        apply_inner_split(work, left, right);
    }
    // Puts everything into the left page, `between` among it. False if it does not fit.
    [[nodiscard]] static bool plan_inner_merge(workspace&, const std::byte* left,
                                               const std::byte* right, key_arg between);
    static void apply_inner_merge(workspace&, std::byte* left) noexcept;

private:
    static void store_child(std::byte* inner, std::uint32_t i, page_ref ref) noexcept {
        format::store_ref(inner + children_offset + i * detail::ref_size, ref);
    }
    // Brings the hint up to date with the first and the last key.
    static void note_ends(std::byte* page) noexcept {
        hint_of<Key>(keys(page), format::count_of(page)).store(page);
    }
    // Makes room for one element before element i of n.
    static void open_gap(std::byte* array, std::uint32_t n, std::uint32_t i,
                         std::size_t size) noexcept {
        move_bytes(array + (i + 1) * size, array + i * size, (n - i) * size);
    }
    // Closes the room of element i of n.
    static void close_gap(std::byte* array, std::uint32_t n, std::uint32_t i,
                          std::size_t size) noexcept {
        move_bytes(array + i * size, array + (i + 1) * size, (n - i - 1) * size);
    }
};

template <class Key, std::size_t ValueSize, std::size_t PageSize>
const char* fixed<Key, ValueSize, PageSize>::validate(const std::byte* page) noexcept {
    const std::uint32_t count = format::count_of(page);
    if (format::kind_of(page) == leaf_kind) {
        if (format::level_of(page) != 0) return "a leaf has level 0";
        return count <= leaf_slots ? nullptr : "count is more than a fixed leaf has slots";
    }
    if (format::kind_of(page) != inner_kind) return "the page is not of the fixed layout";
    if (format::level_of(page) == 0) return "an inner page has a level above 0";
    return count <= inner_slots ? nullptr : "count is more than a fixed inner page has slots";
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
template <pace Pace>
search_result fixed<Key, ValueSize, PageSize>::find(const std::byte* leaf, key_arg key) noexcept {
    const std::uint32_t count = format::count_of(leaf);
    const std::uint32_t i = lower_bound<Key, Pace>(keys(leaf), count, key, search_hint::load(leaf),
                                                   companion{values(leaf), ValueSize});
    return {i, i < count && Key::equal(Key::load(keys(leaf) + i * key_size), key)};
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
template <pace Pace>
std::uint32_t fixed<Key, ValueSize, PageSize>::child_index(const std::byte* inner,
                                                           key_arg key) noexcept {
    return upper_bound<Key, Pace>(keys(inner), format::count_of(inner), key,
                                  search_hint::load(inner),
                                  companion{inner + children_offset, detail::ref_size});
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
void fixed<Key, ValueSize, PageSize>::insert(std::byte* leaf, std::uint32_t index, key_arg key,
                                             stored_value value) noexcept {
    const std::uint32_t count = format::count_of(leaf);
    QUIRE_PRECONDITION(count < leaf_slots && index <= count, "the leaf has no room there");
    QUIRE_PRECONDITION(value.bytes.size() == ValueSize && !value.overflow,
                       "a fixed value has the size of its type");
    open_gap(leaf + keys_offset, count, index, key_size);
    Key::store(leaf + keys_offset + index * key_size, key);
    if constexpr (ValueSize > 0) {
        open_gap(leaf + values_offset, count, index, ValueSize);
        copy_bytes(leaf + values_offset + index * ValueSize, value.bytes.data(), ValueSize);
    }
    format::set_count(leaf, count + 1);
    if (index == 0 || index == count) note_ends(leaf);
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
void fixed<Key, ValueSize, PageSize>::replace(std::byte* leaf, std::uint32_t i,
                                              stored_value value) noexcept {
    QUIRE_PRECONDITION(i < format::count_of(leaf), "there is no such record");
    QUIRE_PRECONDITION(value.bytes.size() == ValueSize && !value.overflow,
                       "a fixed value has the size of its type");
    copy_bytes(leaf + values_offset + i * ValueSize, value.bytes.data(), ValueSize);
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
void fixed<Key, ValueSize, PageSize>::erase(std::byte* leaf, std::uint32_t i) noexcept {
    const std::uint32_t count = format::count_of(leaf);
    QUIRE_PRECONDITION(i < count, "there is no such record");
    close_gap(leaf + keys_offset, count, i, key_size);
    if constexpr (ValueSize > 0) close_gap(leaf + values_offset, count, i, ValueSize);
    format::set_count(leaf, count - 1);
    if (i == 0 || i == count - 1) note_ends(leaf);
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
void fixed<Key, ValueSize, PageSize>::insert_separator(std::byte* inner, std::uint32_t i,
                                                       key_arg key, page_ref right_child) noexcept {
    const std::uint32_t count = format::count_of(inner);
    QUIRE_PRECONDITION(count < inner_slots && i <= count, "the inner page has no room there");
    open_gap(inner + keys_offset, count, i, key_size);
    Key::store(inner + keys_offset + i * key_size, key);
    open_gap(inner + children_offset, count + 1, i + 1, detail::ref_size);
    store_child(inner, i + 1, right_child);
    format::set_count(inner, count + 1);
    if (i == 0 || i == count) note_ends(inner);
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
void fixed<Key, ValueSize, PageSize>::erase_child(std::byte* inner, std::uint32_t i) noexcept {
    const std::uint32_t count = format::count_of(inner);
    QUIRE_PRECONDITION(count >= 1 && i <= count, "the last child stays");
    close_gap(inner + keys_offset, count, i == 0 ? 0 : i - 1, key_size);
    close_gap(inner + children_offset, count + 1, i, detail::ref_size);
    format::set_count(inner, count - 1);
    if (i <= 1 || i == count) note_ends(inner);
}

} // namespace quire::node

#include <quire/node/fixed_build.hpp>
