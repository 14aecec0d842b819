// Splitting, evening out and merging of slotted pages: the third part of slotted.hpp, which
// includes this header and says what each function means.
//
// A plan is the list of all records (or separators) of the pages in order, the new one among them,
// and the border between the new pages. Sizes are exact: each side is measured with the prefix it
// will have. Applying writes both images first, because the old pages may be the new ones.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/core/growing_array.hpp>
#include <quire/core/owned.hpp>
#include <quire/node/slotted.hpp>

namespace quire::node {

// Scratch memory of one writer. Allocates with its first plan, and for a longer list of records.
template <std::size_t PageSize>
class slotted<PageSize>::workspace {
public:
    workspace() noexcept = default;
    // Allocates all that any plan needs: after it no plan throws.
    void reserve() {
        constexpr std::size_t most =
            leaf_capacity / (detail::slot_size<true> + detail::head_size<true>);
        start(2 * most + 1);
    }

private:
    friend slotted;

    struct entry {
        detail::record record;
        std::uint32_t before = 0;     // bytes of all entries before it, without any prefix
        std::uint32_t least_to = 0;   // size of the shortest key among those up to it
        std::uint32_t least_from = 0; // size of the shortest key among those from it on
    };
    struct scratch {
        std::byte left[PageSize];
        std::byte right[PageSize];
        key_buffer added;
        key_buffer separator;
    };
    // Where the pages are parted. An inner page's entry at the border is promoted.
    struct side_prefixes {
        std::uint32_t left;
        std::uint32_t right;
    };

    // ---- the list ----
    // A new list of at most so many entries.
    void start(std::size_t most) {
        if (!scratch_) scratch_ = owned<scratch>(new scratch); // not value-initialised
        if (entries_.size() <= most) entries_.resize(most + 1);
        count_ = 0;
        bytes_ = 0;
        least_ = 0xFFFFFFFF;
    }
    // The next entry, whose record is still to be written: in place, as lists are long.
    [[nodiscard]] detail::record& next() noexcept { return entries_[count_].record; }
    template <bool Leaf>
    void count_next() noexcept {
        entry& e = entries_[count_++];
        e.before = bytes_;
        bytes_ += Leaf ? e.record.leaf_bytes() : e.record.inner_bytes();
        if (e.record.key_size() < least_) least_ = e.record.key_size();
        e.least_to = least_;
    }
    template <bool Leaf>
    void add_page(const std::byte* page, std::uint32_t from, std::uint32_t end) noexcept {
        for (; from < end; ++from) {
            read_record<Leaf>(page, from, next());
            count_next<Leaf>();
        }
    }
    // `added` has the key that was kept.
    template <bool Leaf>
    void add(const detail::record& added) noexcept {
        next() = added;
        next().suffix = scratch_->added.arg().data();
        count_next<Leaf>();
    }
    void keep_key(key_arg key) noexcept { scratch_->added.assign(key); }
    void end_list() noexcept {
        entries_[count_].before = bytes_;
        std::uint32_t least = 0xFFFFFFFF;
        for (std::uint32_t i = count_; i-- > 0;) {
            entry& e = entries_[i];
            if (e.record.key_size() < least) least = e.record.key_size();
            e.least_from = least;
        }
    }

    // ---- sizes ----
    // The prefix of a page of entries [from, end), one of which is the list's edge. No key is
    // shorter, even if the keys are out of order (a damaged page).
    [[nodiscard]] std::uint32_t prefix_of(std::uint32_t from, std::uint32_t end) const noexcept {
        if (end - from < 2) return 0;
        const std::uint32_t least =
            from == 0 ? entries_[end - 1].least_to : entries_[from].least_from;
        const std::uint32_t same =
            detail::common_prefix_of(entries_[from].record, entries_[end - 1].record);
        return same < least ? same : least;
    }
    [[nodiscard]] std::uint32_t bytes_of(std::uint32_t from, std::uint32_t end,
                                         std::uint32_t prefix) const noexcept {
        const std::uint32_t all = entries_[end].before - entries_[from].before;
        return end == from ? 0 : all - (end - from - 1) * prefix;
    }
    template <bool Leaf>
    [[nodiscard]] bool fits_page(std::uint32_t from, std::uint32_t end,
                                 std::uint32_t prefix) const noexcept {
        return bytes_of(from, end, prefix) <= (Leaf ? leaf_capacity : inner_capacity);
    }
    template <bool Leaf>
    [[nodiscard]] std::uint32_t separator_size(std::uint32_t border) const noexcept {
        const detail::record& above = entries_[border].record;
        if constexpr (!Leaf) return above.key_size();
        const std::uint32_t same = detail::common_prefix_of(entries_[border - 1].record, above);
        return same < above.key_size() ? same + 1 : above.key_size();
    }

    // ---- the border ----
    // The entry whose bytes before it are nearest to half of all.
    [[nodiscard]] std::uint32_t middle() const noexcept {
        const std::uint32_t half = entries_[count_].before / 2;
        std::uint32_t low = 0;
        for (std::uint32_t high = count_; low < high;) {
            const std::uint32_t at = low + (high - low) / 2;
            if (entries_[at].before < half) low = at + 1;
            else high = at;
        }
        if (low > 0 && half - entries_[low - 1].before < entries_[low].before - half) --low;
        return low;
    }
    // Parts the list near `wanted`: where the separator is shortest within a sixteenth of the bytes
    // around it for a border in the middle, else as near as can be. False if nowhere.
    template <bool Leaf>
    [[nodiscard]] bool part(std::uint32_t wanted, bias border) {
        constexpr std::uint32_t gone = Leaf ? 0 : 1; // entries that go into neither page
        if (count_ < 2 + gone) return false;
        const std::uint32_t last = count_ - 1 - gone;
        if (wanted < 1) wanted = 1;
        if (wanted > last) wanted = last;
        const std::uint32_t tolerance = border == bias::middle ? entries_[count_].before / 16 : 0;
        const std::uint32_t centre = entries_[wanted].before;
        bool found = false;
        std::uint32_t shortest = 0;
        for (std::uint32_t distance = 0; distance < count_; ++distance) {
            bool near = false;
            for (const bool up : {false, true}) {
                if (up ? distance == 0 || distance > last - wanted : distance >= wanted) continue;
                const std::uint32_t at = up ? wanted + distance : wanted - distance;
                const std::uint32_t bytes = entries_[at].before;
                const bool within = (bytes < centre ? centre - bytes : bytes - centre) <= tolerance;
                near = near || within;
                if (found && !within) continue;
                const std::uint32_t size = separator_size<Leaf>(at);
                if (found && size >= shortest) continue;
                const side_prefixes prefixes{prefix_of(0, at), prefix_of(at + gone, count_)};
                if (!fits_page<Leaf>(0, at, prefixes.left) ||
                    !fits_page<Leaf>(at + gone, count_, prefixes.right))
                    continue;
                found = true;
                shortest = size;
                border_ = at;
                prefixes_ = prefixes;
            }
            if (found && !near) break;
        }
        if (!found) return false;
        key_buffer& separator = scratch_->separator;
        entries_[border_].record.copy_key(separator.bytes_, 0, shortest);
        separator.size_ = shortest;
        return true;
    }
    // Plans all entries for one page. False if they do not fit.
    template <bool Leaf>
    [[nodiscard]] bool join() noexcept {
        border_ = count_;
        prefixes_ = {prefix_of(0, count_), 0};
        return fits_page<Leaf>(0, count_, prefixes_.left);
    }

    // ---- the pages ----
    template <bool Leaf>
    [[nodiscard]] writer<Leaf> write(std::byte* image, std::uint32_t from, std::uint32_t end,
                                     std::uint32_t prefix) const noexcept {
        writer<Leaf> to(image, &entries_[from].record, prefix);
        for (; from < end; ++from) to.add(entries_[from].record);
        return to;
    }
    template <bool Leaf>
    void apply_part(std::byte* left, std::byte* right) const noexcept {
        constexpr std::uint32_t gone = Leaf ? 0 : 1;
        const auto low = write<Leaf>(scratch_->left, 0, border_, prefixes_.left);
        const auto high =
            write<Leaf>(scratch_->right, border_ + gone, count_, prefixes_.right);
        low.publish(left);
        high.publish(right);
        if constexpr (!Leaf) {
            format::store_ref(left + format::page_header_size, first_child_);
            format::store_ref(right + format::page_header_size, entries_[border_].record.child);
        }
    }
    template <bool Leaf>
    void apply_join(std::byte* left) const noexcept {
        write<Leaf>(scratch_->left, 0, count_, prefixes_.left).publish(left);
        if constexpr (!Leaf) format::store_ref(left + format::page_header_size, first_child_);
    }

    growing_array<entry> entries_; // count_ of them, and one behind that knows their bytes
    std::uint32_t count_ = 0;
    std::uint32_t bytes_ = 0;
    std::uint32_t least_ = 0;
    std::uint32_t border_ = 0;
    side_prefixes prefixes_{};
    page_ref first_child_;
    owned<scratch> scratch_;
};

template <std::size_t PageSize>
auto slotted<PageSize>::planned_separator(const workspace& work) noexcept -> key_arg {
    return work.scratch_->separator.arg();
}

template <std::size_t PageSize>
bool slotted<PageSize>::plan_leaf_spread(workspace& work, const std::byte* left,
                                         const std::byte* right, const insertion<slotted>& record,
                                         bias border) {
    const std::uint32_t left_count = format::count_of(left);
    const std::uint32_t right_count = right == nullptr ? 0 : format::count_of(right);
    QUIRE_PRECONDITION(record.index <= (record.into_right ? right_count : left_count),
                       "the new record goes before one of its page or behind the last");
    work.start(left_count + right_count + 1);
    work.keep_key(record.key);
    const detail::record added = record_of(record.key, record.value);
    const std::uint32_t before_left = record.into_right ? left_count : record.index;
    work.template add_page<true>(left, 0, before_left);
    if (!record.into_right) work.template add<true>(added);
    work.template add_page<true>(left, before_left, left_count);
    if (record.into_right) {
        work.template add_page<true>(right, 0, record.index);
        work.template add<true>(added);
    }
    if (right != nullptr)
        work.template add_page<true>(right, record.into_right ? record.index : 0, right_count);
    work.end_list();

    const std::uint32_t position = before_left + (record.into_right ? record.index : 0);
    const std::uint32_t wanted = border == bias::middle      ? work.middle()
                                 : border == bias::ascending ? position
                                                             : position + 1;
    return work.template part<true>(wanted, border);
}

template <std::size_t PageSize>
void slotted<PageSize>::apply_leaf_spread(workspace& work, std::byte* left,
                                          std::byte* right) noexcept {
    work.template apply_part<true>(left, right);
}

template <std::size_t PageSize>
bool slotted<PageSize>::plan_leaf_merge(workspace& work, const std::byte* left,
                                        const std::byte* right) {
    const std::uint32_t left_count = format::count_of(left);
    const std::uint32_t right_count = format::count_of(right);
    work.start(left_count + right_count);
    work.template add_page<true>(left, 0, left_count);
    work.template add_page<true>(right, 0, right_count);
    work.end_list();
    return work.template join<true>();
}

template <std::size_t PageSize>
void slotted<PageSize>::apply_leaf_merge(workspace& work, std::byte* left) noexcept {
    work.template apply_join<true>(left);
}

template <std::size_t PageSize>
bool slotted<PageSize>::plan_inner_split(workspace& work, const std::byte* inner, std::uint32_t i,
                                         key_arg separator, page_ref right_child, bias border) {
    const std::uint32_t count = format::count_of(inner);
    QUIRE_PRECONDITION(i <= count, "a separator goes before another or behind the last");
    work.start(count + 1);
    work.keep_key(separator);
    work.first_child_ = child(inner, 0);
    work.template add_page<false>(inner, 0, i);
    work.template add<false>(record_of(separator, right_child));
    work.template add_page<false>(inner, i, count);
    work.end_list();
    return work.template part<false>(border == bias::middle ? work.middle() : i, border);
}

template <std::size_t PageSize>
void slotted<PageSize>::apply_inner_split(workspace& work, std::byte* left,
                                          std::byte* right) noexcept {
    work.template apply_part<false>(left, right);
}

template <std::size_t PageSize>
bool slotted<PageSize>::plan_inner_spread(workspace& work, const std::byte* left,
                                          const std::byte* right, key_arg between) {
    const std::uint32_t left_count = format::count_of(left);
    const std::uint32_t right_count = format::count_of(right);
    work.start(left_count + right_count + 1);
    work.keep_key(between);
    work.first_child_ = child(left, 0);
    work.template add_page<false>(left, 0, left_count);
    work.template add<false>(record_of(between, child(right, 0)));
    work.template add_page<false>(right, 0, right_count);
    work.end_list();
    return work.template part<false>(work.middle(), bias::middle) && work.border_ != left_count;
}

template <std::size_t PageSize>
bool slotted<PageSize>::plan_inner_merge(workspace& work, const std::byte* left,
                                         const std::byte* right, key_arg between) {
    const std::uint32_t left_count = format::count_of(left);
    const std::uint32_t right_count = format::count_of(right);
    work.start(left_count + right_count + 1);
    work.keep_key(between);
    work.first_child_ = child(left, 0);
    work.template add_page<false>(left, 0, left_count);
    work.template add<false>(record_of(between, child(right, 0)));
    work.template add_page<false>(right, 0, right_count);
    work.end_list();
    return work.template join<false>();
}

template <std::size_t PageSize>
void slotted<PageSize>::apply_inner_merge(workspace& work, std::byte* left) noexcept {
    work.template apply_join<false>(left);
}

} // namespace quire::node
