// The rule of reuse, against a model that applies it to every run anew each time.
#include <quire/space/pending.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <vector>

#include <doctest/doctest.h>

using quire::page_id;
using quire::version;
using quire::cache::epoch_stamp;
using quire::space::freed_run;
using quire::space::pending;

namespace {

std::vector<freed_run> collect(pending& p, std::size_t ready, std::span<const version> snapshots,
                               version durable) {
    std::vector<freed_run> released;
    p.collect(ready, snapshots, durable, [&](const freed_run& run) noexcept {
        released.push_back(run);
    });
    return released;
}

void add(pending& p, std::uint32_t page, std::uint64_t birth, std::uint64_t freed,
         std::uint64_t stamp = 0, std::uint32_t pages = 1) {
    quire::growing_array<freed_run> runs{{page_id{page}, pages, version{birth}}};
    p.add(runs, version{freed}, epoch_stamp{stamp});
    CHECK(runs.empty());
}

std::size_t kept(const pending& p) {
    std::size_t n = 0;
    p.for_each([&](const freed_run&) { ++n; });
    return n;
}

} // namespace

TEST_CASE("a run waits for the operations that began before it was freed") {
    pending p;
    add(p, 10, 1, 5, 100);
    add(p, 20, 1, 6, 101, 7);
    CHECK(p.pages() == 8);
    const auto passed = [&](std::uint64_t latest) {
        return p.ready([&](epoch_stamp s) { return s <= epoch_stamp{latest}; });
    };
    CHECK(passed(99) == 0);
    CHECK(passed(100) == 1);
    CHECK(passed(101) == 2);
    CHECK(collect(p, 0, {}, version{9}).empty());
    const auto first = collect(p, 1, {}, version{9});
    REQUIRE(first.size() == 1);
    CHECK(first[0].first == page_id{10});
    CHECK(p.pages() == 7);
    const auto second = collect(p, passed(101), {}, version{9});
    REQUIRE(second.size() == 1);
    CHECK(second[0].first == page_id{20});
    CHECK(second[0].pages == 7);
    CHECK(p.pages() == 0);
    CHECK(kept(p) == 0);
}

TEST_CASE("a snapshot keeps exactly what it can see") {
    struct example {
        std::uint64_t birth, freed;
        bool seen;
    };
    const std::vector<version> snapshots{version{5}};
    for (const example e : {example{5, 6, true}, example{1, 6, true}, example{6, 7, false},
                            example{1, 5, false}, example{2, 4, false}, example{5, 9, true}}) {
        CAPTURE(e.birth);
        CAPTURE(e.freed);
        pending p;
        add(p, 10, e.birth, e.freed);
        CHECK(collect(p, 1, snapshots, version{99}).empty() == e.seen);
        CHECK(p.pages() == (e.seen ? 1 : 0));
        CHECK(collect(p, 0, {}, version{99}).empty() == !e.seen);
        CHECK(p.pages() == 0);
    }
}

TEST_CASE("a snapshot that opens later does not take back what another one's end released") {
    pending p;
    add(p, 10, 1, 6);
    const std::vector<version> both{version{2}, version{5}};
    CHECK(collect(p, 1, both, version{99}).empty());
    const std::vector<version> later{version{5}, version{8}};
    CHECK(collect(p, 0, later, version{99}).empty()); // 5 sees it as well
    const std::vector<version> none_of_them{version{8}};
    CHECK(collect(p, 0, none_of_them, version{99}).size() == 1);
}

TEST_CASE("what the durable root reaches is kept until a newer one is durable") {
    pending p;
    add(p, 10, 3, 6); // born durable, freed by a version that is not
    add(p, 20, 5, 6); // born and freed between durable versions
    add(p, 30, 2, 4); // freed by a durable version
    std::vector<std::uint32_t> got;
    for (const freed_run& run : collect(p, 3, {}, version{4}))
        got.push_back(to_integer(run.first));
    std::sort(got.begin(), got.end());
    CHECK(got == std::vector<std::uint32_t>{20, 30});
    CHECK(collect(p, 0, {}, version{5}).empty());
    CHECK(p.pages() == 1);
    CHECK(collect(p, 0, {}, version{6}).size() == 1);
    CHECK(p.pages() == 0);
}

TEST_CASE("the rule of reuse holds for any history") {
    struct model_run {
        freed_run run;
        version freed;
        std::uint64_t stamp;
        bool looked_at; // its stamp has passed
    };
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        pending p;
        std::map<std::uint32_t, model_run> model;
        std::vector<version> snapshots;
        std::uint64_t now = 1;
        version durable{1};
        std::uint64_t stamp = 1;
        std::uint64_t passed = 0;
        std::uint32_t next_page = 10;
        for (int step = 0; step < 600; ++step) {
            switch (random() % 6) {
            case 0:
            case 1: { // a commit
                ++now;
                quire::growing_array<freed_run> runs;
                for (std::uint64_t n = random() % 6; n != 0; --n) {
                    const auto pages = static_cast<std::uint32_t>(1 + random() % 3);
                    // Mostly young pages, as in a tree; never of the version that frees them.
                    const std::uint64_t age =
                        1 + random() % (random() % 2 == 0 ? std::min<std::uint64_t>(now - 1, 4)
                                                          : now - 1);
                    runs.push_back({page_id{next_page}, pages, version{now - age}});
                    model[next_page] = {runs.back(), version{now}, stamp, false};
                    next_page += pages;
                }
                p.prepare(runs.size());
                p.add(runs, version{now}, epoch_stamp{stamp});
                if (random() % 2 == 0) ++stamp;
                break;
            }
            case 2: // a snapshot of the newest version
                snapshots.push_back(version{now});
                break;
            case 3: // the end of one
                if (!snapshots.empty())
                    snapshots.erase(snapshots.begin() +
                                    static_cast<std::ptrdiff_t>(random() % snapshots.size()));
                break;
            case 4: // a sync
                if (random() % 3 == 0) durable = version{now};
                break;
            default: // operations end
                passed = std::min(stamp, passed + random() % 4);
            }
            const std::size_t ready =
                p.ready([&](epoch_stamp s) { return s <= epoch_stamp{passed}; });
            const std::vector<freed_run> released = collect(p, ready, snapshots, durable);
            for (auto& [page, m] : model) m.looked_at = m.looked_at || m.stamp <= passed;

            const auto may_go = [&](const model_run& m) {
                if (!m.looked_at) return false;
                for (const version s : snapshots)
                    if (m.run.birth <= s && s < m.freed) return false;
                return m.run.birth > durable || m.freed <= durable;
            };
            for (const freed_run& run : released) {
                const auto found = model.find(to_integer(run.first));
                REQUIRE(found != model.end()); // each once
                REQUIRE(found->second.run.pages == run.pages);
                REQUIRE(may_go(found->second)); // none too early
                model.erase(found);
            }
            std::uint64_t pages = 0;
            for (const auto& [page, m] : model) {
                REQUIRE_FALSE(may_go(m)); // none too late
                pages += m.run.pages;
            }
            REQUIRE(p.pages() == pages);
            REQUIRE(kept(p) == model.size());
        }
        while (!model.empty()) {
            const std::size_t ready = p.ready([](epoch_stamp) { return true; });
            const std::vector<freed_run> released = collect(p, ready, {}, version{now});
            REQUIRE_FALSE(released.empty());
            for (const freed_run& run : released)
                REQUIRE(model.erase(to_integer(run.first)) == 1);
        }
        REQUIRE(p.pages() == 0);
    }
}

TEST_CASE("what a checkpoint saw until it was durable is what the durable root reaches") {
    pending p;
    // Born after what is durable, freed while a checkpoint of version 5 is on its way, which holds
    // that version like a snapshot.
    add(p, 10, 4, 6);
    const version checkpoint[]{version{5}};
    CHECK(collect(p, 1, checkpoint, version{3}).empty());
    CHECK(collect(p, 0, {}, version{5}).empty()); // it is done: its root is the durable one
    CHECK(p.pages() == 1);
    CHECK(collect(p, 0, {}, version{6}).size() == 1);
    CHECK(p.pages() == 0);
}
