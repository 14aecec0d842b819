#include <quire/txn/write_monitor.hpp>

#include <doctest/doctest.h>

#include "../support/death.hpp"

using quire::page_id;
using quire::space::page_space;
using quire::txn::write_monitor;

namespace {

constexpr const char* overwritten = "no page of the durable root is overwritten";

// Pages 2 to 9 of ten, of which 4 and 7 are free.
struct fixture {
    page_space space{2, page_space::lists::kept};
    write_monitor monitor;

    fixture() {
        space.start(10);
        space.start_free(page_id{4});
        space.start_free(page_id{7});
        monitor.name(space);
        monitor.settle();
    }
};

} // namespace

TEST_CASE("free pages are written, and those behind the end; no others") {
    fixture f;
    f.monitor.write(page_id{4}, 1, 1);
    f.monitor.write(page_id{7}, 1, 1);
    f.monitor.write(page_id{10}, 300, 300);
    for (const std::uint32_t n : {0U, 2U, 3U, 5U, 9U})
        CHECK(quire_test::death_of([&] { f.monitor.write(page_id{n}, 1, 1); }).says(overwritten));
    CHECK(quire_test::death_of([&] { f.monitor.write(page_id{7}, 2, 2); }).says(overwritten));
}

TEST_CASE("the next slot's pages count when it is durable") {
    fixture f;
    f.space.set_dead(page_id{5}, true, [](page_id) {});
    f.space.set_dead(page_id{4}, false, [](page_id) {});
    f.monitor.name(f.space);
    f.monitor.write(page_id{4}, 1, 1);
    CHECK(quire_test::death_of([&] { f.monitor.write(page_id{5}, 1, 1); }).says(overwritten));
    f.monitor.slot(1); // on its way: both states may be found
    for (const std::uint32_t n : {4U, 5U})
        CHECK(quire_test::death_of([&] { f.monitor.write(page_id{n}, 1, 1); }).says(overwritten));
    f.monitor.settle();
    f.monitor.write(page_id{5}, 1, 1);
    CHECK(quire_test::death_of([&] { f.monitor.write(page_id{4}, 1, 1); }).says(overwritten));
}

TEST_CASE("a slot comes after the sync of its pages, or vouches for them") {
    fixture f;
    f.monitor.slot(0);
    f.monitor.write(page_id{10}, 3, 3);
    f.monitor.slot(3);
    f.monitor.write(page_id{20}, 3, 0); // zeros between pages
    f.monitor.slot(3);
    const auto early = quire_test::death_of([&] { f.monitor.slot(2); });
    CHECK(early.says("no slot names pages that are not synced"));
    f.monitor.synced(f.monitor.unsynced());
    f.monitor.slot(0);
    f.monitor.slot_of_checkpoint();
    f.monitor.write_taken(1);
    const auto taken = quire_test::death_of([&] { f.monitor.slot_of_checkpoint(); });
    CHECK(taken.says("no slot names pages of a checkpoint that are not synced"));
    f.monitor.synced(f.monitor.unsynced());
    f.monitor.slot_of_checkpoint();
}
