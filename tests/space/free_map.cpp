// The free map as it is written and read again, at a page size where it soon has several levels.
#include <quire/space/free_map.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace quire;
using space::page_space;

namespace {

constexpr std::size_t page_size = 512;
constexpr auto shape = format::free_map_of(page_size);
constexpr std::uint32_t header = format::header_pages(page_size);
constexpr auto ignore = [](page_id) noexcept {};
constexpr auto forget = [](page_id, std::uint32_t) noexcept {};
constexpr auto always = [](cache::epoch_stamp) noexcept { return true; };
using free_map = space::free_map<page_size>;

// Where map pages are created and fetched.
struct plain_cache {
    std::map<page_id, std::array<std::byte, page_size>> pages;

    std::byte* create(page_id id) noexcept {
        auto& page = pages[id];
        page.fill(std::byte{0xEE}); // undefined
        return page.data();
    }
    template <class Validate>
    const std::byte* fetch(page_ref ref, Validate&& validate) {
        const auto found = pages.find(ref.id);
        if (found == pages.end() || format::ref_of(found->second.data()) != ref)
            throw corruption("no such page", {{}, ref.id, "ref", {}, {}});
        if (const char* const wrong = validate(found->second.data()))
            throw corruption(wrong, {{}, ref.id, "kind", {}, {}});
        return found->second.data();
    }
};

std::set<std::uint32_t> members(const space::page_bitmap& bitmap, std::uint64_t end) {
    std::set<std::uint32_t> all;
    for (std::uint64_t n = 0; n < end; n += 64)
        for (std::uint64_t word = bitmap.word(n / 64); word != 0; word &= word - 1)
            all.insert(static_cast<std::uint32_t>(
                n + static_cast<std::uint64_t>(std::countr_zero(word))));
    return all;
}
std::set<std::uint32_t> pages_of(const free_map& map) {
    std::set<std::uint32_t> all;
    map.for_each_page([&](page_id id) { REQUIRE(all.insert(to_integer(id)).second); });
    return all;
}

// A store that consists of its free map, and of pages without content.
struct store {
    plain_cache cache;
    page_space space{header, page_space::lists::kept};
    free_map map;
    std::uint64_t now = 0;
    std::set<std::uint32_t> live;

    void allocate(std::uint32_t pages) {
        const page_id first = space.allocate(pages);
        for (std::uint32_t i = 0; i < pages; ++i) live.insert(to_integer(first + i));
    }
    void free(std::uint32_t n) {
        REQUIRE(live.erase(n) == 1);
        space.release_old({page_id{n}, 1, version{1}});
    }
    void free_between(std::uint32_t from, std::uint32_t to) {
        for (std::uint32_t n = from; n < to; ++n)
            if (live.contains(n)) free(n);
    }
    void place(growing_array<page_id>& flipped) {
        space.apply([&](page_id id) {
            flipped.push_back(id);
            map.changed(id);
        });
        map.place(space, version{now}, flipped);
    }
    void commit() {
        ++now;
        growing_array<page_id> flipped;
        place(flipped);
        const std::size_t before = cache.pages.size();
        map.fill(cache, space, version{now});
        REQUIRE(cache.pages.size() <= before + map.placed());
        space.commit(version{now}, cache::epoch_stamp::none);
        space.collect(space.ready(always), {}, version{now});
        check();
    }
    void check() {
        const auto dead = members(space.dead(), space.end());
        const auto of_map = pages_of(map);
        // Every page is one of: header, dead, the map's, live.
        REQUIRE(header + dead.size() + of_map.size() + live.size() == space.end());
        for (const std::uint32_t n : of_map) {
            REQUIRE_FALSE(dead.contains(n));
            REQUIRE_FALSE(live.contains(n));
        }
        for (const std::uint32_t n : live) REQUIRE_FALSE(dead.contains(n));
        page_space opened(header, page_space::lists::kept);
        opened.start(space.end());
        free_map loaded;
        loaded.load(cache, opened, map.root(), map.level(), {});
        REQUIRE(members(opened.dead(), space.end()) == dead);
        REQUIRE(members(opened.free(), space.end()) == dead);
        REQUIRE(pages_of(loaded) == of_map);
        REQUIRE(loaded.root() == map.root());
    }
};

template <class Break>
corruption damage_of(store s, Break spoil) {
    spoil(s);
    page_space opened(header, page_space::lists::kept);
    opened.start(s.space.end());
    free_map loaded;
    try {
        loaded.load(s.cache, opened, s.map.root(), s.map.level(), "a/store");
    } catch (const corruption& e) {
        return e;
    }
    FAIL("the damage was not seen");
    return corruption("unreachable");
}

} // namespace

TEST_CASE("a store without free pages has no map") {
    store s;
    s.allocate(100);
    s.commit();
    CHECK_FALSE(s.map.root());
    CHECK(s.map.level() == 0);
    CHECK(s.map.placed() == 0);
    CHECK(s.space.end() == header + 100);
}

TEST_CASE("a map that nothing changes is not written again") {
    store s;
    s.allocate(100);
    s.commit();
    s.free(header + 3);
    s.commit();
    CHECK(s.map.placed() == 1);
    const page_ref root = s.map.root();
    CHECK(root);
    CHECK(root.birth == 2);
    s.commit();
    CHECK(s.map.placed() == 0);
    CHECK(s.map.root() == root);
}

TEST_CASE("the map grows by levels and gives them up again") {
    store s;
    s.allocate(50);
    s.commit();
    s.free(header + 9);
    s.commit();
    CHECK(s.map.level() == 0);
    // One step from one part to three levels.
    const std::uint32_t many = shape.pages_per_part * shape.fanout + 5000;
    s.allocate(many);
    s.commit();
    CHECK(s.map.level() == 2);
    // Free pages in parts far apart, then only the parts that change are written.
    for (const std::uint32_t n : {header + 20, shape.pages_per_part + 7,
                                  shape.pages_per_part * shape.fanout + 4000})
        s.free(n);
    s.commit();
    s.commit();
    s.free(shape.pages_per_part * 9 + 1);
    s.commit();
    CHECK(s.map.placed() <= 6);
    // All but a few pages in front go; the first ones sooner, so that the map moves there.
    s.free_between(header + 40, header + 2000);
    s.commit();
    s.free_between(header + 2000, static_cast<std::uint32_t>(s.space.end()));
    s.commit();
    CHECK(s.map.level() == 2);
    s.space.trim([&](page_id id) { s.map.changed(id); }, [](page_id) {});
    s.commit();
    s.space.trim([&](page_id id) { s.map.changed(id); }, [](page_id) {});
    s.commit();
    CHECK(s.space.end() < 2 * shape.pages_per_part);
    CHECK(s.map.level() <= 1);
    while (!s.live.empty()) s.free(*s.live.begin());
    s.commit();
}

TEST_CASE("what is placed can be undone by going back to a copy") {
    constexpr std::uint64_t seed = 77;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    store s;
    s.allocate(9000);
    s.commit();
    for (int round = 0; round < 60; ++round) {
        const page_space::mark mark = s.space.now();
        const auto live = s.live;
        const auto free = members(s.space.free(), s.space.end());
        const auto dead = members(s.space.dead(), s.space.end());
        const page_ref root = s.map.root();
        for (std::uint64_t n = random() % 40; n != 0; --n)
            s.allocate(static_cast<std::uint32_t>(random() % 30 == 0 ? 1 + random() % 6000 : 1));
        for (std::uint64_t n = random() % 400; n != 0; --n) {
            const auto at = s.live.lower_bound(static_cast<std::uint32_t>(random() % 9000));
            if (at != s.live.end() && *at < mark.end) s.free(*at);
        }
        if (random() % 3 == 0) {
            const free_map before = s.map;
            growing_array<page_id> flipped;
            s.place(flipped);
            for (std::size_t n = flipped.size(); n-- != 0;)
                s.space.set_dead(flipped[n], !s.space.dead().contains(flipped[n]), ignore);
            s.map = before;
            s.space.roll_back(mark, forget);
            s.live = live;
            REQUIRE(s.map.root() == root);
            REQUIRE(members(s.space.free(), s.space.end()) == free);
            REQUIRE(members(s.space.dead(), s.space.end()) == dead);
            s.check();
        } else {
            s.commit();
        }
        if (random() % 4 == 0) {
            s.space.trim([&](page_id id) { s.map.changed(id); }, [](page_id) {});
            s.commit();
        }
    }
}

TEST_CASE("a damaged map is refused, and the field is named") {
    store s;
    s.allocate(shape.pages_per_part * 3 + 100);
    s.commit();
    for (std::uint32_t part = 0; part < 4; ++part) s.free(part * shape.pages_per_part + 50);
    s.commit();
    REQUIRE(s.map.level() == 1);
    const page_ref root = s.map.root();
    const auto page = [](store& at, page_ref ref) { return at.cache.pages.at(ref.id).data(); };
    const auto child = [&](store& at, std::size_t n) {
        return format::load_ref(page(at, root) + format::page_header_size + n * 8);
    };
    const auto spoilt = [&](auto spoil) { return damage_of(s, spoil); };

    CHECK(spoilt([&](store& at) { page(at, root)[4] = std::byte{1}; }).field() == "kind");
    CHECK(spoilt([&](store& at) { page(at, root)[5] = std::byte{2}; }).field() == "level");
    CHECK(spoilt([&](store& at) { format::set_part(page(at, root), 1); }).field() == "part");
    CHECK(spoilt([&](store& at) { format::set_part(page(at, child(at, 1)), 0); }).field() ==
          "part");
    CHECK(spoilt([&](store& at) {
              page(at, child(at, 0))[5] = std::byte{1};
          }).field() == "level");
    // One part twice, and a part behind the end of the file.
    const auto moved = [&](std::size_t to) {
        return spoilt([&](store& at) {
            format::store_ref(page(at, root) + format::page_header_size + to * 8, child(at, 0));
        });
    };
    CHECK(moved(1).field() == "part");
    CHECK(moved(shape.fanout - 1).field() == "part");
    // A page of the header, and a page behind the end, said to be free.
    const auto header_free = spoilt([&](store& at) {
        page(at, child(at, 0))[format::page_header_size] |= std::byte{2};
    });
    CHECK(header_free.field() == "bit");
    CHECK(header_free.path() == "a/store");
    CHECK(header_free.found() == "1");
    CHECK(spoilt([&](store& at) { page(at, child(at, 3))[511] = std::byte{0x80}; }).field() ==
          "bit");
    CHECK(spoilt([&](store& at) { at.cache.pages.erase(child(at, 2).id); }).field() == "ref");
}
