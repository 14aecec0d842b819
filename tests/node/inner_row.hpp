// A row of inner pages and the separators between them, beside a model: the list of all separators
// and the list of all children.
#pragma once

#include "node/model.hpp"

namespace node_test {

template <class Layout>
class inner_row {
public:
    // Grows for about `phase` steps, then shrinks for as long, and so on.
    inner_row(std::uint64_t seed, int flavour, std::size_t phase)
        : dice_(seed), input_{flavour}, phase_(phase) {
        pages_.push_back(page<Layout>::inner(dice_));
        children_.push_back(new_child());
        Layout::start_inner(pages_[0].get(), children_[0]);
    }

    void step() {
        if (++step_ % phase_ == 0) shrinking_ = !shrinking_;
        const std::size_t kind = dice_.below(16);
        if (kind < (shrinking_ ? 10U : 3U)) erase();
        else if (kind == 13) replace_separator();
        else if (kind == 14) replace_child();
        else if (kind == 15 && dice_.one_in(4)) join_or_even_out();
        else insert();
    }
    void check_all() {
        std::size_t separator = 0;
        std::size_t child = 0;
        for (std::size_t at = 0; at < pages_.size(); ++at) {
            const std::byte* const p = pages_[at].get();
            check_page<Layout>(p);
            const std::uint32_t count = format::count_of(p);
            for (std::uint32_t i = 0; i < count; ++i)
                QUIRE_MUST(key_at<Layout>(p, i) == separators_.at(separator++));
            for (std::uint32_t i = 0; i <= count; ++i)
                QUIRE_MUST(Layout::child(p, i) == children_.at(child++));
            if (at < between_.size())
                QUIRE_MUST(between_[at] == separators_.at(separator++));
        }
        QUIRE_MUST(separator == separators_.size());
        QUIRE_MUST(child == children_.size());
    }

    [[nodiscard]] std::size_t splits() const { return splits_; }
    [[nodiscard]] std::size_t joins() const { return joins_; }

private:
    using keys = keys_of<Layout>;

    page_ref new_child() {
        const std::uint64_t word = dice_.word();
        return {static_cast<page_id>(word >> 32), static_cast<std::uint32_t>(word)};
    }
    std::size_t page_for(const std::string& key) const {
        return static_cast<std::size_t>(
            std::upper_bound(between_.begin(), between_.end(), key) - between_.begin());
    }
    // Index of the page's first child in the model; that of its first separator is the same.
    std::size_t base_of(std::size_t at) const {
        std::size_t base = 0;
        for (std::size_t i = 0; i < at; ++i) base += format::count_of(pages_[i].get()) + 1;
        return base;
    }
    void look(std::size_t at, const std::string& key) const {
        const std::uint32_t i = Layout::child_index(pages_[at].get(), keys::arg(key));
        const auto expected =
            std::upper_bound(separators_.begin(), separators_.end(), key) - separators_.begin();
        QUIRE_MUST(base_of(at) + i == static_cast<std::size_t>(expected));
    }
    void check(std::size_t at) const {
        if (Layout::page_size > 4096 && ++glances_ % 64 != 0) return;
        check_page<Layout>(pages_[at].get());
        const std::byte* const p = pages_[at].get();
        const std::size_t base = base_of(at);
        for (std::uint32_t i = 0; i < format::count_of(p); ++i)
            QUIRE_MUST(key_at<Layout>(p, i) == separators_[base + i]);
        for (std::uint32_t i = 0; i <= format::count_of(p); ++i)
            QUIRE_MUST(Layout::child(p, i) == children_[base + i]);
    }

    void insert() {
        const std::string key = input_.key(dice_);
        const auto place = std::lower_bound(separators_.begin(), separators_.end(), key);
        const std::size_t at = page_for(key);
        look(at, key);
        if (place != separators_.end() && *place == key) return;
        const std::uint32_t i = Layout::child_index(pages_[at].get(), keys::arg(key));
        const page_ref ref = new_child();
        const std::size_t base = base_of(at);
        separators_.insert(place, key);
        children_.insert(children_.begin() + static_cast<std::ptrdiff_t>(base + i) + 1, ref);
        std::byte* const p = pages_[at].get();
        if (Layout::fits_separator(p, i, keys::arg(key)))
            Layout::insert_separator(p, i, keys::arg(key), ref);
        else
            split(at, i, key, ref);
        check(at);
    }
    void split(std::size_t at, std::uint32_t i, const std::string& key, page_ref ref) {
        QUIRE_MUST(Layout::plan_inner_split(work_, pages_[at].get(), i, keys::arg(key), ref,
                                            any_bias(dice_)));
        ++splits_;
        page<Layout> right = page<Layout>::inner(dice_);
        if (dice_.one_in(2)) {
            page<Layout> left = page<Layout>::inner(dice_);
            Layout::apply_inner_split(work_, left.get(), right.get());
            pages_[at] = std::move(left);
        } else {
            Layout::apply_inner_split(work_, pages_[at].get(), right.get());
        }
        QUIRE_MUST(format::count_of(pages_[at].get()) >= 1);
        QUIRE_MUST(format::count_of(right.get()) >= 1);
        pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(right));
        between_.insert(between_.begin() + static_cast<std::ptrdiff_t>(at),
                        keys::string(Layout::planned_separator(work_)));
        check(at + 1);
    }
    void erase() {
        const std::size_t at = dice_.below(pages_.size());
        std::byte* const p = pages_[at].get();
        const std::uint32_t count = format::count_of(p);
        if (count == 0) {
            join_or_even_out();
            return;
        }
        const auto i = static_cast<std::uint32_t>(dice_.below(count + 1));
        const std::size_t base = base_of(at);
        Layout::erase_child(p, i);
        children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(base + i));
        separators_.erase(separators_.begin() +
                          static_cast<std::ptrdiff_t>(base + (i == 0 ? 0 : i - 1)));
        check(at);
    }
    void replace_child() {
        const std::size_t at = dice_.below(pages_.size());
        const auto i =
            static_cast<std::uint32_t>(dice_.below(format::count_of(pages_[at].get()) + 1));
        const page_ref ref = new_child();
        Layout::set_child(pages_[at].get(), i, ref);
        children_[base_of(at) + i] = ref;
        check(at);
    }
    // By another key between its neighbours.
    void replace_separator() {
        const std::string key = input_.key(dice_);
        const std::size_t at = page_for(key);
        std::byte* const p = pages_[at].get();
        const std::uint32_t count = format::count_of(p);
        const std::uint32_t above = Layout::child_index(p, keys::arg(key));
        if (count == 0 || above == 0) return;
        const std::uint32_t i = above - 1; // the greatest separator that is not above the key
        const bool fits = Layout::fits_separator_replacement(p, i, keys::arg(key));
        QUIRE_MUST(fits == should_fit_instead(at, i, key));
        if (!fits) return;
        Layout::replace_separator(p, i, keys::arg(key));
        separators_[base_of(at) + i] = key;
        check(at);
    }
    bool should_fit_instead(std::size_t at, std::uint32_t without, const std::string& key) const {
        if constexpr (!is_slotted<Layout>) {
            return true;
        } else {
            const std::byte* const p = pages_[at].get();
            const std::uint32_t count = format::count_of(p);
            std::size_t bytes = 16 + key.size();
            std::size_t common = key.size();
            for (std::uint32_t i = 0; i < count; ++i) {
                if (i == without) continue;
                const std::string other = key_at<Layout>(p, i);
                bytes += 16 + other.size();
                common = std::min(common, quire::common_prefix(view(key), view(other)));
            }
            return bytes - (count - 1) * common <= Layout::inner_capacity;
        }
    }
    void join_or_even_out() {
        if (pages_.size() < 2) return;
        const std::size_t at = dice_.below(pages_.size() - 1);
        page<Layout>& l = pages_[at];
        page<Layout>& r = pages_[at + 1];
        const std::uint32_t total = format::count_of(l.get()) + format::count_of(r.get()) + 1;
        if (dice_.one_in(2)) {
            const bool planned = Layout::plan_inner_merge(work_, l.get(), r.get(),
                                                          keys::arg(between_[at]));
            if constexpr (!is_slotted<Layout>)
                QUIRE_MUST(planned == (total <= Layout::inner_slots));
            if (!planned) return;
            ++joins_;
            if (dice_.one_in(2)) Layout::apply_inner_merge(work_, l.get());
            else {
                Layout::apply_inner_merge(work_, r.get());
                std::swap(pages_[at], pages_[at + 1]);
            }
            pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
            between_.erase(between_.begin() + static_cast<std::ptrdiff_t>(at));
        } else {
            const std::uint32_t before = format::count_of(l.get());
            if (!Layout::plan_inner_spread(work_, l.get(), r.get(), keys::arg(between_[at])))
                return;
            Layout::apply_inner_spread(work_, l.get(), r.get());
            QUIRE_MUST(format::count_of(l.get()) != before);
            QUIRE_MUST(format::count_of(l.get()) + format::count_of(r.get()) + 1 == total);
            between_[at] = keys::string(Layout::planned_separator(work_));
            check(at + 1);
        }
        check(at);
    }

    dice dice_;
    random_input<Layout> input_;
    std::vector<page<Layout>> pages_;
    std::vector<std::string> between_;    // separators in the parent of the row
    std::vector<std::string> separators_; // of all pages, with those in between
    std::vector<page_ref> children_;
    typename Layout::workspace work_;
    std::size_t phase_;
    std::size_t step_ = 0;
    bool shrinking_ = false;
    std::size_t splits_ = 0;
    std::size_t joins_ = 0;
    mutable std::size_t glances_ = 0;
};

template <class Layout>
void run_inner_rows(std::size_t steps) {
    std::size_t splits = 0;
    std::size_t joins = 0;
    for (int flavour = 0; flavour < random_input<Layout>::flavours; ++flavour)
        for (std::uint64_t seed = 1; seed <= 2; ++seed) {
            CAPTURE(seed);
            CAPTURE(flavour);
            CAPTURE(Layout::page_size);
            inner_row<Layout> row(seed * 1000 + static_cast<std::uint64_t>(flavour), flavour,
                                  steps / 4);
            for (std::size_t i = 0; i < steps; ++i) row.step();
            row.check_all();
            splits += row.splits();
            joins += row.joins();
        }
    CHECK(splits > 5);
    CHECK(joins > 5);
}

} // namespace node_test
