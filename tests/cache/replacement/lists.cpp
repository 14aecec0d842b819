// The lists of frames and the remembered pages, against the standard library's.
#include <quire/cache/replacement/lists.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <random>

#include <doctest/doctest.h>

using namespace quire;
using replacement::detail::linked_lists;
using replacement::detail::nil;
using replacement::detail::remembered_pages;
using replacement::detail::returning_pages;

TEST_CASE("lists of frames keep their order") {
    constexpr std::uint64_t seed = 11;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    constexpr std::uint32_t count = 30;
    linked_lists lists;
    lists.reset(count);
    std::array<std::deque<std::uint32_t>, 2> model; // front: head
    for (int step = 0; step < 20'000; ++step) {
        const auto n = static_cast<std::uint32_t>(random() % count);
        const std::size_t to = random() % 2;
        for (auto& list : model) list.erase(std::remove(list.begin(), list.end(), n), list.end());
        switch (random() % 3) {
        case 0:
            lists.move_to_head(n, to);
            model[to].push_front(n);
            break;
        case 1:
            lists.remove(n);
            lists.push_tail(n, to);
            model[to].push_back(n);
            break;
        default:
            lists.remove(n);
        }
        for (std::size_t list = 0; list < 2; ++list) {
            REQUIRE(lists.size(list) == model[list].size());
            std::uint32_t at = lists.tail(list);
            for (auto expected = model[list].rbegin(); expected != model[list].rend(); ++expected) {
                REQUIRE(at == *expected);
                REQUIRE(lists.contains(at, list));
                REQUIRE_FALSE(lists.contains(at, 1 - list));
                at = lists.newer(at);
            }
            REQUIRE(at == nil);
            REQUIRE(lists.head(list) == (model[list].empty() ? nil : model[list].front()));
        }
    }
    lists.reset(4);
    CHECK(lists.empty(0));
    CHECK(lists.empty(1));
    CHECK_FALSE(lists.in_any(3));
}

TEST_CASE("remembered pages are found until they are forgotten, the oldest first") {
    constexpr std::uint64_t seed = 12;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    constexpr std::uint32_t capacity = 20;
    remembered_pages pages;
    std::array<std::uint64_t, 20> memo{};
    pages.reset(capacity);
    std::deque<std::pair<std::uint32_t, std::uint64_t>> model; // front: the newest
    for (std::uint64_t step = 0; step < 20'000; ++step) {
        const auto page = static_cast<std::uint32_t>(1 + random() % 60);
        const auto at = std::find_if(model.begin(), model.end(),
                                     [&](const auto& each) { return each.first == page; });
        const std::uint32_t found = pages.find(page_id{page});
        REQUIRE((found != nil) == (at != model.end()));
        if (found != nil) REQUIRE(memo[found] == at->second);
        if (random() % 3 == 0) {
            if (found == nil) continue;
            pages.forget(found);
            model.erase(at);
        } else {
            memo[pages.push_head(page_id{page})] = step;
            if (at != model.end()) model.erase(at);
            model.emplace_front(page, step);
            if (model.size() > capacity) model.pop_back();
        }
        REQUIRE(pages.size() == model.size());
    }
}

TEST_CASE("a full memory makes room in the list that grows, or in the longest") {
    remembered_pages pages;
    pages.reset(3);
    pages.push_head(page_id{1}, 0);
    pages.push_head(page_id{2}, 0);
    pages.push_head(page_id{3}, 0);
    pages.push_head(page_id{4}, 1); // nothing in list 1 can make room
    CHECK(pages.find(page_id{1}) == nil);
    CHECK(pages.is_in(pages.find(page_id{4}), 1));
    pages.push_head(page_id{5}, 1);
    CHECK(pages.find(page_id{4}) == nil);
    CHECK(pages.find(page_id{2}) != nil);
    pages.forget_oldest(0);
    CHECK(pages.find(page_id{2}) == nil);
    CHECK(pages.size(0) == 1);
    remembered_pages nothing;
    nothing.reset(0);
    CHECK(nothing.push_head(page_id{1}) == nil);
    CHECK(nothing.find(page_id{1}) == nil);
    remembered_pages never_reset;
    CHECK(never_reset.find(page_id{1}) == nil);
}

TEST_CASE("a page on its way back is remembered, whatever is pushed out for it") {
    returning_pages left;
    left.reset(2);
    const auto page = [](std::uint32_t n) { return static_cast<quire::page_id>(n); };
    left.push_head(page(1));
    left.push_head(page(2));
    left.expect(page(1));
    left.push_head(page(3));
    left.push_head(page(4)); // pushes 2 out
    CHECK(left.comes_back(page(1)));
    CHECK_FALSE(left.comes_back(page(1)));
    CHECK_FALSE(left.comes_back(page(2)));
    CHECK(left.comes_back(page(3))); // without having been expected
    CHECK(left.size() == 1);
    left.expect(page(9)); // not remembered
    CHECK_FALSE(left.comes_back(page(9)));
}
