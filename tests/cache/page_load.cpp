// Pages coming in, checked, and leaving when there is no room.
#include <quire/cache/page_load.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "page_cache_fixture.hpp"
#include "replacement/archetypes.hpp"

using namespace quire_test;

TEST_CASE("a page that is not what was written is refused, and the field is named") {
    fixture f(10);
    struct damage {
        std::size_t at;
        const char* field;
        bool sealed; // the checksum is made to fit
    };
    for (const damage d : {damage{100, "checksum", false}, damage{0, "checksum", false},
                           damage{511, "checksum", false}, damage{8, "page_id", true},
                           damage{16, "birth", true}, damage{19, "birth", true}}) {
        CAPTURE(d.at);
        CAPTURE(d.field);
        f.put(4, 0);
        f.on_device(4)[d.at] ^= std::byte{0x40};
        if (d.sealed) format::seal({f.on_device(4), page_size});
        const auto e = refused<corruption>(f, ref(4));
        CHECK(e.code() == error_code::corruption);
        CHECK(e.field() == d.field);
        CHECK(e.page() == page_id{4});
        CHECK(e.path() == f.path);
        CHECK(e.found() != e.expected());
        CHECK(f.pages.resident_bytes() == 0); // the frame is free again
    }
    // The reference decides which birth is right.
    f.put(4, 0);
    const auto e = refused<corruption>(f, {page_id{4}, 6});
    CHECK(e.field() == "birth");
    CHECK(e.found() == "7");
    CHECK(e.expected() == "6");
    // Mended, it is read.
    CHECK(holds(f.fetch(4), 4, 0));
}

TEST_CASE("a zeroed page is no page, whatever its checksum") {
    fixture f(10);
    std::memset(f.on_device(3), 0, page_size);
    CHECK(refused<corruption>(f, ref(3)).field() == "kind");
    format::seal({f.on_device(3), page_size});
    CHECK(refused<corruption>(f, ref(3)).field() == "kind");
}

TEST_CASE("the layout has the last word on a page, once") {
    fixture f(10);
    static int asked = 0;
    const auto strict = [](const std::byte* page) noexcept -> const char* {
        ++asked;
        return format::id_of(page) == page_id{2} ? "two is not allowed" : nullptr;
    };
    const epoch::guard in(f.in_flight);
    try {
        static_cast<void>(f.pages.fetch(ref(2), strict));
        FAIL("the page was accepted");
    } catch (const corruption& e) {
        CHECK(std::string(e.what()).find("two is not allowed") != std::string::npos);
        CHECK(e.page() == page_id{2});
    }
    CHECK(f.pages.resident_bytes() == 0);
    static_cast<void>(f.pages.fetch(ref(3), strict));
    static_cast<void>(f.pages.fetch(ref(3), strict));
    CHECK(asked == 2);
}

TEST_CASE("the end of the file and errors of the medium are told apart") {
    fixture f(10);
    const auto behind = refused<corruption>(f, ref(10));
    CHECK(behind.page() == page_id{10});
    CHECK(std::string(behind.what()).find("file ends") != std::string::npos);
    f.device.bytes.resize(9 * page_size + 511);
    CHECK(refused<corruption>(f, ref(9)).page() == page_id{9});

    f.device.read_fails_with = EIO;
    try {
        static_cast<void>(f.fetch(5));
        FAIL("the error was not seen");
    } catch (const io_error& e) {
        CHECK(e.number() == EIO);
        CHECK(e.page() == page_id{5});
        CHECK(e.path() == f.path);
    }
    CHECK(f.pages.resident_bytes() == 0);
    f.device.read_fails_with = 0;
    CHECK(holds(f.fetch(5), 5, 0));
}

TEST_CASE_TEMPLATE("more pages than frames: each is right, memory stays bounded", Replacement,
                   replacement::clock, quire_test::anywhere) {
    fixture<Replacement> f(1000);
    std::mt19937_64 random(7);
    for (int i = 0; i < 5000; ++i) {
        const auto id = static_cast<std::uint32_t>(random() % 1000);
        const bool right = f.operate([&] { return holds(f.pages.fetch(ref(id), any), id, 0); });
        REQUIRE(right);
        REQUIRE(f.pages.resident_bytes() <= f.pages.frames() * page_size);
    }
    CHECK(f.device.reads.size() > 3000);
    CHECK(f.device.reads.size() < 5000);
}

namespace {

// Gives up whatever can be given up, used or not.
struct first_in : replacement::policy_base {
    [[maybe_unused]] static constexpr std::string_view name = "first in";
    std::uint32_t frames = 0;
    std::uint32_t hand = 0;
    void reset(std::uint32_t n, std::uint32_t) noexcept { frames = n; }
    template <class Frames>
    std::uint32_t victim(Frames&& pool) noexcept {
        for (std::uint32_t looked = 0; looked < frames; ++looked)
            if (const std::uint32_t f = hand++ % frames; pool.take(f)) return f;
        return replacement::no_frame;
    }
};

// Reads of 40 pages that are used all the time, while every other page is used once.
template <class Replacement>
std::size_t reads_of_used_pages() {
    fixture<Replacement> f(2000);
    for (std::uint32_t id = 40; id < 2000; ++id) {
        for (std::uint32_t hot = 0; hot < 40; ++hot) REQUIRE(holds(f.fetch(hot), hot, 0));
        REQUIRE(holds(f.fetch(id), id, 0));
    }
    std::size_t reads = 0;
    for (std::uint32_t hot = 0; hot < 40; ++hot) reads += f.reads_of(hot);
    return reads;
}

} // namespace

TEST_CASE("the clock keeps pages that are used again and again") {
    const std::size_t without = reads_of_used_pages<first_in>();
    const std::size_t with = reads_of_used_pages<replacement::clock>();
    CAPTURE(without);
    CAPTURE(with);
    CHECK(with * 2 < without);
}

TEST_CASE("within one operation no page it has fetched is taken away") {
    fixture f(1000);
    f.churn(500, 700);
    std::vector<const std::byte*> seen;
    try {
        const epoch::guard in(f.in_flight);
        for (std::uint32_t id = 0; id < 1000; ++id) {
            seen.push_back(f.pages.fetch(ref(id), any));
            for (std::uint32_t n = 0; n < seen.size(); ++n) REQUIRE(holds(seen[n], n, 0));
        }
        FAIL("more pages than frames");
    } catch (const out_of_frames&) {
    }
    f.pages.ensure_frames(f.pages.frames());
    CHECK(f.pages.resident_bytes() == 0);
}

TEST_CASE("a page evicted under an operation that then pins it lives on as an orphan") {
    fixture f(1000);
    const std::byte* page = nullptr;
    {
        const epoch::guard in(f.in_flight);
        page = f.pages.fetch(ref(3), any);
        // Other operations read until that page has left.
        for (std::uint32_t id = 100; id < 1000; ++id) {
            try {
                static_cast<void>(f.pages.fetch(ref(id), any));
            } catch (const out_of_frames&) {
            }
        }
        f.pages.pin(page);
    }
    f.churn(100, 500);
    CHECK(holds(page, 3, 0));
    const std::byte* const second = f.fetch(3);
    CHECK(second != page);
    CHECK(f.reads_of(3) == 2);
    CHECK(holds(second, 3, 0));
    f.churn(100, 500);
    CHECK(holds(page, 3, 0));
    CHECK_THROWS_AS(f.pages.ensure_frames(f.pages.frames()), out_of_frames);
    f.pages.unpin(page);
    f.pages.ensure_frames(f.pages.frames());
    CHECK(f.pages.resident_bytes() == 0);
}

namespace {

std::vector<page_ref> refs_from(std::uint32_t first, std::uint32_t n) {
    std::vector<page_ref> refs;
    for (std::uint32_t i = 0; i < n; ++i) refs.push_back(ref(first + i));
    return refs;
}

} // namespace

TEST_CASE("what is expected is asked of the medium, neighbours together") {
    fixture f(100);
    static_cast<void>(f.fetch(12));
    std::vector<page_ref> refs = refs_from(10, 5); // 12 is in memory
    refs.push_back(ref(40));
    refs.push_back(ref(41));
    f.pages.expect(refs);
    using asked = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
    const asked right{{10 * page_size, 2 * page_size},
                      {13 * page_size, 2 * page_size},
                      {40 * page_size, 2 * page_size}};
    CHECK(f.device.expected == right);
    f.device.expected.clear();
    f.pages.expect(refs_from(50, 40));
    f.pages.expect(refs_from(50, 40), 16); // the rest is left to the kernel
    CHECK(f.device.expected == asked{{50 * page_size, 40 * page_size},
                                     {50 * page_size, 16 * page_size}});
    f.pages.expect({});
    CHECK(f.device.reads.size() == 1);
}

TEST_CASE("neighbours are read together, as far as they are what they should be") {
    fixture f(100);
    const auto together = [&](std::uint32_t first, std::uint32_t n) {
        f.operate([&] { f.pages.read_together(refs_from(first, n), any); });
    };
    const auto reads = [&] { return f.counters.pages_read.value(); };
    together(10, 4);
    CHECK(f.device.scattered.size() == 1);
    CHECK(reads() == 4);
    for (std::uint32_t id = 10; id < 14; ++id) CHECK(holds(f.fetch(id), id, 0));
    CHECK(f.device.reads.empty());
    together(8, 4); // up to what is there
    CHECK(reads() == 6);
    together(10, 4);
    CHECK(f.device.scattered.size() == 2);
    f.on_device(22)[100] ^= std::byte{1};
    together(20, 5);
    CHECK(reads() == 10);
    CHECK(refused<corruption>(f, ref(22)).field() == "checksum");
    CHECK(holds(f.fetch(24), 24, 0));
    f.device.scatter_limit = 2 * page_size;
    together(30, 5);
    CHECK(reads() == 10 + 1 + 2); // the damaged page was read once more
    f.device.read_fails_with = EIO;
    together(40, 3);
    f.device.read_fails_with = 0;
    together(98, 4); // the file ends
    CHECK(reads() == 13 + 2);
    CHECK(refused<corruption>(f, ref(100)).page() == page_id{100});
    const std::size_t resident = f.pages.resident_bytes();
    f.pages.ensure_frames(f.pages.frames());
    CHECK(f.pages.resident_bytes() == 0); // every frame came back
    CHECK(resident == (4 + 2 + 4 + 2 + 2) * page_size);
}

TEST_CASE("reading together takes only free frames, and leaves some to others") {
    fixture f(1000);
    std::vector<const std::byte*> pinned;
    while (f.free_frames() > 5 + f.pages.spare_frames() / 2) {
        const epoch::guard in(f.in_flight);
        pinned.push_back(f.pages.fetch(ref(static_cast<std::uint32_t>(pinned.size())), any));
        f.pages.pin(pinned.back());
    }
    {
        const epoch::guard in(f.in_flight);
        f.pages.read_together(refs_from(500, 16), any);
    }
    CHECK(f.device.scattered.back().second == 5);
    CHECK(holds(f.fetch(504), 504, 0));
    CHECK(f.reads_of(504) == 0);
    for (const std::byte* page : pinned) f.pages.unpin(page);
}

TEST_CASE("when everything is pinned the cache says so") {
    fixture f(1000);
    std::vector<const std::byte*> pinned;
    while (f.free_frames() != 0) {
        const epoch::guard in(f.in_flight);
        pinned.push_back(f.pages.fetch(ref(static_cast<std::uint32_t>(pinned.size())), any));
        f.pages.pin(pinned.back());
    }
    CHECK(pinned.size() == f.pages.frames());
    CHECK(f.free_frames() == 0);
    CHECK_THROWS_AS(f.pages.ensure_frames(1), out_of_frames);
    {
        const epoch::guard in(f.in_flight);
        CHECK_THROWS_AS(static_cast<void>(f.pages.fetch(ref(999), any)), out_of_frames);
        CHECK(f.pages.fetch(ref(0), any) == pinned[0]);
    }
    f.pages.unpin(pinned[0]);
    f.pages.ensure_frames(1);
    CHECK(f.free_frames() == 1);
    CHECK(holds(f.fetch(999), 999, 0));
    for (std::size_t i = 1; i < pinned.size(); ++i) f.pages.unpin(pinned[i]);
}

namespace {

// Says when somebody asks whether operations have ended.
struct watched_epoch : epoch {
    mutable std::atomic<bool> asked{false};
    [[nodiscard]] bool passed(cache::epoch_stamp stamp) const noexcept {
        const bool answer = epoch::passed(stamp);
        if (!answer) asked = true;
        return answer;
    }
};

} // namespace

TEST_CASE("who waits for an operation to end lets it read what it needs to end") {
    fixture pages_on_device(1000);
    watched_epoch in_flight;
    io_counters counters;
    const std::string path;
    cache::page_cache<recording_device, replacement::clock, page_size, watched_epoch> pages(
        pages_on_device.device, in_flight, counters, path, 140 << 10);
    for (std::uint32_t id = 0; id < pages.frames(); ++id) {
        const epoch::guard in(in_flight);
        static_cast<void>(pages.fetch(ref(id), any));
    }
    std::atomic<bool> began{false};
    std::jthread reader{[&] {
        const epoch::guard in(in_flight);
        static_cast<void>(pages.fetch(ref(3), any));
        began = true;
        while (!in_flight.asked) std::this_thread::yield();
        try {
            static_cast<void>(pages.fetch(ref(999), any)); // not in memory
        } catch (const out_of_frames&) {
        }
    }};
    while (!began) std::this_thread::yield();
    bool found = false;
    try {
        pages.ensure_frames(100);
        found = true;
    } catch (const out_of_frames&) {
    }
    CHECK(found);
}

TEST_CASE("operations of several threads under eviction") {
    constexpr std::uint32_t on_device = 600;
    constexpr std::uint64_t seed = 31;
    CAPTURE(seed);
    fixture f(on_device);
    std::atomic<std::uint64_t> wrong{0};
    const auto read = [&](std::uint64_t mine) {
        std::mt19937_64 random(seed + mine);
        std::vector<std::pair<std::uint32_t, const std::byte*>> pinned;
        for (int i = 0; i < 6000; ++i) {
            const auto id = static_cast<std::uint32_t>(random() % on_device);
            const auto hot = static_cast<std::uint32_t>(random() % 10);
            f.operate([&] {
                const std::byte* const first = f.pages.fetch(ref(hot), any);
                const std::byte* const second = f.pages.fetch(ref(id), any);
                if (!holds(first, hot, 0) || !holds(second, id, 0)) ++wrong;
                if (random() % 4 == 0) {
                    f.pages.pin(second);
                    pinned.emplace_back(id, second);
                }
            });
            if (pinned.size() == 20) {
                for (const auto& [n, page] : pinned) {
                    if (!holds(page, n, 0)) ++wrong;
                    f.pages.unpin(page);
                }
                pinned.clear();
            }
        }
        for (const auto& [n, page] : pinned) f.pages.unpin(page);
    };
    std::vector<std::jthread> readers;
    for (std::uint64_t t = 0; t < 3; ++t) readers.emplace_back(read, t);
    // The writer makes pages that no reader knows, and writes them.
    for (std::uint32_t round = 0; round < 200; ++round) {
        f.for_writer(16);
        for (std::uint32_t n = 0; n < 8; ++n)
            fill(f.pages.create(page_id{on_device + n}), on_device + n, round);
        f.pages.discard(page_id{on_device + 7});
        if (f.pages.write_back().pages != 7) ++wrong;
    }
    for (std::jthread& reader : readers) reader.join();
    CHECK(wrong == 0);
    CHECK_NOTHROW(f.pages.ensure_frames(f.pages.frames() - 16)); // nothing is left in limbo
}
