// The textbook simulators against traces worked out by hand and against the laws that relate them,
// and the traces against what they promise.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "textbook.hpp"
#include "traces.hpp"

namespace {

using namespace quire_test;
using textbook::trace_view;
using pages = std::vector<std::uint32_t>;
using simulator = std::function<std::uint64_t(trace_view, std::size_t)>;

template <std::size_t K, std::uint64_t Period>
std::uint64_t lru_k(trace_view trace, std::size_t capacity) {
    return textbook::lru_k<K>(trace, capacity, Period);
}

struct named_simulator {
    const char* name;
    simulator run;
};

// All but the optimal one.
const std::vector<named_simulator> policies{
    {"lru", textbook::lru},
    {"clock", textbook::clock},
    {"fifo", textbook::fifo},
    {"lru_k<1>", lru_k<1, 0>},
    {"lru_k<2>", lru_k<2, 0>},
    {"lru_k<2>, correlated", lru_k<2, 20>},
    {"lru_k<3>, correlated", lru_k<3, 5>},
    {"two_queue", textbook::two_queue},
    {"arc", textbook::arc},
    {"sieve", textbook::sieve},
    {"s3_fifo", textbook::s3_fifo},
};

struct named_trace {
    const char* name;
    pages trace;
};

const std::vector<named_trace>& all_traces() {
    static const std::vector<named_trace> traces{
        {"zipf 0.7", traces::zipf(20'000, 1'000, 0.7, 1)},
        {"zipf 0.99", traces::zipf(20'000, 1'000, 0.99, 2)},
        {"zipf 1.2", traces::zipf(20'000, 1'000, 1.2, 3)},
        {"uniform", traces::uniform(20'000, 500, 4)},
        {"loop", traces::loop(20'000, 300, 5)},
        {"scan over zipf", traces::scan_over_zipf(20'000, 1'000, 0.99, 200, 300, 6)},
        {"shifting hot set", traces::shifting_hot_set(20'000, 1'000, 50, 0.9, 2'000, 7)},
    };
    return traces;
}

std::size_t distinct(const pages& trace) {
    return std::set<std::uint32_t>(trace.begin(), trace.end()).size();
}

// 'h' for a hit and '.' for a miss, reference by reference. Not for the optimal one, whose past
// depends on its future.
std::string pattern(const simulator& run, const pages& trace, std::size_t capacity) {
    std::string answer;
    std::uint64_t before = 0;
    for (std::size_t n = 1; n <= trace.size(); ++n) {
        const std::uint64_t hits = run(trace_view(trace).first(n), capacity);
        answer += hits == before ? '.' : 'h';
        before = hits;
    }
    return answer;
}

// The most hits any choice of victims gives, by trying them all.
std::uint64_t best_of_all_choices(trace_view trace, std::size_t capacity,
                                  const std::set<std::uint32_t>& resident = {}) {
    if (trace.empty()) return 0;
    const std::uint32_t x = trace.front();
    const trace_view rest = trace.subspan(1);
    if (resident.count(x) != 0) return 1 + best_of_all_choices(rest, capacity, resident);
    std::set<std::uint32_t> loaded = resident;
    loaded.insert(x);
    if (resident.size() < capacity) return best_of_all_choices(rest, capacity, loaded);
    std::uint64_t best = 0;
    for (const std::uint32_t victim : resident) {
        std::set<std::uint32_t> kept = loaded;
        kept.erase(victim);
        best = std::max(best, best_of_all_choices(rest, capacity, kept));
    }
    return best;
}

pages one_to(std::uint32_t last) {
    pages trace(last);
    std::iota(trace.begin(), trace.end(), std::uint32_t{1});
    return trace;
}

// The page-reference string of the operating systems textbooks, with 8 for page 0.
const pages reference_string{7, 8, 1, 2, 8, 3, 8, 4, 2, 3, 8, 3, 2, 1, 2, 8, 1, 7, 8, 1};

} // namespace

TEST_CASE("lru by hand") {
    CHECK(pattern(textbook::lru, {1, 2, 3, 1, 4, 2, 1, 3, 4, 1}, 3) == "...h..h..h");
    CHECK(pattern(textbook::lru, {1, 1, 2, 2, 1}, 1) == ".h.h.");
    CHECK(textbook::lru(reference_string, 3) == 20 - 12);
}

TEST_CASE("fifo by hand") {
    CHECK(pattern(textbook::fifo, {1, 2, 3, 1, 4, 2, 1, 3, 4, 1, 2, 4, 3, 4}, 3) ==
          "...h.h.hhh.h..");
    CHECK(textbook::fifo(reference_string, 3) == 20 - 15);
}

TEST_CASE("fifo has Belady's anomaly: four frames miss more than three") {
    const pages trace{1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
    CHECK(textbook::fifo(trace, 3) == 12 - 9);
    CHECK(textbook::fifo(trace, 4) == 12 - 10);
}

// Frames and bits (*) after some of the misses: [1* 2* 3*], 4: [4* 2 3] hand 1, 5: [4* 2 5*] hand
// 0, 3: [4 3* 5*] hand 2, 2: [4 3 2*] hand 0, 6: [4 6* 2*] hand 2, 3: [4 6 3*] hand 0, 7: [7* 6 3*]
// hand 1.
TEST_CASE("clock by hand") {
    CHECK(pattern(textbook::clock, {1, 2, 3, 4, 2, 5, 3, 4, 2, 4, 6, 4, 3, 7, 6}, 3) ==
          "....h..h.h.h..h");
}

// The queue, head first, visited *, after each miss from the fourth: 4: [4 3 1] hand at 3, 2: [2 4
// 1] at 4, 5: [5 4 1*] none, 2: [2 4 1] none, 3: [3 2 1] at 2, 6: [6 3 2] at 2, 1: [1 6 2] at 6, 3:
// [3 1 2] at 1.
TEST_CASE("sieve by hand") {
    CHECK(pattern(textbook::sieve, {1, 2, 3, 1, 4, 2, 4, 1, 5, 4, 2, 1, 3, 2, 3, 6, 2, 1, 3, 2, 1},
                  3) == "...h..hh.h.h.hh.h..hh");
}

// Kin 1, Kout 2. A1in | A1out | Am, head first, after each miss from the fifth: 5: 5432|1|-, 6:
// 6543|21|-, 1: 654|32|1, 2: 65|43|21, 4: 6|53|412, 7: 76|53|41, 2: 27|65|41, 3: 32|76|41, 6:
// 3|27|614, 7: 3|2|761, 8: 83|2|76, 9: 98|32|76, 3: 9|82|367, 4: 49|82|36.
TEST_CASE("two_queue by hand") {
    CHECK(pattern(textbook::two_queue, {1, 2, 3, 4, 1, 5, 6, 1, 2, 1, 4, 6, 7, 2,
                                        3, 1, 6, 7, 3, 8, 3, 9, 8, 7, 6, 3, 4, 6},
                  4) == "....h....h.h...h..h.h.hhh..h");
}

// T1 | T2 | B1 | B2, p: 7: 76|21|54|-, 0; 3: 37|21|65|-; 6: 3|621|75|-, 1; 5: 3|562|7|1, 2; 8:
// 83|56|7|21; 9: 983|5|7|621; 7: 983|7|-|5621, 4; 1: 98|17|3|562, 3; 3: 98|31|-|7562, 4; 10:
// (10)98|3|-|1756; 2: 2(10)8|9|-|3175; 5: 2(10)|58|-|9317, 3; 7: 2|7(10)5|-|8931, 2; 3:
// -|37(10)5|2|891, 1; 2: -|2537|-|(10)891, 4; 10: -|(10)253|-|7891, 3.
TEST_CASE("arc by hand") {
    CHECK(pattern(textbook::arc, {1, 2,  1, 2, 3, 4, 5,  6, 7, 3, 6, 5,  8, 9, 7, 1,
                                  3, 10, 9, 2, 8, 5, 10, 7, 3, 5, 2, 10, 3, 5, 2},
                  4) == "..hh..............h.h.h..h..hhh");
}

TEST_CASE("arc does not remember what leaves a T1 of all pages") {
    CHECK(pattern(textbook::arc, {1, 2, 3, 1, 4, 1}, 2) == ".....h");
}

// p is 1 + 1, then + 3/2, then - 1 - 1: 3/2 at the second reference to 2, where T1 is {10}: it is
// left alone, which an integer p of 1 would not do.
TEST_CASE("arc adapts by fractions") {
    CHECK(pattern(textbook::arc,
                  {1, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 4, 5, 9, 10, 6, 1, 9, 2, 10, 8, 11, 9},
                  5) == "...hhh...........h.h..h");
}

// The small queue holds 1 page, the ghost queue 3 ids. S | M | ghost, :freq: 5: 543|1|2, 2:
// 54|21|3, 6: 65|21|43, 3: 6|321|54, 7: 7|321:1|654, 8: 8|..|765, 4: 4|..|876, 6: -|6321:1|487, 9:
// 9|163|487, 2: 2|163|948, 10: 10|216|948, 9: -|9 2:2 1:1 6:2|10 4 8, 11: 11|2:1 1 6:1|10 4 8, 8:
// -|8 2:1 1 6:1|11 10 4, 12: 12|6 8 2:1|11 10 4, 1: 1|..|12 11 10.
TEST_CASE("s3_fifo by hand") {
    CHECK(pattern(textbook::s3_fifo, {1, 2, 3, 4, 1,  1, 2, 5, 2, 6, 3, 1,  7, 8,  4, 6, 9, 2,
                                      2, 2, 2, 2, 10, 1, 6, 6, 2, 2, 9, 11, 8, 12, 1, 2, 8, 6},
                  4) == "....hhh....h......hhhh.hhhhh.....hhh");
}

TEST_CASE("s3_fifo keeps a page of the main queue for three rounds at most") {
    pages trace{1, 2, 1, 1, 3, 1, 1, 1, 1, 1, 2, 4, 3, 5, 4, 6};
    trace.push_back(1);
    CHECK(pattern(textbook::s3_fifo, trace, 2) == "..hh.hhhhh......h");
    trace.back() = 5;
    trace.insert(trace.end(), {7, 1});
    CHECK(pattern(textbook::s3_fifo, trace, 2) == "..hh.hhhhh.........");
}

// The ghost queue holds 3 ids: page 1 is the third or the fourth last to have left.
TEST_CASE("s3_fifo remembers as many ids as the main queue is meant to hold") {
    CHECK(pattern(textbook::s3_fifo, {1, 2, 3, 4, 5, 6, 7, 1, 8, 9, 10, 11, 1}, 4) ==
          "............h");
    CHECK(pattern(textbook::s3_fifo, {1, 2, 3, 4, 5, 6, 7, 8, 1, 9, 10, 11, 12, 1}, 4) ==
          "..............");
}

TEST_CASE("s3_fifo forgets the references made in the small queue") {
    CHECK(pattern(textbook::s3_fifo, {1, 2, 1, 1, 3, 2, 4, 1}, 2) == "..hh....");
}

// 19 reloads of ghosts empty the small queue down to page 21, one page below its size of 2: the
// main queue gives the next victim, page 1.
TEST_CASE("s3_fifo takes the victim from the small queue only if that is full") {
    pages trace = one_to(21);
    const pages reloaded = one_to(19);
    trace.insert(trace.end(), reloaded.begin(), reloaded.end());
    trace.insert(trace.end(), {22, 21, 1});
    CHECK(pattern(textbook::s3_fifo, trace, 20) == std::string(41, '.') + "h.");
}

// HIST(1), HIST(2) at some misses: time 5 evicts 2 (2, 0) before 3 (4, 0) and 1 (3, 1); time 6
// loads 2 as (6, 2); time 8 evicts 1 (3, 1) before 2 and 3 (7, 4); time 13 forgets 3, time 16
// remembers 6, and time 18 evicts 5 (17, 0), whose history of time 11 was forgotten at 16.
TEST_CASE("lru_k by hand") {
    CHECK(pattern(lru_k<2, 0>, {1, 2, 1, 3, 4, 2, 3, 4, 2, 1, 5, 6, 7, 3, 4, 6, 5, 8, 4, 6}, 3) ==
          "..h.....h.....h...hh");
    CHECK(pattern(lru_k<3, 0>, {1, 1, 1, 2, 2, 3, 1, 2, 3, 2, 1, 2, 1}, 2) == ".hh.h.h..h.hh");
}

// At time 11 the histories are 1: (7, 3), moved by the correlated reference of time 3, 2: (6, 2),
// and 3 is within its period: 2 goes. At time 13, 4 (11, 0) is within its period: 3 (8, 5) goes.
TEST_CASE("lru_k with a correlated reference period by hand") {
    CHECK(pattern(lru_k<2, 2>, {1, 2, 1, 3, 3, 2, 1, 3, 3, 3, 4, 1, 2, 4, 3, 2, 1, 3, 5, 1}, 3) ==
          "..h.hhhhhh.h.h.h.h.h");
}

TEST_CASE("lru_k evicts the page referenced longest ago if all are within their period") {
    CHECK(pattern(lru_k<2, 2>, {1, 1, 2, 3, 2, 3, 4, 3, 2, 3, 4, 3}, 2) == ".h..hh.h.h.h");
}

TEST_CASE("lru_k adds no correlation to an unknown reference") {
    CHECK(pattern(lru_k<3, 1>, {1, 1, 2, 1, 2, 3, 3, 4, 2}, 3) == ".h.hh.h.h");
}

// At time 6 the victim, 4, drives the history of 2 out before 2 asks for it, so 2 goes at time 7.
TEST_CASE("lru_k looks for a history after the eviction") {
    CHECK(pattern(lru_k<2, 0>, {1, 1, 2, 3, 4, 2, 5, 1}, 2) == ".h.....h");
}

TEST_CASE("lru_k of one reference without a period is lru") {
    for (const named_trace& each : all_traces()) {
        const pages& trace = each.trace;
        CAPTURE(each.name);
        for (const std::size_t capacity : {1U, 10U, 100U})
            CHECK(lru_k<1, 0>(trace, capacity) == textbook::lru(trace, capacity));
    }
}

TEST_CASE("optimal by hand") {
    CHECK(textbook::optimal(reference_string, 3) == 20 - 9);
    CHECK(textbook::optimal(pages{1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5}, 3) == 12 - 7);
    CHECK(textbook::optimal(pages{1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5}, 4) == 12 - 6);
    CHECK(textbook::optimal(pages{1, 2, 1}, 1) == 0);
}

TEST_CASE("optimal has the most hits of all choices of victims") {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        CAPTURE(seed);
        const pages trace = traces::uniform(14, 5, seed);
        for (const std::size_t capacity : {1U, 2U, 3U})
            CHECK(textbook::optimal(trace, capacity) == best_of_all_choices(trace, capacity));
    }
}

TEST_CASE("no policy has more hits than the optimal one") {
    for (const named_trace& each : all_traces()) {
        const pages& trace = each.trace;
        CAPTURE(each.name);
        for (const std::size_t capacity : {2U, 30U, 299U}) {
            CAPTURE(capacity);
            const std::uint64_t most = textbook::optimal(trace, capacity);
            for (const named_simulator& policy : policies) {
                CAPTURE(policy.name);
                CHECK(policy.run(trace, capacity) <= most);
            }
        }
    }
}

TEST_CASE("a cache for all pages misses each of them once") {
    for (const named_trace& each : all_traces()) {
        const pages& trace = each.trace;
        CAPTURE(each.name);
        const std::size_t different = distinct(trace);
        for (const std::size_t capacity : {different, different + 1U, 2 * different}) {
            CHECK(textbook::optimal(trace, capacity) == trace.size() - different);
            for (const named_simulator& policy : policies) {
                CAPTURE(policy.name);
                CHECK(policy.run(trace, capacity) == trace.size() - different);
            }
        }
    }
}

TEST_CASE("a cache of one page hits only repeated references") {
    for (const named_trace& each : all_traces()) {
        const pages& trace = each.trace;
        CAPTURE(each.name);
        std::uint64_t repeated = 0;
        for (std::size_t i = 1; i < trace.size(); ++i) repeated += trace[i] == trace[i - 1];
        CHECK(textbook::optimal(trace, 1) == repeated);
        for (const named_simulator& policy : policies) {
            CAPTURE(policy.name);
            CHECK(policy.run(trace, 1) == repeated);
        }
    }
}

TEST_CASE("no references, no hits") {
    CHECK(textbook::optimal({}, 3) == 0);
    for (const named_simulator& policy : policies) CHECK(policy.run({}, 3) == 0);
}

TEST_CASE("lru and the optimal policy never lose hits to a larger cache") {
    for (const named_trace& each : all_traces()) {
        const pages& trace = each.trace;
        CAPTURE(each.name);
        std::uint64_t of_lru = 0;
        std::uint64_t of_optimal = 0;
        for (std::size_t capacity = 1; capacity <= 400; capacity += 1 + capacity / 4) {
            CAPTURE(capacity);
            const std::uint64_t lru_hits = textbook::lru(trace, capacity);
            const std::uint64_t optimal_hits = textbook::optimal(trace, capacity);
            CHECK(lru_hits >= of_lru);
            CHECK(optimal_hits >= of_optimal);
            of_lru = lru_hits;
            of_optimal = optimal_hits;
        }
    }
}

TEST_CASE("a loop of one page more than the capacity") {
    for (const std::uint32_t capacity : {1U, 2U, 10U, 100U}) {
        CAPTURE(capacity);
        const pages trace = traces::loop(5'000, capacity + 1, capacity);
        CHECK(textbook::lru(trace, capacity) == 0);
        CHECK(textbook::fifo(trace, capacity) == 0);
        CHECK(textbook::clock(trace, capacity) == 0);
        // The first victim is the page just loaded; from then on one miss in `capacity` references.
        const std::uint64_t misses = capacity + (5'000 - capacity + capacity - 1) / capacity;
        CHECK(textbook::optimal(trace, capacity) == 5'000 - misses);
    }
}

// Between two scans more pages are referenced than the cache holds. Otherwise nothing is evicted to
// A1out there, Am stays empty, and a scan empties 2Q as it does LRU.
TEST_CASE("two_queue, arc and lru_k resist scans") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        const pages trace = traces::scan_over_zipf(60'000, 2'000, 0.99, 500, 2'000, seed);
        for (const std::size_t capacity : {50U, 200U, 400U}) {
            CAPTURE(seed);
            CAPTURE(capacity);
            const std::uint64_t of_lru = textbook::lru(trace, capacity);
            CHECK(textbook::two_queue(trace, capacity) > of_lru);
            CHECK(textbook::arc(trace, capacity) > of_lru);
            CHECK(lru_k<2, 0>(trace, capacity) > of_lru);
        }
    }
}

TEST_CASE("traces depend on the seed and on nothing else") {
    CHECK(traces::zipf(100, 50, 0.99, 1) == traces::zipf(100, 50, 0.99, 1));
    CHECK(traces::zipf(100, 50, 0.99, 1) != traces::zipf(100, 50, 0.99, 2));
    // The 10,000th output of the default-seeded engine, as the standard requires.
    traces::engine random;
    random.discard(9'999);
    CHECK(random() == 9981545732273789042ULL);
}

TEST_CASE("zipf: frequencies follow the ranks, page ids do not") {
    for (const double theta : {0.7, 0.99, 1.2}) {
        CAPTURE(theta);
        constexpr std::uint32_t count = 100;
        constexpr double n = 200'000;
        traces::engine random(9);
        const traces::zipf_source source(random, count, theta);
        std::unordered_map<std::uint32_t, double> seen;
        for (int i = 0; i < static_cast<int>(n); ++i) seen[source(random)] += 1;
        double sum = 0;
        for (std::uint32_t rank = 1; rank <= count; ++rank) sum += std::pow(rank, -theta);
        for (std::uint32_t rank = 1; rank <= count; ++rank) {
            CAPTURE(rank);
            const double expected = n * std::pow(rank, -theta) / sum;
            CHECK(std::abs(seen[source.by_rank()[rank - 1]] - expected) < 5 * std::sqrt(expected));
        }
        pages sorted = source.by_rank();
        CHECK_FALSE(std::is_sorted(sorted.begin(), sorted.end()));
        std::sort(sorted.begin(), sorted.end());
        CHECK(sorted == one_to(count));
    }
}

TEST_CASE("uniform: all pages, equally often") {
    std::vector<int> seen(11);
    for (const std::uint32_t x : traces::uniform(100'000, 10, 1)) ++seen.at(x);
    CHECK(seen[0] == 0);
    for (std::size_t x = 1; x <= 10; ++x) CHECK(std::abs(seen[x] - 10'000) < 500);
}

TEST_CASE("loop: every page once a round, in the same order") {
    const pages trace = traces::loop(35, 10, 1);
    CHECK(trace.size() == 35);
    pages round(trace.begin(), trace.begin() + 10);
    std::sort(round.begin(), round.end());
    CHECK(round == one_to(10));
    for (std::size_t i = 10; i < trace.size(); ++i) CHECK(trace[i] == trace[i - 10]);
}

TEST_CASE("scan_over_zipf: scans of pages never referenced otherwise") {
    const pages trace = traces::scan_over_zipf(1'000, 50, 0.99, 30, 70, 1);
    std::uint32_t scanned = 50;
    for (std::size_t i = 0; i < trace.size(); ++i) {
        if (i % 100 < 70) CHECK((1 <= trace[i] && trace[i] <= 50));
        else CHECK(trace[i] == ++scanned);
    }
    CHECK(scanned == 50 + 300);
}

TEST_CASE("shifting_hot_set: few pages take the references, others after each shift") {
    const pages all_hot = traces::shifting_hot_set(5'000, 100, 10, 1.0, 1'000, 1);
    std::unordered_set<std::uint32_t> earlier;
    for (std::size_t i = 0; i < all_hot.size(); i += 1'000) {
        const std::set<std::uint32_t> here(all_hot.begin() + static_cast<std::ptrdiff_t>(i),
                                           all_hot.begin() +
                                               static_cast<std::ptrdiff_t>(i + 1'000));
        CHECK(here.size() == 10);
        for (const std::uint32_t x : here) CHECK(earlier.insert(x).second);
    }
    const pages shared = traces::shifting_hot_set(10'000, 100, 10, 0.8, 10'000, 2);
    std::vector<int> seen(101);
    for (const std::uint32_t x : shared) ++seen.at(x);
    std::sort(seen.rbegin(), seen.rend());
    const int hot = std::accumulate(seen.begin(), seen.begin() + 10, 0);
    CHECK(std::abs(hot - 8'200) < 200); // the hot pages have their part of the rest too
}
