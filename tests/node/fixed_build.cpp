#include <quire/node/fixed_build.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "node/inner_row.hpp"
#include "node/leaf_chain.hpp"

using namespace node_test;

namespace {

using u64_key = node::integer_key<std::uint64_t, format::key_order::unsigned_integer>;
using i16_key = node::integer_key<std::uint16_t, format::key_order::signed_integer>;
using f64_key = node::integer_key<std::uint64_t, format::key_order::floating>;
using small = node::fixed<u64_key, 8, 512>;

const std::string value = "12345678";

// A leaf of the keys from, from + step, ...
page<small> leaf_of(dice& d, std::uint64_t from, std::uint64_t step, std::uint32_t count) {
    auto p = page<small>::leaf(d);
    for (std::uint32_t i = 0; i < count; ++i)
        small::insert(p.get(), i, from + i * step, {view(value)});
    return p;
}

} // namespace

TEST_CASE("leaves do what a map does: changes, spreads and merges") {
    run_leaf_chains<small>(3000);
    run_leaf_chains<node::fixed<i16_key, 3, 512>>(3000);
    run_leaf_chains<node::fixed<f64_key, 16, 512>>(2000);
    run_leaf_chains<node::fixed<node::bytes_key<24>, 0, 512>>(3000);
    run_leaf_chains<node::fixed<u64_key, 8, 4096>>(5000);
    run_leaf_chains<node::fixed<node::bytes_key<3>, 150, 4096>>(2000);
    run_leaf_chains<node::fixed<u64_key, 8, 65536>>(60000);
}

TEST_CASE("inner pages do what a list of separators does") {
    run_inner_rows<small>(3000);
    run_inner_rows<node::fixed<i16_key, 3, 512>>(3000);
    run_inner_rows<node::fixed<node::bytes_key<24>, 0, 4096>>(3000);
    run_inner_rows<node::fixed<u64_key, 8, 65536>>(60000);
}

TEST_CASE("ascending and descending insertion leaves full pages behind") {
    dice d(1);
    small::workspace work;
    auto full = leaf_of(d, 10, 10, small::leaf_slots);
    auto right = page<small>::leaf(d);
    REQUIRE(small::plan_leaf_spread(work, full.get(), nullptr,
                                    {small::leaf_slots, false, 5000, {view(value)}},
                                    node::bias::ascending));
    small::apply_leaf_spread(work, full.get(), right.get());
    CHECK(format::count_of(full.get()) == small::leaf_slots);
    CHECK(format::count_of(right.get()) == 1);
    CHECK(small::planned_separator(work) == 5000);

    auto other = page<small>::leaf(d);
    REQUIRE(small::plan_leaf_spread(work, full.get(), nullptr, {0, false, 5, {view(value)}},
                                    node::bias::descending));
    small::apply_leaf_spread(work, full.get(), other.get());
    CHECK(format::count_of(full.get()) == 1);
    CHECK(format::count_of(other.get()) == small::leaf_slots);
    CHECK(small::planned_separator(work) == 10);
}

TEST_CASE("a plan that cannot be is refused, and changes nothing") {
    dice d(2);
    small::workspace work;
    const auto left = leaf_of(d, 0, 2, small::leaf_slots);
    const auto right = leaf_of(d, 1000, 2, small::leaf_slots);
    const auto empty = page<small>::leaf(d);
    CHECK_FALSE(small::plan_leaf_spread(work, left.get(), right.get(),
                                        {1, true, 1001, {view(value)}}, node::bias::middle));
    CHECK_FALSE(small::plan_leaf_merge(work, left.get(), right.get()));
    CHECK_FALSE(small::plan_leaf_spread(work, empty.get(), nullptr, {0, false, 1, {view(value)}},
                                        node::bias::middle)); // one record for two pages

    auto inner = page<small>::inner(d);
    auto full = page<small>::inner(d);
    small::start_inner(inner.get(), {page_id{1}, 1});
    small::start_inner(full.get(), {page_id{1}, 1});
    small::insert_separator(inner.get(), 0, 1, {page_id{2}, 2});
    for (std::uint32_t i = 0; i < small::inner_slots; ++i)
        small::insert_separator(full.get(), i, 100 + i, {page_id{2}, 2});
    CHECK_FALSE(small::fits_separator(full.get(), 0, 5));
    CHECK_FALSE(small::plan_inner_split(work, inner.get(), 0, 5, {page_id{3}, 3},
                                        node::bias::middle)); // nothing to promote
    CHECK_FALSE(small::plan_inner_merge(work, inner.get(), full.get(), 50));
    CHECK(small::plan_inner_spread(work, inner.get(), full.get(), 50));
    CHECK_FALSE(small::plan_inner_spread(work, full.get(), full.get(), 50)); // even already
}

TEST_CASE("after reserve() a plan uses the memory that is there") {
    dice d(3);
    small::workspace work;
    work.reserve();
    auto left = leaf_of(d, 0, 2, 3);
    const auto right = leaf_of(d, 100, 2, 3);
    REQUIRE(small::plan_leaf_merge(work, left.get(), right.get()));
    small::apply_leaf_merge(work, left.get());
    CHECK(format::count_of(left.get()) == 6);
}
