// Where the arrays of fixed pages stand, and what becomes of pages that are anything at all.
#include <quire/inspect/page.hpp>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "rules.hpp"

using namespace rules;

namespace {

using quire::inspect::fixed_arrays;
using quire::inspect::fixed_inner_of;
using quire::inspect::fixed_leaf_of;
using quire::inspect::page_content;
using quire::inspect::parse_content;
using quire::inspect::tree_shape;

std::size_t aligned(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

bool inside(quire::bytes_view part, quire::bytes_view page) {
    return part.size() <= page.size() &&
           (part.empty() ||
            (part.data() >= page.data() && part.data() + part.size() <= page.data() + page.size()));
}

} // namespace

static_assert(fixed_leaf_of(4096, 8, 8).capacity == 254);
static_assert(fixed_leaf_of(512, 8, 8).second_at == small_file::writer::values_at_512);
static_assert(fixed_inner_of(512, 8).capacity == 29);
static_assert(fixed_inner_of(512, 8).second_at == small_file::writer::children_at_512);

TEST_CASE("a fixed page holds as many records as fit, and not one more") {
    for (const std::size_t page : {512U, 4096U, 65536U})
        for (std::uint32_t key = 1; key <= 40; ++key)
            for (std::uint32_t value = 0; value <= 70; ++value) {
                std::size_t align = 1;
                while (value != 0 && align < 16 && value % (2 * align) == 0) align *= 2;
                const auto fits = [&](std::size_t n) {
                    return aligned(32 + n * key, align) + n * value <= page;
                };
                const fixed_arrays leaf = fixed_leaf_of(page, key, value);
                REQUIRE(fits(leaf.capacity));
                REQUIRE_FALSE(fits(leaf.capacity + 1));
                REQUIRE(leaf.second_at == aligned(32 + leaf.capacity * key, align));
                const auto inner_fits = [&](std::size_t n) {
                    return aligned(32 + n * key, 8) + (n + 1) * 8 <= page;
                };
                const fixed_arrays inner = fixed_inner_of(page, key);
                REQUIRE(inner_fits(inner.capacity));
                REQUIRE_FALSE(inner_fits(inner.capacity + 1));
            }
}

TEST_CASE("schemas whose pages cannot exist are refused") {
    using quire::format::layout_kind;
    const auto judge = [](std::uint32_t key, std::uint32_t value, std::size_t page) {
        tree_shape shape;
        shape.layout = layout_kind::fixed;
        shape.key_size = key;
        shape.value_size = value;
        return quire::inspect::judge_shape(shape, page).has_value();
    };
    CHECK_FALSE(judge(8, 8, 512));
    CHECK_FALSE(judge(1, 0, 512));
    CHECK_FALSE(judge(460, 8, 512));
    CHECK(judge(472, 8, 512)); // a record would fit a leaf, but no separator an inner page
    CHECK(judge(0, 8, 512));
    CHECK(judge(8, quire::format::variable_size, 512));
    CHECK(judge(quire::format::variable_size, 8, 65536));
    CHECK(judge(8, 473, 512));
    CHECK_FALSE(judge(8, 472, 512));
    CHECK_FALSE(quire::inspect::judge_shape({}, 512).has_value());
}

TEST_CASE("the records of a slotted page with a prefix are read") {
    small_file::writer file(512, 1);
    file.slotted_leaf({0, 1, 1}, "key-",
                      {{"key-", {"v0"}}, {"key-one", {""}}, {"key-two", {"v2"}}});
    const quire::bytes_view page(file.page(0), 512);
    page_content content;
    REQUIRE_FALSE(parse_content(page, {}, content).has_value());
    REQUIRE(content.keys.size() == 3);
    CHECK(content.key(0).bytes() == "key-");
    CHECK(content.key(1).bytes() == "key-one");
    CHECK(content.key(2).bytes() == "key-two");
    CHECK(content.values[2].bytes.size() == 2);
    CHECK_FALSE(content.values[2].overflow);
    CHECK(content.used == 3 * 8 + 4 + (2 + 0 + 2) + (2 + 3) + (2 + 3 + 2));
    CHECK(content.capacity == 480);

    file.slotted_inner({0, 1, 1}, 1, "m", {7, 1, 1}, {{"ma", {8, 1, 1}}, {"mb", {9, 1, 1}}});
    REQUIRE_FALSE(parse_content(page, {}, content).has_value());
    REQUIRE(content.children.size() == 3);
    CHECK(to_integer(content.children[2].id) == 9);
    CHECK(content.key(1).bytes() == "mb");
}

TEST_CASE("any bytes are either refused or read without leaving the page") {
    constexpr std::uint64_t seed = 20240611;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    page_content content;
    int read = 0;
    for (int round = 0; round < 30000; ++round) {
        const std::size_t size = round % 100 == 0 ? 65536 : 512;
        // Half the pages start as good ones, so that damage deep in the rules is met too.
        small_file::writer file(size, 1);
        if (size == 512 && random() % 2 == 0) {
            file.slotted_leaf({0, 1, 1}, "p", {{"pa", {"1"}}, {"pb", {"22"}}, {"pc", {""}}});
            if (random() % 2 == 0)
                file.slotted_inner({0, 1, 1}, 1, "", {7, 1, 1}, {{"a", {8, 1, 1}}});
        } else {
            for (std::size_t i = 0; i < size; ++i)
                file.page(0)[i] = static_cast<std::byte>(random());
            file.page(0)[6] = static_cast<std::byte>(random() % 8);
            file.page(0)[7] = std::byte{0};
        }
        const std::uint64_t changes = random() % 4;
        for (std::uint64_t i = 0; i < changes; ++i)
            file.page(0)[random() % 64] = static_cast<std::byte>(random());
        tree_shape shape;
        if (random() % 3 == 0) {
            shape.layout = quire::format::layout_kind::fixed;
            shape.key_size = static_cast<std::uint32_t>(1 + random() % 40);
            shape.value_size = static_cast<std::uint32_t>(random() % 40);
        }
        const quire::bytes_view page(file.page(0), size);
        if (parse_content(page, shape, content)) continue;
        ++read;
        REQUIRE(inside(content.prefix, page));
        for (const quire::bytes_view key : content.keys) REQUIRE(inside(key, page));
        for (const auto& value : content.values) {
            REQUIRE(inside(value.bytes, page));
            REQUIRE((!value.overflow || value.bytes.size() == 12));
        }
        const bool leaf = quire::format::level_of(page.data()) == 0;
        REQUIRE(content.values.size() == (leaf ? content.keys.size() : 0));
        REQUIRE(content.children.size() == (leaf ? 0 : content.keys.size() + 1));
        REQUIRE(content.used <= content.capacity);
    }
    CHECK(read > 1000);
}

TEST_CASE("fixed pages: bounds") {
    check_rules({
        {"more records than a leaf holds", 20, "count", cause::writer,
         on_page(20, [](std::byte* p) { put16(p + 6, 31); })},
        {"more separators than an inner page holds", 19, "count", cause::writer,
         on_page(19, [](std::byte* p) { put16(p + 6, 30); })},
    });
}

TEST_CASE("slotted pages: bounds, heads, accounting") {
    const auto slot_of = [](std::byte* p, int i) { return p + 32 + 8 * i; };
    check_rules({
        {"a count beyond the page", 25, "count", cause::writer,
         on_page(25, [](std::byte* p) { put16(p + 6, 61); })},
        {"a prefix beyond the page", 27, "prefix_size", cause::writer,
         on_page(27, [](std::byte* p) { put16(p + 28, 465); })},
        {"a heap beyond the slots", 25, "heap_size", cause::writer,
         on_page(25, [](std::byte* p) { put16(p + 24, 457); })},
        {"a heap smaller than its records", 25, "slot 2 offset", cause::writer,
         on_page(25, [](std::byte* p) { put16(p + 24, 30); })},
        {"a wrong number of dead bytes", 25, "heap_dead", cause::writer,
         on_page(25, [](std::byte* p) { put16(p + 26, 8); })},
        {"more dead bytes than heap", 25, "heap_dead", cause::writer,
         on_page(25, [](std::byte* p) { put16(p + 26, 500); })},
        {"a record behind the heap", 25, "slot 1 offset", cause::writer,
         on_page(25, [=](std::byte* p) { put16(slot_of(p, 1), 511); })},
        {"a key longer than what is left", 25, "slot 1 key size", cause::writer,
         on_page(25, [=](std::byte* p) { put16(slot_of(p, 1) + 2, 400); })},
        {"a key beyond a quarter of the page", 25, "slot 2 key size", cause::writer,
         [](full_store& s) {
             s.slotted_leaf(
                 s.leaf25, "",
                 {{"", {""}}, {std::string(128, 'a'), {""}}, {std::string(129, 'b'), {""}}});
         }},
        {"a wrong head", 25, "slot 1 head", cause::writer,
         on_page(25, [=](std::byte* p) { slot_of(p, 1)[4] ^= std::byte{1}; })},
        {"a value longer than what is left", 26, "slot 0 value size", cause::writer,
         on_page(26,
                 [](std::byte* p) {
                     const unsigned at = quire::load_le<std::uint16_t>(p + 32);
                     put16(p + at, 300);
                 })},
        {"a run reference of 11 bytes", 26, "slot 1 value size", cause::writer,
         on_page(26,
                 [](std::byte* p) {
                     const unsigned at = quire::load_le<std::uint16_t>(p + 40);
                     put16(p + at, 0x8000 | 11);
                 })},
        {"two slots with one record", 27, "slot 1 offset", cause::writer,
         on_page(27, [](std::byte* p) { std::memcpy(p + 40, p + 32, 8); })},
    });
}
