// The library's vector of plain values, against std::vector.
#include <quire/core/growing_array.hpp>

#include <cstdint>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "../support/death.hpp"

namespace {

using array = quire::growing_array<std::uint32_t>;

bool same(const array& left, const std::vector<std::uint32_t>& right) {
    if (left.size() != right.size() || left.empty() != right.empty()) return false;
    std::size_t i = 0;
    for (const std::uint32_t each : left)
        if (each != right[i++]) return false;
    return i == right.size() && left.capacity() >= left.size();
}

} // namespace

TEST_CASE("an array does what a vector does") {
    array list;
    std::vector<std::uint32_t> model;
    std::uint32_t state = 12345;
    for (int step = 0; step < 20'000; ++step) {
        state = state * 1664525 + 1013904223;
        const std::uint32_t dice = state >> 16;
        switch (dice % 8) {
        case 0:
            if (!list.empty()) {
                list.pop_back();
                model.pop_back();
            }
            break;
        case 1:
            list.resize(dice % 300);
            model.resize(dice % 300);
            break;
        case 2:
            if (dice % 16 == 2) {
                list.clear();
                model.clear();
            }
            list.reserve(dice % 500);
            break;
        case 3: {
            const std::uint32_t more[] = {1, 2, dice};
            list.append(more, dice % 4);
            model.insert(model.end(), more, more + dice % 4);
            break;
        }
        case 4: {
            const std::size_t n = list.size() / 2;
            list.shorten(n);
            model.resize(n);
            break;
        }
        default:
            if (list.empty()) list.push_back(dice);
            else list.push_back(list[dice % list.size()]); // an element of its own
            model.push_back(model.empty() ? dice : model[dice % model.size()]);
        }
        REQUIRE(same(list, model));
        if (!model.empty()) REQUIRE(list.front() == model.front());
        if (!model.empty()) REQUIRE(list.back() == model.back());
    }
}

TEST_CASE("arrays are copied, moved and assigned") {
    const array first{3, 1, 2};
    array copy = first;
    copy.push_back(9);
    CHECK(same(first, {3, 1, 2}));
    array moved = std::move(copy);
    CHECK(same(moved, {3, 1, 2, 9}));
    CHECK(copy.empty());
    copy = first;
    CHECK(same(copy, {3, 1, 2}));
    const array& itself = copy;
    copy = itself;
    CHECK(same(copy, {3, 1, 2}));
    moved = array{};
    CHECK(moved.empty());
}

TEST_CASE("an array that cannot grow stays as it is") {
    array list{1, 2};
    CHECK_THROWS_AS(list.reserve(std::numeric_limits<std::size_t>::max() / 2), std::bad_alloc);
    CHECK(same(list, {1, 2}));
}

#if QUIRE_ASSERTIONS
TEST_CASE("steps outside of an array are named") {
    array list{1};
    CHECK(quire_test::death_of([&] { static_cast<void>(list[1]); }).says("no such element"));
    CHECK(quire_test::death_of([&] { list.shorten(2); }).says("does not lengthen"));
    list.pop_back();
    CHECK(quire_test::death_of([&] { list.pop_back(); }).says("no last element"));
}
#endif
