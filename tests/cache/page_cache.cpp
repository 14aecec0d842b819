// The face of the page cache: frames, hits, pins, and runs that pass it by.
#include <quire/cache/page_cache.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "page_cache_fixture.hpp"

using namespace quire_test;

TEST_CASE("a page is read once and then found") {
    fixture f(10, 0);
    CHECK(f.pages.frames() == decltype(f.pages)::fewest_frames);
    CHECK(f.pages.resident_bytes() == 0);
    const epoch::guard in(f.in_flight);
    const std::byte* const page = f.pages.fetch(ref(7), any);
    CHECK(holds(page, 7, 0));
    CHECK(f.pages.fetch(ref(7), any) == page);
    CHECK(f.device.reads == std::vector<std::uint64_t>{7 * page_size});
    CHECK(f.counters.pages_read.value() == 1);
    CHECK(f.counters.bytes_read.value() == page_size);
    CHECK(f.pages.resident_bytes() == page_size);
    CHECK(f.pages.fetch(ref(8), any) != page);
    CHECK(f.device.writes.empty());
}

TEST_CASE("a budget becomes frames, their bookkeeping included") {
    fixture f(1, 1 << 20);
    CHECK(f.pages.frames() * page_size < 1 << 20);
    CHECK(f.pages.frames() * page_size > (1 << 20) * 9 / 10);
}

TEST_CASE("what is reserved and what may be dirty leave room for readers") {
    fixture small(100, 0);
    REQUIRE(small.pages.frames() == 60);
    CHECK(small.pages.most_dirty(0) == 21); // three eighths
    CHECK(small.pages.most_dirty(23) == 21);
    CHECK(small.pages.most_dirty(30) == 60 - 30 - 16);
    CHECK(small.pages.most_dirty(60) == 0);
    small.pages.reserve_frames(40); // and it stays, whatever is wanted next
    CHECK(small.pages.most_dirty(5) == 60 - 40 - 16);
    const fixture large(100, 1 << 20);
    CHECK(large.pages.most_dirty(100) == large.pages.frames() / 8 * 3);
}

TEST_CASE("overflow runs pass the cache by") {
    fixture f(0);
    const std::vector<std::byte> value(1000, std::byte{9});
    const std::array<bytes_view, 2> parts{bytes_view(value).first(24), bytes_view(value)};
    REQUIRE(f.pages.write_run(page_id{4}, parts).ok());
    CHECK(f.device.writes.size() == 1);
    CHECK(f.counters.pages_written.value() == 2);
    CHECK(f.counters.bytes_written.value() == 1024);
    std::vector<std::byte> read(1000);
    REQUIRE(f.pages.read_run(page_id{4}, 24, read).ok());
    CHECK(read == value);
    CHECK(f.counters.bytes_read.value() == 1000);
    CHECK(f.pages.read_run(page_id{4}, 25, read).is_short());
    CHECK(f.pages.resident_bytes() == 0);
}

TEST_CASE("a pinned page stays, and can be read without an operation") {
    fixture f(1000);
    const std::byte* page = nullptr;
    f.operate([&] {
        page = f.pages.fetch(ref(3), any);
        f.pages.pin(page);
        f.pages.pin(page);
    });
    f.churn(100, 500);
    CHECK(holds(page, 3, 0));
    CHECK(f.fetch(3) == page);
    CHECK(f.reads_of(3) == 1);
    f.pages.unpin(page);
    f.churn(100, 500);
    CHECK(f.fetch(3) == page); // one pin is left
    CHECK_THROWS_AS(f.pages.ensure_frames(f.pages.frames()), out_of_frames);
    f.pages.unpin(page);
    f.pages.ensure_frames(f.pages.frames());
    CHECK(f.pages.resident_bytes() == 0);
    static_cast<void>(f.fetch(3));
    CHECK(f.reads_of(3) == 2);
}

TEST_CASE("a page lies in the frame of its own number, where it is looked for first") {
    fixture f(9000, 8 << 20);
    REQUIRE(f.pages.frames() > 9000);
    const auto at_home = [&](std::uint32_t id) {
        return f.fetch(id) == f.pages.likely_place(ref(id));
    };
    for (const std::uint32_t id : {3U, 900U, 899U, 4U, 4000U}) CHECK(at_home(id));
    // Far behind all others its frame's memory would be touched for one page alone.
    CHECK_FALSE(at_home(8500));
    CHECK(at_home(4001));

    f.for_writer(2);
    const epoch::guard in(f.in_flight);
    f.pages.admit(page_id{10});
    CHECK(f.pages.create(page_id{10}) == f.pages.likely_place(ref(10)));
    f.pages.discard(page_id{10});
    CHECK(f.pages.create(page_id{10}) == f.pages.likely_place(ref(10)));
    CHECK(f.pages.resident_bytes() == 8 * page_size);
}

TEST_CASE("each page has a frame of its own, whichever way frames were taken and given back") {
    fixture f(2000);
    std::mt19937_64 random(1);
    for (int round = 0; round < 3000; ++round) {
        // Some below the number of frames, some above, in random order.
        std::vector<const std::byte*> seen;
        const std::uint32_t first = static_cast<std::uint32_t>(random() % 1900);
        f.operate([&] {
            seen.clear();
            for (std::uint32_t i = 0; i < 8; ++i)
                seen.push_back(f.pages.fetch(ref(first + i * 7), any));
            for (std::uint32_t i = 0; i < 8; ++i) REQUIRE(holds(seen[i], first + i * 7, 0));
        });
        if (round % 16 == 0) f.pages.ensure_frames(static_cast<std::uint32_t>(random() % 200) + 1);
        if (round % 100 == 0) {
            f.pages.ensure_frames(f.pages.frames());
            REQUIRE(f.pages.resident_bytes() == 0);
        }
    }
}
