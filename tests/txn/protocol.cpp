// The order of writes that commits rest on, watched on every write of recorded lives of stores:
//   1. no byte of a page that the last durable state reaches is written
//   2. a header slot is written only where the last durable state's slot is not
//   3. no two header slots are unsynced at once
//   4. whole pages are written, at their places
// and how many syncs a commit costs.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/inspect/check.hpp>

#include "txn/history.hpp"

namespace {

namespace format = quire::format;
namespace inspect = quire::inspect;
using quire_test::bytes;
using quire_test::crash_replay;
using quire_test::disk_event;
using quire_test::history;
using quire_test::recorded_device;
using quire_test::recorded_disk;

constexpr std::size_t page_size = 512;
using words = quire::btree_map<std::string, std::string, recorded_device<false>,
                               quire::page_size<page_size>,
                               quire::txn::shadow>;
using numbers = quire::btree_map<std::uint64_t, std::uint64_t, recorded_device<true>,
                                 quire::page_size<page_size>,
                                 quire::txn::shadow>;

class deaf final : public inspect::visitor {
public:
    bool page(const inspect::page_seen&) override { return true; }
    void found(inspect::finding f) override {
        if (f.from != inspect::cause::crash) wrong = text_of(f);
    }
    std::string wrong;
};

// The durable state of a store, watched event by event.
class monitor {
public:
    // What is wrong with the event, or nothing.
    std::string apply(const disk_event& e) {
        std::string wrong;
        if (e.what == disk_event::kind::write) wrong = judge(e);
        if (e.what == disk_event::kind::resize && e.offset < page_count_ * page_size)
            wrong = "the durable state's pages are cut off";
        file_.apply(e);
        if (e.what == disk_event::kind::sync) {
            slots_pending_ = 0;
            wrong = settle();
        }
        return wrong;
    }
    [[nodiscard]] std::uint64_t writes_judged() const noexcept { return judged_; }

private:
    std::string judge(const disk_event& e) {
        ++judged_;
        if (page_count_ == 0) return {}; // a new file
        for (std::size_t i = 0; i < 2; ++i) {
            if (e.offset != format::slot_offsets[i]) continue;
            if (e.content.size() != format::slot_size) return "part of a slot";
            if (i == chosen_) return "the durable state's own slot is overwritten";
            if (++slots_pending_ > 1) return "a second slot before the first is durable";
            return {};
        }
        if (e.offset < format::header_bytes) return "a write between the slots";
        if (e.offset % page_size != 0 || e.content.size() % page_size != 0)
            return "not whole pages";
        for (std::uint64_t n = 0; n < e.content.size() / page_size; ++n)
            if (reached_.contains(e.offset / page_size + n))
                return "page " + std::to_string(e.offset / page_size + n) +
                       " is overwritten, which the durable state reaches";
        return {};
    }
    std::string settle() {
        const quire_test::image_reader image(file_.durable());
        const inspect::source from(image);
        deaf to;
        const inspect::header_facts header = inspect::read_header(from, to);
        if (header.chosen < 0) return "no slot holds after a sync";
        chosen_ = static_cast<std::size_t>(header.chosen);
        if (header.slots[0].state == header.slots[1].state &&
            header.slots[0].slot.committed == header.slots[1].slot.committed)
            chosen_ = neither; // a new store: both tell the same
        page_count_ = header.current().page_count;
        inspect::page_walk walk(from, header.current(), to);
        walk.run();
        reached_ = walk.reached();
        return to.wrong;
    }

    static constexpr std::size_t neither = 2;

    crash_replay file_;
    std::size_t chosen_ = neither;
    std::uint64_t page_count_ = 0;
    inspect::page_set reached_;
    unsigned slots_pending_ = 0;
    std::uint64_t judged_ = 0;
};

template <class Map>
std::uint64_t live_and_watch(std::uint64_t seed, int steps) {
    recorded_disk::the().clear();
    history<Map> life(seed);
    life.open();
    for (int i = 0; i < steps; ++i) {
        life.any_step();
        REQUIRE(life.wrong() == "");
    }
    life.close();
    monitor watch;
    std::size_t at = 0;
    for (const disk_event& e : recorded_disk::the().trace) {
        const std::string wrong = watch.apply(e);
        if (!wrong.empty()) FAIL("seed ", seed, ", event ", at, ": ", wrong);
        ++at;
    }
    return watch.writes_judged();
}

struct cost {
    std::size_t syncs = 0;
    std::size_t writes = 0;
};
template <class Work>
cost cost_of(Work&& work) {
    const std::size_t from = recorded_disk::the().trace.size();
    work();
    cost c;
    const auto& trace = recorded_disk::the().trace;
    for (std::size_t i = from; i < trace.size(); ++i) {
        if (trace[i].what == disk_event::kind::sync) ++c.syncs;
        if (trace[i].what == disk_event::kind::write) ++c.writes;
    }
    return c;
}

} // namespace

TEST_CASE("no write touches what the last durable state reaches") {
    std::uint64_t judged = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        judged += live_and_watch<words>(seed, 40);
        judged += live_and_watch<numbers>(seed, 40);
    }
    CHECK(judged > 5000);
}

TEST_CASE("nor does it while snapshots and commits that are not durable come and go") {
    recorded_disk::the().clear();
    {
        words map("store", {.cache_bytes = 1});
        std::vector<words::snapshot_type> held;
        for (int i = 0; i < 200; ++i) {
            auto tx = map.transaction();
            for (int k = 0; k < 5; ++k)
                tx.insert_or_assign("k" + std::to_string((i * 37 + k * 11) % 90),
                                    std::string(static_cast<std::size_t>(i % 50), 'v'));
            tx.commit(i % 3 == 0 ? quire::durability::full : quire::durability::none);
            if (i % 7 == 0) held.push_back(map.snapshot());
            if (i % 31 == 0) held.clear();
        }
        held.clear();
        map.verify();
    }
    monitor watch;
    for (const disk_event& e : recorded_disk::the().trace) CHECK(watch.apply(e) == "");
}

TEST_CASE("a small commit waits for the medium once, the first of a session twice") {
    recorded_disk::the().clear();
    words map("store");
    const std::uint64_t at_open = map.stats().syncs;
    for (std::uint32_t i = 0; i < 20; ++i) {
        const cost c = cost_of([&] { map.insert_or_assign(std::to_string(i), "value"); });
        CHECK(c.syncs == (i == 0 ? 2 : 1));
    }
    CHECK(cost_of([&] {
        auto tx = map.transaction();
        for (int i = 0; i < 100; ++i) tx.insert_or_assign(std::to_string(i), "other");
        tx.commit();
    }).syncs == 1);
    CHECK(cost_of([&] { map.erase("1"); }).syncs == 1);
    CHECK(cost_of([&] { map.erase("never there"); }).syncs == 0);
    CHECK(cost_of([&] { map.flush(); }).syncs == 0);
    CHECK(map.stats().syncs - at_open == 23);
}

TEST_CASE("a commit that its slot cannot vouch for waits twice") {
    recorded_disk::the().clear();
    words map("store");
    map.insert("first", "of the session");
    SUBCASE("many pages") {
        CHECK(cost_of([&] {
            auto tx = map.transaction();
            for (int i = 0; i < 2000; ++i) tx.insert_or_assign(std::to_string(i), "value");
            tx.commit();
        }).syncs == 2);
    }
    SUBCASE("an overflow run") {
        CHECK(cost_of([&] { map.insert("big", std::string(5000, 'x')); }).syncs == 2);
    }
    SUBCASE("savepoints") {
        CHECK(cost_of([&] {
            auto tx = map.transaction();
            tx.insert("a", "b");
            static_cast<void>(tx.savepoint());
            tx.insert("c", "d");
            tx.commit();
        }).syncs == 2);
    }
    SUBCASE("commits before it that were not to be durable") {
        const cost none = cost_of([&] {
            auto tx = map.transaction();
            tx.insert("a", "b");
            tx.commit(quire::durability::none);
        });
        CHECK(none.syncs == 0);
        CHECK(none.writes == 0);
        CHECK(cost_of([&] { map.insert("c", "d"); }).syncs == 2);
    }
    CHECK(cost_of([&] { map.insert("and the next", "is cheap again"); }).syncs == 1);
}

TEST_CASE("a relaxed commit is a full one") {
    recorded_disk::the().clear();
    words map("store");
    map.insert("first", "of the session");
    CHECK(cost_of([&] {
        auto tx = map.transaction();
        tx.insert("a", "b");
        tx.commit(quire::durability::relaxed);
    }).syncs == 1);
}

TEST_CASE("what was not changed is not written, and a session without a change leaves the file") {
    recorded_disk::the().clear();
    {
        words map("store");
        map.insert("a", "b");
    }
    const bytes before = recorded_disk::the().get("store");
    const cost c = cost_of([&] {
        words map("store");
        CHECK(map.contains("a"));
        auto tx = map.transaction();
        tx.insert("b", "c");
        tx.rollback();
        map.flush();
    });
    CHECK(c.writes == 0);
    CHECK(recorded_disk::the().get("store") == before);
}
