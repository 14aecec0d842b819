// Pages of damaged bytes that validate() lets pass: everything may be done with them, and what
// comes out passes again. Meant for a build with sanitizers; pages stand in memory of their exact
// size.
#pragma once

#include "node/model.hpp"

namespace node_test {

template <class Layout>
class damaged_pages {
public:
    explicit damaged_pages(std::uint64_t seed)
        : dice_(seed), input_{static_cast<int>(dice_.below(random_input<Layout>::flavours))} {}

    // One damaged page; true if it passed and was put to use.
    bool step() {
        page<Layout> leaf = full_leaf();
        damage(leaf.get(), 32);
        const bool leaf_passed = Layout::validate(leaf.get()) == nullptr &&
                                 format::kind_of(leaf.get()) == Layout::leaf_kind;
        if (leaf_passed) use_leaf(leaf);
        page<Layout> inner = full_inner();
        damage(inner.get(), is_slotted<Layout> ? 44 : 32);
        const bool inner_passed = Layout::validate(inner.get()) == nullptr &&
                                  format::kind_of(inner.get()) == Layout::inner_kind;
        if (inner_passed) use_inner(inner);
        return leaf_passed || inner_passed;
    }

private:
    using keys = keys_of<Layout>;

    // Pages with dead bytes and a prefix, where the layout has them.
    page<Layout> full_leaf() {
        page<Layout> p = page<Layout>::leaf(dice_);
        for (std::size_t i = dice_.below(Layout::page_size / 8); i > 0; --i) {
            const std::string key = input_.key(dice_);
            const model_value value = input_.value(dice_, key.size());
            const auto at = Layout::find(p.get(), keys::arg(key));
            if (at.found) Layout::erase(p.get(), at.index);
            else if (Layout::fits(p.get(), at.index, keys::arg(key), stored(value)))
                Layout::insert(p.get(), at.index, keys::arg(key), stored(value));
        }
        return p;
    }
    page<Layout> full_inner() {
        page<Layout> p = page<Layout>::inner(dice_);
        Layout::start_inner(p.get(), {page_id{1}, 1});
        for (std::size_t i = dice_.below(Layout::page_size / 12); i > 0; --i) {
            const std::string key = input_.key(dice_);
            const std::uint32_t at = Layout::child_index(p.get(), keys::arg(key));
            if (at > 0 && key_at<Layout>(p.get(), at - 1) == key) Layout::erase_child(p.get(), at);
            else if (Layout::fits_separator(p.get(), at, keys::arg(key)))
                Layout::insert_separator(p.get(), at, keys::arg(key), {page_id{9}, 9});
        }
        return p;
    }
    void damage(std::byte* p, std::size_t slots_at) {
        constexpr std::size_t size = Layout::page_size;
        const std::size_t count = format::count_of(p);
        const std::size_t slot = slots_at == 32 ? 8 : 16;
        const std::size_t heap = size - format::prefix_size_of(p) - format::heap_size_of(p);
        const auto flip = [&](std::size_t from, std::size_t end) {
            if (from < end)
                p[from + dice_.below(end - from)] ^= static_cast<std::byte>(1U << dice_.below(8));
        };
        for (std::size_t n = 1 + dice_.below(4); n > 0; --n) {
            switch (dice_.below(8)) {
            case 0:
                flip(0, size);
                break;
            case 1:
                flip(6, 32);
                break;
            case 2:
                flip(slots_at, slots_at + slot * count);
                break;
            case 3:
                flip(is_slotted<Layout> ? heap : 32, size);
                break;
            case 4: // small changes of sizes are the likeliest to pass
                p[6 + dice_.below(24)] = static_cast<std::byte>(dice_.below(4));
                break;
            case 5: // records change places
                if (is_slotted<Layout> && count > 1) {
                    std::byte* const one = p + slots_at + slot * dice_.below(count - 1);
                    std::swap_ranges(one, one + slot, p + slots_at + slot * (count - 1));
                }
                break;
            case 6: // one slot's size for another's
                if (is_slotted<Layout> && count > 0)
                    std::swap(p[slots_at + slot * dice_.below(count) + 2],
                              p[slots_at + slot * dice_.below(count) + 2]);
                break;
            default:
                for (std::size_t i = is_slotted<Layout> ? heap : 32; i < size; ++i)
                    if (dice_.one_in(5)) p[i] = static_cast<std::byte>(dice_.word());
                break;
            }
        }
    }

    void expect_valid(const std::byte* p) {
        const char* const wrong = Layout::validate(p);
        if (wrong != nullptr) REQUIRE_MESSAGE(false, wrong);
    }
    void read(const std::byte* p, bool leaf) {
        for (std::uint32_t i = 0; i < format::count_of(p); ++i) {
            for (const char c : key_at<Layout>(p, i)) touched_ += static_cast<unsigned char>(c);
            if (!leaf) touched_ += Layout::child(p, i).birth;
            else
                for (const std::byte b : Layout::value(p, i).bytes)
                    touched_ += static_cast<std::uint64_t>(b);
        }
        for (int n = 0; n < 4; ++n) {
            const std::string key = some_key(p);
            if (leaf) {
                QUIRE_MUST(Layout::find(p, keys::arg(key)).index <= format::count_of(p));
            } else {
                const std::uint32_t i = Layout::child_index(p, keys::arg(key));
                QUIRE_MUST(i <= format::count_of(p));
                touched_ += Layout::child(p, i).birth;
            }
        }
    }
    std::string some_key(const std::byte* p) {
        const std::uint32_t count = format::count_of(p);
        if (count == 0 || dice_.one_in(2)) return input_.key(dice_);
        return key_at<Layout>(p, static_cast<std::uint32_t>(dice_.below(count)));
    }

    void use_leaf(page<Layout>& p) {
        read(p.get(), true);
        for (int n = 0; n < 24; ++n) {
            const std::string key = input_.key(dice_);
            const model_value value = input_.value(dice_, key.size());
            const std::uint32_t count = format::count_of(p.get());
            const auto i = static_cast<std::uint32_t>(dice_.below(count + 1));
            switch (dice_.below(6)) {
            case 0:
            case 1:
                if (Layout::fits(p.get(), i, keys::arg(key), stored(value)))
                    Layout::insert(p.get(), i, keys::arg(key), stored(value));
                break;
            case 2:
                if (i < count && Layout::fits_replacement(p.get(), i, stored(value)))
                    Layout::replace(p.get(), i, stored(value));
                break;
            case 3:
                if (i < count) Layout::erase(p.get(), i);
                break;
            case 4:
                spread(p, i, key, value);
                break;
            default: {
                page<Layout> other = full_leaf();
                const bool first = dice_.one_in(2);
                if (Layout::plan_leaf_merge(work_, first ? p.get() : other.get(),
                                            first ? other.get() : p.get()))
                    Layout::apply_leaf_merge(work_, p.get());
            }
            }
            expect_valid(p.get());
            read(p.get(), true);
        }
    }
    void spread(page<Layout>& p, std::uint32_t i, const std::string& key,
                const model_value& value) {
        page<Layout> other = full_leaf();
        const std::size_t how = dice_.below(3); // alone, as the left one, as the right one
        if (!Layout::plan_leaf_spread(work_, how == 2 ? other.get() : p.get(),
                                      how == 0   ? nullptr
                                      : how == 1 ? other.get()
                                                 : p.get(),
                                      {i, how == 2, keys::arg(key), stored(value)},
                                      any_bias(dice_)))
            return;
        QUIRE_MUST(keys::string(Layout::planned_separator(work_)).size() <= Layout::page_size / 4);
        Layout::apply_leaf_spread(work_, how == 2 ? other.get() : p.get(),
                                  how == 2 ? p.get() : other.get());
        expect_valid(other.get());
        read(other.get(), true);
    }

    void use_inner(page<Layout>& p) {
        read(p.get(), false);
        for (int n = 0; n < 24; ++n) {
            const std::string key = input_.key(dice_);
            const std::uint32_t count = format::count_of(p.get());
            const auto i = static_cast<std::uint32_t>(dice_.below(count + 1));
            const page_ref ref{page_id{5}, 5};
            page<Layout> other = full_inner();
            switch (dice_.below(6)) {
            case 0:
                if (Layout::fits_separator(p.get(), i, keys::arg(key)))
                    Layout::insert_separator(p.get(), i, keys::arg(key), ref);
                break;
            case 1:
                if (i < count && Layout::fits_separator_replacement(p.get(), i, keys::arg(key)))
                    Layout::replace_separator(p.get(), i, keys::arg(key));
                break;
            case 2:
                if (count > 0) Layout::erase_child(p.get(), i);
                break;
            case 3:
                Layout::set_child(p.get(), i, ref);
                if (Layout::plan_inner_split(work_, p.get(), i, keys::arg(key), ref,
                                             any_bias(dice_)))
                    Layout::apply_inner_split(work_, p.get(), other.get());
                break;
            case 4:
                if (Layout::plan_inner_spread(work_, p.get(), other.get(), keys::arg(key)))
                    Layout::apply_inner_spread(work_, p.get(), other.get());
                break;
            default:
                if (Layout::plan_inner_merge(work_, other.get(), p.get(), keys::arg(key)))
                    Layout::apply_inner_merge(work_, p.get());
            }
            expect_valid(p.get());
            expect_valid(other.get());
            read(p.get(), false);
            read(other.get(), false);
        }
    }

    dice dice_;
    random_input<Layout> input_;
    typename Layout::workspace work_;
    std::uint64_t touched_ = 0;
};

// Damages `rounds` pages; enough of them must pass for the test to mean something.
template <class Layout>
void run_damage(std::uint64_t rounds) {
    std::uint64_t passed = 0;
    for (std::uint64_t seed = 1; seed <= rounds; ++seed) {
        CAPTURE(seed);
        CAPTURE(Layout::page_size);
        passed += damaged_pages<Layout>(seed).step() ? 1 : 0;
    }
    CHECK(passed * 20 > rounds);
}

// Pages of nothing but random bytes, with a kind and a level that fit.
template <class Layout>
void run_noise(std::uint64_t rounds) {
    dice d(99);
    for (std::uint64_t i = 0; i < rounds; ++i) {
        page<Layout> p = page<Layout>::leaf(d);
        const std::string noise = d.bytes(26);
        std::memcpy(p.get() + 6, noise.data(), noise.size());
        if (d.one_in(2)) format::set_count(p.get(), static_cast<std::uint32_t>(d.below(5)));
        if (Layout::validate(p.get()) != nullptr) continue;
        for (std::uint32_t k = 0; k < format::count_of(p.get()); ++k) {
            QUIRE_MUST(key_at<Layout>(p.get(), k).size() <= Layout::page_size);
            QUIRE_MUST(Layout::value(p.get(), k).bytes.size() <= Layout::page_size);
        }
    }
}

} // namespace node_test
