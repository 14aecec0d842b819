// The set of page ids against std::set, with growth of every kind.
#include <quire/space/page_bitmap.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "../support/death.hpp"

using quire::page_id;
using quire::to_integer;
using quire::space::page_bitmap;

namespace {

page_id lowest_run_of(const std::set<std::uint32_t>& model, std::uint32_t pages) {
    std::uint32_t run = 0;
    std::uint32_t before = 0;
    for (const std::uint32_t n : model) {
        run = run != 0 && n == before + 1 ? run + 1 : 1;
        if (run == pages) return page_id{n + 1 - pages};
        before = n;
    }
    return page_id::none;
}

void check(const page_bitmap& bitmap, const std::set<std::uint32_t>& model) {
    REQUIRE(bitmap.size() == model.size());
    REQUIRE(bitmap.lowest() == (model.empty() ? page_id::none : page_id{*model.begin()}));
    for (const std::uint32_t pages : {1U, 2U, 3U, 5U, 40U, 64U, 65U, 130U})
        REQUIRE(bitmap.lowest_run(pages) == lowest_run_of(model, pages));
    for (const std::uint32_t n : model) REQUIRE(bitmap.contains(page_id{n}));
}

} // namespace

TEST_CASE("an empty set has no members and knows nothing of ids it does not cover") {
    page_bitmap bitmap;
    CHECK(bitmap.size() == 0);
    CHECK(bitmap.lowest() == page_id::none);
    CHECK(bitmap.lowest_run(1) == page_id::none);
    CHECK_FALSE(bitmap.contains(page_id{5}));
    CHECK_FALSE(bitmap.erase(page_id{5}));
    CHECK(bitmap.word(0) == 0);
    bitmap.cover(10);
    CHECK_FALSE(bitmap.contains(page_id{5}));
    CHECK(bitmap.lowest() == page_id::none);
    CHECK_FALSE(bitmap.contains(page_id{0xFFFFFFFF}));
}

TEST_CASE("insert and erase say whether something changed") {
    page_bitmap bitmap;
    bitmap.cover(100);
    CHECK(bitmap.insert(page_id{70}));
    CHECK_FALSE(bitmap.insert(page_id{70}));
    CHECK(bitmap.size() == 1);
    CHECK(bitmap.word(1) == std::uint64_t{1} << 6);
    CHECK(bitmap.erase(page_id{70}));
    CHECK_FALSE(bitmap.erase(page_id{70}));
    CHECK(bitmap.size() == 0);
}

TEST_CASE("the set is what std::set would be, while it grows page by page") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        page_bitmap bitmap;
        std::set<std::uint32_t> model;
        std::uint32_t covered = 0;
        for (int i = 0; i < 30'000; ++i) {
            if (covered == 0 || random() % 3 == 0) {
                const std::uint64_t most = random() % 50 == 0 ? 900 : 2;
                covered += static_cast<std::uint32_t>(1 + random() % most);
                bitmap.cover(covered);
            }
            const auto at = static_cast<std::uint32_t>(random() % covered);
            const auto length = random() % 40 == 0 ? std::min(covered - at, 150U) : 1;
            const bool in = random() % 100 < (i / 5000 % 2 == 0 ? 70 : 30);
            for (std::uint32_t n = at; n < at + length; ++n)
                if (in) REQUIRE(bitmap.insert(page_id{n}) == model.insert(n).second);
                else REQUIRE(bitmap.erase(page_id{n}) == (model.erase(n) != 0));
            if (i % 500 == 0) check(bitmap, model);
        }
        while (!model.empty()) {
            REQUIRE(bitmap.lowest() == page_id{*model.begin()});
            bitmap.erase(bitmap.lowest());
            model.erase(model.begin());
        }
        CHECK(bitmap.lowest() == page_id::none);
    }
}

// A large value makes a small store grow by several levels of summaries in one step.
TEST_CASE("members are found after growth by any number of levels at once") {
    constexpr std::uint64_t sizes[] = {1,     64,        65,        4096,       4097,
                                       70000, 64 * 4096, 64 * 4096 + 1, 17'000'000};
    for (const std::uint64_t from : sizes)
        for (const std::uint64_t to : sizes) {
            CAPTURE(from);
            CAPTURE(to);
            page_bitmap bitmap;
            bitmap.cover(from);
            std::set<std::uint32_t> model;
            for (std::uint64_t n = from; n != 0; n /= 3) {
                const auto id = static_cast<std::uint32_t>(n - 1);
                bitmap.insert(page_id{id});
                model.insert(id);
            }
            bitmap.cover(to);
            if (to > from) {
                bitmap.insert(page_id{static_cast<std::uint32_t>(to - 1)});
                model.insert(static_cast<std::uint32_t>(to - 1));
            }
            for (const std::uint32_t n : model) {
                REQUIRE(bitmap.lowest() == page_id{n});
                REQUIRE(bitmap.erase(page_id{n}));
            }
            REQUIRE(bitmap.lowest() == page_id::none);
            REQUIRE(bitmap.size() == 0);
        }
}

TEST_CASE("a run of neighbours may cross words, and begins as low as it can") {
    page_bitmap bitmap;
    bitmap.cover(2000);
    const auto put = [&](std::uint32_t from, std::uint32_t to) {
        for (std::uint32_t n = from; n < to; ++n) bitmap.insert(page_id{n});
    };
    put(3, 5);
    put(60, 70);
    put(128, 400);
    put(500, 1500);
    CHECK(bitmap.lowest_run(1) == page_id{3});
    CHECK(bitmap.lowest_run(2) == page_id{3});
    CHECK(bitmap.lowest_run(3) == page_id{60});
    CHECK(bitmap.lowest_run(10) == page_id{60});
    CHECK(bitmap.lowest_run(11) == page_id{128});
    CHECK(bitmap.lowest_run(272) == page_id{128});
    CHECK(bitmap.lowest_run(273) == page_id{500});
    CHECK(bitmap.lowest_run(1000) == page_id{500});
    CHECK(bitmap.lowest_run(1001) == page_id::none);
}

#if QUIRE_ASSERTIONS
TEST_CASE("an id that is not covered is found") {
    CHECK(quire_test::death_of([] {
              page_bitmap bitmap;
              bitmap.cover(64);
              bitmap.insert(page_id{64});
          }).says("a bitmap is grown before it is used"));
}
#endif
