// A row of leaves with their separators, beside a std::map of the same records.
#pragma once

#include "node/model.hpp"

namespace node_test {

template <class Layout>
class leaf_chain {
public:
    // Grows for about `phase` steps, then shrinks for as long, and so on.
    leaf_chain(std::uint64_t seed, int flavour, std::size_t phase)
        : dice_(seed), input_{flavour}, phase_(phase) {
        pages_.push_back(page<Layout>::leaf(dice_));
    }

    // One random change, checked.
    void step() {
        if (++step_ % phase_ == 0) shrinking_ = !shrinking_;
        const std::size_t kind = dice_.below(16);
        if (kind < (shrinking_ ? 12U : 3U)) erase();
        else put();
        if (dice_.one_in(50)) merge(dice_.below(pages_.size()));
    }
    // All records of all pages, against the map.
    void check_all() {
        auto expected = map_.begin();
        for (std::size_t at = 0; at < pages_.size(); ++at) {
            check(at);
            for (std::uint32_t i = 0; i < format::count_of(pages_[at].get()); ++i, ++expected) {
                QUIRE_MUST(expected != map_.end());
                QUIRE_MUST(key_at<Layout>(pages_[at].get(), i) == expected->first);
                QUIRE_MUST(value_at(at, i) == expected->second);
            }
        }
        QUIRE_MUST(expected == map_.end());
    }
    [[nodiscard]] std::size_t spreads() const { return spreads_; }
    [[nodiscard]] std::size_t merges() const { return merges_; }

private:
    using keys = keys_of<Layout>;

    std::size_t page_for(const std::string& key) const {
        return static_cast<std::size_t>(
            std::upper_bound(separators_.begin(), separators_.end(), key) - separators_.begin());
    }
    model_value value_at(std::size_t at, std::uint32_t i) const {
        const node::stored_value v = Layout::value(pages_[at].get(), i);
        return {text(v.bytes), v.overflow};
    }
    // A known key once in so many times, a new one (or a known one by chance) otherwise.
    std::string some_key(std::size_t known_once_in) {
        std::string key = input_.key(dice_);
        if (map_.empty() || !dice_.one_in(known_once_in)) return key;
        const auto it = map_.lower_bound(key);
        return it == map_.end() ? map_.begin()->first : it->first;
    }
    node::search_result find(std::size_t at, const std::string& key) const {
        const node::search_result r = Layout::find(pages_[at].get(), keys::arg(key));
        QUIRE_MUST(r.found == (map_.count(key) != 0));
        const std::uint32_t count = format::count_of(pages_[at].get());
        QUIRE_MUST(r.index <= count);
        if (r.found) QUIRE_MUST(key_at<Layout>(pages_[at].get(), r.index) == key);
        else if (r.index < count) QUIRE_MUST(key < key_at<Layout>(pages_[at].get(), r.index));
        if (r.index > 0) QUIRE_MUST(key_at<Layout>(pages_[at].get(), r.index - 1) < key);
        return r;
    }

    void put() {
        const std::string key = some_key(5);
        const model_value value = input_.value(dice_, key.size());
        const std::size_t at = page_for(key);
        const node::search_result r = find(at, key);
        std::byte* const p = pages_[at].get();
        if (r.found && Layout::fits_replacement(p, r.index, stored(value))) {
            Layout::replace(p, r.index, stored(value));
            QUIRE_MUST(value_at(at, r.index) == value);
        } else {
            if (r.found) Layout::erase(p, r.index);
            insert(at, r.index, key, value);
        }
        map_[key] = value;
        check(at);
    }
    void insert(std::size_t at, std::uint32_t index, const std::string& key,
                const model_value& value) {
        std::byte* const p = pages_[at].get();
        const bool fits = Layout::fits(p, index, keys::arg(key), stored(value));
        QUIRE_MUST(fits == should_fit(at, key, value));
        if (fits) {
            Layout::insert(p, index, keys::arg(key), stored(value));
            QUIRE_MUST(key_at<Layout>(p, index) == key);
            QUIRE_MUST(value_at(at, index) == value);
            return;
        }
        ++spreads_;
        if (dice_.one_in(2) && at > 0 && spread(at - 1, true, index, key, value)) return;
        if (dice_.one_in(2) && at + 1 < pages_.size() && spread(at, false, index, key, value))
            return;
        split(at, index, key, value);
    }
    // Whether the page could hold the record, from what the model knows of it.
    bool should_fit(std::size_t at, const std::string& key, const model_value& value) const {
        const std::byte* const p = pages_[at].get();
        const std::uint32_t count = format::count_of(p);
        if constexpr (!is_slotted<Layout>) {
            return count < Layout::leaf_slots;
        } else {
            std::size_t bytes = 10 + key.size() + value.bytes.size();
            std::size_t common = key.size();
            for (std::uint32_t i = 0; i < count; ++i) {
                const std::string other = key_at<Layout>(p, i);
                bytes += 10 + other.size() + Layout::value(p, i).bytes.size();
                common = std::min(common, quire::common_prefix(view(key), view(other)));
            }
            // The page's own prefix may do even where another would be longer.
            const std::size_t own = format::prefix_size_of(p);
            const std::size_t best = std::max(common, std::min(common, own));
            return bytes - count * best <= Layout::leaf_capacity;
        }
    }
    bool spread(std::size_t left, bool into_right, std::uint32_t index, const std::string& key,
                const model_value& value) {
        page<Layout>& l = pages_[left];
        page<Layout>& r = pages_[left + 1];
        const std::uint32_t total = format::count_of(l.get()) + format::count_of(r.get()) + 1;
        if (!Layout::plan_leaf_spread(work_, l.get(), r.get(),
                                      {index, into_right, keys::arg(key), stored(value)},
                                      any_bias(dice_))) {
            if constexpr (!is_slotted<Layout>) QUIRE_MUST(total > 2 * Layout::leaf_slots);
            return false;
        }
        apply_spread(left);
        QUIRE_MUST(format::count_of(pages_[left].get()) +
                       format::count_of(pages_[left + 1].get()) ==
                   total);
        separators_[left] = keys::string(Layout::planned_separator(work_));
        check(left);
        check(left + 1);
        return true;
    }
    void split(std::size_t at, std::uint32_t index, const std::string& key,
               const model_value& value) {
        const node::bias border = any_bias(dice_);
        const std::uint32_t total = format::count_of(pages_[at].get()) + 1;
        QUIRE_MUST(Layout::plan_leaf_spread(work_, pages_[at].get(), nullptr,
                                            {index, false, keys::arg(key), stored(value)},
                                            border));
        pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                      page<Layout>::leaf(dice_));
        apply_spread(at);
        const std::uint32_t left = format::count_of(pages_[at].get());
        QUIRE_MUST(left >= 1);
        QUIRE_MUST(left + format::count_of(pages_[at + 1].get()) == total);
        if (!is_slotted<Layout> && border == node::bias::ascending)
            QUIRE_MUST(left == std::max(index, 1U));
        if (!is_slotted<Layout> && border == node::bias::descending)
            QUIRE_MUST(left == std::min(index + 1, total - 1));
        if (!is_slotted<Layout> && border == node::bias::middle) QUIRE_MUST(left == total / 2);
        separators_.insert(separators_.begin() + static_cast<std::ptrdiff_t>(at),
                           keys::string(Layout::planned_separator(work_)));
        check(at);
        check(at + 1);
    }
    // Into the planned pages or into new ones.
    void apply_spread(std::size_t left) {
        page<Layout> old_left = pages_[left].copy();
        if (dice_.one_in(2)) {
            page<Layout> l = page<Layout>::leaf(dice_);
            page<Layout> r = page<Layout>::leaf(dice_);
            Layout::apply_leaf_spread(work_, l.get(), r.get());
            pages_[left] = std::move(l);
            pages_[left + 1] = std::move(r);
        } else {
            Layout::apply_leaf_spread(work_, pages_[left].get(), pages_[left + 1].get());
        }
    }

    void erase() {
        const std::string key = some_key(1);
        const std::size_t at = page_for(key);
        const node::search_result r = find(at, key);
        if (!r.found) return;
        Layout::erase(pages_[at].get(), r.index);
        map_.erase(key);
        check(at);
        if (Layout::used(pages_[at].get()) < Layout::leaf_capacity / 4) merge(at);
    }
    void merge(std::size_t at) {
        if (at + 1 >= pages_.size()) return;
        page<Layout>& l = pages_[at];
        page<Layout>& r = pages_[at + 1];
        const std::uint32_t total = format::count_of(l.get()) + format::count_of(r.get());
        const bool planned = Layout::plan_leaf_merge(work_, l.get(), r.get());
        if constexpr (!is_slotted<Layout>) QUIRE_MUST(planned == (total <= Layout::leaf_slots));
        // Without prefixes the records take as much room as they ever will.
        else QUIRE_MUST(planned || whole_bytes(l) + whole_bytes(r) > Layout::leaf_capacity);
        if (!planned) return;
        ++merges_;
        if (dice_.one_in(3)) {
            page<Layout> to = page<Layout>::leaf(dice_);
            Layout::apply_leaf_merge(work_, to.get());
            pages_[at] = std::move(to);
        } else if (dice_.one_in(2)) { // into what was the right page
            Layout::apply_leaf_merge(work_, r.get());
            std::swap(pages_[at], pages_[at + 1]);
        } else {
            Layout::apply_leaf_merge(work_, l.get());
        }
        pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
        separators_.erase(separators_.begin() + static_cast<std::ptrdiff_t>(at));
        QUIRE_MUST(format::count_of(pages_[at].get()) == total);
        check(at);
    }
    static std::size_t whole_bytes(const page<Layout>& p) {
        std::size_t bytes = 0;
        for (std::uint32_t i = 0; i < format::count_of(p.get()); ++i)
            bytes += 10 + key_at<Layout>(p.get(), i).size() +
                     Layout::value(p.get(), i).bytes.size();
        return bytes;
    }
    void check(std::size_t at) const {
        const std::byte* const p = pages_[at].get();
        // Large pages hold thousands of records; a glance now and then will do.
        if (Layout::page_size > 4096 && ++glances_ % 64 != 0) return;
        check_page<Layout>(p);
        const std::uint32_t count = format::count_of(p);
        if (count == 0) return;
        if (at > 0) QUIRE_MUST(separators_[at - 1] <= key_at<Layout>(p, 0));
        if (at < separators_.size()) QUIRE_MUST(key_at<Layout>(p, count - 1) < separators_[at]);
    }

    dice dice_;
    random_input<Layout> input_;
    std::vector<page<Layout>> pages_;
    std::vector<std::string> separators_;
    std::map<std::string, model_value> map_;
    typename Layout::workspace work_;
    std::size_t phase_;
    std::size_t step_ = 0;
    bool shrinking_ = false;
    std::size_t spreads_ = 0;
    std::size_t merges_ = 0;
    mutable std::size_t glances_ = 0;
};

// Runs a chain of each flavour; the seed is printed when something fails.
template <class Layout>
void run_leaf_chains(std::size_t steps) {
    std::size_t spreads = 0;
    std::size_t merges = 0;
    for (int flavour = 0; flavour < random_input<Layout>::flavours; ++flavour)
        for (std::uint64_t seed = 1; seed <= 2; ++seed) {
            CAPTURE(seed);
            CAPTURE(flavour);
            CAPTURE(Layout::page_size);
            leaf_chain<Layout> chain(seed * 1000 + static_cast<std::uint64_t>(flavour), flavour,
                                     steps / 4);
            for (std::size_t i = 0; i < steps; ++i) chain.step();
            chain.check_all();
            spreads += chain.spreads();
            merges += chain.merges();
        }
    CHECK(spreads > 5);
    CHECK(merges > 5);
}

} // namespace node_test
