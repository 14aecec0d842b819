#include <quire/node/slotted_change.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "node/leaf_chain.hpp"

using namespace node_test;

namespace {

using small = node::slotted<512>;

bool put(std::byte* leaf, const std::string& key, const std::string& value) {
    const auto at = small::find(leaf, view(key));
    REQUIRE_FALSE(at.found);
    if (!small::fits(leaf, at.index, view(key), {view(value)})) return false;
    small::insert(leaf, at.index, view(key), {view(value)});
    check_page<small>(leaf);
    return true;
}
void take(std::byte* leaf, const std::string& key) {
    const auto at = small::find(leaf, view(key));
    REQUIRE(at.found);
    small::erase(leaf, at.index);
    check_page<small>(leaf);
}

} // namespace

TEST_CASE("leaves do what a map does: changes, spreads and merges") {
    run_leaf_chains<small>(2000);
    run_leaf_chains<node::slotted<4096>>(1500);
    run_leaf_chains<node::slotted<65536>>(4000);
}

TEST_CASE("bitmaps take each bit once") {
    for (std::uint32_t from = 0; from < 200; from += 7)
        for (std::uint32_t end = from; end < 256; end += 5) {
            std::uint64_t bits[4]{};
            QUIRE_MUST(node::detail::take_bits(bits, from, end));
            for (std::uint32_t i = 0; i < 256; ++i)
                QUIRE_MUST(((bits[i / 64] >> (i % 64) & 1) != 0) == (i >= from && i < end));
            QUIRE_MUST(node::detail::take_bits(bits, from, end) == (from == end));
        }
}

TEST_CASE("erasing the record at the heap's start gives its bytes back, others leave dead ones") {
    dice d(1);
    auto p = page<small>::leaf(d);
    REQUIRE(put(p.get(), "a", "first"));
    REQUIRE(put(p.get(), "b", "second"));
    REQUIRE(put(p.get(), "c", "third"));
    const std::uint32_t heap = format::heap_size_of(p.get());
    take(p.get(), "c");
    CHECK(format::heap_size_of(p.get()) == heap - (2 + 1 + 5));
    CHECK(format::heap_dead_of(p.get()) == 0);
    take(p.get(), "a");
    CHECK(format::heap_size_of(p.get()) == heap - (2 + 1 + 5));
    CHECK(format::heap_dead_of(p.get()) == 2 + 1 + 5);
    take(p.get(), "b"); // the last record leaves nothing
    CHECK(format::heap_size_of(p.get()) == 0);
    CHECK(format::heap_dead_of(p.get()) == 0);
}

TEST_CASE("dead bytes are used again when the page has no other room") {
    dice d(2);
    auto p = page<small>::leaf(d);
    const std::string value(90, 'v'); // with a key of one byte and its slot, 101 bytes
    for (const char* key : {"a", "b", "c", "d"}) REQUIRE(put(p.get(), key, value));
    CHECK_FALSE(put(p.get(), "e", value));
    take(p.get(), "b");
    CHECK(format::heap_dead_of(p.get()) == 93);
    CHECK(put(p.get(), "e", value));
    CHECK(format::heap_dead_of(p.get()) == 0);
    CHECK(text(small::value(p.get(), 1).bytes) == value);
}

TEST_CASE("a key outside of the prefix shortens it, if there is room") {
    dice d(3);
    auto p = page<small>::leaf(d);
    const std::string start(40, 's');
    std::string digits = "0123456789ab";
    for (const char c : digits) REQUIRE(put(p.get(), start + c, "v"));
    CHECK(format::prefix_size_of(p.get()) == 40);
    // Without a prefix these take 12 * (10 + 41 + 1) bytes: more than the page.
    CHECK_FALSE(put(p.get(), "outside", ""));
    CHECK_FALSE(put(p.get(), "", ""));
    REQUIRE(put(p.get(), std::string(30, 's'), "v")); // a shorter prefix does
    CHECK(format::prefix_size_of(p.get()) == 30);
    for (std::size_t i = 0; i < 7; ++i) take(p.get(), start + digits[i]);
    CHECK(put(p.get(), "outside", ""));
    CHECK(format::prefix_size_of(p.get()) == 0);
    CHECK(small::find(p.get(), view("outside")).index == 0);
}

TEST_CASE("a page that is full looks for a longer prefix") {
    dice d(4);
    auto p = page<small>::leaf(d);
    const std::string start(20, 's');
    int n = 0;
    while (n < 26 && put(p.get(), start + static_cast<char>('a' + n), "v")) ++n;
    // 26 records of 10 + 21 + 1 bytes are 832; with the prefix stored once they are 312 + 20.
    CHECK(n == 26);
    CHECK(format::prefix_size_of(p.get()) == 20);
}

TEST_CASE("a value is replaced in place, beside the old one, or in a rebuilt page") {
    dice d(5);
    auto p = page<small>::leaf(d);
    REQUIRE(put(p.get(), "a", std::string(50, '1')));
    REQUIRE(put(p.get(), "b", std::string(150, '2')));
    const auto replace = [&](std::uint32_t i, std::size_t size) {
        const std::string value(size, 'x');
        if (!small::fits_replacement(p.get(), i, {view(value)})) return false;
        small::replace(p.get(), i, {view(value)});
        check_page<small>(p.get());
        CHECK(text(small::value(p.get(), i).bytes) == value);
        return true;
    };
    CHECK(replace(0, 40)); // shorter: the rest is dead
    CHECK(format::heap_dead_of(p.get()) == 10);
    CHECK(replace(0, 60)); // longer: a new record, the old one is dead
    CHECK(format::heap_dead_of(p.get()) == 10 + 43);
    CHECK(replace(1, 229)); // there is room only in a page without dead bytes
    CHECK(format::heap_dead_of(p.get()) == 0);
    CHECK(replace(0, 229));
    CHECK(small::used(p.get()) == small::leaf_capacity);
    CHECK(replace(0, 229)); // the same size always fits
}
