#include <quire/node/fixed.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "node/damage.hpp"
#include "support/death.hpp"

using namespace node_test;

namespace {

using u64_key = node::integer_key<std::uint64_t, format::key_order::unsigned_integer>;
using i32_key = node::integer_key<std::uint32_t, format::key_order::signed_integer>;
using u64_map = node::fixed<u64_key, 8, 4096>;

node::stored_value eight(const std::string& s) { return {view(s)}; }

} // namespace

TEST_CASE("where the arrays of a fixed page stand") {
    static_assert(u64_map::leaf_slots == 254);
    static_assert(u64_map::inner_slots == 253);
    static_assert(u64_map::values_offset == 32 + 254 * 8);
    static_assert(u64_map::children_offset == 32 + 253 * 8);
    static_assert(u64_map::leaf_capacity == 254 * 16);

    using wide = node::fixed<node::bytes_key<24>, 150, 4096>;
    static_assert(wide::leaf_slots == 23);
    static_assert(wide::values_offset == 32 + 23 * 24 && wide::values_offset % 2 == 0);
    using set = node::fixed<i32_key, 0, 512>;
    static_assert(set::leaf_slots == 120);
    using odd = node::fixed<node::bytes_key<3>, 16, 512>;
    static_assert(odd::leaf_slots == 25);
    static_assert(odd::values_offset == 112); // the keys end at 107
    using bytes = node::fixed<node::integer_key<std::uint8_t, format::key_order::signed_integer>,
                              0, 65536>;
    static_assert(bytes::leaf_slots == 65504);
    CHECK(u64_map::kind == format::layout_kind::fixed);
}

TEST_CASE("a leaf's bytes are as the header draws them") {
    dice d(1);
    auto p = page<u64_map>::leaf(d);
    const std::string a = "value  a";
    const std::string b = "value  b";
    u64_map::insert(p.get(), 0, 0x0102030405060708, eight(b));
    u64_map::insert(p.get(), 0, 7, eight(a));
    CHECK(format::count_of(p.get()) == 2);
    CHECK(quire::load_le<std::uint64_t>(p.get() + 32) == 7);
    CHECK(quire::load_le<std::uint64_t>(p.get() + 40) == 0x0102030405060708);
    CHECK(text({p.get() + u64_map::values_offset, 16}) == a + b);
    CHECK(u64_map::keys(p.get()) == p.get() + 32);
    CHECK(u64_map::values(p.get()) == p.get() + u64_map::values_offset);
    CHECK(u64_map::used(p.get()) == 32);
    CHECK(u64_map::find(p.get(), 7).found);
    CHECK(u64_map::find(p.get(), 8).index == 1);
    CHECK_FALSE(u64_map::find(p.get(), 8).found);
    u64_map::replace(p.get(), 1, eight(a));
    CHECK(text(u64_map::value(p.get(), 1).bytes) == a);
    u64_map::erase(p.get(), 0);
    CHECK(key_at<u64_map>(p.get(), 0) == std::string("\1\2\3\4\5\6\7\x8", 8));
}

TEST_CASE("an inner page's bytes are as the header draws them") {
    using layout = node::fixed<i32_key, 8, 512>;
    dice d(2);
    auto p = page<layout>::inner(d);
    layout::start_inner(p.get(), {page_id{1}, 10});
    layout::insert_separator(p.get(), 0, i32_key::rank(5), {page_id{3}, 30});
    layout::insert_separator(p.get(), 0, i32_key::rank(0xFFFFFFFF), {page_id{2}, 20}); // -1
    CHECK(quire::load_le<std::uint32_t>(p.get() + 32) == 0xFFFFFFFF);
    CHECK(quire::load_le<std::uint32_t>(p.get() + 36) == 5);
    for (std::uint32_t i = 0; i < 3; ++i) {
        const page_ref expected{page_id{i + 1}, 10 * (i + 1)};
        CHECK(layout::child(p.get(), i) == expected);
        CHECK(format::load_ref(p.get() + layout::children_offset + 8 * i) == expected);
    }
    CHECK(layout::child_index(p.get(), i32_key::rank(0xFFFFFFFE)) == 0);
    CHECK(layout::child_index(p.get(), i32_key::rank(0xFFFFFFFF)) == 1);
    CHECK(layout::child_index(p.get(), i32_key::rank(0)) == 1);
    CHECK(layout::child_index(p.get(), i32_key::rank(5)) == 2);
    layout::erase_child(p.get(), 0);
    CHECK(layout::child(p.get(), 0) == page_ref{page_id{2}, 20});
    layout::erase_child(p.get(), 1);
    CHECK(format::count_of(p.get()) == 0);
    CHECK(layout::child(p.get(), 0) == page_ref{page_id{2}, 20});
    CHECK(layout::child_index(p.get(), 0) == 0);
}

TEST_CASE("validate names what is wrong with the bounds of a fixed page") {
    dice d(3);
    auto p = page<u64_map>::leaf(d);
    CHECK(u64_map::validate(p.get()) == nullptr);
    format::set_count(p.get(), 254);
    CHECK(u64_map::validate(p.get()) == nullptr);
    format::set_count(p.get(), 255);
    CHECK(std::string(u64_map::validate(p.get())).find("count") != std::string::npos);
    format::set_count(p.get(), 0);
    p.get()[5] = std::byte{1};
    CHECK(u64_map::validate(p.get()) != nullptr);
    p.get()[4] = static_cast<std::byte>(format::page_kind::fixed_inner);
    CHECK(u64_map::validate(p.get()) == nullptr);
    format::set_count(p.get(), 254);
    CHECK(u64_map::validate(p.get()) != nullptr);
    p.get()[4] = static_cast<std::byte>(format::page_kind::slotted_leaf);
    CHECK(u64_map::validate(p.get()) != nullptr);
}

TEST_CASE("a page whose bytes are damaged is safe once it is valid") {
    run_damage<u64_map>(150);
    run_damage<node::fixed<i32_key, 3, 512>>(150);
    run_damage<node::fixed<node::bytes_key<24>, 16, 512>>(150);
    run_noise<node::fixed<node::bytes_key<24>, 16, 512>>(300);
}

#if QUIRE_ASSERTIONS
TEST_CASE("mistakes of the caller are named") {
    dice d(4);
    auto p = page<u64_map>::leaf(d);
    const std::string seven(7, 'x');
    CHECK(quire_test::death_of([&] { u64_map::erase(p.get(), 0); }).says("no such record"));
    CHECK(quire_test::death_of([&] { u64_map::insert(p.get(), 0, 1, eight(seven)); })
              .says("the size of its type"));
    CHECK(quire_test::death_of([&] { u64_map::insert(p.get(), 1, 1, eight("12345678")); })
              .says("no room there"));
    CHECK(quire_test::death_of([&] { u64_map::erase_child(p.get(), 0); }).says("last child"));
}
#endif
