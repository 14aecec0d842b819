// The node floor writes pages, inspect reads them, and they share no code: what one put in, the
// other must find. Where they disagree, docs/format says who is right.
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/inspect/page.hpp>
#include <quire/node/fixed.hpp>
#include <quire/node/slotted.hpp>

namespace {

namespace format = quire::format;
using quire::bytes_view;
using quire::page_id;
using quire::page_ref;
using quire::inspect::page_content;
using quire::inspect::tree_shape;

bytes_view bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
std::string text_of(bytes_view bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

page_content read(const std::vector<std::byte>& page, const tree_shape& shape) {
    page_content content;
    const auto why = quire::inspect::parse_content(page, shape, content);
    if (why) FAIL(why->field, ": found ", why->found, ", expected ", why->expected);
    return content;
}

std::vector<std::byte> started(std::size_t page_size, format::page_kind kind, std::uint8_t level) {
    std::vector<std::byte> page(page_size);
    format::start_page(page.data(), {kind, level, quire::tree_id{1}}, page_id{9},
                       quire::version{3});
    return page;
}

// A random word over few letters, so that prefixes and equal heads are common.
std::string word(std::mt19937_64& random, std::size_t longest) {
    std::string text(random() % (longest + 1), ' ');
    for (char& c : text) c = "\x00\x01z\xFF"[random() % 4];
    return text;
}

template <std::size_t PageSize>
void check_slotted_leaf(std::mt19937_64& random) {
    using layout = quire::node::slotted<PageSize>;
    auto page = started(PageSize, layout::leaf_kind, 0);
    std::map<std::string, std::pair<std::string, bool>> expected;
    const std::string stem = word(random, 20);
    for (int step = 0; step < 200; ++step) {
        const std::string key = (random() % 8 == 0 ? "" : stem) + word(random, 12);
        const bool overflow = random() % 5 == 0;
        std::string value = overflow ? std::string(12, 'r') : word(random, 30);
        const auto at = layout::find(page.data(), bytes_of(key));
        const quire::node::stored_value stored{bytes_of(value), overflow};
        if (at.found && random() % 3 == 0) {
            layout::erase(page.data(), at.index);
            expected.erase(key);
        } else if (at.found ? layout::fits_replacement(page.data(), at.index, stored)
                            : layout::fits(page.data(), at.index, bytes_of(key), stored)) {
            if (at.found) layout::replace(page.data(), at.index, stored);
            else layout::insert(page.data(), at.index, bytes_of(key), stored);
            expected[key] = {value, overflow};
        }
        const page_content content = read(page, {});
        REQUIRE(content.keys.size() == expected.size());
        std::size_t i = 0;
        for (const auto& [wanted, what] : expected) {
            REQUIRE(content.key(i).bytes() == wanted);
            REQUIRE(text_of(content.values[i].bytes) == what.first);
            REQUIRE(content.values[i].overflow == what.second);
            ++i;
        }
        REQUIRE(content.used == layout::used(page.data()));
        REQUIRE(content.capacity == layout::leaf_capacity);
    }
}

template <std::size_t PageSize>
void check_slotted_inner(std::mt19937_64& random) {
    using layout = quire::node::slotted<PageSize>;
    auto page = started(PageSize, layout::inner_kind, 1);
    layout::start_inner(page.data(), {page_id{100}, 1});
    std::map<std::string, page_ref> expected;
    for (std::uint32_t step = 0; step < 100; ++step) {
        const std::string key = "common" + word(random, 9);
        if (expected.count(key) != 0) continue;
        const page_ref child{static_cast<page_id>(200 + step), step};
        const std::uint32_t i = layout::child_index(page.data(), bytes_of(key));
        if (!layout::fits_separator(page.data(), i, bytes_of(key))) continue;
        layout::insert_separator(page.data(), i, bytes_of(key), child);
        expected[key] = child;
        const page_content content = read(page, {});
        REQUIRE(content.keys.size() == expected.size());
        REQUIRE(content.children[0] == page_ref{page_id{100}, 1});
        std::size_t n = 0;
        for (const auto& [wanted, ref] : expected) {
            REQUIRE(content.key(n).bytes() == wanted);
            REQUIRE(content.children[++n] == ref);
        }
        REQUIRE(content.used == layout::used(page.data()));
    }
    CHECK(expected.size() > 5);
}

template <class Key, std::size_t ValueSize, std::size_t PageSize>
void check_fixed(std::mt19937_64& random) {
    using layout = quire::node::fixed<Key, ValueSize, PageSize>;
    tree_shape shape;
    shape.layout = format::layout_kind::fixed;
    shape.order = Key::order;
    shape.key_size = Key::size;
    shape.value_size = ValueSize;
    REQUIRE_FALSE(quire::inspect::judge_shape(shape, PageSize).has_value());
    CHECK(quire::inspect::fixed_leaf_of(PageSize, Key::size, ValueSize).capacity ==
          layout::leaf_slots);
    CHECK(quire::inspect::fixed_inner_of(PageSize, Key::size).capacity == layout::inner_slots);

    auto leaf = started(PageSize, layout::leaf_kind, 0);
    auto inner = started(PageSize, layout::inner_kind, 1);
    layout::start_inner(inner.data(), {page_id{100}, 1});
    typename layout::key_buffer scratch;
    std::array<std::byte, Key::size> raw{};
    std::string value(ValueSize, '\0');
    for (std::uint32_t step = 0; step < 2 * PageSize / Key::size; ++step) {
        for (std::byte& b : raw) b = static_cast<std::byte>(random());
        for (char& c : value) c = static_cast<char>(random());
        const auto key = layout::arg_of(raw);
        const auto at = layout::find(leaf.data(), key);
        const quire::node::stored_value stored{bytes_of(value), false};
        if (!at.found && layout::fits(leaf.data(), at.index, key, stored))
            layout::insert(leaf.data(), at.index, key, stored);
        const std::uint32_t i = layout::child_index(inner.data(), key);
        if (layout::fits_separator(inner.data(), i, key))
            layout::insert_separator(inner.data(), i, key,
                                     {static_cast<page_id>(200 + step), step});
    }
    const page_content records = read(leaf, shape);
    REQUIRE(records.keys.size() == format::count_of(leaf.data()));
    REQUIRE(records.keys.size() > 1);
    for (std::uint32_t i = 0; i < records.keys.size(); ++i) {
        REQUIRE(text_of(records.keys[i]) == text_of(layout::key(leaf.data(), i, scratch)));
        REQUIRE(text_of(records.values[i].bytes) == text_of(layout::value(leaf.data(), i).bytes));
        if (i != 0) REQUIRE(compare_keys(shape.order, records.key(i - 1), records.key(i)) < 0);
    }
    CHECK(records.used == layout::used(leaf.data()));
    CHECK(records.capacity == layout::leaf_capacity);
    const page_content separators = read(inner, shape);
    REQUIRE(separators.children.size() == format::count_of(inner.data()) + 1);
    for (std::uint32_t i = 0; i < separators.children.size(); ++i)
        REQUIRE(separators.children[i] == layout::child(inner.data(), i));
}

template <class Key>
void check_fixed_key(std::mt19937_64& random) {
    check_fixed<Key, 0, 512>(random);
    check_fixed<Key, 1, 512>(random);
    check_fixed<Key, 8, 4096>(random);
    check_fixed<Key, 12, 1024>(random);
    check_fixed<Key, 24, 4096>(random);
    check_fixed<Key, 48, 65536>(random);
}

} // namespace

TEST_CASE("slotted pages are read as they were written") {
    constexpr std::uint64_t seed = 515;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 20; ++round) {
        check_slotted_leaf<512>(random);
        check_slotted_leaf<4096>(random);
        check_slotted_inner<512>(random);
        check_slotted_inner<65536>(random);
    }
}

TEST_CASE("fixed pages are read as they were written") {
    constexpr std::uint64_t seed = 516;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    using format::key_order;
    check_fixed_key<quire::node::integer_key<std::uint8_t, key_order::unsigned_integer>>(random);
    check_fixed_key<quire::node::integer_key<std::uint16_t, key_order::signed_integer>>(random);
    check_fixed_key<quire::node::integer_key<std::uint32_t, key_order::floating>>(random);
    check_fixed_key<quire::node::integer_key<std::uint64_t, key_order::unsigned_integer>>(random);
    check_fixed_key<quire::node::integer_key<std::uint64_t, key_order::signed_integer>>(random);
    check_fixed_key<quire::node::integer_key<std::uint64_t, key_order::floating>>(random);
    check_fixed_key<quire::node::bytes_key<5>>(random);
    check_fixed_key<quire::node::bytes_key<24>>(random);
}
