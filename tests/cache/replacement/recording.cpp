// A policy that notes what it is asked for.
#include <quire/cache/replacement/recording.hpp>

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/cache/replacement/check.hpp>

#include "../page_cache_fixture.hpp"
#include "agreement.hpp"

using namespace quire;
using namespace quire_test;
using replacement::arrival;
using replacement::recording;
using replacement::trace;

namespace {

std::vector<std::uint32_t> kept(const trace& of) { return {of.pages().begin(), of.pages().end()}; }

// A name for a file, which is removed in the end.
struct temporary {
    std::string path =
        (std::filesystem::temp_directory_path() / ("quire-recording-" + std::to_string(::getpid())))
            .string();
    ~temporary() { std::remove(path.c_str()); }
    [[nodiscard]] std::string bytes() const {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
};

// Reads pages as the numbers of a short random sequence say.
template <class Fixture>
std::vector<std::uint32_t> read_at_random(Fixture& f, std::size_t requests) {
    std::vector<std::uint32_t> asked = traces::zipf(requests, 900, 0.9, 7);
    for (const std::uint32_t id : asked) REQUIRE(holds(f.fetch(id), id, 0));
    return asked;
}

} // namespace

TEST_CASE_TEMPLATE("recording keeps the laws and chooses as its policy does", Policy,
                   replacement::clock, replacement::fifo, replacement::random, replacement::lru,
                   replacement::sieve, replacement::lru_k<2>, replacement::two_queue,
                   replacement::arc, replacement::s3_fifo) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
        CHECK(replacement::broken_law<recording<Policy>>(seed) == "");
    agrees_with<recording<Policy>>([](const std::vector<std::uint32_t>& pages, std::size_t frames) {
        return replacement::simulate<Policy>(pages, 2'000'000, static_cast<std::uint32_t>(frames));
    });
}

TEST_CASE("a trace is what the policy was asked for, in order") {
    const std::vector<std::uint32_t> asked = traces::zipf(5'000, 300, 0.9, 1);
    trace noted;
    CHECK(replacement::simulate<recording<>>(asked, 301, 40) ==
          replacement::simulate<replacement::clock>(asked, 301, 40));
    CHECK(noted.size() == asked.size());
    noted.stop();
    noted.stop();
    CHECK(kept(noted) == asked);
}

TEST_CASE_TEMPLATE("a cache with recording reads what it reads without", Policy, replacement::clock,
                   replacement::sieve, replacement::lru, replacement::s3_fifo) {
    fixture<Policy> plain(1000);
    // As many frames, with what notes of hits and of frames cost.
    constexpr std::uint64_t hits = Policy::wants_hits ? 0 : 64 * 256;
    const std::uint64_t more = 5 * std::uint64_t{plain.pages.frames() + 1};
    fixture<recording<Policy>> noting(1000, (140 << 10) + hits + more);
    REQUIRE(plain.pages.frames() == noting.pages.frames());
    trace noted;
    const auto asked = read_at_random(noting, 10'000);
    noted.stop();
    // The last hits have not been handed over.
    REQUIRE(noted.size() <= asked.size());
    REQUIRE(noted.size() + 61 >= asked.size());
    CHECK(kept(noted) == std::vector<std::uint32_t>(
                             asked.begin(), asked.begin() + static_cast<long>(noted.size())));
    static_cast<void>(read_at_random(plain, 10'000));
    CHECK(plain.device.reads == noting.device.reads);
}

TEST_CASE("nothing is noted without a trace, nor before and after it") {
    recording<> policy;
    policy.reset(4, 4);
    policy.on_load(0, page_id{7}, arrival::wanted);
    {
        trace noted;
        policy.on_hit(0);
        policy.on_leave(0);
        policy.on_hit(0); // gone meanwhile
        CHECK(noted.size() == 1);
    }
    policy.on_load(0, page_id{8}, arrival::wanted);
    trace noted;
    CHECK(noted.size() == 0);
}

TEST_CASE("pages of several caches stay apart") {
    recording<> first;
    recording<replacement::lru> second;
    recording<> third;
    first.reset(4, 4);
    second.reset(4, 4);
    third.reset(4, 4);
    trace noted;
    first.on_load(0, page_id{5}, arrival::wanted);
    second.on_load(0, page_id{5}, arrival::wanted);
    third.on_load(0, page_id{5}, arrival::wanted);
    first.on_hit(0);
    second.on_hit(0);
    noted.stop();
    CHECK(kept(noted) == std::vector<std::uint32_t>{5, 0x8000'0005, 0x4000'0005, 5, 0x8000'0005});
}

TEST_CASE("caches of several threads note at once") {
    constexpr std::uint32_t requests = 20'000;
    trace noted;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([] {
            recording<> policy;
            policy.reset(1, 1);
            for (std::uint32_t n = 1; n <= requests; ++n)
                policy.on_load(0, page_id{n}, arrival::wanted);
        });
    for (std::thread& each : threads) each.join();
    noted.stop();
    std::vector<std::uint32_t> seen(4, 0); // of each cache, in its order
    for (const std::uint32_t id : noted.pages()) CHECK(++seen[id >> 30] == (id & 0xFFFF'FFFU));
    CHECK(seen == std::vector<std::uint32_t>(4, requests));
}

TEST_CASE("a trace in a file: eight bytes, then ids") {
    const temporary file;
    recording<> policy;
    policy.reset(4, 4);
    {
        trace noted{file.path};
        policy.on_load(1, page_id{0x01020304}, arrival::wanted);
        policy.on_hit(1);
        policy.on_load(2, page_id{9}, arrival::once);
    }
    CHECK(file.bytes() == std::string("quiretrc\4\3\2\1\4\3\2\1\t\0\0\0", 20));
    {
        trace longer{file.path};
        for (std::uint32_t n = 1; n <= 40'000; ++n) policy.on_load(0, page_id{n}, arrival::wanted);
        CHECK(longer.size() == 40'000);
        longer.stop();
    }
    const std::string bytes = file.bytes();
    REQUIRE(bytes.size() == 8 + 4 * 40'000);
    CHECK(bytes.substr(bytes.size() - 4) == std::string("\x40\x9C\0\0", 4));
}

TEST_CASE("a program records itself") {
    const temporary file;
    const std::string store = file.path + ".quire";
    const std::string traced = file.path;
    {
        // docs:record
        using map = quire::btree_map<std::uint64_t, std::string, quire::replacement::recording<>>;
        map orders{store};
        {
            quire::replacement::trace trace{traced};
            for (std::uint64_t id = 0; id < 100; ++id) orders.insert_or_assign(id, "order");
            orders.checkpoint(); // until then no policy may choose the changed pages
            for (std::uint64_t id = 0; id < 100; ++id)
                if (!orders.contains(id)) return;
            trace.stop(); // or its destructor, which does not say when writing has failed
        }
        // docs:end
        CHECK(orders.size() == 100);
    }
    std::remove(store.c_str());
    const std::string bytes = file.bytes();
    CHECK(bytes.substr(0, 8) == trace::magic);
    // The page that each lookup reads; hits are told in batches, the last of which may be short.
    CHECK(bytes.size() >= 8 + 4 * 60);
}

TEST_CASE("a trace that cannot be written says so") {
    CHECK_THROWS_AS(trace{"/no/such/directory/trace"}, io_error);
    if (!std::filesystem::exists("/dev/full")) return;
    trace noted{"/dev/full"};
    recording<> policy;
    policy.reset(1, 1);
    policy.on_load(0, page_id{1}, arrival::wanted);
    CHECK_THROWS_AS(noted.stop(), io_error);
}
