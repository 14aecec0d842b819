// Splitting, evening out and merging of fixed pages: the second half of fixed.hpp, which includes
// this header and says what each function means.
//
// A plan is a list of pieces: runs of elements of the old pages, in the order they will have, with
// the new element among them, and the border between the new pages. Applying it gathers the pieces
// in two images first, because the old pages may be the new ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <quire/core/owned.hpp>
#include <quire/node/fixed.hpp>

namespace quire::node {

// Scratch memory of one writer. Allocates with its first plan.
template <class Key, std::size_t ValueSize, std::size_t PageSize>
class fixed<Key, ValueSize, PageSize>::workspace {
public:
    workspace() noexcept = default;
    // Allocates all that any plan needs: after it no plan throws.
    void reserve() { start(); }

private:
    friend fixed;

    struct piece {
        const std::byte* at = nullptr;
        std::uint32_t count = 0;
    };
    using pieces = std::array<piece, 4>;
    struct images {
        std::byte left[PageSize];
        std::byte right[PageSize];
    };
    // Where the elements beside the keys stand: values of a leaf, children of an inner page.
    struct array_place {
        std::size_t offset;
        std::size_t size;
    };
    static constexpr array_place values_place{values_offset, ValueSize};
    static constexpr array_place children_place{children_offset, detail::ref_size};

    // The pieces of `left` and `right` with one new element before `position` of both together.
    static pieces with_new(piece left, piece right, const std::byte* added, std::uint32_t position,
                           std::size_t size) noexcept {
        if (position <= left.count)
            return {{{left.at, position},
                     {added, 1},
                     {left.at + position * size, left.count - position},
                     right}};
        const std::uint32_t into = position - left.count;
        return {{left, {right.at, into}, {added, 1}, {right.at + into * size, right.count - into}}};
    }

    // Copies elements [from, end) of the pieces.
    static void gather(std::byte* to, const pieces& of, std::size_t size, std::uint32_t from,
                       std::uint32_t end) noexcept {
        std::uint32_t first = 0; // index of the piece's first element
        for (const piece& p : of) {
            const std::uint32_t low = from > first ? from - first : 0;
            const std::uint32_t high =
                end <= first ? 0 : end - first < p.count ? end - first : p.count;
            if (low < high) {
                copy_bytes(to, p.at + low * size, (high - low) * size);
                to += (high - low) * size;
            }
            first += p.count;
        }
    }

    // The places of a page's elements, gathered: keys [from, end) and what stands beside them.
    void gather_page(std::byte* image, array_place beside, std::uint32_t from, std::uint32_t end,
                     std::uint32_t beside_end) const noexcept {
        gather(image + keys_offset, keys_, key_size, from, end);
        gather(image + beside.offset, beside_, beside.size, from, beside_end);
    }
    static void publish(std::byte* page, const std::byte* image, array_place beside,
                        std::uint32_t keys, std::uint32_t besides) noexcept {
        copy_bytes(page + keys_offset, image + keys_offset, keys * key_size);
        copy_bytes(page + beside.offset, image + beside.offset, besides * beside.size);
        format::set_count(page, keys);
        note_ends(page);
    }

    // Key `i` of the pieces.
    [[nodiscard]] key_arg key_at(std::uint32_t i) const noexcept {
        for (const piece& p : keys_) {
            if (i < p.count) return Key::load(p.at + i * key_size);
            i -= p.count;
        }
        return separator_.arg();
    }

    void start() {
        if (!images_) images_ = owned<images>(new images); // not value-initialised
    }

    pieces keys_{};
    pieces beside_{};
    std::uint32_t total_ = 0;  // keys
    std::uint32_t border_ = 0; // keys of the left page
    std::array<std::byte, key_size> new_key_{};
    std::array<std::byte, detail::ref_size> new_child_{};
    key_buffer separator_;
    owned<images> images_;
};

template <class Key, std::size_t ValueSize, std::size_t PageSize>
auto fixed<Key, ValueSize, PageSize>::planned_separator(const workspace& work) noexcept
    -> key_arg {
    return work.separator_.arg();
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
bool fixed<Key, ValueSize, PageSize>::plan_leaf_spread(workspace& work, const std::byte* left,
                                                       const std::byte* right,
                                                       const insertion<fixed>& record,
                                                       bias border) {
    const std::uint32_t left_count = format::count_of(left);
    const std::uint32_t right_count = right == nullptr ? 0 : format::count_of(right);
    const std::uint32_t total = left_count + right_count + 1;
    if (total < 2 || total > 2 * leaf_slots) return false;
    QUIRE_PRECONDITION(record.index <= (record.into_right ? right_count : left_count),
                       "the new record goes before one of its page or behind the last");
    QUIRE_PRECONDITION(record.value.bytes.size() == ValueSize && !record.value.overflow,
                       "a fixed value has the size of its type");
    work.start();

    const std::uint32_t position = record.into_right ? left_count + record.index : record.index;
    std::uint32_t wanted = total / 2;
    if (border == bias::ascending) wanted = position;
    if (border == bias::descending) wanted = position + 1;
    const std::uint32_t least = total > leaf_slots ? total - leaf_slots : 1;
    const std::uint32_t most = total - 1 < leaf_slots ? total - 1 : leaf_slots;
    work.border_ = wanted < least ? least : wanted > most ? most : wanted;
    work.total_ = total;

    Key::store(work.new_key_.data(), record.key);
    work.keys_ = workspace::with_new({keys(left), left_count},
                                     {right == nullptr ? nullptr : keys(right), right_count},
                                     work.new_key_.data(), position, key_size);
    work.beside_ = workspace::with_new({values(left), left_count},
                                       {right == nullptr ? nullptr : values(right), right_count},
                                       record.value.bytes.data(), position, ValueSize);
    work.separator_.assign(work.key_at(work.border_));
    return true;
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
void fixed<Key, ValueSize, PageSize>::apply_leaf_spread(workspace& work, std::byte* left,
                                                        std::byte* right) noexcept {
    const std::uint32_t border = work.border_;
    const std::uint32_t behind = work.total_ - border;
    std::byte* const left_image = work.images_->left;
    std::byte* const right_image = work.images_->right;
    work.gather_page(left_image, workspace::values_place, 0, border, border);
    work.gather_page(right_image, workspace::values_place, border, work.total_, work.total_);
    workspace::publish(left, left_image, workspace::values_place, border, border);
    workspace::publish(right, right_image, workspace::values_place, behind, behind);
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
bool fixed<Key, ValueSize, PageSize>::plan_leaf_merge(workspace& work, const std::byte* left,
                                                      const std::byte* right) {
    const std::uint32_t left_count = format::count_of(left);
    const std::uint32_t right_count = format::count_of(right);
    if (left_count + right_count > leaf_slots) return false;
    work.start();
    work.total_ = left_count + right_count;
    work.border_ = work.total_;
    work.keys_ = {{{keys(left), left_count}, {keys(right), right_count}, {}, {}}};
    work.beside_ = {{{values(left), left_count}, {values(right), right_count}, {}, {}}};
    return true;
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
void fixed<Key, ValueSize, PageSize>::apply_leaf_merge(workspace& work, std::byte* left) noexcept {
    std::byte* const image = work.images_->left;
    work.gather_page(image, workspace::values_place, 0, work.total_, work.total_);
    workspace::publish(left, image, workspace::values_place, work.total_, work.total_);
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
bool fixed<Key, ValueSize, PageSize>::plan_inner_split(workspace& work, const std::byte* inner,
                                                       std::uint32_t i, key_arg separator,
                                                       page_ref right_child, bias border) {
    const std::uint32_t count = format::count_of(inner);
    QUIRE_PRECONDITION(i <= count, "a separator goes before another or behind the last");
    if (count < 2) return false;
    work.start();
    // One separator is promoted; each page keeps one at least.
    work.total_ = count + 1;
    const std::uint32_t wanted = border == bias::middle ? work.total_ / 2 : i;
    const std::uint32_t most = work.total_ - 2 < inner_slots ? work.total_ - 2 : inner_slots;
    work.border_ = wanted < 1 ? 1 : wanted > most ? most : wanted;

    Key::store(work.new_key_.data(), separator);
    format::store_ref(work.new_child_.data(), right_child);
    work.keys_ = workspace::with_new({keys(inner), count}, {}, work.new_key_.data(), i, key_size);
    work.beside_ = workspace::with_new({inner + children_offset, count + 1}, {},
                                       work.new_child_.data(), i + 1, detail::ref_size);
    work.separator_.assign(work.key_at(work.border_));
    return true;
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
void fixed<Key, ValueSize, PageSize>::apply_inner_split(workspace& work, std::byte* left,
                                                        std::byte* right) noexcept {
    const std::uint32_t border = work.border_;
    const std::uint32_t behind = work.total_ - border - 1;
    std::byte* const left_image = work.images_->left;
    std::byte* const right_image = work.images_->right;
    constexpr auto children = workspace::children_place;
    work.gather_page(left_image, children, 0, border, border + 1);
    work.gather_page(right_image, children, border + 1, work.total_, work.total_ + 1);
    workspace::publish(left, left_image, children, border, border + 1);
    workspace::publish(right, right_image, children, behind, behind + 1);
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
bool fixed<Key, ValueSize, PageSize>::plan_inner_spread(workspace& work, const std::byte* left,
                                                        const std::byte* right, key_arg between) {
    const std::uint32_t left_count = format::count_of(left);
    const std::uint32_t right_count = format::count_of(right);
    const std::uint32_t total = left_count + right_count + 1;
    if (total < 3 || total / 2 == left_count) return false;
    work.start();
    work.total_ = total;
    work.border_ = total / 2;
    Key::store(work.new_key_.data(), between);
    work.keys_ = {{{keys(left), left_count},
                   {work.new_key_.data(), 1},
                   {keys(right), right_count},
                   {}}};
    work.beside_ = {{{left + children_offset, left_count + 1},
                     {right + children_offset, right_count + 1},
                     {},
                     {}}};
    work.separator_.assign(work.key_at(work.border_));
    return true;
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
bool fixed<Key, ValueSize, PageSize>::plan_inner_merge(workspace& work, const std::byte* left,
                                                       const std::byte* right, key_arg between) {
    const std::uint32_t total = format::count_of(left) + format::count_of(right) + 1;
    if (total > inner_slots) return false;
    work.start();
    work.total_ = total;
    work.border_ = total;
    Key::store(work.new_key_.data(), between);
    work.keys_ = {{{keys(left), format::count_of(left)},
                   {work.new_key_.data(), 1},
                   {keys(right), format::count_of(right)},
                   {}}};
    work.beside_ = {{{left + children_offset, format::count_of(left) + 1},
                     {right + children_offset, format::count_of(right) + 1},
                     {},
                     {}}};
    return true;
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
void fixed<Key, ValueSize, PageSize>::apply_inner_merge(workspace& work,
                                                        std::byte* left) noexcept {
    std::byte* const image = work.images_->left;
    work.gather_page(image, workspace::children_place, 0, work.total_, work.total_ + 1);
    workspace::publish(left, image, workspace::children_place, work.total_, work.total_ + 1);
}

} // namespace quire::node
