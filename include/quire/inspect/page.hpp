// The records of one tree page, read from its bytes by the written format alone: nothing here is
// shared with the node floor, so a mistake there is not repeated in its judge.
// Thread-safety: pure functions on the caller's memory.
//
// Invariants:
//   1. Memory-safe on any bytes, whatever the checksum says.
//   2. After parse_content gave no fault, every span in the content lies inside the page.
//   3. Bounds and accounting are judged here; the order of keys is page_walk's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/result.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/format/schema.hpp>
#include <quire/inspect/keys.hpp>

namespace quire::inspect {

// What of a schema decides how the pages of a tree are laid out.
struct tree_shape {
    format::layout_kind layout = format::layout_kind::slotted;
    format::key_order order = format::key_order::bytes; // of the keys in its pages
    std::uint32_t key_size = format::variable_size;
    std::uint32_t value_size = format::variable_size;
};

[[nodiscard]] inline tree_shape shape_of(const format::schema& s) noexcept {
    const bool fixed = s.layout == format::layout_kind::fixed;
    return {s.layout, fixed ? s.order : format::key_order::bytes, s.key_size, s.value_size};
}

inline constexpr std::size_t run_ref_size = 12;     // what stands for a value in an overflow run
inline constexpr std::size_t slotted_slot_size = 8; // of a leaf
inline constexpr std::size_t slotted_inner_slot_size = 16; // the same, and the child
inline constexpr std::uint32_t overflow_flag = 0x8000;     // in a slotted record's value size

struct record_value {
    bytes_view bytes; // of the value, or of a reference to its run
    bool overflow = false;
};

// Reused from page to page, so that a walk allocates little.
struct page_content {
    bytes_view prefix;
    std::vector<bytes_view> keys;     // without the prefix
    std::vector<record_value> values; // of a leaf, one a key
    std::vector<page_ref> children;   // of an inner page, one more than keys
    std::uint32_t used = 0;           // bytes of the body that hold something
    std::uint32_t capacity = 0;       // bytes of the body that could

    [[nodiscard]] key_view key(std::size_t i) const noexcept { return {prefix, keys[i]}; }
};

// Where the second array of a fixed page stands: values in a leaf, children in an inner page.
struct fixed_arrays {
    std::uint32_t capacity = 0; // keys the page has room for
    std::uint32_t second_at = 0;
};

// The largest n for which `n` keys from byte 32 and `n + extra` elements of the second array behind
// them, aligned, fit the page; capacity 0 when not even one does. Requires: key_size != 0.
[[nodiscard]] constexpr fixed_arrays fixed_arrays_of(std::size_t page_size, std::uint64_t key_size,
                                                     std::uint64_t second_size, std::uint64_t align,
                                                     std::uint64_t extra) noexcept {
    const auto second_at = [&](std::uint64_t n) {
        return (format::page_header_size + n * key_size + align - 1) / align * align;
    };
    std::uint64_t n = (page_size - format::page_header_size) / (key_size + second_size);
    while (n != 0 && second_at(n) + (n + extra) * second_size > page_size) --n;
    return {static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(second_at(n))};
}

[[nodiscard]] constexpr fixed_arrays fixed_leaf_of(std::size_t page_size, std::uint32_t key_size,
                                                   std::uint32_t value_size) noexcept {
    const std::uint32_t power = value_size & (0U - value_size);
    const std::uint32_t align = power == 0 ? 1 : power > 16 ? 16 : power;
    return fixed_arrays_of(page_size, key_size, value_size, align, 0);
}
[[nodiscard]] constexpr fixed_arrays fixed_inner_of(std::size_t page_size,
                                                    std::uint32_t key_size) noexcept {
    return fixed_arrays_of(page_size, key_size, 8, 8, 1);
}

// What is wrong with a schema whose pages cannot exist.
[[nodiscard]] std::optional<fault> judge_shape(const tree_shape& shape, std::size_t page_size);

// Reads the records of a leaf or inner page. Requires: the page's kind fits its level and
// shape.layout, and judge_shape had nothing to say.
[[nodiscard]] std::optional<fault> parse_content(bytes_view page, const tree_shape& shape,
                                                 page_content& into);

// ------------------------------------------------------------------------------------------------

inline std::optional<fault> judge_shape(const tree_shape& shape, std::size_t page_size) {
    if (shape.layout != format::layout_kind::fixed) return std::nullopt;
    // An empty key would give any number of keys to a page.
    if (shape.key_size == 0 || shape.key_size > page_size)
        return fault{"key_size", std::to_string(shape.key_size), "1 to what a page holds"};
    if (shape.value_size > page_size)
        return fault{"value_size", std::to_string(shape.value_size), "at most what a page holds"};
    if (fixed_leaf_of(page_size, shape.key_size, shape.value_size).capacity == 0 ||
        fixed_inner_of(page_size, shape.key_size).capacity == 0)
        return fault{"key_size",
                     std::to_string(shape.key_size) + " with values of " +
                         std::to_string(shape.value_size),
                     "at least one record to a page"};
    return std::nullopt;
}

namespace detail {

[[nodiscard]] inline std::optional<fault> parse_fixed(bytes_view page, const tree_shape& shape,
                                                      page_content& into) {
    const bool leaf = format::level_of(page.data()) == 0;
    const std::uint32_t count = format::count_of(page.data());
    const fixed_arrays arrays = leaf ? fixed_leaf_of(page.size(), shape.key_size, shape.value_size)
                                     : fixed_inner_of(page.size(), shape.key_size);
    if (count > arrays.capacity)
        return fault{"count", std::to_string(count), "at most " + std::to_string(arrays.capacity)};
    for (std::size_t i = 0; i < count; ++i)
        into.keys.push_back(
            page.subspan(format::page_header_size + i * shape.key_size, shape.key_size));
    if (leaf) {
        for (std::size_t i = 0; i < count; ++i)
            into.values.push_back(
                {page.subspan(arrays.second_at + i * shape.value_size, shape.value_size), false});
        into.used = count * (shape.key_size + shape.value_size);
        into.capacity = arrays.capacity * (shape.key_size + shape.value_size);
    } else {
        for (std::size_t i = 0; i <= count; ++i)
            into.children.push_back(format::load_ref(page.data() + arrays.second_at + 8 * i));
        into.used = count * shape.key_size + (count + 1) * 8;
        into.capacity = arrays.capacity * shape.key_size + (arrays.capacity + 1) * 8;
    }
    return std::nullopt;
}

// The first four bytes of a key suffix as a big-endian number, zeros where it is shorter.
[[nodiscard]] inline std::uint32_t head_of(bytes_view suffix) noexcept {
    std::uint32_t head = 0;
    for (std::size_t i = 0; i < 4; ++i)
        head = head << 8 | (i < suffix.size() ? static_cast<std::uint32_t>(suffix[i]) : 0U);
    return head;
}

// Which bytes of a page are taken by a record.
class byte_marks {
public:
    explicit byte_marks(std::size_t page_size) : words_(page_size / 64) {}

    // False when one of the bytes was marked before. Requires: at + size <= page size.
    [[nodiscard]] bool mark(std::size_t at, std::size_t size) noexcept {
        for (std::size_t i = at; i < at + size; ++i) {
            std::uint64_t& word = words_[i / 64];
            const std::uint64_t bit = std::uint64_t{1} << (i % 64);
            if ((word & bit) != 0) return false;
            word |= bit;
        }
        return true;
    }

private:
    std::vector<std::uint64_t> words_;
};

[[nodiscard]] inline std::optional<fault> parse_slotted(bytes_view page, page_content& into) {
    const std::byte* const at = page.data();
    const bool leaf = format::level_of(at) == 0;
    const std::size_t count = format::count_of(at);
    const std::size_t heap_size = format::heap_size_of(at);
    const std::size_t heap_dead = format::heap_dead_of(at);
    const std::size_t prefix_size = format::prefix_size_of(at);
    const std::size_t slots_at = format::page_header_size + (leaf ? 0 : 12);
    const std::size_t slot_size = leaf ? slotted_slot_size : slotted_inner_slot_size;
    const std::size_t slots_end = slots_at + count * slot_size;
    const auto number = [](std::size_t n) { return std::to_string(n); };
    if (slots_end > page.size())
        return fault{"count", number(count),
                     "at most " + number((page.size() - slots_at) / slot_size)};
    if (prefix_size > page.size() - slots_end)
        return fault{"prefix_size", number(prefix_size),
                     "at most " + number(page.size() - slots_end)};
    const std::size_t heap_end = page.size() - prefix_size;
    if (heap_size > heap_end - slots_end)
        return fault{"heap_size", number(heap_size), "at most " + number(heap_end - slots_end)};
    const std::size_t heap_at = heap_end - heap_size;
    into.prefix = page.subspan(heap_end, prefix_size);
    if (!leaf) into.children.push_back(format::load_ref(at + format::page_header_size));

    byte_marks marks(page.size());
    std::size_t live = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::byte* const slot = at + slots_at + i * slot_size;
        const std::size_t record = load_le<std::uint16_t>(slot);
        const std::size_t suffix = load_le<std::uint16_t>(slot + 2);
        const std::size_t fixed_part = leaf ? 2 : 0;
        const auto wrong = [&](const char* name, std::string found, std::string expected) {
            return fault{"slot " + number(i) + " " + name, std::move(found), std::move(expected)};
        };
        if (!leaf && suffix == 0) {
            if (record != 0)
                return wrong("offset", number(record), "0 for a separator of no bytes");
        } else if (record < heap_at || record > heap_end || heap_end - record < fixed_part)
            return wrong("offset", number(record),
                         number(heap_at) + " to " + number(heap_end - fixed_part));
        std::size_t size = fixed_part + suffix;
        if (prefix_size + suffix > page.size() / 4)
            return wrong("key size", number(prefix_size + suffix),
                         "at most " + number(page.size() / 4) + ", a quarter of a page");
        if (size > heap_end - record)
            return wrong("key size", number(suffix),
                         "at most " + number(heap_end - record - fixed_part));
        const bytes_view key = page.subspan(record + fixed_part, suffix);
        if (leaf) {
            const std::uint32_t stored = load_le<std::uint16_t>(at + record);
            const bool overflow = (stored & overflow_flag) != 0;
            const std::size_t value = stored & (overflow_flag - 1);
            if (overflow && value != run_ref_size)
                return wrong("value size", number(value), "12 for a value in a run");
            if (value > heap_end - record - size)
                return wrong("value size", number(value),
                             "at most " + number(heap_end - record - size));
            into.values.push_back({page.subspan(record + size, value), overflow});
            size += value;
        } else {
            into.children.push_back(format::load_ref(slot + slotted_slot_size));
        }
        if (const auto head = load_le<std::uint32_t>(slot + 4); head != head_of(key))
            return wrong("head", number(head), number(head_of(key)));
        if (size != 0 && !marks.mark(record, size))
            return wrong("offset", number(record), "bytes of no other record");
        into.keys.push_back(key);
        live += size;
    }
    if (heap_dead + live != heap_size)
        return fault{"heap_dead", number(heap_dead),
                     number(heap_size - live) + " (" + number(heap_size) + " of the heap, " +
                         number(live) + " in use)"};
    into.used = static_cast<std::uint32_t>(count * slot_size + live + prefix_size);
    into.capacity = static_cast<std::uint32_t>(page.size() - slots_at);
    return std::nullopt;
}

} // namespace detail

inline std::optional<fault> parse_content(bytes_view page, const tree_shape& shape,
                                          page_content& into) {
    into.prefix = {};
    into.keys.clear();
    into.values.clear();
    into.children.clear();
    into.used = 0;
    into.capacity = 0;
    return shape.layout == format::layout_kind::fixed ? detail::parse_fixed(page, shape, into)
                                                      : detail::parse_slotted(page, into);
}

} // namespace quire::inspect
