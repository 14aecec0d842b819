// A tree on plain memory, without a store: pages in a map, a writer that keeps account of every
// page, and a model beside it. Keys are byte strings in key order (integers: big-endian).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/core/bytes.hpp>
#include <quire/node/fixed.hpp>
#include <quire/node/slotted.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/tree/cursor.hpp>
#include <quire/tree/editor.hpp>
#include <quire/tree/overflow.hpp>
#include <quire/tree/walk.hpp>

namespace tree_test {

using namespace quire;

using fixed_layout =
    node::fixed<node::integer_key<std::uint64_t, format::key_order::unsigned_integer>, 8, 512>;
using slotted_layout = node::slotted<512>;
#define EVERY_LAYOUT tree_test::fixed_layout, tree_test::slotted_layout

template <class Layout>
inline constexpr bool is_slotted = Layout::kind == format::layout_kind::slotted;

inline bytes_view view(const std::string& s) {
    return {reinterpret_cast<const std::byte*>(s.data()), s.size()};
}
inline std::string text(bytes_view b) {
    return {reinterpret_cast<const char*>(b.data()), b.size()};
}
inline std::string number(std::uint64_t n) {
    std::string s(8, '\0');
    store_be<std::uint64_t>(reinterpret_cast<std::byte*>(s.data()), n);
    return s;
}

template <class Layout>
typename Layout::key_arg arg(const std::string& key) {
    if constexpr (is_slotted<Layout>) return view(key);
    else return load_be<std::uint64_t>(view(key).data());
}
template <class Layout>
std::string key_at(const std::byte* page, std::uint32_t i) {
    typename Layout::key_buffer scratch;
    const auto key = Layout::arg_of(Layout::key(page, i, scratch));
    if constexpr (is_slotted<Layout>) return text(key);
    else return number(key);
}
template <class Layout>
std::string value_at(const std::byte* page, std::uint32_t i) {
    return text(Layout::value(page, i).bytes);
}

// Pages by id; a page that is not there is a mistake of whoever asks for it.
struct page_store {
    static constexpr bool persistent = true;
    struct no_such_page {};

    std::map<page_id, std::unique_ptr<std::byte[]>> pages;
    std::map<page_id, std::vector<std::byte>> runs; // header and value
    std::map<const std::byte*, int> pins;
    std::size_t fetched = 0;
    std::size_t fetches_left = ~std::size_t{0}; // then io_error
    int run_fails_with = 0;
    std::string name = "some/store";

    [[nodiscard]] const std::string& path() const noexcept { return name; }
    template <class Validate>
    const std::byte* fetch(page_ref ref, Validate&& validate,
                           replacement::arrival = replacement::arrival::wanted) {
        if (fetches_left-- == 0) {
            fetches_left = ~std::size_t{0};
            throw io_error("a test's error", EIO, {});
        }
        ++fetched;
        const auto found = pages.find(ref.id);
        if (found == pages.end() || format::ref_of(found->second.get()) != ref)
            throw no_such_page{};
        if (const char* const wrong = validate(found->second.get()))
            throw corruption(wrong, {name, ref.id, {}, {}, {}});
        return found->second.get();
    }
    std::vector<page_ref> expected;
    void expect(std::span<const page_ref> refs, std::uint64_t = 0) {
        expected.insert(expected.end(), refs.begin(), refs.end());
    }
    static constexpr std::size_t most_together = 16;
    std::vector<page_ref> together;
    template <class Validate>
    void read_together(std::span<const page_ref> refs, Validate&&) {
        for (std::size_t i = 1; i < refs.size(); ++i)
            if (refs[i].id != refs[0].id + static_cast<std::uint32_t>(i)) throw no_such_page{};
        together.insert(together.end(), refs.begin(), refs.end());
    }
    bool all_on_medium = false; // nothing is in memory before it is fetched
    [[nodiscard]] const std::byte* peek(page_ref ref) const noexcept {
        if (all_on_medium) return nullptr;
        const auto found = pages.find(ref.id);
        return found == pages.end() ? nullptr : found->second.get();
    }
    // A guess that is always wrong.
    [[nodiscard]] const std::byte* likely_place(page_ref) const noexcept {
        return pages.empty() ? nullptr : pages.begin()->second.get();
    }
    void pin(const std::byte* page) noexcept { ++pins[page]; }
    void unpin(const std::byte* page) noexcept {
        if (--pins[page] == 0) pins.erase(page);
    }
    storage::status read_run(page_id first, std::size_t skip, mutable_bytes to) const {
        if (run_fails_with != 0) return {run_fails_with};
        const auto& run = runs.at(first);
        if (skip + to.size() > run.size()) return {storage::status::short_transfer};
        copy_bytes(to.data(), run.data() + skip, to.size());
        return {};
    }
};

// What an editor asks of a writer. Mistakes are noted, for the editor's calls are noexcept.
template <std::size_t PageSize>
class plain_writer {
public:
    explicit plain_writer(page_store& store) : store_(store) {}

    page_store& cache() noexcept { return store_; }
    bool owns(const std::byte* page) const noexcept { return format::birth_of(page) == now; }
    std::byte* own(const std::byte* page) noexcept {
        if (owns(page)) return const_cast<std::byte*>(page);
        std::byte* const fresh = fresh_page();
        const page_id id = format::id_of(fresh);
        std::memcpy(fresh, page, PageSize);
        format::set_identity(fresh, id, now);
        drop(format::id_of(page));
        ++copied;
        return fresh;
    }
    std::byte* create(format::page_facts facts) noexcept {
        std::byte* const fresh = fresh_page();
        const page_id id = format::id_of(fresh);
        format::start_page(fresh, facts, id, now);
        return fresh;
    }
    void release(const std::byte* page) noexcept {
        const page_id id = format::id_of(page);
        drop(id);
        if (!owns(page)) return;
        // Nobody may look at it any more.
        std::memset(store_.pages[id].get(), 0xDD, PageSize);
        graves_.push_back(std::move(store_.pages[id]));
        store_.pages.erase(id);
    }
    void check_used(const std::byte* page) const {
        if (called_free.contains(format::id_of(page)))
            throw corruption("called free", {"plain", format::id_of(page)});
    }
    void start_operation() {
        made = freed = 0;
        graves_.clear();
    }

    version now{1};
    std::set<page_id> live; // reachable in this version, by this account
    std::size_t copied = 0; // pages of older versions
    std::uint32_t made = 0; // by one operation
    std::uint32_t freed = 0;
    std::string mistakes;
    std::set<page_id> called_free; // what a forged free map would name
    std::set<page_id> reusable;    // given before new ids, the lowest first

    [[nodiscard]] page_id next_page() const noexcept {
        return reusable.empty() ? page_id{next_} : *reusable.begin();
    }

private:
    std::byte* fresh_page() noexcept {
        const page_id id = next_page();
        if (reusable.erase(id) == 0) ++next_;
        auto& page = store_.pages[id];
        page.reset(new std::byte[PageSize]);
        std::memset(page.get(), 0xEE, PageSize);
        format::set_identity(page.get(), id, now);
        live.insert(id);
        ++made;
        return page.get();
    }
    void drop(page_id id) noexcept {
        ++freed;
        if (live.erase(id) != 1)
            mistakes += "page " + std::to_string(to_integer(id)) + " given up twice; ";
    }

    page_store& store_;
    std::uint32_t next_ = 10;
    std::vector<std::unique_ptr<std::byte[]>> graves_;
};

using model = std::map<std::string, std::string>;

template <class Layout>
class plain_tree {
public:
    page_store cache;
    plain_writer<Layout::page_size> writer{cache};
    format::root_record root{tree_id{1}, 0, {}, 0};
    model content;

    plain_tree() { work_.reserve(); }

    // Gives the key a value; the editor's path must point to the record or have no depth.
    void put(const std::string& key, const std::string& value) {
        tree::descent<Layout> at;
        at.to(cache, root, arg<Layout>(key));
        REQUIRE(at.found == content.contains(key));
        const std::uint32_t level = root.level;
        writer.start_operation();
        editor edit(writer, root, work_, trail_);
        const node::stored_value stored{view(value), false};
        if (at.found) edit.replace(at, arg<Layout>(key), stored);
        else edit.insert(at, arg<Layout>(key), stored);
        account(level);
        content[key] = value;
        if (at.depth == 0) return;
        REQUIRE(key_at<Layout>(at.leaf().page, at.leaf().index) == key);
        REQUIRE(value_at<Layout>(at.leaf().page, at.leaf().index) == value);
    }
    bool erase(const std::string& key) {
        tree::descent<Layout> at;
        at.to(cache, root, arg<Layout>(key));
        REQUIRE(at.found == content.contains(key));
        if (!at.found) return false;
        const std::uint32_t level = root.level;
        writer.start_operation();
        editor edit(writer, root, work_, trail_);
        edit.erase(at);
        account(level);
        content.erase(key);
        return true;
    }
    // From now on pages are copied before they change; returns the version that stays as it is.
    format::root_record new_version() {
        writer.now = next(writer.now);
        writer.copied = 0;
        return root;
    }

    // Everything a tree promises, and that its pages are those that the writer knows of.
    tree::tree_facts check() {
        std::set<page_id> seen;
        const tree::tree_facts facts = check_root(root, content, &seen);
        REQUIRE(seen == writer.live);
        return facts;
    }
    tree::tree_facts check_root(const format::root_record& of, const model& right,
                                std::set<page_id>* pages = nullptr) {
        const auto guarded = [](auto&& operation) { operation(); };
        const auto seen = [&](page_id first, std::uint32_t) {
            if (pages != nullptr) REQUIRE(pages->insert(first).second);
        };
        tree::tree_checker<Layout, page_store, const decltype(guarded), const decltype(seen)>
            checker(cache, guarded, seen);
        const tree::tree_facts facts = checker.check(of);
        REQUIRE(facts.records == right.size());
        tree::cursor<Layout, page_store> at;
        at.to_first(cache, of);
        for (const auto& [key, value] : right) {
            REQUIRE_FALSE(at.at_end());
            REQUIRE(key_at<Layout>(at.leaf(), at.index()) == key);
            REQUIRE(value_at<Layout>(at.leaf(), at.index()) == value);
            at.next(cache);
        }
        REQUIRE(at.at_end());
        return facts;
    }
    double fill() {
        const tree::tree_facts facts = check();
        return static_cast<double>(facts.used_bytes) /
               static_cast<double>(facts.leaf_pages * Layout::leaf_capacity);
    }

private:
    using editor = tree::editor<Layout, plain_writer<Layout::page_size>>;

    void account(std::uint32_t level) {
        REQUIRE(writer.mistakes == "");
        REQUIRE(writer.made <= editor::pages_for(level));
        REQUIRE(writer.freed <= editor::pages_for(level));
    }

    typename Layout::workspace work_;
    tree::insertion_trail trail_;
};

// Random choices, all from one seed.
class dice {
public:
    explicit dice(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t below(std::uint64_t n) { return engine_() % n; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    std::string bytes(std::uint64_t n) {
        std::string s(n, '\0');
        for (char& c : s) c = static_cast<char>(engine_());
        return s;
    }

private:
    std::mt19937_64 engine_;
};

// Keys of several flavours; values that a leaf has room for.
template <class Layout>
struct input {
    static constexpr int flavours = is_slotted<Layout> ? 5 : 2;
    int flavour = 0;
    std::uint64_t keys = 4000;

    std::string key(dice& d) const {
        const std::uint64_t n = d.below(keys);
        if constexpr (!is_slotted<Layout>) return number(flavour == 0 ? n : n * n * n);
        switch (flavour) {
        case 0:
            return number(n);
        case 1:
            return "customer/orders/" + std::to_string(n); // a prefix
        case 2:
            return std::string(n % 120, 'a') + std::to_string(n); // of any length
        case 3:
            return std::string(n % (slotted_layout::largest_key + 1), 'x'); // differ in length
        default:
            return std::to_string(n * 7919) + std::string(60 + n % 50, 'z'); // large
        }
    }
    std::string value(dice& d, std::size_t key_size) const {
        if constexpr (!is_slotted<Layout>) return d.bytes(8);
        const std::size_t room = slotted_layout::largest_leaf_record - 10 - key_size;
        const std::uint64_t most = d.one_in(10) ? room : std::min<std::size_t>(room, 30);
        return d.bytes(d.below(most + 1));
    }
};

} // namespace tree_test
