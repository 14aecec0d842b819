// The layout of records of any size: an array of slots in key order, growing up, and a heap of
// records in any order, growing down from the common prefix of the page's keys.
//
//   leaf    0        32                 heap's start          PageSize - prefix_size     PageSize
//           +--------+-----------+------+-----------------------+-----------------------------+
//           | header | slots ... | room | records and dead bytes| common prefix               |
//           +--------+-----------+------+-----------------------+-----------------------------+
//   inner   as a leaf, with the leftmost child in bytes 32..40, the slope of the heads in 40..44
//           and the slots behind
//
//   slot    of a leaf:  {u16 offset of the record, u16 size of its key suffix, u32 head}
//           of an inner page: the same, {child on the right of the separator}
//   record  of a leaf:  {u16 value size, bit 15: overflow} key suffix, value
//           of an inner page: key suffix; one of no bytes is nowhere, its offset is 0
//
// A key suffix is the key without the prefix; head is its first four bytes, big-endian and padded
// with zeros, so most comparisons end in the slots. The prefix is what the page's keys had in
// common when the page was last rebuilt; there are no fences. A key that does not begin with it
// makes the page shorten it; a longer one is looked for when the page is full and whenever its
// records have doubled in number.
//
// Thread-safety: as in layout.hpp.
//
// Invariants of a page, besides the laws in layout.hpp:
//   1. The slots end at or below the heap's start, PageSize - prefix_size - heap_size.
//   2. Records lie in the heap and do not overlap; their bytes and heap_dead add up to heap_size.
//   3. Prefix and suffix of a key are largest_key bytes together at most.
//   4. A page of no records has no heap and no prefix.
//   5. The slope is that of the first and the last head. A wrong one only costs time.
//
// What it does not do: it knows no overflow runs, only the flag of a value that is in one.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/node/layout.hpp>
#include <quire/node/search.hpp>
#include <quire/node/slotted_record.hpp>

namespace quire::node {

template <std::size_t PageSize>
struct slotted {
    // ---- what it is ----
    static constexpr format::layout_kind kind = format::layout_kind::slotted;
    static constexpr format::page_kind leaf_kind = format::page_kind::slotted_leaf;
    static constexpr format::page_kind inner_kind = format::page_kind::slotted_inner;
    static constexpr std::size_t page_size = PageSize;
    static constexpr std::uint32_t leaf_capacity = PageSize - 32;
    static constexpr std::uint32_t inner_capacity = PageSize - 44;
    // Of a key or separator.
    static constexpr std::size_t largest_key = PageSize / 4;
    // Of key, value and the 10 bytes of record and slot beside them.
    static constexpr std::size_t largest_leaf_record = (PageSize - 32) / 2;

    static_assert(PageSize >= format::smallest_page && PageSize <= format::largest_page);

    using key_arg = bytes_view;

    // Owns one key of up to largest_key bytes.
    class key_buffer {
    public:
        key_buffer() noexcept {} // the bytes behind size_ mean nothing
        [[nodiscard]] key_arg arg() const noexcept { return {bytes_, size_}; }
        void assign(key_arg key) noexcept {
            QUIRE_PRECONDITION(key.size() <= largest_key, "a key is a quarter of a page at most");
            move_bytes(bytes_, key.data(), key.size());
            size_ = key.size();
        }

    private:
        friend slotted;
        std::size_t size_ = 0;
        std::byte bytes_[largest_key];
    };
    class workspace;

    [[nodiscard]] static key_arg arg_of(bytes_view stored) noexcept { return stored; }
    [[nodiscard]] static bool less(key_arg left, key_arg right) noexcept {
        return compare_bytes(left, right) < 0;
    }

    // ---- reading ----
    // What breaks invariants 1 to 4, or null.
    [[nodiscard]] static const char* validate(const std::byte* page) noexcept;
    // The first record of a leaf that is not less than the key.
    template <pace Pace = pace::eager>
    [[nodiscard]] static search_result find(const std::byte* leaf, key_arg key) noexcept {
        return search<true, Pace>(leaf, key);
    }
    // Asks for the memory that a search for the key will read, of a page whose first line is near.
    QUIRE_INLINE static void prefetch_search(const std::byte* page, key_arg) noexcept {
        for (std::size_t at = 64; at < 256; at += 64) __builtin_prefetch(page + at);
        __builtin_prefetch(page + PageSize - 64);
    }
    // How far into child i of an inner page the key most likely is, from 0 to 1; below: not known.
    [[nodiscard]] QUIRE_INLINE static float share_of_child(const std::byte* inner, std::uint32_t i,
                                                           key_arg key) noexcept {
        const std::size_t prefix = format::prefix_size_of(inner);
        if (i == 0 || i >= format::count_of(inner) || key.size() < prefix) return -1;
        const std::uint32_t head = detail::head_of(key.data() + prefix, key.size() - prefix);
        const std::uint32_t low = head_in(slot<false>(inner, i - 1));
        return detail::share_of(head - low, head_in(slot<false>(inner, i)) - low);
    }
    // Asks for the lines of a leaf where such a record is most likely, while nothing of the leaf is
    // near: records lie in the order of their keys since the page was last rebuilt, from its end
    // on, but for those that came later; and pages are three quarters full, more or less.
    QUIRE_INLINE static void prefetch_share(const std::byte* leaf, float share) noexcept {
        if (!(share >= 0 && share <= 1)) return; // beyond 1: of a damaged page
        constexpr float usual = 0.75F * static_cast<float>(PageSize);
        detail::prefetch_lines(leaf + PageSize - 64 - static_cast<std::size_t>(share * usual), 7);
    }
    // The child of an inner page that covers the key: the number of separators not greater than it.
    template <pace Pace = pace::eager>
    [[nodiscard]] static std::uint32_t child_index(const std::byte* inner, key_arg key) noexcept {
        const search_result at = search<false, Pace>(inner, key);
        return at.index + (at.found ? 1 : 0);
    }
    // Requires: i <= count.
    [[nodiscard]] static page_ref child(const std::byte* inner, std::uint32_t i) noexcept {
        return format::load_ref(inner + child_offset(inner, i));
    }
    // The key of record or separator i; points into the page if that has no prefix, else into
    // scratch. Requires: i < count.
    [[nodiscard]] static bytes_view key(const std::byte* page, std::uint32_t i,
                                        key_buffer& scratch) noexcept;
    // The same key as it lies in the page: a prefix, and the rest. Requires: i < count.
    struct key_pieces {
        bytes_view prefix;
        bytes_view suffix;

        [[nodiscard]] std::size_t size() const noexcept { return prefix.size() + suffix.size(); }
        void copy_to(std::byte* to) const noexcept {
            copy_bytes(to, prefix.data(), prefix.size());
            copy_bytes(to + prefix.size(), suffix.data(), suffix.size());
        }
    };
    [[nodiscard]] static key_pieces pieces_of_key(const std::byte* page, std::uint32_t i) noexcept;
    [[nodiscard]] static stored_value value(const std::byte* leaf, std::uint32_t i) noexcept;
    // Asks for the memory of a record's value: a search has asked for the most of it.
    QUIRE_INLINE static void prefetch_value(const std::byte*, std::uint32_t) noexcept {}
    // Asks for the memory of a leaf's record that will be read soon; any i will do.
    QUIRE_INLINE static void prefetch_record(const std::byte* leaf, std::uint32_t i) noexcept {
        if (i >= format::count_of(leaf)) return;
        const std::byte* const record = leaf + offset_in(slot<true>(leaf, i));
        __builtin_prefetch(record);
        __builtin_prefetch(record + 64);
    }
    // Live bytes of the body, of leaf_capacity or inner_capacity.
    [[nodiscard]] static std::uint32_t used(const std::byte* page) noexcept {
        const bool leaf = format::kind_of(page) == leaf_kind;
        const std::uint32_t slot_size = leaf ? detail::slot_size<true> : detail::slot_size<false>;
        return format::count_of(page) * slot_size + live_of(page) + format::prefix_size_of(page);
    }

    // ---- leaf changes ----
    // Whether insert would find room, if need be after a rebuild of the page.
    [[nodiscard]] static bool fits(const std::byte* leaf, std::uint32_t, key_arg key,
                                   stored_value value) noexcept {
        return prefix_for<true>(leaf, key, value.bytes.size(), keep_all) != no_prefix;
    }
    // Puts a record before record `index`. Requires: fits.
    static void insert(std::byte* leaf, std::uint32_t index, key_arg key,
                       stored_value value) noexcept {
        put<true>(leaf, index, record_of(key, value));
    }
    [[nodiscard]] static bool fits_replacement(const std::byte* leaf, std::uint32_t i,
                                               stored_value value) noexcept;
    // Gives record i another value. Requires: fits_replacement.
    static void replace(std::byte* leaf, std::uint32_t i, stored_value value) noexcept;
    static void erase(std::byte* leaf, std::uint32_t i) noexcept { take_out<true>(leaf, i); }

    // Spreads the records of two neighbours and a new one over two pages; with right == nullptr, of
    // one page over two, which always works. False, with nothing planned, if they do not fit.
    [[nodiscard]] static bool plan_leaf_spread(workspace&, const std::byte* left,
                                               const std::byte* right,
                                               const insertion<slotted>& record, bias border);
    static void apply_leaf_spread(workspace&, std::byte* left, std::byte* right) noexcept;
    // Puts all records of two neighbours into the left one. False if they do not fit.
    [[nodiscard]] static bool plan_leaf_merge(workspace&, const std::byte* left,
                                              const std::byte* right);
    static void apply_leaf_merge(workspace&, std::byte* left) noexcept;
    // Of the latest plan that parts two pages: all left keys < it <= all right keys, as short as
    // can be for leaves. Valid until the next plan, which may be given it.
    [[nodiscard]] static key_arg planned_separator(const workspace&) noexcept;

    // ---- inner changes ----
    // Makes a page with a started header an inner page of one child and no separator.
    static void start_inner(std::byte* inner, page_ref first_child) noexcept {
        clear<false>(inner);
        format::store_ref(inner + format::page_header_size, first_child);
    }
    // Requires: i <= count.
    static void set_child(std::byte* inner, std::uint32_t i, page_ref ref) noexcept {
        format::store_ref(inner + child_offset(inner, i), ref);
    }
    [[nodiscard]] static bool fits_separator(const std::byte* inner, std::uint32_t,
                                             key_arg key) noexcept {
        return prefix_for<false>(inner, key, 0, keep_all) != no_prefix;
    }
    // Puts separator i and child i + 1 into the page. Requires: fits_separator.
    static void insert_separator(std::byte* inner, std::uint32_t i, key_arg key,
                                 page_ref right_child) noexcept {
        put<false>(inner, i, record_of(key, right_child));
    }
    [[nodiscard]] static bool fits_separator_replacement(const std::byte* inner, std::uint32_t i,
                                                         key_arg key) noexcept {
        return prefix_for<false>(inner, key, 0, i) != no_prefix;
    }
    // Requires: fits_separator_replacement, and an order that stays.
    static void replace_separator(std::byte* inner, std::uint32_t i, key_arg key) noexcept {
        const page_ref right_child = child(inner, i + 1);
        take_out<false>(inner, i);
        put<false>(inner, i, record_of(key, right_child));
    }
    // Takes child i out, and separator i - 1, or 0 for the first child. Requires: count >= 1.
    static void erase_child(std::byte* inner, std::uint32_t i) noexcept {
        QUIRE_PRECONDITION(i <= format::count_of(inner) && format::count_of(inner) >= 1,
                           "the last child stays");
        if (i == 0) set_child(inner, 0, child(inner, 1));
        take_out<false>(inner, i == 0 ? 0 : i - 1);
    }

    // Parts a page that a new separator i with child i + 1 does not fit. planned_separator is then
    // in neither page but between them. False only for a page of fewer than two separators.
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
    static constexpr std::uint32_t no_prefix = 0xFFFFFFFF;
    static constexpr std::uint32_t keep_all = 0xFFFFFFFF;

    template <bool Leaf>
    using writer = detail::page_writer<PageSize, Leaf>;
    template <bool Leaf>
    static constexpr std::uint32_t slots_at = detail::slots_at<Leaf>;

    // ---- the parts of a page ----
    template <bool Leaf>
    static const std::byte* slot(const std::byte* page, std::uint32_t i) noexcept {
        return page + slots_at<Leaf> + i * detail::slot_size<Leaf>;
    }
    static std::uint32_t offset_in(const std::byte* slot) noexcept {
        return load_le<std::uint16_t>(slot);
    }
    static std::uint32_t suffix_size_in(const std::byte* slot) noexcept {
        return load_le<std::uint16_t>(slot + 2);
    }
    static std::uint32_t head_in(const std::byte* slot) noexcept {
        return load_le<std::uint32_t>(slot + 4);
    }
    template <bool Leaf>
    static bytes_view suffix_in(const std::byte* page, const std::byte* slot) noexcept {
        return {page + offset_in(slot) + detail::head_size<Leaf>, suffix_size_in(slot)};
    }
    static bytes_view prefix_of(const std::byte* page) noexcept {
        const std::uint32_t size = format::prefix_size_of(page);
        return {page + PageSize - size, size};
    }
    static bool begins_with(bytes_view key, bytes_view prefix) noexcept {
        return key.size() >= prefix.size() && compare_bytes(key.first(prefix.size()), prefix) == 0;
    }
    static std::uint32_t live_of(const std::byte* page) noexcept {
        return format::heap_size_of(page) - format::heap_dead_of(page);
    }
    static std::uint32_t heap_start(const std::byte* page) noexcept {
        return static_cast<std::uint32_t>(PageSize) - format::prefix_size_of(page) -
               format::heap_size_of(page);
    }
    static std::uint32_t child_offset(const std::byte* inner, std::uint32_t i) noexcept {
        QUIRE_PRECONDITION(i <= format::count_of(inner), "an inner page has count + 1 children");
        return i == 0 ? static_cast<std::uint32_t>(format::page_header_size)
                      : slots_at<false> + (i - 1) * detail::slot_size<false> + detail::slot_child;
    }
    // Heap bytes of a record.
    template <bool Leaf>
    static std::uint32_t record_size(const std::byte* page, const std::byte* slot) noexcept {
        const std::uint32_t size = detail::head_size<Leaf> + suffix_size_in(slot);
        if constexpr (!Leaf) return size;
        else
            return size + (load_le<std::uint16_t>(page + offset_in(slot)) & ~detail::overflow_flag);
    }

    // ---- records ----
    static detail::record record_of(key_arg key, stored_value value) noexcept {
        QUIRE_PRECONDITION(key.size() <= largest_key, "a key is a quarter of a page at most");
        QUIRE_PRECONDITION(10 + key.size() + value.bytes.size() <= largest_leaf_record,
                           "a leaf record is half a page at most");
        detail::record r;
        r.suffix = key.data();
        r.suffix_size = static_cast<std::uint32_t>(key.size());
        r.value = value.bytes.data();
        r.value_field = static_cast<std::uint32_t>(value.bytes.size()) |
                        (value.overflow ? detail::overflow_flag : 0);
        return r;
    }
    static detail::record record_of(key_arg key, page_ref right_child) noexcept {
        QUIRE_PRECONDITION(key.size() <= largest_key, "a key is a quarter of a page at most");
        detail::record r;
        r.suffix = key.data();
        r.suffix_size = static_cast<std::uint32_t>(key.size());
        r.child = right_child;
        return r;
    }
    template <bool Leaf>
    static void read_record(const std::byte* page, std::uint32_t i, detail::record& to) noexcept;

    // ---- searching ----
    // Number of slots whose head is less.
    template <bool Leaf, pace Pace>
    QUIRE_INLINE static std::uint32_t lower_head(const std::byte* page, std::uint32_t count,
                                                 std::uint32_t head) noexcept {
        const std::byte* const slots = page + slots_at<Leaf>;
        const auto at = [slots](std::size_t i) {
            return head_in(slots + i * detail::slot_size<Leaf>);
        };
        if (count == 0 || head <= at(0)) return 0;
        double slope = 0;
        if constexpr (Leaf) slope = 1.0 / (detail::half(at(count - 1) - at(0)) + 1);
        else slope = static_cast<double>(detail::slope_of(page));
        const std::uint32_t guess = detail::guess(count, head - at(0), slope);
        if constexpr (!Leaf) detail::prefetch_around(slots + guess * detail::slot_size<Leaf>);
        return detail::settle<Pace>(count, head, at, guess);
    }
    template <bool Leaf, pace Pace>
    static search_result search(const std::byte* page, key_arg key) noexcept;

    // ---- changing ----
    template <bool Leaf>
    static void clear(std::byte* page) noexcept {
        format::set_count(page, 0);
        format::set_heap_size(page, 0);
        format::set_heap_dead(page, 0);
        format::set_prefix_size(page, 0);
        if constexpr (!Leaf) detail::set_slope(page);
    }
    // The longest prefix that the page's keys and a new one have in common; 0 in an empty page.
    // Record `without` is taken as gone, unless it is keep_all.
    template <bool Leaf>
    static std::uint32_t longest_prefix(const std::byte* page, key_arg key,
                                        std::uint32_t without) noexcept;
    // The prefix that lets a record into the page: the page's own one if it will do, or the longest
    // that all keys have in common; no_prefix if there is no room either way.
    template <bool Leaf>
    static std::uint32_t prefix_for(const std::byte* page, key_arg key, std::size_t value_size,
                                    std::uint32_t without) noexcept;
    // Writes the page anew with another prefix (or the same one) and no dead bytes. Record
    // `changed` gets another value, unless it is keep_all.
    template <bool Leaf>
    [[gnu::noinline]] static void rebuild(std::byte* page, std::uint32_t prefix_size,
                                          std::uint32_t changed, stored_value value) noexcept;
    template <bool Leaf>
    static void put(std::byte* page, std::uint32_t index, const detail::record& added) noexcept;
    template <bool Leaf>
    static void take_out(std::byte* page, std::uint32_t i) noexcept;
};

template <std::size_t PageSize>
bytes_view slotted<PageSize>::key(const std::byte* page, std::uint32_t i,
                                  key_buffer& scratch) noexcept {
    const key_pieces pieces = pieces_of_key(page, i);
    if (pieces.prefix.empty()) return pieces.suffix;
    pieces.copy_to(scratch.bytes_);
    scratch.size_ = pieces.size();
    return scratch.arg();
}

template <std::size_t PageSize>
auto slotted<PageSize>::pieces_of_key(const std::byte* page, std::uint32_t i) noexcept
    -> key_pieces {
    QUIRE_PRECONDITION(i < format::count_of(page), "there is no such key");
    return {prefix_of(page), format::kind_of(page) == leaf_kind
                                 ? suffix_in<true>(page, slot<true>(page, i))
                                 : suffix_in<false>(page, slot<false>(page, i))};
}

template <std::size_t PageSize>
stored_value slotted<PageSize>::value(const std::byte* leaf, std::uint32_t i) noexcept {
    QUIRE_PRECONDITION(i < format::count_of(leaf), "there is no such record");
    const std::byte* const at = slot<true>(leaf, i);
    const std::byte* const record = leaf + offset_in(at);
    const std::uint32_t field = load_le<std::uint16_t>(record);
    return {{record + detail::head_size<true> + suffix_size_in(at), field & ~detail::overflow_flag},
            (field & detail::overflow_flag) != 0};
}

template <std::size_t PageSize>
template <bool Leaf>
void slotted<PageSize>::read_record(const std::byte* page, std::uint32_t i,
                                    detail::record& to) noexcept {
    const std::byte* const at = slot<Leaf>(page, i);
    const bytes_view prefix = prefix_of(page);
    const bytes_view suffix = suffix_in<Leaf>(page, at);
    to.prefix = prefix.data();
    to.prefix_size = static_cast<std::uint32_t>(prefix.size());
    to.suffix = suffix.data();
    to.suffix_size = static_cast<std::uint32_t>(suffix.size());
    if constexpr (Leaf) {
        to.value = suffix.data() + suffix.size();
        to.value_field = load_le<std::uint16_t>(page + offset_in(at));
    } else {
        to.child = format::load_ref(at + detail::slot_child);
    }
}

template <std::size_t PageSize>
template <bool Leaf, pace Pace>
search_result slotted<PageSize>::search(const std::byte* page, key_arg key) noexcept {
    const std::uint32_t count = format::count_of(page);
    const bytes_view prefix = prefix_of(page);
    if (prefix.size() - 1 < 8 && key.size() >= 8) { // the page's last bytes, as one number
        const std::size_t other = 64 - 8 * prefix.size();
        const std::uint64_t own = load_be<std::uint64_t>(page + PageSize - 8) << other >> other;
        const std::uint64_t given = load_be<std::uint64_t>(key.data()) >> other;
        if (given != own) return {given > own ? count : 0, false};
    } else if (!prefix.empty()) {
        const std::size_t shorter = key.size() < prefix.size() ? key.size() : prefix.size();
        const int order = compare_bytes(key.first(shorter), prefix.first(shorter));
        if (order > 0) return {count, false};
        if (order < 0 || key.size() < prefix.size()) return {0, false};
    }
    const bytes_view suffix = key.subspan(prefix.size());
    const std::uint32_t head = detail::head_of(suffix.data(), suffix.size());
    const std::byte* const slots = page + slots_at<Leaf>;
    const auto slot_of = [slots](std::uint32_t n) { return slots + n * detail::slot_size<Leaf>; };
    const auto same_head = [&](std::uint32_t n) { return head_in(slot_of(n)) == head; };
    const auto order_at = [&](std::uint32_t n) {
        return compare_bytes(suffix_in<Leaf>(page, slot_of(n)), suffix);
    };

    // Among equal heads the bytes decide: usually of one record, else of a few.
    std::uint32_t i = lower_head<Leaf, Pace>(page, count, head);
    if (i == count || !same_head(i)) return {i, false};
    if constexpr (Leaf) { // the value's lines, while the key behind the head is compared
        const std::byte* const record = page + offset_in(slot_of(i));
        __builtin_prefetch(record + 64);
        __builtin_prefetch(record + 128);
    }
    const int order = order_at(i);
    if (order >= 0) return {i, order == 0};
    ++i;
    for (std::uint32_t high = count; i < high;) {
        const std::uint32_t middle = i + (high - i) / 2;
        if (same_head(middle)) { // fetch what the next round may want, whichever way it goes
            __builtin_prefetch(page + offset_in(slot_of(i + (middle - i) / 2)));
            __builtin_prefetch(page + offset_in(slot_of(middle + (high - middle) / 2)));
        }
        if (same_head(middle) && order_at(middle) < 0) i = middle + 1;
        else high = middle;
    }
    return {i, i < count && same_head(i) && order_at(i) == 0};
}

} // namespace quire::node

#include <quire/node/slotted_build.hpp>
#include <quire/node/slotted_change.hpp>
