// How a slotted page is checked and changed in place: the second part of slotted.hpp, which
// includes this header and says what each function means.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/node/slotted.hpp>

namespace quire::node {

namespace detail {

// Sets bits [from, end) of a bitmap; false if one was set.
[[nodiscard]] inline bool take_bits(std::uint64_t* bitmap, std::uint32_t from,
                                    std::uint32_t end) noexcept {
    while (from < end) {
        const std::uint32_t within = from % 64;
        const std::uint32_t size = end - from < 64 - within ? end - from : 64 - within;
        const std::uint64_t bits = (size == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1)
                                   << within;
        std::uint64_t& word = bitmap[from / 64];
        if ((word & bits) != 0) return false;
        word |= bits;
        from += size;
    }
    return true;
}

} // namespace detail

template <std::size_t PageSize>
const char* slotted<PageSize>::validate(const std::byte* page) noexcept {
    const bool leaf = format::kind_of(page) == leaf_kind;
    if (!leaf && format::kind_of(page) != inner_kind)
        return "the page is not of the slotted layout";
    if (leaf != (format::level_of(page) == 0)) return "level 0 and only level 0 is a leaf's";
    const std::uint32_t count = format::count_of(page);
    const std::uint32_t prefix_size = format::prefix_size_of(page);
    const std::uint32_t heap_size = format::heap_size_of(page);
    const std::uint32_t heap_dead = format::heap_dead_of(page);
    const std::uint32_t first_slot = leaf ? slots_at<true> : slots_at<false>;
    const std::uint32_t slot_size = leaf ? detail::slot_size<true> : detail::slot_size<false>;
    const std::uint32_t head = leaf ? detail::head_size<true> : detail::head_size<false>;
    if (count == 0 && (heap_size | heap_dead | prefix_size) != 0)
        return "a page without records has no heap and no prefix";
    if (prefix_size > largest_key) return "the prefix is longer than a key may be";
    if (first_slot + count * slot_size + heap_size + prefix_size > PageSize)
        return "slots, heap and prefix take more than the page";
    if (heap_dead > heap_size) return "more of the heap is dead than there is";

    const auto heap_end = static_cast<std::uint32_t>(PageSize) - prefix_size;
    const std::uint32_t start = heap_end - heap_size;
    std::uint64_t taken[PageSize / 64]{};
    std::uint32_t total = heap_dead;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::byte* const at = page + first_slot + i * slot_size;
        const std::uint32_t offset = offset_in(at);
        const std::uint32_t suffix_size = suffix_size_in(at);
        if (prefix_size + suffix_size > largest_key) return "a key is longer than a key may be";
        if (head + suffix_size == 0) {
            if (offset != 0) return "a separator of no bytes lies somewhere";
            continue;
        }
        if (offset < start || offset + head + suffix_size > heap_end)
            return "a record lies outside of the heap";
        const std::uint32_t size =
            leaf ? record_size<true>(page, at) : record_size<false>(page, at);
        if (offset + size > heap_end) return "a value ends outside of the heap";
        if (!detail::take_bits(taken, offset, offset + size)) return "two records overlap";
        total += size;
    }
    return total == heap_size ? nullptr : "records and dead bytes do not add up to the heap";
}

template <std::size_t PageSize>
template <bool Leaf>
std::uint32_t slotted<PageSize>::longest_prefix(const std::byte* page, key_arg key,
                                                std::uint32_t without) noexcept {
    const std::uint32_t count = format::count_of(page);
    const bytes_view prefix = prefix_of(page);
    const auto shared = static_cast<std::uint32_t>(common_prefix(key, prefix));
    if (shared < prefix.size()) return shared;
    if (count == (without == keep_all ? 0 : 1)) return 0;

    // That of ordered keys is that of the least and the greatest. Suffixes are measured too, so
    // that of keys out of order (a damaged page) none is shorter.
    const bytes_view rest = key.subspan(shared);
    auto longest = static_cast<std::uint32_t>(rest.size());
    const std::uint32_t least = without == 0 ? 1 : 0;
    const std::uint32_t greatest = count - (without == count - 1 ? 2 : 1);
    for (const std::uint32_t edge : {least, greatest}) {
        const auto same = static_cast<std::uint32_t>(
            common_prefix(rest, suffix_in<Leaf>(page, slot<Leaf>(page, edge))));
        if (same < longest) longest = same;
    }
    for (std::uint32_t i = 0; longest > 0 && i < count; ++i) {
        const std::uint32_t size = suffix_size_in(slot<Leaf>(page, i));
        if (i != without && size < longest) longest = size;
    }
    return shared + longest;
}

template <std::size_t PageSize>
template <bool Leaf>
std::uint32_t slotted<PageSize>::prefix_for(const std::byte* page, key_arg key,
                                            std::size_t value_size,
                                            std::uint32_t without) noexcept {
    std::uint32_t count = format::count_of(page);
    std::uint32_t live = live_of(page);
    const bytes_view prefix = prefix_of(page);
    const auto own = static_cast<std::uint32_t>(prefix.size());
    if (without != keep_all) {
        QUIRE_PRECONDITION(without < count, "there is no such record");
        live -= record_size<Leaf>(page, slot<Leaf>(page, without));
        --count;
    }
    // Whether the page has room for the new record if its prefix has p bytes.
    const auto has_room = [&](std::uint32_t p) {
        const std::int64_t others =
            std::int64_t{live} + std::int64_t{count} * (std::int64_t{own} - std::int64_t{p});
        return slots_at<Leaf> + (count + 1) * std::int64_t{detail::slot_size<Leaf>} + others +
                   detail::head_size<Leaf> + static_cast<std::int64_t>(key.size() + value_size) <=
               static_cast<std::int64_t>(PageSize);
    };
    if (begins_with(key, prefix) && has_room(own)) return own;
    const std::uint32_t p = longest_prefix<Leaf>(page, key, without);
    return has_room(p) ? p : no_prefix;
}

template <std::size_t PageSize>
template <bool Leaf>
void slotted<PageSize>::rebuild(std::byte* page, std::uint32_t prefix_size, std::uint32_t changed,
                                stored_value value) noexcept {
    std::byte image[PageSize];
    const std::uint32_t count = format::count_of(page);
    if (count == 0) {
        clear<Leaf>(page);
        return;
    }
    detail::record r;
    read_record<Leaf>(page, 0, r);
    writer<Leaf> to(image, &r, prefix_size);
    for (std::uint32_t i = 0; i < count; ++i) {
        read_record<Leaf>(page, i, r);
        if (i == changed) {
            r.value = value.bytes.data();
            r.value_field = static_cast<std::uint32_t>(value.bytes.size()) |
                            (value.overflow ? detail::overflow_flag : 0);
        }
        to.add(r);
    }
    to.publish(page);
}

template <std::size_t PageSize>
template <bool Leaf>
void slotted<PageSize>::put(std::byte* page, std::uint32_t index,
                            const detail::record& added) noexcept {
    QUIRE_PRECONDITION(index <= format::count_of(page), "a record goes before another or last");
    const bytes_view key{added.suffix, added.suffix_size};
    const std::uint32_t count = format::count_of(page);
    const std::uint32_t own = format::prefix_size_of(page);
    // Of the new record in a page of prefix p, with its slot.
    const auto bytes_with = [&](std::uint32_t p) {
        return detail::slot_size<Leaf> + detail::head_size<Leaf> + added.suffix_size - p +
               added.value_size();
    };
    const std::uint32_t room = heap_start(page) - slots_at<Leaf> - count * detail::slot_size<Leaf>;
    if (!begins_with(key, prefix_of(page)) || room < bytes_with(own)) {
        const std::uint32_t p = prefix_for<Leaf>(page, key, added.value_size(), keep_all);
        QUIRE_PRECONDITION(p != no_prefix, "a record is put where it fits");
        rebuild<Leaf>(page, p, keep_all, {});
    } else if (count >= 8 && (count & (count - 1)) == 0) {
        const std::uint32_t p = longest_prefix<Leaf>(page, key, keep_all);
        if (p > own) rebuild<Leaf>(page, p, keep_all, {});
    }

    const std::uint32_t prefix_size = format::prefix_size_of(page);
    const std::uint32_t suffix_size = added.suffix_size - prefix_size;
    const std::uint32_t size = bytes_with(prefix_size) - detail::slot_size<Leaf>;
    const std::uint32_t offset = size == 0 ? 0 : heap_start(page) - size;
    std::byte* const to = page + offset;
    if constexpr (Leaf) store_le<std::uint16_t>(to, static_cast<std::uint16_t>(added.value_field));
    copy_bytes(to + detail::head_size<Leaf>, added.suffix + prefix_size, suffix_size);
    if constexpr (Leaf)
        copy_bytes(to + detail::head_size<Leaf> + suffix_size, added.value, added.value_size());

    std::byte* const at = page + slots_at<Leaf> + index * detail::slot_size<Leaf>;
    move_bytes(at + detail::slot_size<Leaf>, at, (count - index) * detail::slot_size<Leaf>);
    store_le<std::uint16_t>(at, static_cast<std::uint16_t>(offset));
    store_le<std::uint16_t>(at + 2, static_cast<std::uint16_t>(suffix_size));
    store_le<std::uint32_t>(at + 4, detail::head_of(to + detail::head_size<Leaf>, suffix_size));
    if constexpr (!Leaf) format::store_ref(at + detail::slot_child, added.child);
    format::set_count(page, count + 1);
    format::set_heap_size(page, format::heap_size_of(page) + size);
    if constexpr (!Leaf) detail::set_slope(page);
}

template <std::size_t PageSize>
template <bool Leaf>
void slotted<PageSize>::take_out(std::byte* page, std::uint32_t i) noexcept {
    const std::uint32_t count = format::count_of(page);
    QUIRE_PRECONDITION(i < count, "there is no such record");
    if (count == 1) {
        clear<Leaf>(page);
        return;
    }
    std::byte* const at = page + slots_at<Leaf> + i * detail::slot_size<Leaf>;
    const std::uint32_t size = record_size<Leaf>(page, at);
    if (offset_in(at) == heap_start(page))
        format::set_heap_size(page, format::heap_size_of(page) - size);
    else format::set_heap_dead(page, format::heap_dead_of(page) + size);
    move_bytes(at, at + detail::slot_size<Leaf>, (count - i - 1) * detail::slot_size<Leaf>);
    format::set_count(page, count - 1);
    if constexpr (!Leaf) detail::set_slope(page);
}

template <std::size_t PageSize>
bool slotted<PageSize>::fits_replacement(const std::byte* leaf, std::uint32_t i,
                                         stored_value value) noexcept {
    const std::size_t old_size = slotted::value(leaf, i).bytes.size();
    return used(leaf) - old_size + value.bytes.size() <= leaf_capacity;
}

template <std::size_t PageSize>
void slotted<PageSize>::replace(std::byte* leaf, std::uint32_t i, stored_value value) noexcept {
    QUIRE_PRECONDITION(fits_replacement(leaf, i, value), "a value is replaced where it fits");
    const auto size = static_cast<std::uint32_t>(value.bytes.size());
    const auto field =
        static_cast<std::uint16_t>(size | (value.overflow ? detail::overflow_flag : 0));
    std::byte* const at = leaf + slots_at<true> + i * detail::slot_size<true>;
    const std::uint32_t old_size = record_size<true>(leaf, at);
    const std::uint32_t key_end = detail::head_size<true> + suffix_size_in(at);
    const std::uint32_t new_size = key_end + size;
    if (new_size <= old_size) {
        std::byte* const record = leaf + offset_in(at);
        store_le<std::uint16_t>(record, field);
        copy_bytes(record + key_end, value.bytes.data(), size);
        format::set_heap_dead(leaf, format::heap_dead_of(leaf) + (old_size - new_size));
        return;
    }
    const std::uint32_t slots_end =
        slots_at<true> + format::count_of(leaf) * detail::slot_size<true>;
    if (heap_start(leaf) - slots_end < new_size) {
        rebuild<true>(leaf, format::prefix_size_of(leaf), i, value);
        return;
    }
    // A new record at the heap's start; the old one is dead.
    const std::uint32_t offset = heap_start(leaf) - new_size;
    std::byte* const record = leaf + offset;
    store_le<std::uint16_t>(record, field);
    copy_bytes(record + detail::head_size<true>, leaf + offset_in(at) + detail::head_size<true>,
               suffix_size_in(at));
    copy_bytes(record + key_end, value.bytes.data(), size);
    store_le<std::uint16_t>(at, static_cast<std::uint16_t>(offset));
    format::set_heap_size(leaf, format::heap_size_of(leaf) + new_size);
    format::set_heap_dead(leaf, format::heap_dead_of(leaf) + old_size);
}

} // namespace quire::node
