#include <quire/node/slotted.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "node/damage.hpp"
#include "support/death.hpp"

using namespace node_test;

namespace {

using small = node::slotted<512>;

void put(std::byte* leaf, const std::string& key, const std::string& value) {
    const auto at = small::find(leaf, view(key));
    REQUIRE_FALSE(at.found);
    REQUIRE(small::fits(leaf, at.index, view(key), {view(value)}));
    small::insert(leaf, at.index, view(key), {view(value)});
}

} // namespace

TEST_CASE("a leaf's bytes are as the header draws them") {
    dice d(1);
    auto p = page<small>::leaf(d);
    put(p.get(), "pear", "green");
    put(p.get(), "fig", "");
    CHECK(format::count_of(p.get()) == 2);
    CHECK(format::prefix_size_of(p.get()) == 0);
    CHECK(format::heap_size_of(p.get()) == 2 + 4 + 5 + 2 + 3);
    CHECK(quire::load_le<std::uint16_t>(p.get() + 32) == 496); // fig: offset
    CHECK(quire::load_le<std::uint16_t>(p.get() + 34) == 3);   // key size
    CHECK(quire::load_le<std::uint32_t>(p.get() + 36) == 0x66696700);
    CHECK(quire::load_le<std::uint16_t>(p.get() + 40) == 501); // pear
    CHECK(quire::load_le<std::uint32_t>(p.get() + 44) == 0x70656172);
    CHECK(quire::load_le<std::uint16_t>(p.get() + 501) == 5);  // value size
    CHECK(text({p.get() + 503, 9}) == "peargreen");
    CHECK(small::used(p.get()) == 2 * 8 + 16);
}

TEST_CASE("a value in an overflow run is marked in its record") {
    dice d(2);
    auto p = page<small>::leaf(d);
    const std::string run(12, 'r');
    small::insert(p.get(), 0, view("k"), {view(run), true});
    CHECK(quire::load_le<std::uint16_t>(p.get() + 497) == (0x8000 | 12));
    CHECK(small::value(p.get(), 0).overflow);
    CHECK(text(small::value(p.get(), 0).bytes) == run);
    small::replace(p.get(), 0, {view("short")});
    CHECK_FALSE(small::value(p.get(), 0).overflow);
    CHECK(text(small::value(p.get(), 0).bytes) == "short");
}

TEST_CASE("an inner page keeps its leftmost child in front of the slots") {
    dice d(3);
    auto p = page<small>::inner(d);
    small::start_inner(p.get(), {page_id{1}, 10});
    CHECK(small::child_index(p.get(), view("anything")) == 0);
    small::insert_separator(p.get(), 0, view("m"), {page_id{3}, 30});
    small::insert_separator(p.get(), 0, view(""), {page_id{2}, 20});
    CHECK(format::load_ref(p.get() + 32) == page_ref{page_id{1}, 10});
    CHECK(quire::load_le<std::uint16_t>(p.get() + 46) == 0); // key size of the first slot
    for (std::uint32_t i = 0; i < 3; ++i)
        CHECK(small::child(p.get(), i) == page_ref{page_id{i + 1}, 10 * (i + 1)});
    CHECK(small::child_index(p.get(), view("")) == 1);
    CHECK(small::child_index(p.get(), view("lzzz")) == 1);
    CHECK(small::child_index(p.get(), view("m")) == 2);
    CHECK(small::child_index(p.get(), view("zz")) == 2);
}

TEST_CASE("a key is found whatever it has in common with the page's prefix") {
    dice d(4);
    auto p = page<small>::leaf(d);
    std::vector<std::string> keys;
    for (const char* end : {"", "1", "11", "2", "21", "22", "3", "4", "5", "6", "7"})
        keys.push_back(std::string("prefix/") + end);
    for (const std::string& key : keys) put(p.get(), key, "");
    CHECK(format::prefix_size_of(p.get()) == 7); // taken when there were eight
    for (std::uint32_t i = 0; i < keys.size(); ++i) {
        CHECK(small::find(p.get(), view(keys[i])).found);
        CHECK(small::find(p.get(), view(keys[i])).index == i);
    }
    const auto count = static_cast<std::uint32_t>(keys.size());
    for (const char* below : {"", "a", "pre", "prefix", "prefix.9", "o"})
        CHECK(small::find(p.get(), view(below)).index == 0);
    for (const char* above : {"q", "prefix/8", "prefix0", "prefiy", "z"})
        CHECK(small::find(p.get(), view(above)).index == count);
    CHECK(small::find(p.get(), view("prefix/111")).index == 3);
    CHECK_FALSE(small::find(p.get(), view("prefix/")).index != 0);
}

TEST_CASE("keys and values of length zero and of the limits") {
    dice d(5);
    auto p = page<small>::leaf(d);
    const std::string long_key(small::largest_key, 'k');
    const std::string long_value(small::largest_leaf_record - 10 - small::largest_key, 'v');
    const std::string other_key(small::largest_key, 'l');
    put(p.get(), long_key, long_value);
    put(p.get(), other_key, long_value);
    CHECK(small::used(p.get()) == small::leaf_capacity); // two of the largest fill a page
    CHECK_FALSE(small::fits(p.get(), 0, view(""), {}));
    small::erase(p.get(), 0);
    put(p.get(), "", "");
    CHECK(small::find(p.get(), view("")).found);
    typename small::key_buffer scratch;
    CHECK(small::key(p.get(), 0, scratch).empty());
    CHECK(text(small::key(p.get(), 1, scratch)) == other_key);
}

TEST_CASE("validate names what is wrong with the bounds of a slotted page") {
    dice d(6);
    auto whole = page<small>::leaf(d);
    put(whole.get(), "alpha", "1");
    put(whole.get(), "beta", "22");
    put(whole.get(), "gamma", "333");
    REQUIRE(small::validate(whole.get()) == nullptr);
    const auto says = [&](auto change, const char* sentence) {
        auto p = whole.copy();
        change(p.get());
        const char* const said = small::validate(p.get());
        CAPTURE(sentence);
        REQUIRE(said != nullptr);
        CHECK(std::string(said) == sentence);
    };
    const auto set16 = [](std::byte* p, std::size_t at, unsigned value) {
        quire::store_le<std::uint16_t>(p + at, static_cast<std::uint16_t>(value));
    };
    says([](std::byte* p) { p[4] = std::byte{1}; }, "the page is not of the slotted layout");
    says([](std::byte* p) { p[5] = std::byte{1}; }, "level 0 and only level 0 is a leaf's");
    says([](std::byte* p) { format::set_count(p, 0); },
         "a page without records has no heap and no prefix");
    says([](std::byte* p) { format::set_count(p, 60); },
         "slots, heap and prefix take more than the page");
    says([](std::byte* p) { format::set_prefix_size(p, 129); },
         "the prefix is longer than a key may be");
    says([](std::byte* p) { format::set_heap_dead(p, 500); },
         "more of the heap is dead than there is");
    says([](std::byte* p) { format::set_heap_dead(p, 1); },
         "records and dead bytes do not add up to the heap");
    says([&](std::byte* p) { set16(p, 32, 40); }, "a record lies outside of the heap");
    says([&](std::byte* p) { set16(p, 32, 511); }, "a record lies outside of the heap");
    says([&](std::byte* p) { set16(p, 34, 128 + 1); }, "a key is longer than a key may be");
    says([&](std::byte* p) { set16(p, quire::load_le<std::uint16_t>(p + 32), 300); },
         "a value ends outside of the heap");
    says([](std::byte* p) { std::memcpy(p + 40, p + 32, 8); }, "two records overlap");
}

TEST_CASE("a page whose bytes are damaged is safe once it is valid") {
    run_damage<small>(600);
    run_damage<node::slotted<4096>>(60);
    run_noise<small>(300);
}

#if QUIRE_ASSERTIONS
TEST_CASE("mistakes of the caller are named") {
    dice d(7);
    auto p = page<small>::leaf(d);
    const std::string key(129, 'k');
    const std::string value(240, 'v');
    CHECK(quire_test::death_of([&] { small::insert(p.get(), 0, view(key), {}); })
              .says("a quarter of a page"));
    CHECK(quire_test::death_of([&] { small::insert(p.get(), 0, {}, {view(value)}); })
              .says("half a page"));
    CHECK(quire_test::death_of([&] { small::insert(p.get(), 1, {}, {}); }).says("goes before"));
    CHECK(quire_test::death_of([&] { small::erase(p.get(), 0); }).says("no such record"));
    CHECK(quire_test::death_of([&] { small::erase_child(p.get(), 0); }).says("last child"));
}
#endif
