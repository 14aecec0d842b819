// Pages in plain arrays beside models of what they hold, for the tests of the node layouts. Keys
// are handled as byte strings in key order (for integers: the rank, big-endian).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <quire/node/fixed.hpp>
#include <quire/node/slotted.hpp>

// Like REQUIRE, but cheap when it holds.
#define QUIRE_MUST(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) REQUIRE_MESSAGE(false, #condition);                                      \
    } while (false)

namespace node_test {

using quire::bytes_view;
using quire::page_id;
using quire::page_ref;
namespace format = quire::format;
namespace node = quire::node;

template <class Layout>
inline constexpr bool is_slotted = Layout::kind == format::layout_kind::slotted;

inline bytes_view view(const std::string& s) {
    return {reinterpret_cast<const std::byte*>(s.data()), s.size()};
}
inline std::string text(bytes_view b) {
    return {reinterpret_cast<const char*>(b.data()), b.size()};
}

// Random choices, all from one seed.
class dice {
public:
    explicit dice(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t word() { return engine_(); }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
    bool one_in(std::size_t n) { return below(n) == 0; }
    std::string bytes(std::size_t n) {
        std::string s(n, '\0');
        for (char& c : s) c = static_cast<char>(engine_());
        return s;
    }

private:
    std::mt19937_64 engine_;
};

// ---- keys as strings ----
template <class Layout>
struct keys_of;

template <class Key, std::size_t V, std::size_t P>
struct keys_of<node::fixed<Key, V, P>> {
    using layout = node::fixed<Key, V, P>;
    static typename Key::key_arg arg(const std::string& key) {
        if constexpr (Key::order == format::key_order::bytes) return {view(key).data()};
        else return quire::load_be<typename Key::rank_type>(view(key).data());
    }
    static std::string string(typename Key::key_arg key) {
        if constexpr (Key::order == format::key_order::bytes) {
            return text({key.data, Key::size});
        } else {
            std::string s(Key::size, '\0');
            quire::store_be<typename Key::rank_type>(reinterpret_cast<std::byte*>(s.data()), key);
            return s;
        }
    }
};
template <std::size_t P>
struct keys_of<node::slotted<P>> {
    static bytes_view arg(const std::string& key) { return view(key); }
    static std::string string(bytes_view key) { return text(key); }
};

template <class Layout>
std::string key_at(const std::byte* page, std::uint32_t i) {
    typename Layout::key_buffer scratch;
    return keys_of<Layout>::string(Layout::arg_of(Layout::key(page, i, scratch)));
}

struct model_value {
    std::string bytes;
    bool overflow = false;
    friend bool operator==(const model_value&, const model_value&) = default;
};
inline node::stored_value stored(const model_value& v) { return {view(v.bytes), v.overflow}; }

// ---- pages ----
// A page of exactly the right size, so that a sanitizer sees a step outside.
template <class Layout>
class page {
public:
    explicit page(format::page_kind kind, std::uint8_t level, dice& d)
        : bytes_(new std::byte[Layout::page_size]) {
        const std::string junk = d.bytes(Layout::page_size);
        std::memcpy(get(), junk.data(), junk.size());
        format::start_page(get(), {kind, level, quire::tree_id{1}}, page_id{7}, quire::version{3});
    }
    static page leaf(dice& d) { return page(Layout::leaf_kind, 0, d); }
    static page inner(dice& d) { return page(Layout::inner_kind, 1, d); }

    [[nodiscard]] std::byte* get() { return bytes_.get(); }
    [[nodiscard]] const std::byte* get() const { return bytes_.get(); }
    [[nodiscard]] page copy() const {
        page to;
        std::memcpy(to.get(), get(), Layout::page_size);
        return to;
    }

private:
    page() : bytes_(new std::byte[Layout::page_size]) {}
    std::unique_ptr<std::byte[]> bytes_;
};

// Invariants that validate() does not look at: the order of keys, and for slotted pages the heads.
template <class Layout>
void check_page(const std::byte* p) {
    const char* const wrong = Layout::validate(p);
    INFO("page: " << (wrong == nullptr ? "valid" : wrong));
    QUIRE_MUST(wrong == nullptr);
    const bool leaf = format::kind_of(p) == Layout::leaf_kind;
    const std::uint32_t count = format::count_of(p);
    QUIRE_MUST(Layout::used(p) <= (leaf ? Layout::leaf_capacity : Layout::inner_capacity));
    std::size_t bytes = 0;
    std::string before;
    for (std::uint32_t i = 0; i < count; ++i) {
        std::string key = key_at<Layout>(p, i);
        QUIRE_MUST(i == 0 || before < key);
        if constexpr (is_slotted<Layout>) {
            const std::size_t prefix = format::prefix_size_of(p);
            const std::byte* const slot =
                p + (leaf ? 32 + 8 * std::size_t{i} : 44 + 16 * std::size_t{i});
            QUIRE_MUST(quire::load_le<std::uint16_t>(slot + 2) == key.size() - prefix);
            QUIRE_MUST(key.compare(0, prefix, key_at<Layout>(p, 0), 0, prefix) == 0);
            std::string head = key.substr(prefix, 4);
            head.resize(4, '\0');
            QUIRE_MUST(quire::load_le<std::uint32_t>(slot + 4) ==
                       quire::load_be<std::uint32_t>(view(head).data()));
            bytes += key.size() - prefix + (leaf ? 2 + Layout::value(p, i).bytes.size() : 0);
        }
        before = std::move(key);
    }
    if constexpr (is_slotted<Layout>) {
        QUIRE_MUST(bytes + format::heap_dead_of(p) == format::heap_size_of(p));
        if (!leaf) {
            const auto head = [p](std::uint32_t i) {
                return quire::load_le<std::uint32_t>(p + 44 + 16 * std::size_t{i} + 4);
            };
            const float right =
                count < 2 ? 0 : node::detail::slope(head(count - 1) - head(0));
            QUIRE_MUST(node::detail::slope_of(p) == right);
        }
    } else if (count > 1) {
        using key_type = typename Layout::key_type;
        const auto kept = node::search_hint::load(p);
        const auto right = node::hint_of<key_type>(Layout::keys(p), count);
        QUIRE_MUST(kept.slope == right.slope);
        QUIRE_MUST(kept.skip == right.skip);
    }
}

// ---- what is random ----
// Keys of one flavour; values that a leaf record has room for.
template <class Layout>
struct random_input {
    int flavour;

    static constexpr int flavours = is_slotted<Layout> ? 7 : 3;

    std::string key(dice& d) const {
        if constexpr (is_slotted<Layout>) {
            const std::size_t most = Layout::largest_key;
            switch (flavour) {
            case 0:
                return d.bytes(24);
            case 1: { // text behind a prefix, a few outside of it
                char digits[32];
                std::snprintf(digits, sizeof digits, "%08u", unsigned(d.below(100'000)));
                return (d.one_in(40) ? std::string() : std::string("customer/orders/")) + digits;
            }
            case 2: { // many prefixes of one another, many equal heads
                std::string s(d.below(12), 'a');
                for (char& c : s) c = d.one_in(3) ? 'b' : d.one_in(5) ? '\0' : 'a';
                return s;
            }
            case 3: { // big-endian counters
                std::string s(8, '\0');
                quire::store_be<std::uint64_t>(reinterpret_cast<std::byte*>(s.data()),
                                               d.below(1 << 20));
                return s;
            }
            case 4:
                return d.bytes(d.one_in(3) ? most : d.one_in(9) ? 0 : d.below(most + 1));
            case 5: { // a long prefix that some keys leave early
                std::string s(most - 8, 'p');
                if (d.one_in(8)) s[d.below(s.size())] = static_cast<char>(d.word());
                return s + d.bytes(d.below(9));
            }
            default:
                return std::string(d.below(most + 1), 'x'); // differ in length alone
            }
        } else {
            constexpr std::size_t size = Layout::key_size;
            std::string s(size, '\0');
            if (flavour == 0) return d.bytes(size);
            if (flavour == 1) { // small numbers at either end
                s.assign(size, d.one_in(2) ? '\0' : '\xFF');
                s.back() = static_cast<char>(d.word());
                if (size > 1) s[size - 2] = static_cast<char>(d.below(4));
                return s;
            }
            for (char& c : s) c = static_cast<char>(d.below(4) * 85);
            return s;
        }
    }
    model_value value(dice& d, std::size_t key_size) const {
        if constexpr (is_slotted<Layout>) {
            const std::size_t room = Layout::largest_leaf_record - 10 - key_size;
            if (d.one_in(12)) return {d.bytes(std::min<std::size_t>(12, room)), true};
            const std::size_t most = d.one_in(6) ? room : std::min<std::size_t>(room, 60);
            return {d.bytes(d.one_in(20) ? most : d.below(most + 1)), false};
        } else {
            static_cast<void>(key_size);
            return {d.bytes(Layout::value_size), false};
        }
    }
};

inline node::bias any_bias(dice& d) {
    return d.one_in(2)   ? node::bias::middle
           : d.one_in(2) ? node::bias::ascending
                         : node::bias::descending;
}

} // namespace node_test
