// The reading half of the map's face, shared by map, transaction and snapshot. Derived says what is
// read: derived.source() gives a share of a version or of the working state,
// derived.with_root(read) runs one operation on the newest root.
//
// Keys are taken as whatever the key codec encodes (std::string_view for std::string).
// Cost of a lookup: one descent, height page fetches. Exceptions: corruption, io_error, and what a
// user's codec throws; nothing changes. Thread-safety: that of Derived.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <quire/iterator.hpp>
#include <quire/tree/batch.hpp>
#include <quire/types.hpp>

namespace quire {

// A map's read-only face: what const std::map offers, and what follows from pages.
namespace detail {

// An optional that holds what make() gives, an aggregate without a copy of it: values of some cache
// lines are worth that (a tenth of a lookup of 150 bytes).
template <class T, class Make>
[[nodiscard]] QUIRE_INLINE std::optional<T> made_in_place(const Make& make) {
    if constexpr (std::is_aggregate_v<T>) {
        struct maker {
            const Make& make;
            operator T() const { return make(); } // what it gives is built where it is wanted
        };
        return std::optional<T>(std::in_place, maker{make});
    } else {
        return std::optional<T>(std::in_place, make());
    }
}

template <class Derived>
struct face_traits;

template <class Derived>
class read_face {
protected:
    using types = typename face_traits<Derived>::types;
    using layout = typename types::layout;
    using share = version_share<types>;

public:
    using key_type = typename types::key_type;
    using mapped_type = typename types::mapped_type;
    using key_view = typename types::key_view;
    using value_view = typename types::value_view;
    using key_param = typename types::key_param;
    using size_type = std::uint64_t;
    using difference_type = std::ptrdiff_t;
    using const_iterator = map_iterator<types>;
    using iterator = const_iterator;
    using const_reverse_iterator = reverse_map_iterator<types>;
    using reverse_iterator = const_reverse_iterator;
    using range_type = map_range<const_iterator>;

    // ---- capacity: O(1), no page is read ----
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] size_type size() const {
        return derived().with_root([](const format::root_record& root) { return root.entries; });
    }
    [[nodiscard]] static constexpr size_type max_size() noexcept {
        return static_cast<size_type>(-1) / 2;
    }

    // ---- lookup ----
    [[nodiscard]] bool contains(key_param k) const {
        const typename types::encoded_key key(k);
        if (!key.possible()) return false;
        return derived().with_root([&](const format::root_record& root) {
            if (!root.root) return false;
            return layout::find(tree::find_leaf<layout>(pages(), root, key.arg()), key.arg()).found;
        });
    }
    [[nodiscard]] size_type count(key_param k) const { return contains(k) ? 1 : 0; }
    // A copy of the value, or nothing.
    [[nodiscard]] std::optional<mapped_type> get(key_param k) const {
        using result = std::optional<mapped_type>;
        const typename types::encoded_key key(k);
        if (QUIRE_UNLIKELY(!key.possible())) return std::nullopt;
        // Built where it is returned: an optional that is made empty first is zeroed as a whole.
        return derived().with_root([&](const format::root_record& root) -> result {
            if (!root.root) return std::nullopt;
            const std::byte* const leaf = tree::find_leaf<layout>(pages(), root, key.arg());
            const node::search_result at = layout::find(leaf, key.arg());
            if (!at.found) return std::nullopt;
            [[maybe_unused]] small_bytes<8> scratch;
            return made_in_place<mapped_type>([&] {
                return static_cast<mapped_type>(
                    types::decode_value(pages(), layout::value(leaf, at.index), scratch));
            });
        });
    }
    // A copy of the value. Throws std::out_of_range when there is none.
    [[nodiscard]] mapped_type at(key_param k) const {
        std::optional<mapped_type> found = get(k);
        if (!found) throw std::out_of_range("quire::btree_map::at: no such key");
        return *std::move(found);
    }
    [[nodiscard]] const_iterator find(key_param k) const {
        const_iterator it(derived().source());
        const typename types::encoded_key key(k);
        if (!key.possible()) return it;
        seek(it, [&](const format::root_record& root) {
            if (!it.cursor_.to_lower_bound(pages(), root, key.arg())) it.cursor_.to_end();
        });
        return it;
    }
    // The first record whose key is not less than k.
    [[nodiscard]] const_iterator lower_bound(key_param k) const {
        const_iterator it(derived().source());
        const typename types::encoded_key key(k);
        key.require_possible(derived().path());
        seek(it, [&](const format::root_record& root) {
            it.cursor_.to_lower_bound(pages(), root, key.arg(), tree::next_steps::forward);
        });
        return it;
    }
    // The first record whose key is greater than k.
    [[nodiscard]] const_iterator upper_bound(key_param k) const {
        const_iterator it(derived().source());
        const typename types::encoded_key key(k);
        key.require_possible(derived().path());
        seek(it, [&](const format::root_record& root) {
            if (it.cursor_.to_lower_bound(pages(), root, key.arg())) it.cursor_.next(pages());
        });
        return it;
    }
    [[nodiscard]] std::pair<const_iterator, const_iterator> equal_range(key_param k) const {
        const_iterator first = lower_bound(k);
        const_iterator last = first;
        const typename types::encoded_key key(k);
        if (!last.cursor_.at_end()) {
            typename layout::key_buffer buffer;
            const auto stored =
                layout::arg_of(layout::key(last.cursor_.leaf(), last.cursor_.index(), buffer));
            if (!layout::less(key.arg(), stored)) ++last;
        }
        return {std::move(first), std::move(last)};
    }
    // out[i] = get(keys[i]), all of one version. Many keys go down the tree together, see
    // tree/batch.hpp: in memory that takes a fraction of the time of as many calls of get, and from
    // a medium its pages are read together. Requires: out is as long as keys.
    void multi_get(std::span<const key_type> keys,
                   std::span<std::optional<mapped_type>> out) const {
        QUIRE_PRECONDITION(keys.size() == out.size(), "each key has its place in the output");
        const share version = derived().source();
        auto& store = version.of();
        const std::size_t most = store.batch_size() < batch ? store.batch_size() : batch;
        for (std::size_t first = 0; first < keys.size(); first += most) {
            const std::size_t n = keys.size() - first < most ? keys.size() - first : most;
            multi_get_some(version, keys.subspan(first, n), out.subspan(first, n));
        }
    }

    // ---- iteration ----
    [[nodiscard]] const_iterator begin() const {
        const_iterator it(derived().source());
        seek(it, [&](const format::root_record& root) { it.cursor_.to_first(pages(), root); });
        return it;
    }
    [[nodiscard]] const_iterator end() const { return const_iterator(derived().source()); }
    [[nodiscard]] const_iterator cbegin() const { return begin(); }
    [[nodiscard]] const_iterator cend() const { return end(); }
    [[nodiscard]] const_reverse_iterator rbegin() const { return const_reverse_iterator(end()); }
    [[nodiscard]] const_reverse_iterator rend() const {
        const_reverse_iterator it;
        it.at_ = end();
        return it;
    }
    // Records with lo <= key < hi, of one version.
    [[nodiscard]] range_type range(key_param lo, key_param hi) const {
        const share version = derived().source();
        const typename types::encoded_key low(lo);
        const typename types::encoded_key high(hi);
        low.require_possible(derived().path());
        high.require_possible(derived().path());
        if (!layout::less(low.arg(), high.arg())) return {at_end(version), at_end(version)};
        return {from(version, low.arg()), from(version, high.arg())};
    }
    // Records whose encoded key begins with the encoding of p: for strings, that begin with p.
    [[nodiscard]] range_type prefix(key_param p) const
        requires(types::key_codec::fixed_size == codec::variable) {
        const share version = derived().source();
        const typename types::encoded_key low(p);
        low.require_possible(derived().path());
        // The least key above all that begin with p: p without its last 0xFFs, plus one.
        std::byte bytes[types::largest_key];
        const bytes_view start = low.arg();
        std::size_t size = start.size();
        copy_bytes(bytes, start.data(), size);
        while (size != 0 && bytes[size - 1] == std::byte{0xFF}) --size;
        if (size == 0) return {from(version, low.arg()), at_end(version)};
        bytes[size - 1] = static_cast<std::byte>(static_cast<unsigned>(bytes[size - 1]) + 1);
        return {from(version, low.arg()), from(version, bytes_view{bytes, size})};
    }
    // Calls fn(std::span<const K> keys, std::span<const V> values) for each leaf, in key order; the
    // spans show the page itself. For maps of numbers and byte arrays on little-endian hosts.
    template <class Function>
    void for_each_leaf(Function&& fn) const {
        static_assert(types::has_spans,
                      "quire: for_each_leaf shows arrays in place, which only maps of fixed-size "
                      "numbers or byte arrays have; iterate instead");
        if constexpr (types::has_spans) {
            const_iterator it = begin();
            auto& store = it.share_.of();
            while (!it.cursor_.at_end()) {
                const std::byte* const leaf = it.cursor_.leaf();
                const std::size_t n = format::count_of(leaf);
                fn(std::span<const typename types::key_element>(
                       reinterpret_cast<const typename types::key_element*>(layout::keys(leaf)), n),
                   std::span<const typename types::value_element>(
                       reinterpret_cast<const typename types::value_element*>(layout::values(leaf)),
                       n));
                it.check();
                store.guarded([&] { it.cursor_.next_leaf(store.cache()); });
            }
        }
    }

protected:
    [[nodiscard]] const Derived& derived() const noexcept {
        return static_cast<const Derived&>(*this);
    }
    [[nodiscard]] auto& pages() const { return derived().store_ref().cache(); }
    [[nodiscard]] static const_iterator at_end(const share& version) {
        return const_iterator(version);
    }
    // Keys encoded at once: those of large pages can be long, and are on the stack.
    static constexpr std::size_t key_room =
        (std::size_t{1} << 16) / sizeof(typename types::encoded_key);
    static constexpr std::size_t batch = key_room < 1                     ? 1
                                         : key_room > tree::most_in_batch ? tree::most_in_batch
                                                                          : key_room;
    void multi_get_some(const share& version, std::span<const key_type> keys,
                        std::span<std::optional<mapped_type>> out) const {
        std::array<std::optional<typename types::encoded_key>, batch> encoded;
        std::array<typename layout::key_arg, batch> args;
        std::array<std::uint32_t, batch> place; // of the key in `keys`
        std::uint32_t n = 0;
        for (std::uint32_t i = 0; i < keys.size(); ++i) {
            out[i].reset();
            encoded[i].emplace(keys[i]);
            if (!encoded[i]->possible()) continue;
            args[n] = encoded[i]->arg();
            place[n++] = i;
        }
        const auto look = [&](std::uint32_t first, std::uint32_t count) {
            const format::root_record& root = version.root();
            if (!root.root) return;
            const auto take = [&](std::uint32_t i, const std::byte* leaf, std::uint32_t index) {
                [[maybe_unused]] small_bytes<8> scratch;
                out[place[first + i]].emplace(static_cast<mapped_type>(
                    types::decode_value(pages(), layout::value(leaf, index), scratch)));
            };
            tree::find_batch<layout>(pages(), root, {args.data() + first, count}, take);
        };
        auto& store = version.of();
        if (store.try_guarded([&] { look(0, n); })) return;
        // Their pages do not fit the cache at once, as it is now: one after the other.
        for (std::uint32_t i = 0; i < n; ++i) store.guarded([&] { look(i, 1); });
    }
    // Runs move(root) under a guard for an iterator of a version.
    template <class Move>
    static void seek(const_iterator& it, Move&& move) {
        it.share_.of().guarded([&] { move(it.share_.root()); });
    }
    [[nodiscard]] const_iterator from(const share& version, typename layout::key_arg key) const {
        const_iterator it(version);
        seek(it, [&](const format::root_record& root) {
            it.cursor_.to_lower_bound(pages(), root, key, tree::next_steps::forward);
        });
        return it;
    }
};

} // namespace detail
} // namespace quire
