// Hit ratios of every policy on every trace, beside the textbook's, and the speed of simulate().
#include <stdexcept>

#include "policies/parts.hpp"
#include "support/timing.hpp"
#include "tests/support/traces.hpp"

namespace bench {
namespace {

namespace traces = quire_test::traces;

// What one size of cache is tried on: the same for all sizes, but for the loop.
struct case_of_size {
    unsigned percent;
    std::uint32_t frames;
    const dense_trace& trace;
};

class hits_table {
public:
    explicit hits_table(policies_session& in) : in_(in) {}

    void add(const std::string& name, const dense_trace& trace) {
        std::vector<case_of_size> cases;
        for (const unsigned percent : cache_percents)
            cases.push_back({percent, frames_of(trace.pages, percent), trace});
        std::printf("\n%s: %zu requests for %u pages; cache of so many %% of the pages\n",
                    name.c_str(), trace.requests.size(), trace.pages);
        measure(name, cases);
    }
    // A loop over a tenth more pages than the cache has frames.
    void add_loop(std::size_t requests, std::uint32_t pages) {
        std::vector<dense_trace> loops;
        loops.reserve(std::size(cache_percents));
        std::vector<case_of_size> cases;
        for (const unsigned percent : cache_percents) {
            const std::uint32_t frames = frames_of(pages, percent);
            loops.push_back(dense(traces::loop(requests, frames + frames / 10 + 1, seed)));
            cases.push_back({percent, frames, loops.back()});
        }
        std::printf("\nloop: %zu requests, each time for a tenth more pages than the cache has "
                    "frames; cache of so many %% of %u pages\n",
                    requests, pages);
        measure("loop", cases);
    }

    static constexpr std::uint64_t seed = 20261;

private:
    [[nodiscard]] static std::uint32_t frames_of(std::uint32_t pages, unsigned percent) {
        const auto frames = static_cast<std::uint32_t>(std::uint64_t{pages} * percent / 100);
        return frames == 0 ? 1 : frames;
    }

    void measure(const std::string& name, const std::vector<case_of_size>& cases) {
        std::printf("%-10s %8s", "policy", "B/frame");
        for (const case_of_size& at : cases) std::printf(" %7u %%:%6u", at.percent, at.frames);
        std::printf(" %14s\n%-10s %8s", "M requests/s", "optimal", "");
        std::fflush(stdout);
        std::vector<std::uint64_t> most;
        for (const case_of_size& at : cases) {
            std::fprintf(stderr, "\r%s: optimal, %u %%   ", name.c_str(), at.percent);
            most.push_back(most_hits(at.trace.requests, at.frames));
            const double ratio = percent(most.back(), at.trace.requests.size());
            std::printf(" %8.2f%8s", ratio, "");
            in_.note({"hits", name, "optimal", at.frames, "hit ratio", ratio, "%"});
        }
        std::printf("\n");
        for (const named_policy& each : every_policy()) line(name, cases, most, each);
        std::fprintf(stderr, "\r%-60s\r", "");
        std::fflush(stdout);
    }

    void line(const std::string& name, const std::vector<case_of_size>& cases,
              const std::vector<std::uint64_t>& most, const named_policy& policy) {
        const std::string of(policy.name);
        std::printf("%-10s %8zu", of.c_str(), policy.bytes_per_frame);
        double seconds = 0;
        std::size_t requests = 0;
        bool missed = false;
        for (std::size_t i = 0; i < cases.size(); ++i) {
            const case_of_size& at = cases[i];
            const std::size_t all = at.trace.requests.size();
            std::fprintf(stderr, "\r%s: %s, %u %%      ", name.c_str(), of.c_str(), at.percent);
            std::uint64_t hits = 0;
            const double took = seconds_of(
                [&] { hits = policy.hits(at.trace.requests, at.trace.pages + 1, at.frames); });
            if (hits > most[i])
                throw std::runtime_error(name + ": " + of + " has more hits than are possible");
            const double ratio = percent(hits, all);
            const double book = percent(policy.textbook(at.trace.requests, at.frames), all);
            const double apart = ratio - book;
            missed = missed || apart > points_to_textbook || apart < -points_to_textbook;
            seconds += took;
            requests += all;
            std::printf(" %8.2f (%+.2f)", ratio, apart == 0 ? 0 : apart);
            in_.note({"hits", name, of, at.frames, "hit ratio", ratio, "%"});
            in_.note({"hits", name, of, at.frames, "textbook", book, "%"});
            in_.note({"hits", name, of, at.frames, "difference", apart, "points"});
            in_.note({"hits", name, of, at.frames, "throughput",
                      static_cast<double>(all) / took * 1e-6, "M requests/s"});
        }
        in_.note({"hits", name, of, 0, "memory", static_cast<double>(policy.bytes_per_frame),
                  "bytes/frame"});
        std::printf(" %12.1f%s\n", static_cast<double>(requests) / seconds * 1e-6,
                    missed ? " MISSED" : "");
        in_.missed += missed ? 1 : 0;
    }

    policies_session& in_;
};

// With every page in memory a page misses once.
void check_ends(const dense_trace& trace) {
    for (const named_policy& each : every_policy())
        if (each.hits(trace.requests, trace.pages + 1, trace.pages) !=
            trace.requests.size() - trace.pages)
            throw std::runtime_error(std::string(each.name) + " loses pages it has room for");
}

} // namespace

void measure_hits(policies_session& in) {
    const std::size_t n = in.scaled(1'000'000);
    const auto pages = static_cast<std::uint32_t>(in.scaled(50'000));
    constexpr std::uint64_t seed = hits_table::seed;
    std::printf("Hit ratios in %%, and how many points more than the textbook's simulator has "
                "(goal: within %.1f)\n",
                points_to_textbook);
    hits_table table(in);
    check_ends(dense(traces::zipf(n, pages, 0.99, seed)));
    table.add("zipf 0.7", dense(traces::zipf(n, pages, 0.7, seed)));
    table.add("zipf 0.99", dense(traces::zipf(n, pages, 0.99, seed)));
    table.add("zipf 1.2", dense(traces::zipf(n, pages, 1.2, seed)));
    table.add("uniform", dense(traces::uniform(n, pages, seed)));
    table.add_loop(n, pages);
    // Two requests of three are zipf's; scans of a fifth of the pages, each page once.
    table.add("scan over zipf",
              dense(traces::scan_over_zipf(n, pages / 5, 0.99, pages / 50, pages / 25, seed)));
    table.add("shifting hot set",
              dense(traces::shifting_hot_set(n, pages, pages / 20, 0.9, n / 10, seed)));
    auto recorded = record_ycsb(in, n);
    for (std::size_t i = 0; i < recorded.size(); ++i)
        table.add(std::string("ycsb ") + static_cast<char>('A' + i), dense(recorded[i]));
}

} // namespace bench
