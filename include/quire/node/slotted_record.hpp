// What slotted pages are made of, apart from any page: a record whose parts lie in different
// places, and a writer that puts records into the image of a page. Used by slotted.hpp to rebuild a
// page and by slotted_build.hpp to part and merge pages.
//
// Thread-safety: plain values.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/node/search.hpp>

namespace quire::node::detail {

// {u16 offset, u16 key size, u32 head}, and in an inner page {child on the right}.
template <bool Leaf>
inline constexpr std::uint32_t slot_size = Leaf ? 8 : 16;
inline constexpr std::uint32_t slot_child = 8; // where the child stands in an inner page's slot
// The slots begin behind the header; in an inner page behind its leftmost child and its slope too.
template <bool Leaf>
inline constexpr std::uint32_t slots_at =
    static_cast<std::uint32_t>(format::page_header_size) + (Leaf ? 0 : 12);
inline constexpr std::uint32_t slope_at = slots_at<false> - 4;
// {u16 value size and flag} in front of a leaf's record; a separator is its suffix alone.
template <bool Leaf>
inline constexpr std::uint32_t head_size = Leaf ? 2 : 0;
inline constexpr std::uint32_t overflow_flag = 0x8000; // of a leaf record's value size

// The first four bytes of a key behind its prefix, as a big-endian integer, padded with zeros: if
// two heads differ, they compare as their keys do.
[[nodiscard]] QUIRE_INLINE std::uint32_t head_of(const std::byte* key, std::size_t size) noexcept {
    if (QUIRE_LIKELY(size >= 4)) return load_be<std::uint32_t>(key);
    std::uint32_t head = 0;
    for (std::size_t i = 0; i < 4; ++i)
        head = head << 8 | (i < size ? static_cast<std::uint32_t>(key[i]) : 0);
    return head;
}

// What a search of an inner page guesses by, as in search_hint: it need not read the last slot. For
// a page that has to come from a farther cache that is a wait less.
[[nodiscard]] QUIRE_INLINE float slope_of(const std::byte* inner) noexcept {
    return std::bit_cast<float>(load_le<std::uint32_t>(inner + slope_at));
}
// Brings the slope up to date with the first and the last slot.
inline void set_slope(std::byte* inner) noexcept {
    const std::uint32_t count = format::count_of(inner);
    const auto head = [inner](std::uint32_t i) {
        return load_le<std::uint32_t>(inner + slots_at<false> + i * slot_size<false> + 4);
    };
    const float now = count < 2 ? 0 : slope(head(count - 1) - head(0));
    store_le<std::uint32_t>(inner + slope_at, std::bit_cast<std::uint32_t>(now));
}

// A record of a leaf or a separator of an inner page with the child on its right. The key is the
// prefix of the page it comes from, then a suffix.
struct record {
    const std::byte* prefix = nullptr;
    const std::byte* suffix = nullptr;
    const std::byte* value = nullptr;
    std::uint32_t prefix_size = 0;
    std::uint32_t suffix_size = 0;
    std::uint32_t value_field = 0; // size and overflow_flag
    page_ref child;

    [[nodiscard]] std::uint32_t key_size() const noexcept { return prefix_size + suffix_size; }
    [[nodiscard]] std::uint32_t value_size() const noexcept { return value_field & ~overflow_flag; }
    // Bytes that the record takes in a page without prefix, its slot among them.
    [[nodiscard]] std::uint32_t leaf_bytes() const noexcept {
        return slot_size<true> + head_size<true> + key_size() + value_size();
    }
    [[nodiscard]] std::uint32_t inner_bytes() const noexcept {
        return slot_size<false> + head_size<false> + key_size();
    }
    // The part of the key from byte n on that lies in one piece.
    [[nodiscard]] bytes_view piece_from(std::uint32_t n) const noexcept {
        if (n < prefix_size) return {prefix + n, prefix_size - n};
        return {suffix + (n - prefix_size), key_size() - n};
    }
    // Copies bytes [from, end) of the key; returns the end of the copy.
    std::byte* copy_key(std::byte* to, std::uint32_t from, std::uint32_t end) const noexcept {
        while (from < end) {
            const bytes_view piece = piece_from(from);
            const std::size_t room = end - from;
            const std::size_t size = piece.size() < room ? piece.size() : room;
            copy_bytes(to, piece.data(), size);
            to += size;
            from += static_cast<std::uint32_t>(size);
        }
        return to;
    }
};

// Length of the longest common prefix of two records' keys.
[[nodiscard]] inline std::uint32_t common_prefix_of(const record& left,
                                                    const record& right) noexcept {
    std::uint32_t n = 0;
    for (;;) {
        const bytes_view l = left.piece_from(n);
        const bytes_view r = right.piece_from(n);
        const std::size_t shorter = l.size() < r.size() ? l.size() : r.size();
        const std::size_t same = common_prefix(l, r);
        n += static_cast<std::uint32_t>(same);
        if (same < shorter || shorter == 0) return n;
    }
}

// Writes a page's body from its first record on. Requires: the records fit.
template <std::size_t PageSize, bool Leaf>
class page_writer {
public:
    static constexpr std::uint32_t slots_at = detail::slots_at<Leaf>;

    // All records have the first prefix_size bytes of the first one's key in common.
    page_writer(std::byte* image, const record* first, std::uint32_t prefix_size) noexcept
        : image_(image), prefix_size_(prefix_size),
          low_(static_cast<std::uint32_t>(PageSize) - prefix_size) {
        if (prefix_size != 0) first->copy_key(image + low_, 0, prefix_size);
    }

    void add(const record& r) noexcept {
        const std::uint32_t suffix_size = r.key_size() - prefix_size_;
        low_ -= head_size<Leaf> + suffix_size + (Leaf ? r.value_size() : 0);
        QUIRE_ASSERT(low_ >= slots_at + (count_ + 1) * slot_size<Leaf>,
                     "a planned page holds its plan");
        std::byte* const at = image_ + low_;
        std::byte* const key = at + head_size<Leaf>;
        if constexpr (Leaf) store_le<std::uint16_t>(at, static_cast<std::uint16_t>(r.value_field));
        // The value of a record that comes from a page stands behind its suffix: one copy for both.
        const bool together = r.value == r.suffix + r.suffix_size;
        const std::uint32_t begun = prefix_size_ > r.prefix_size ? prefix_size_ : r.prefix_size;
        std::byte* end = key;
        if (prefix_size_ < r.prefix_size) end = r.copy_key(end, prefix_size_, r.prefix_size);
        const std::uint32_t rest = r.key_size() - begun;
        const std::uint32_t value_size = Leaf ? r.value_size() : 0;
        copy_bytes(end, r.suffix + (begun - r.prefix_size), rest + (together ? value_size : 0));
        if (!together) copy_bytes(end + rest, r.value, value_size);
        std::byte* const slot = image_ + slots_at + count_ * slot_size<Leaf>;
        const bool nothing = !Leaf && suffix_size == 0;
        store_le<std::uint16_t>(slot, static_cast<std::uint16_t>(nothing ? 0 : low_));
        store_le<std::uint16_t>(slot + 2, static_cast<std::uint16_t>(suffix_size));
        store_le<std::uint32_t>(slot + 4, head_of(key, suffix_size));
        if constexpr (!Leaf) format::store_ref(slot + slot_child, r.child);
        ++count_;
    }

    // Copies what was written into a page and states it in the page's header.
    void publish(std::byte* page) const noexcept {
        copy_bytes(page + slots_at, image_ + slots_at, count_ * slot_size<Leaf>);
        copy_bytes(page + low_, image_ + low_, PageSize - low_);
        format::set_count(page, count_);
        format::set_heap_size(page, static_cast<std::uint32_t>(PageSize) - prefix_size_ - low_);
        format::set_heap_dead(page, 0);
        format::set_prefix_size(page, prefix_size_);
        if constexpr (!Leaf) set_slope(page);
    }

private:
    std::byte* image_;
    std::uint32_t prefix_size_;
    std::uint32_t low_;       // start of the heap
    std::uint32_t count_ = 0; // records written
};

} // namespace quire::node::detail
