// What the two node layouts have in common: the vocabulary of their functions and the concept that
// the tree asks for. A layout is a class of static functions on the bytes of one page; it knows no
// page but the ones it is handed, holds no state and takes no latch. `fixed` (fixed.hpp) packs
// records of one size, `slotted` (slotted.hpp) holds records of any size.
//
// Thread-safety: reading functions write nothing, so any number of threads may read a page that
// nobody changes. A workspace belongs to one writer.
//
// Laws of every layout:
//   1. The records of a leaf, the separators of an inner page, are in ascending key order and each
//      key stands once. An inner page of n separators has n + 1 children; child i holds the keys k
//      with separator[i-1] <= k < separator[i].
//   2. After validate() has found nothing wrong with a page, every function is memory-safe on it,
//      whatever its bytes; the order of its keys is not among the things validate() looks at.
//   3. Changing functions are noexcept and cannot fail: what they need is asked first (`fits...`).
//      Restructuring is planned first, which may throw and changes nothing, then applied, which
//      does neither; after workspace::reserve() planning does not throw. The pages given to a plan,
//      and the value of its insertion, must stay readable and unchanged until it is applied; the
//      pages it is applied to may be the planned ones or others, and only their headers matter.
//   4. A key_arg or stored_value that a layout takes must not point into the page it changes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/format/schema.hpp>

namespace quire::node {

// How a search goes about it.
enum class pace : std::uint8_t {
    // Takes branches, and is often wrong about them; when it is right, the processor asks for what
    // comes after the search before the search is over. For one key.
    eager,
    // Counts over a few keys without a branch. For many keys, where others fill the wait.
    steady,
};

// Lines of memory that a lookup asks for at once without knowing which of them it will read.
inline constexpr std::size_t most_lines_asked = 10;

// Where a spread puts the border between two pages. `ascending` leaves the left page as full as it
// is and starts the right one with the new record, so that ascending insertion fills every page;
// `descending` is its mirror; `middle` balances bytes.
enum class bias : std::uint8_t { middle, ascending, descending };

struct search_result {
    std::uint32_t index; // of the first record that is not less than the key
    bool found;          // that record's key is the key
};

// A value as it stands in a leaf. With `overflow` the bytes are not the value but a reference to
// the run of pages that holds it; a layout keeps the flag and does not look at the bytes.
struct stored_value {
    bytes_view bytes;
    bool overflow = false;
};

// The new record of a spread: it goes before record `index` of the left page, or of the right one.
template <class Layout>
struct insertion {
    std::uint32_t index;
    bool into_right;
    typename Layout::key_arg key;
    stored_value value;
};

namespace detail {

[[nodiscard]] constexpr std::size_t round_up(std::size_t n, std::size_t to) noexcept {
    return (n + to - 1) / to * to;
}
// The largest power of two that divides n, at most `limit`; `limit` for n = 0.
[[nodiscard]] constexpr std::size_t alignment_of(std::size_t n, std::size_t limit) noexcept {
    std::size_t a = 1;
    while (a < limit && n % (a * 2) == 0) a *= 2;
    return a;
}

inline constexpr std::size_t ref_size = 8; // of a page_ref in an inner page

} // namespace detail

// What the tree asks of a layout. See fixed.hpp or slotted.hpp for what each function means.
template <class L>
concept layout = requires(std::byte* page, const std::byte* read, std::uint32_t i, page_ref ref,
                          bytes_view bytes, typename L::key_arg key, stored_value value,
                          typename L::key_buffer& buffer, typename L::workspace& work,
                          const typename L::workspace& planned, const insertion<L>& record,
                          bias border) {
    requires std::same_as<decltype(L::kind), const format::layout_kind>;
    requires std::same_as<decltype(L::leaf_kind), const format::page_kind>;
    requires std::same_as<decltype(L::inner_kind), const format::page_kind>;
    requires std::same_as<decltype(L::page_size), const std::size_t>;
    requires std::same_as<decltype(L::leaf_capacity), const std::uint32_t>;
    requires std::same_as<decltype(L::inner_capacity), const std::uint32_t>;
    requires std::default_initializable<typename L::key_buffer>;
    requires std::default_initializable<typename L::workspace>;
    // keys
    { L::arg_of(bytes) } noexcept -> std::same_as<typename L::key_arg>;
    { L::less(key, key) } noexcept -> std::same_as<bool>;
    { buffer.arg() } noexcept -> std::same_as<typename L::key_arg>;
    { buffer.assign(key) } noexcept;
    // reading
    { L::validate(read) } noexcept -> std::same_as<const char*>;
    { L::find(read, key) } noexcept -> std::same_as<search_result>;
    { L::child_index(read, key) } noexcept -> std::same_as<std::uint32_t>;
    { L::child(read, i) } noexcept -> std::same_as<page_ref>;
    { L::key(read, i, buffer) } noexcept -> std::same_as<bytes_view>;
    { L::value(read, i) } noexcept -> std::same_as<stored_value>;
    { L::used(read) } noexcept -> std::same_as<std::uint32_t>;
    // leaf changes
    { L::fits(read, i, key, value) } noexcept -> std::same_as<bool>;
    { L::insert(page, i, key, value) } noexcept;
    { L::fits_replacement(read, i, value) } noexcept -> std::same_as<bool>;
    { L::replace(page, i, value) } noexcept;
    { L::erase(page, i) } noexcept;
    work.reserve();
    { L::plan_leaf_spread(work, read, read, record, border) } -> std::same_as<bool>;
    { L::apply_leaf_spread(work, page, page) } noexcept;
    { L::plan_leaf_merge(work, read, read) } -> std::same_as<bool>;
    { L::apply_leaf_merge(work, page) } noexcept;
    { L::planned_separator(planned) } noexcept -> std::same_as<typename L::key_arg>;
    // inner changes
    { L::start_inner(page, ref) } noexcept;
    { L::set_child(page, i, ref) } noexcept;
    { L::fits_separator(read, i, key) } noexcept -> std::same_as<bool>;
    { L::insert_separator(page, i, key, ref) } noexcept;
    { L::fits_separator_replacement(read, i, key) } noexcept -> std::same_as<bool>;
    { L::replace_separator(page, i, key) } noexcept;
    { L::erase_child(page, i) } noexcept;
    { L::plan_inner_split(work, read, i, key, ref, border) } -> std::same_as<bool>;
    { L::apply_inner_split(work, page, page) } noexcept;
    { L::plan_inner_spread(work, read, read, key) } -> std::same_as<bool>;
    { L::apply_inner_spread(work, page, page) } noexcept;
    { L::plan_inner_merge(work, read, read, key) } -> std::same_as<bool>;
    { L::apply_inner_merge(work, page) } noexcept;
};

} // namespace quire::node
