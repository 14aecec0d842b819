#include <quire/space/reuse_monitor.hpp>

#include <doctest/doctest.h>

#include "../support/death.hpp"

using quire::page_id;
using quire::version;
using quire::space::reuse_monitor;

namespace {

constexpr const char* sentence = "no page is reused that a version still reads";

// One version is read.
struct reader {
    version at{};

    void watch(reuse_monitor& monitor) const {
        monitor.ask(
            [](const void* of, version birth, version freed) {
                const version held = static_cast<const reader*>(of)->at;
                return !(held < birth) && held < freed;
            },
            this);
    }
};

} // namespace

TEST_CASE("pages are reused when no version from their birth to their end is read") {
    reuse_monitor monitor;
    reader of{version{5}};
    of.watch(monitor);
    monitor.reused(page_id{3}, 100); // never seen before
    monitor.freed({page_id{3}, 2, version{6}}, version{9});
    monitor.freed({page_id{5}, 1, version{2}}, version{5});
    monitor.reused(page_id{3}, 3);
    of.at = version{7};
    monitor.reused(page_id{3}, 3); // now they are new
    monitor.freed({page_id{3}, 2, version{6}}, version{9});
    for (const std::uint32_t n : {3U, 4U})
        CHECK(quire_test::death_of([&] { monitor.reused(page_id{n}, 1); }).says(sentence));
    CHECK(quire_test::death_of([&] { monitor.reused(page_id{1}, 50); }).says(sentence));
    monitor.reused(page_id{5}, 1);
    of.at = version{9};
    monitor.reused(page_id{3}, 2);
}

TEST_CASE("a monitor that has nobody to ask says nothing") {
    reuse_monitor monitor;
    monitor.freed({page_id{3}, 2, version{6}}, version{9});
    monitor.reused(page_id{3}, 2);
}
