// What the writer makes, changes again, gives up, and writes.
#include <quire/cache/write_back.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "../support/death.hpp"
#include "page_cache_fixture.hpp"

using namespace quire_test;

TEST_CASE("operations that read leave the writer the frames it asked for") {
    const auto seen = quire_test::death_of([] {
        fixture f(1000);
        f.for_writer(16);
        {
            const epoch::guard in(f.in_flight);
            for (std::uint32_t id = 0; id < 1000; ++id) {
                try {
                    static_cast<void>(f.pages.fetch(ref(id), any));
                } catch (const out_of_frames&) {
                }
            }
            for (std::uint32_t id = 500; id < 516; ++id) fill(f.pages.create(page_id{id}), id, 0);
        }
        if (f.pages.write_back().pages != 16) std::abort();
    });
    CHECK_FALSE(seen.aborted);
    CHECK(seen.message == "");
}

TEST_CASE("write_back writes in page order, neighbours in one call, sealed") {
    fixture f(0);
    for (const std::uint32_t id : {20U, 11U, 5U, 12U, 10U, 22U})
        fill(f.pages.create(page_id{id}), id, 1);
    const auto done = f.pages.write_back();
    REQUIRE(done.status.ok());
    CHECK(done.pages == 6);
    using call = recording_device::write_call;
    CHECK(f.device.writes == std::vector<call>{{5 * page_size, 1, page_size},
                                               {10 * page_size, 3, 3 * page_size},
                                               {20 * page_size, 1, page_size},
                                               {22 * page_size, 1, page_size}});
    CHECK(f.counters.pages_written.value() == 6);
    CHECK(f.counters.bytes_written.value() == 6 * page_size);
    CHECK(f.pages.dirty_pages() == 0);
    std::uint64_t digest = 0;
    for (const std::uint32_t id : {5U, 10U, 11U, 12U, 20U, 22U}) {
        REQUIRE(holds(f.on_device(id), id, 1));
        const std::uint32_t checksum = format::stored_checksum(f.on_device(id));
        REQUIRE(checksum == format::checksum_of({f.on_device(id), page_size}));
        digest += format::digest_of(page_id{id}, checksum);
    }
    CHECK(done.digest == digest);

    // Nothing is left to write, and what was written is still in memory.
    const auto again = f.pages.write_back();
    CHECK(again.pages == 0);
    CHECK(again.digest == 0);
    CHECK(f.device.writes.size() == 4);
    CHECK(holds(f.fetch(11), 11, 1));
    CHECK(f.device.reads.empty());
}

TEST_CASE("a long row of neighbours is written in calls of 256 pages") {
    fixture f(0, 1 << 20);
    for (std::uint32_t id = 600; id-- != 0;) fill(f.pages.create(page_id{id + 2}), id + 2, 1);
    REQUIRE(f.pages.write_back().status.ok());
    using call = recording_device::write_call;
    CHECK(f.device.writes == std::vector<call>{{2 * page_size, 256, 256 * page_size},
                                               {258 * page_size, 256, 256 * page_size},
                                               {514 * page_size, 88, 88 * page_size}});
    for (std::uint32_t id = 2; id < 602; ++id) REQUIRE(holds(f.on_device(id), id, 1));
}

TEST_CASE("small gaps that nobody needs are written over, others are left alone") {
    fixture f(0, 1 << 20);
    for (const std::uint32_t id : {10U, 12U, 21U, 31U, 41U, 43U, 45U, 46U})
        fill(f.pages.create(page_id{id}), id, 1);
    // 11 is spare; so are 13 to 20, the widest gap; 22 to 30 are too many; 42 is not spare, nor is
    // one of 32 to 40.
    std::vector<std::uint32_t> asked;
    const auto done = f.pages.write_back([&](page_id id) {
        asked.push_back(quire::to_integer(id));
        return id != page_id{42} && id != page_id{35};
    });
    REQUIRE(done.status.ok());
    using call = recording_device::write_call;
    CHECK(f.device.writes == std::vector<call>{{10 * page_size, 12, 12 * page_size},
                                               {31 * page_size, 1, page_size},
                                               {41 * page_size, 1, page_size},
                                               {43 * page_size, 4, 4 * page_size}});
    CHECK(done.pages == 8); // what was in the gaps is not vouched for
    CHECK(f.counters.pages_written.value() == 18);
    for (const std::uint32_t id : {10U, 12U, 21U, 31U, 41U, 43U, 45U, 46U})
        CHECK(holds(f.on_device(id), id, 1));
    for (const std::uint32_t id : {11U, 13U, 20U, 44U})
        for (std::size_t i = 0; i < page_size; ++i) REQUIRE(f.on_device(id)[i] == std::byte{0});
    for (const std::uint32_t id : asked)
        CHECK(f.pages.peek(ref(id)) == nullptr); // only pages without a dirty frame are asked about
}

TEST_CASE("the medium is set to work while a long row is written") {
    fixture f(0, std::uint64_t{12} << 20);
    constexpr std::uint64_t step = std::uint64_t{8} << 20;
    constexpr auto pages = static_cast<std::uint32_t>(step / page_size) + 700;
    for (std::uint32_t id = 2; id < 2 + pages; ++id) fill(f.pages.create(page_id{id}), id, 1);
    REQUIRE(f.pages.write_back().status.ok());
    using range = std::pair<std::uint64_t, std::uint64_t>;
    CHECK(f.device.started == std::vector<range>{{2 * page_size, step}});
    fill(f.pages.create(page_id{5}), 5, 2);
    REQUIRE(f.pages.write_back().status.ok());
    CHECK(f.device.started.size() == 1); // not for a little
}

TEST_CASE("after a failed write the pages are still dirty and can be written") {
    fixture f(1000);
    for (const std::uint32_t id : {3U, 5U, 7U}) fill(f.pages.create(page_id{id}), id, 9);
    f.device.write_fails_with = ENOSPC;
    f.device.writes_before_failure = 1;
    const auto failed = f.pages.write_back();
    CHECK(failed.status.number == ENOSPC);
    CHECK(f.pages.dirty_pages() == 3);
    f.churn(100, 500);
    f.device.write_fails_with = 0;
    f.device.writes.clear();
    const auto done = f.pages.write_back();
    CHECK(done.status.ok());
    CHECK(done.pages == 3);
    CHECK(f.device.writes.size() == 3);
    CHECK(f.pages.dirty_pages() == 0);
    for (const std::uint32_t id : {3U, 5U, 7U}) CHECK(holds(f.on_device(id), id, 9));
}

TEST_CASE("a page written early and changed again is written again") {
    fixture f(1000);
    fill(f.pages.create(page_id{3}), 3, 1);
    fill(f.pages.create(page_id{4}), 4, 1);
    REQUIRE(f.pages.write_back().pages == 2);
    f.operate([&] {
        auto* const page = const_cast<std::byte*>(f.pages.fetch(ref(3), any));
        std::byte* const own = f.pages.writable(ref(3), page);
        CHECK(own == page);
        CHECK(f.pages.writable(ref(3), own) == own); // twice is once
        fill(own, 3, 2);
    });
    CHECK(f.pages.dirty_pages() == 1);
    f.churn(100, 500);
    CHECK(holds(f.fetch(3), 3, 2));
    CHECK(f.pages.write_back().pages == 1);
    CHECK(holds(f.on_device(3), 3, 2));
    CHECK(holds(f.on_device(4), 4, 1));
}

TEST_CASE("a new page takes over the frame of a clean one, which can be read again") {
    fixture f(1000);
    const epoch::guard in(f.in_flight);
    const std::byte* const old = f.pages.fetch(ref(3), any);
    std::byte* const fresh = f.pages.take_over(old, page_id{700});
    REQUIRE(fresh == old);
    CHECK(holds(fresh, 3, 0));
    CHECK(f.pages.dirty_pages() == 1);
    fill(fresh, 700, 1);
    CHECK(f.pages.fetch(ref(700), any) == fresh);
    const std::byte* const again = f.pages.fetch(ref(3), any);
    CHECK(again != fresh);
    CHECK(holds(again, 3, 0));
    CHECK(f.reads_of(3) == 2);
    CHECK(f.pages.write_back().pages == 1);
    CHECK(holds(f.on_device(700), 700, 1));
    CHECK(holds(f.on_device(3), 3, 0));
}

TEST_CASE("a frame that somebody may be looking at is not taken over") {
    fixture f(1000);
    const epoch::guard in(f.in_flight);
    const std::byte* const old = f.pages.fetch(ref(3), any);
    const auto refused = [&](const std::byte* page, std::uint32_t to) {
        const std::size_t dirty = f.pages.dirty_pages();
        CHECK(f.pages.take_over(page, page_id{to}) == nullptr);
        CHECK(f.pages.dirty_pages() == dirty);
        CHECK(f.pages.fetch(ref(3), any) == old);
        CHECK(holds(old, 3, 0));
    };
    {
        const epoch::guard reader(f.in_flight);
        refused(old, 700);
    }
    f.pages.pin(old);
    refused(old, 700);
    f.pages.unpin(old);
    // A page that is not yet written, and bytes that are in no frame.
    std::byte* const dirty = f.pages.create(page_id{5});
    fill(dirty, 5, 0);
    refused(dirty, 702);
    page_bytes elsewhere;
    refused(elsewhere.data(), 702);
    CHECK(f.reads_of(3) == 1);
    // What an earlier page of that id left in memory does not stay.
    const std::byte* const stale = f.pages.fetch(ref(701), any);
    CHECK(f.pages.take_over(old, page_id{701}) == old);
    CHECK(f.pages.fetch(ref(701), any) == old);
    CHECK(f.pages.fetch(ref(3), any) != old);
    CHECK(stale != old);
}

TEST_CASE("a discarded page is neither written nor kept") {
    fixture f(1000);
    fill(f.pages.create(page_id{3}), 3, 1);
    fill(f.pages.create(page_id{4}), 4, 1);
    static_cast<void>(f.fetch(5));
    const std::uint32_t before = f.free_frames();
    f.pages.discard(page_id{3});
    f.pages.discard(page_id{5});
    f.pages.discard(page_id{6}); // is not here
    CHECK(f.free_frames() == before + 2);
    CHECK(f.pages.dirty_pages() == 1);
    // The frame of page 3 is used again, clean and dirty, before anything is written.
    static_cast<void>(f.fetch(7));
    fill(f.pages.create(page_id{8}), 8, 1);
    CHECK(f.pages.dirty_pages() == 2);
    CHECK(f.pages.write_back().pages == 2);
    CHECK(f.device.writes.size() == 2);
    CHECK(holds(f.fetch(3), 3, 0)); // from the device
    static_cast<void>(f.fetch(5));
    CHECK(f.reads_of(5) == 2);
    CHECK(holds(f.on_device(4), 4, 1));
    CHECK(holds(f.on_device(8), 8, 1));
}

TEST_CASE("a discarded page that is pinned stays readable until it is unpinned") {
    fixture f(1000);
    std::byte* const page = f.pages.create(page_id{3});
    fill(page, 3, 1);
    f.pages.pin(page);
    f.pages.discard(page_id{3});
    CHECK(f.pages.dirty_pages() == 0);
    f.churn(100, 500);
    CHECK(holds(page, 3, 1));
    CHECK(holds(f.fetch(3), 3, 0));
    CHECK(f.pages.write_back().pages == 0);
    f.pages.unpin(page);
    f.pages.ensure_frames(f.pages.frames());
}

TEST_CASE("an id that is used again takes over the frame of the page before") {
    fixture f(1000);
    const std::byte* const old = f.fetch(3);
    const std::uint32_t before = f.free_frames();
    std::byte* const fresh = f.pages.create(page_id{3});
    CHECK(fresh == old);
    CHECK(f.free_frames() == before);
    fill(fresh, 3, 1);
    CHECK(f.pages.create(page_id{3}) == fresh); // given up and allocated again
    CHECK(f.pages.dirty_pages() == 1);
    CHECK(f.pages.write_back().pages == 1);
}

TEST_CASE("an id that is used again leaves a pinned page of its past alone") {
    fixture f(1000);
    const std::byte* old = nullptr;
    f.operate([&] {
        old = f.pages.fetch(ref(3), any);
        f.pages.pin(old);
    });
    std::byte* const fresh = f.pages.create(page_id{3});
    REQUIRE(fresh != old);
    fill(fresh, 3, 1);
    CHECK(holds(old, 3, 0));
    CHECK(f.fetch(3) == fresh);
    f.churn(100, 500);
    CHECK(holds(old, 3, 0));
    f.pages.unpin(old);
    REQUIRE(f.pages.write_back().pages == 1);
    f.pages.ensure_frames(f.pages.frames());
    CHECK(f.pages.resident_bytes() == 0);
}

TEST_CASE("pages of the writer are not evicted, and nothing is written before write_back") {
    fixture f(1000);
    std::vector<std::byte*> dirty;
    for (std::uint32_t id = 0; id < 100; ++id) {
        f.for_writer(1);
        dirty.push_back(f.pages.create(page_id{id}));
        fill(dirty.back(), id, 50);
    }
    CHECK(f.pages.dirty_pages() == 100);
    f.churn(100, 600);
    for (std::uint32_t id = 0; id < 100; ++id) {
        REQUIRE(f.fetch(id) == dirty[id]);
        REQUIRE(holds(dirty[id], id, 50));
    }
    CHECK(f.device.writes.empty());
    CHECK_THROWS_AS(f.pages.ensure_frames(f.pages.frames() - 99), out_of_frames);
    f.pages.ensure_frames(f.pages.frames() - 100);
    const auto done = f.pages.write_back();
    CHECK(done.status.ok());
    CHECK(done.pages == 100);
    f.pages.ensure_frames(f.pages.frames()); // they are clean now
    CHECK(f.pages.resident_bytes() == 0);
    for (std::uint32_t id = 0; id < 100; ++id) REQUIRE(holds(f.fetch(id), id, 50));
}

TEST_CASE("a page evicted between its reading and its change gets another frame") {
    fixture f(1000);
    fill(f.pages.create(page_id{3}), 3, 1);
    REQUIRE(f.pages.write_back().pages == 1);
    for (std::uint32_t id = 50; id < 58; ++id) fill(f.pages.create(page_id{id}), id, 1);
    f.operate([&] {
        auto* const page = const_cast<std::byte*>(f.pages.fetch(ref(3), any));
        for (std::uint32_t id = 100; id < 1000; ++id) {
            try {
                static_cast<void>(f.pages.fetch(ref(id), any));
            } catch (const out_of_frames&) {
            }
        }
        // The operation has frames of its own.
        for (std::uint32_t id = 50; id < 58; ++id) f.pages.discard(page_id{id});
        REQUIRE(f.free_frames() == 8);
        std::byte* const own = f.pages.writable(ref(3), page);
        CHECK(own != page);
        CHECK(holds(own, 3, 1));
        CHECK(f.pages.fetch(ref(3), any) == own);
        fill(own, 3, 2);
    });
    CHECK(f.pages.dirty_pages() == 1);
    f.churn(100, 500);
    CHECK(holds(f.fetch(3), 3, 2));
    CHECK(f.pages.write_back().pages == 1);
    CHECK(holds(f.on_device(3), 3, 2));
}

TEST_CASE("of two copies of an evicted page, the one that is changed is the one that counts") {
    fixture f(1000);
    fill(f.pages.create(page_id{3}), 3, 1);
    REQUIRE(f.pages.write_back().pages == 1);
    for (std::uint32_t id = 50; id < 58; ++id) fill(f.pages.create(page_id{id}), id, 1);
    f.operate([&] {
        auto* const page = const_cast<std::byte*>(f.pages.fetch(ref(3), any));
        for (std::uint32_t id = 100; id < 1000; ++id) {
            try {
                static_cast<void>(f.pages.fetch(ref(id), any));
            } catch (const out_of_frames&) {
            }
        }
        for (std::uint32_t id = 50; id < 58; ++id) f.pages.discard(page_id{id});
        CHECK(f.pages.fetch(ref(3), any) != page); // a second copy, of the same bytes
        fill(f.pages.writable(ref(3), page), 3, 2);
    });
    f.churn(100, 500);
    CHECK(holds(f.fetch(3), 3, 2));
    CHECK(f.pages.write_back().pages == 1);
    CHECK(holds(f.on_device(3), 3, 2));
    f.pages.ensure_frames(f.pages.frames());
}
