// Who gets which page: against a model that remembers whole states.
#include <quire/space/page_space.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include <doctest/doctest.h>

using quire::page_id;
using quire::to_integer;
using quire::version;
using quire::cache::epoch_stamp;
using quire::space::freed_run;
using quire::space::page_bitmap;
using quire::space::page_space;

namespace {

constexpr auto ignore = [](page_id) noexcept {};
constexpr auto forget = [](page_id, std::uint32_t) noexcept {};
constexpr auto always = [](epoch_stamp) noexcept { return true; };

std::set<std::uint32_t> members(const page_bitmap& bitmap, std::uint64_t end) {
    std::set<std::uint32_t> all;
    for (std::uint32_t n = 0; n < end; ++n)
        if (bitmap.contains(page_id{n})) all.insert(n);
    REQUIRE(all.size() == bitmap.size()); // none behind the end
    return all;
}

void commit(page_space& space, std::uint64_t v) {
    space.apply(ignore);
    space.commit(version{v}, epoch_stamp::none);
}

} // namespace

TEST_CASE("new pages come from behind the header, in order") {
    page_space space(16, page_space::lists::kept);
    CHECK(space.header() == 16);
    CHECK(space.end() == 16);
    CHECK_FALSE(space.changed());
    CHECK(space.allocate(1) == page_id{16});
    CHECK(space.allocate(3) == page_id{17});
    CHECK(space.allocate(1) == page_id{20});
    CHECK(space.end() == 21);
    CHECK(space.changed());
    REQUIRE(space.allocated().size() == 3);
    CHECK(space.allocated()[1].first == page_id{17});
    CHECK(space.allocated()[1].pages == 3);
}

TEST_CASE("pages given back are handed out again, the lowest first") {
    page_space space(2, page_space::lists::kept);
    static_cast<void>(space.allocate(20));
    space.release_new(page_id{9}, 2);
    space.release_new(page_id{4}, 1);
    space.release_new(page_id{12}, 5);
    CHECK(space.allocate(2) == page_id{9});
    CHECK(space.allocate(1) == page_id{4});
    CHECK(space.allocate(4) == page_id{12});
    CHECK(space.allocate(2) == page_id{22}); // one page is left, two do not fit
    CHECK(space.allocate(1) == page_id{16});
    CHECK(space.free().size() == 0);
}

TEST_CASE("freed pages wait until nobody reaches them") {
    page_space space(2, page_space::lists::kept);
    static_cast<void>(space.allocate(10));
    commit(space, 1);
    CHECK_FALSE(space.changed());
    space.reserve_freed(1);
    space.release_old({page_id{5}, 2, version{1}});
    CHECK(space.changed());
    CHECK(space.free().size() == 0);
    commit(space, 2);
    CHECK(space.dead().contains(page_id{5}));
    CHECK(space.dead().contains(page_id{6}));
    CHECK(space.waiting().pages() == 2);
    const std::vector<version> open{version{1}};
    space.collect(space.ready(always), open, version{2});
    CHECK(space.free().size() == 0);
    space.collect(0, {}, version{2});
    CHECK(space.free().size() == 2);
    CHECK(space.waiting().pages() == 0);
    CHECK(space.allocate(2) == page_id{5});
    CHECK(space.dead().contains(page_id{5})); // the newest version does not reach it, until
    commit(space, 3);
    CHECK_FALSE(space.dead().contains(page_id{5}));
}

TEST_CASE("apply names each page whose state on disk differs") {
    page_space space(2, page_space::lists::kept);
    static_cast<void>(space.allocate(6)); // 2..7
    commit(space, 1);
    std::vector<std::uint32_t> changed;
    const auto note = [&](page_id id) { changed.push_back(to_integer(id)); };
    // Allocated and given back: free, and dead on disk from now on.
    const page_id taken = space.allocate(1);
    static_cast<void>(space.allocate(1));
    space.release_new(taken, 1);
    // Allocated, and freed after a savepoint: still waiting.
    const page_id early = space.allocate(1);
    CHECK(early == taken);
    space.release_old({early, 1, version{2}});
    space.release_old({page_id{3}, 1, version{1}});
    space.apply(note);
    std::sort(changed.begin(), changed.end());
    CHECK(changed == std::vector<std::uint32_t>{3, 8});
    CHECK(members(space.dead(), space.end()) == std::set<std::uint32_t>{3, 8});
}

TEST_CASE("free pages at the end are dropped") {
    page_space space(2, page_space::lists::kept);
    static_cast<void>(space.allocate(4)); // 2..5
    commit(space, 1);
    const std::uint64_t begin = space.end();
    static_cast<void>(space.allocate(5)); // 6..10
    space.release_new(page_id{8}, 3);
    space.trim_new(begin);
    CHECK(space.end() == 8);
    CHECK(space.free().size() == 0);
    space.release_new(page_id{6}, 2);
    space.trim_new(begin);
    CHECK(space.end() == 6);
    space.trim_new(begin);
    CHECK(space.end() == 6);
    commit(space, 2);

    space.release_old({page_id{3}, 1, version{1}});
    space.release_old({page_id{4}, 2, version{1}});
    commit(space, 3);
    space.collect(space.ready(always), {}, version{3});
    CHECK(members(space.dead(), space.end()) == std::set<std::uint32_t>{3, 4, 5});
    static_cast<void>(space.allocate(1));
    commit(space, 4);
    std::vector<std::uint32_t> changed;
    std::vector<std::uint32_t> gone;
    space.trim([&](page_id id) { changed.push_back(to_integer(id)); },
               [&](page_id id) { gone.push_back(to_integer(id)); });
    CHECK(space.end() == 4);
    CHECK(changed == std::vector<std::uint32_t>{5, 4});
    CHECK(gone == std::vector<std::uint32_t>{5, 4});
    CHECK(space.free().size() == 0);
    CHECK(space.dead().size() == 0);
}

TEST_CASE("a store whose every page is free shrinks to its header") {
    page_space space(2, page_space::lists::kept);
    static_cast<void>(space.allocate(9));
    space.release_new(page_id{2}, 9);
    commit(space, 1);
    space.trim(ignore, ignore);
    CHECK(space.end() == 2);
    CHECK(space.free().lowest() == page_id::none);
}

TEST_CASE("an opened store knows its pages and which of them are free") {
    page_space space(2, page_space::lists::kept);
    space.start(5000);
    space.start_free(page_id{4000});
    space.start_free(page_id{7});
    CHECK(space.end() == 5000);
    CHECK_FALSE(space.changed());
    CHECK(space.dead().size() == 2);
    CHECK(space.allocate(1) == page_id{7});
    CHECK(space.allocate(1) == page_id{4000});
    CHECK(space.allocate(1) == page_id{5000});
}

TEST_CASE("a store that keeps no lists only hands out pages") {
    page_space space(2, page_space::lists::not_kept);
    const page_id first = space.allocate(1);
    CHECK_FALSE(space.changed());
    space.release_new(first, 1);
    CHECK(space.allocate(1) == first);
}

TEST_CASE("more pages than a file can have") {
    page_space space(2, page_space::lists::kept);
    CHECK_THROWS_AS(static_cast<void>(space.allocate(0xFFFFFFFF)), std::bad_alloc);
    CHECK(space.end() == 2);
    CHECK_FALSE(space.changed());
    CHECK(space.allocate(1) == page_id{2});
}

TEST_CASE("a page is found again after a run that makes the store many times larger") {
    page_space space(16, page_space::lists::kept);
    const page_id early = space.allocate(10);
    space.release_new(early, 10);
    CHECK(space.allocate(5000) == page_id{26});
    for (std::uint32_t n = 0; n < 10; ++n) CHECK(space.allocate(1) == early + n);
    CHECK(space.allocate(1) == page_id{5026});
}

// Random transactions with marks: rolling back restores the free pages and the end exactly, and
// forgets each run that was allocated since.
TEST_CASE("rolling back to a mark restores the state at the mark") {
    struct state {
        page_space::mark mark;
        std::set<std::uint32_t> free;
        std::uint64_t end;
        std::vector<page_space::run> mine; // live runs of the transaction
        std::set<std::uint32_t> live;      // committed pages not yet freed
        std::size_t allocated;
        bool old; // its runs belong to a version before the mark
    };
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        page_space space(16, page_space::lists::kept);
        std::set<std::uint32_t> live;
        for (std::uint64_t v = 1; v < 60; ++v) {
            space.collect(space.ready(always), {}, version{v});
            std::vector<state> marks;
            std::vector<page_space::run> mine;
            std::size_t mine_from = 0; // runs before are of an earlier mark's version
            const auto set_mark = [&] {
                mine_from = mine.size();
                marks.push_back({space.now(), members(space.free(), space.end()), space.end(),
                                 mine, live, space.allocated().size(), true});
            };
            set_mark();
            for (int step = 0; step < 40; ++step) {
                const auto choice = random() % 20;
                if (choice < 9) {
                    const auto pages =
                        static_cast<std::uint32_t>(random() % 8 == 0 ? 1 + random() % 90 : 1);
                    const page_id first = space.allocate(pages);
                    for (std::uint32_t i = 0; i < pages; ++i) {
                        REQUIRE(to_integer(first + i) >= 16);
                        REQUIRE(to_integer(first + i) < space.end());
                        REQUIRE_FALSE(live.contains(to_integer(first + i)));
                        REQUIRE_FALSE(space.free().contains(first + i));
                    }
                    mine.push_back({first, pages});
                } else if (choice < 13 && !mine.empty()) {
                    const std::size_t n = random() % mine.size();
                    if (n < mine_from) {
                        space.release_old({mine[n].first, mine[n].pages, version{v}});
                        --mine_from;
                    } else {
                        space.release_new(mine[n].first, mine[n].pages);
                    }
                    mine.erase(mine.begin() + static_cast<std::ptrdiff_t>(n));
                } else if (choice < 17 && !live.empty()) {
                    auto at = live.begin();
                    std::advance(at, static_cast<std::ptrdiff_t>(random() % live.size()));
                    space.reserve_freed(1);
                    space.release_old({page_id{*at}, 1, version{1}});
                    live.erase(at);
                } else if (choice == 17) {
                    set_mark();
                } else if (choice == 18) {
                    const std::size_t n = random() % marks.size();
                    std::vector<page_space::run> forgotten;
                    const std::vector<page_space::run> allocated(space.allocated().begin(),
                                                                 space.allocated().end());
                    space.roll_back(marks[n].mark, [&](page_id first, std::uint32_t pages) {
                        forgotten.push_back({first, pages});
                    });
                    REQUIRE(space.end() == marks[n].end);
                    REQUIRE(members(space.free(), space.end()) == marks[n].free);
                    REQUIRE(forgotten.size() == allocated.size() - marks[n].allocated);
                    for (std::size_t i = 0; i < forgotten.size(); ++i)
                        REQUIRE(forgotten[i].first == allocated[allocated.size() - 1 - i].first);
                    mine = marks[n].mine;
                    live = marks[n].live;
                    mine_from = mine.size();
                    marks.resize(n + 1);
                }
            }
            if (random() % 5 == 0) {
                space.roll_back(marks[0].mark, forget);
                REQUIRE_FALSE(space.changed());
                live = marks[0].live;
                continue;
            }
            space.prepare_commit();
            space.trim_new(marks[0].end);
            space.apply(ignore);
            for (const page_space::run& r : mine)
                for (std::uint32_t i = 0; i < r.pages; ++i) live.insert(to_integer(r.first + i));
            // What the newest version reaches, and what it does not, are all there is.
            const auto dead = members(space.dead(), space.end());
            REQUIRE(dead.size() + live.size() == space.end() - 16);
            for (const std::uint32_t n : live) REQUIRE_FALSE(dead.contains(n));
            space.commit(version{v}, epoch_stamp::none);
        }
    }
}
