// The page cache over a device that maps: clean pages are read where they are.
#include <quire/cache/page_cache.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>

#include <doctest/doctest.h>

#include <quire/storage/mmap.hpp>

#include "../support/temp_dir.hpp"
#include "page_cache_fixture.hpp"

using namespace quire_test;

namespace {

struct mapped_fixture : bench_of<storage::mmap> {
    quire_test::temp_dir dir;
    cache::page_cache<storage::mmap, replacement::clock, page_size, epoch> pages{
        created(), in_flight, counters, path, 0};

    storage::mmap& created() {
        REQUIRE(device.create(dir.path("store")).ok());
        return device;
    }
    void put(std::uint32_t id, unsigned content) {
        page_bytes page;
        fill(page.data(), id, content);
        format::seal(page);
        REQUIRE(device.write(std::uint64_t{id} * page_size, page).ok());
    }
    const std::byte* home(std::uint32_t id) const {
        return device.mapping() + std::size_t{id} * page_size;
    }
    template <class Operation>
    auto operate(Operation operation) {
        const epoch::guard in(in_flight);
        return operation();
    }
};

} // namespace

TEST_CASE("a mapped page is read in place, checked at its first use") {
    mapped_fixture f;
    for (std::uint32_t id = 0; id < 500; ++id) f.put(id, 0);
    static int asked = 0;
    const auto count = [](const std::byte*) noexcept -> const char* { return ++asked, nullptr; };
    {
        const epoch::guard in(f.in_flight);
        for (int round = 0; round < 2; ++round)
            for (std::uint32_t id = 0; id < 500; ++id)
                REQUIRE(f.pages.fetch(ref(id), count) == f.home(id));
    }
    CHECK(asked == 500);
    CHECK(f.counters.pages_read.value() == 500);
    CHECK(f.pages.resident_bytes() == 0); // no frame is needed
    f.pages.pin(f.home(3));
    f.pages.unpin(f.home(3));
    f.pages.ensure_frames(f.pages.frames());

    f.put(600, 0); // and a gap of zeros before it
    CHECK(refused<corruption>(f, ref(550)).field() == "kind");
    const auto behind = refused<corruption>(f, ref(601));
    CHECK(behind.field() == "page_id");
    CHECK(behind.page() == page_id{601});
    CHECK(refused<corruption>(f, {page_id{600}, 1}).field() == "birth");
    const std::byte one{1};
    REQUIRE(f.device.write(600 * page_size + 99, {&one, 1}).ok());
    CHECK(refused<corruption>(f, ref(600)).field() == "checksum");
    f.put(600, 0);
    CHECK(f.operate([&] { return f.pages.fetch(ref(600), any); }) == f.home(600));
}

TEST_CASE("what write_back wrote is read from the mapping, its frame is free when none reads it") {
    mapped_fixture f;
    std::atomic<bool> all_free{false};
    std::jthread waiter;
    {
        const epoch::guard reader(f.in_flight);
        std::byte* const fresh = f.pages.create(page_id{20});
        fill(fresh, 20, 1);
        fill(f.pages.create(page_id{21}), 21, 1);
        CHECK(f.pages.fetch(ref(20), any) == fresh);
        REQUIRE(f.pages.write_back().pages == 2);
        CHECK(f.pages.fetch(ref(20), any) == f.home(20));
        CHECK(holds(f.home(20), 20, 1));
        // This operation may still hold the frame, so it is not given away.
        waiter = std::jthread([&] {
            f.pages.ensure_frames(f.pages.frames());
            all_free = true;
        });
        for (int i = 0; i < 2000; ++i) std::this_thread::yield();
        CHECK_FALSE(all_free);
        CHECK(f.pages.resident_bytes() == 2 * page_size);
        CHECK(holds(fresh, 20, 1));
    }
    waiter.join();
    CHECK(f.pages.dirty_pages() == 0);
    CHECK(f.pages.resident_bytes() == 0);
    CHECK(f.counters.pages_read.value() == 0);
}

TEST_CASE("a mapped page written early and changed again gets a frame and is written again") {
    mapped_fixture f;
    std::byte* const first = f.pages.create(page_id{20});
    fill(first, 20, 1);
    REQUIRE(f.pages.write_back().pages == 1);
    for (const bool from_mapping : {false, true}) {
        CAPTURE(from_mapping);
        // A descent that began before the early write holds the frame, one after it the mapping.
        auto* const page = from_mapping ? const_cast<std::byte*>(f.home(20)) : first;
        f.operate([&] {
            std::byte* const own = f.pages.writable(ref(20), page);
            CHECK(own != page);
            CHECK(f.pages.fetch(ref(20), any) == own);
            CHECK(f.pages.writable(ref(20), own) == own);
            fill(own, 20, from_mapping ? 3 : 2);
        });
        CHECK(f.pages.dirty_pages() == 1);
        REQUIRE(f.pages.write_back().pages == 1);
        CHECK(holds(f.home(20), 20, from_mapping ? 3 : 2));
    }
    f.pages.ensure_frames(f.pages.frames());
}

TEST_CASE("a mapped page's id is used again") {
    mapped_fixture f;
    for (std::uint32_t id = 0; id < 10; ++id) f.put(id, 0);
    f.operate([&] { CHECK(f.pages.fetch(ref(3), any) == f.home(3)); });
    fill(f.pages.create(page_id{3}), 3, 1);
    f.operate([&] { CHECK(holds(f.pages.fetch(ref(3), any), 3, 1)); });
    CHECK(holds(f.home(3), 3, 0)); // until it is written
    f.pages.discard(page_id{3});
    f.operate([&] { CHECK(f.pages.fetch(ref(3), any) == f.home(3)); });
    CHECK(f.counters.pages_read.value() == 2); // checked anew after the discard
    CHECK(f.pages.write_back().pages == 0);
    CHECK(f.pages.resident_bytes() == 0);
}

namespace {

// An epoch that looks around at the very moment in which it ends.
struct watched_epoch : epoch {
    std::function<void()> at_end;
    cache::epoch_stamp advance() noexcept {
        const cache::epoch_stamp ended = epoch::advance();
        if (at_end) at_end();
        return ended;
    }
};

} // namespace

TEST_CASE("an operation that begins after the stamp of a written frame does not find the frame") {
    bench_of<storage::mmap> bench;
    const quire_test::temp_dir dir;
    REQUIRE(bench.device.create(dir.path("store")).ok());
    watched_epoch in_flight;
    cache::page_cache<storage::mmap, replacement::clock, page_size, watched_epoch> pages{
        bench.device, in_flight, bench.counters, bench.path, 0};
    fill(pages.create(page_id{20}), 20, 1);
    fill(pages.create(page_id{21}), 21, 1);
    int ended = 0;
    in_flight.at_end = [&] {
        ++ended;
        const watched_epoch::guard reader(in_flight);
        for (const std::uint32_t id : {20U, 21U})
            CHECK(pages.fetch(ref(id), any) ==
                  bench.device.mapping() + std::size_t{id} * page_size);
    };
    REQUIRE(pages.write_back().pages == 2);
    CHECK(ended == 1);
}
