#include <quire/storage/crash_states.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace quire::storage;
using contents = crash_states::contents;
using kind = disk_change::kind;

std::vector<std::byte> filled(std::size_t size, unsigned with) {
    return std::vector<std::byte>(size, static_cast<std::byte>(with));
}
disk_change write(std::uint64_t offset, std::vector<std::byte> content, std::uint32_t file = 0) {
    return {kind::write, file, offset, std::move(content), {}, {}};
}

// All distinct states of a crash behind the changes.
std::set<contents> states_of(const contents& durable, const std::vector<disk_change>& changes,
                             crash_states::effort how = {.exhaustive = 12, .random = 0}) {
    crash_states disk(durable);
    for (const disk_change& change : changes) disk.apply(change);
    std::mt19937_64 random(1);
    std::set<contents> seen;
    disk.for_each(random, how, [&](const contents& state) {
        seen.insert(state);
        return true;
    });
    CHECK(seen.count(disk.everything()) == 1);
    return seen;
}

} // namespace

TEST_CASE("without a change there is one state") {
    const contents durable{{"a", filled(700, 1)}, {"b", {}}};
    CHECK(states_of(durable, {}) == std::set<contents>{durable});
    CHECK(states_of(durable, {{kind::mark, 0, 4, {}, {}, {}}}) == std::set<contents>{durable});
}

TEST_CASE("of what a sync lost any part is there for good, and nothing else of it ever") {
    const contents durable{{"a", filled(2048, 1)}};
    const std::vector<disk_change> changes{
        write(0, filled(2048, 2)), {kind::lost, 0, 0, {}, {}, {}},
        write(512, filled(512, 3)), {kind::sync, 0, 0, {}, {}, {}}};
    std::set<std::vector<std::byte>> seen;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        crash_states disk(durable, seed);
        for (const disk_change& change : changes) disk.apply(change);
        CHECK(disk.pending() == 0); // what was lost is decided
        const auto bytes = disk.everything().at("a");
        for (std::size_t i = 512; i < 1024; ++i) REQUIRE(bytes[i] == std::byte{3});
        for (std::size_t i = 0; i < 2048; ++i)
            REQUIRE((bytes[i] == std::byte{1} || bytes[i] == std::byte{2} ||
                     bytes[i] == std::byte{3}));
        seen.insert(bytes);
    }
    // Each of the other three sectors whole, lost or torn; all and none among them.
    CHECK(seen.size() > 20);
    auto all = filled(2048, 2);
    std::fill(all.begin() + 512, all.begin() + 1024, std::byte{3});
    CHECK(seen.count(all) == 1);
    auto none = filled(2048, 1);
    std::fill(none.begin() + 512, none.begin() + 1024, std::byte{3});
    CHECK(seen.count(none) == 1);
}

TEST_CASE("each sector of a write is there or not, cut where sectors of the file are") {
    // Bytes 500 to 1600 lie in four sectors.
    const contents durable{{"a", filled(2000, 1)}};
    const auto seen = states_of(durable, {write(500, filled(1100, 2))});
    CHECK(seen.size() == 16);
    for (const contents& state : seen) {
        const auto& bytes = state.at("a");
        REQUIRE(bytes.size() == 2000);
        for (std::size_t i = 0; i < 2000; ++i) {
            if (i < 500 || i >= 1600) CHECK(bytes[i] == std::byte{1});
            else if (i != 500 && i % 512 != 0) CHECK(bytes[i] == bytes[i - 1]);
        }
    }
}

TEST_CASE("a sync makes its own file durable, and no other") {
    const contents durable{{"a", filled(512, 1)}, {"b", filled(512, 1)}};
    const auto seen = states_of(durable, {write(0, filled(512, 2), 0), write(0, filled(512, 3), 1),
                                          {kind::sync, 0, 0, {}, {}, {}}});
    CHECK(seen.size() == 2);
    for (const contents& state : seen) CHECK(state.at("a") == filled(512, 2));
}

TEST_CASE("of two writes to one place either may be the one that is left") {
    const auto seen = states_of({{"a", filled(512, 1)}},
                                {write(0, filled(512, 2)), write(0, filled(512, 3))});
    CHECK(seen == std::set<contents>{{{"a", filled(512, 1)}}, {{"a", filled(512, 2)}},
                                     {{"a", filled(512, 3)}}});
}

TEST_CASE("size and data come apart") {
    const auto seen = states_of({{"a", {}}}, {write(0, filled(512, 2))});
    CHECK(seen == std::set<contents>{{{"a", {}}}, {{"a", filled(512, 0)}},
                                     {{"a", filled(512, 2)}}});
    const auto cut = states_of({{"a", filled(600, 1)}}, {{kind::resize, 0, 100, {}, {}, {}}});
    CHECK(cut == std::set<contents>{{{"a", filled(600, 1)}}, {{"a", filled(100, 1)}}});
}

TEST_CASE("every size between is tried") {
    const auto seen = states_of({{"a", {}}}, {{kind::resize, 0, 100, {}, {}, {}},
                                              {kind::resize, 0, 200, {}, {}, {}},
                                              {kind::resize, 0, 300, {}, {}, {}}});
    CHECK(seen == std::set<contents>{{{"a", {}}}, {{"a", filled(100, 0)}},
                                     {{"a", filled(200, 0)}}, {{"a", filled(300, 0)}}});
}

TEST_CASE("a file renamed twice has one name") {
    const auto seen = states_of({{"a", filled(3, 1)}}, {{kind::rename, 0, 0, {}, "a", "b"},
                                                        {kind::rename, 0, 0, {}, "b", "c"}});
    CHECK(seen == std::set<contents>{{{"a", filled(3, 1)}}, {{"b", filled(3, 1)}},
                                     {{"c", filled(3, 1)}}});
}

TEST_CASE("names come apart from files and from each other") {
    const std::vector<disk_change> changes{
        {kind::create, 1, 0, {}, "new", {}},
        write(0, filled(10, 2), 1),
        {kind::sync, 1, 0, {}, {}, {}},
    };
    const contents durable{{"old", filled(3, 1)}};
    CHECK(states_of(durable, changes) ==
          std::set<contents>{durable, {{"old", filled(3, 1)}, {"new", filled(10, 2)}}});
    auto renamed = changes;
    renamed.push_back({kind::sync_directory, 0, 0, {}, {}, {}});
    renamed.push_back({kind::rename, 1, 0, {}, "new", "newer"});
    renamed.push_back({kind::remove, 0, 0, {}, "old", {}});
    const contents at_first{{"old", filled(3, 1)}, {"new", filled(10, 2)}};
    CHECK(states_of(durable, renamed) ==
          std::set<contents>{at_first,
                             {{"old", filled(3, 1)}, {"newer", filled(10, 2)}},
                             {{"new", filled(10, 2)}},
                             {{"newer", filled(10, 2)}}});
    renamed.push_back({kind::sync_directory, 0, 0, {}, {}, {}});
    CHECK(states_of(durable, renamed) == std::set<contents>{{{"newer", filled(10, 2)}}});
}

TEST_CASE("of many parts chosen states, and torn sectors, are tried") {
    const contents durable{{"a", filled(512 * 40, 1)}};
    const std::vector<disk_change> changes{write(0, filled(512 * 40, 2))};
    const auto chosen = states_of(durable, changes, {.exhaustive = 8, .random = 0});
    CHECK(chosen.size() > 30);
    CHECK(chosen.count(durable) == 1);
    std::set<std::size_t> torn;
    for (const contents& state :
         states_of({{"a", filled(512, 1)}}, {write(0, filled(512, 2))}, {8, 200})) {
        const auto& bytes = state.at("a");
        std::size_t n = 0;
        while (n < bytes.size() && bytes[n] == std::byte{2}) ++n;
        for (std::size_t i = n; i < bytes.size(); ++i) CHECK(bytes[i] == std::byte{1});
        torn.insert(n);
    }
    CHECK(torn.size() > 10);
}

TEST_CASE("who says no is asked no more") {
    const disk_change change = write(0, filled(4096, 2));
    crash_states disk(contents{{"a", {}}});
    disk.apply(change);
    CHECK(disk.pending() == 9); // eight sectors and the size
    std::mt19937_64 random(1);
    int calls = 0;
    disk.for_each(random, {}, [&](const contents&) { return ++calls < 5; });
    CHECK(calls == 5);
}
