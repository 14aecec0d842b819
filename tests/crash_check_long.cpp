// A million crashes and more, two and three in a row, of every transaction policy.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/crash_work.hpp"

namespace {

using namespace quire_test;

struct kind {
    const char* name;
    std::uint64_t seeds;
    quire::crash_report (*check)(std::uint64_t seed);
};

// A segment of a log has many sectors: fewer states of each moment, or a seed takes minutes.
template <class Config, bool Logs>
[[nodiscard]] quire::crash_report pairs_of(std::uint64_t seed) {
    return check_pairs<typename Config::map>(
        {.seed = seed, .count = (Logs ? 8 : 12) + seed % 7},
        {.seed = seed,
         .states = {.exhaustive = Logs ? 2U : 10U, .random = Logs ? 4U : 20U},
         .depth = 3,
         .one_in = Logs ? 16U : 8U});
}
[[nodiscard]] quire::crash_report mixture_of(std::uint64_t seed) {
    return check_mixture(
        seed, {.seed = seed, .states = {.exhaustive = 0, .random = 4}, .depth = 2, .one_in = 40});
}

constexpr kind kinds[] = {{"log, commits of every kind", 10, mixture_of},
                          {"log", 12, pairs_of<logged, true>},
                          {"log on a mapping", 12, pairs_of<mapped_logged, true>},
                          {"shadow", 30, pairs_of<shadow, false>},
                          {"shadow on a mapping", 30, pairs_of<mapped_shadow, false>}};
constexpr std::size_t kind_count = sizeof(kinds) / sizeof(kinds[0]);

struct job {
    std::size_t kind;
    std::uint64_t seed;
};
[[nodiscard]] std::vector<job> all_jobs() {
    std::vector<job> jobs;
    for (std::size_t i = 0; i < kind_count; ++i)
        for (std::uint64_t seed = 1; seed <= kinds[i].seeds; ++seed) jobs.push_back({i, seed});
    return jobs;
}

} // namespace

TEST_SUITE("long") {
    TEST_CASE("a million crash states, up to three crashes in a row") {
        const std::vector<job> jobs = all_jobs();
        std::atomic<std::size_t> next{0};
        std::atomic<std::uint64_t> of_kind[kind_count]{};
        std::atomic<bool> broken{false};
        std::vector<std::string> said(std::max(1U, std::thread::hardware_concurrency()));
        std::vector<std::thread> threads;
        for (std::string& broken_here : said)
            threads.emplace_back([&] {
                for (std::size_t n = 0; (n = next++) < jobs.size() && !broken;) {
                    const auto [at, seed] = jobs[n];
                    std::string wrong;
                    try {
                        const auto report = kinds[at].check(seed);
                        of_kind[at] += report.states;
                        wrong = report.broken;
                    } catch (const std::exception& error) {
                        wrong = error.what();
                    }
                    if (wrong.empty()) continue;
                    broken_here = std::string(kinds[at].name) + ", seed " + std::to_string(seed) +
                                  ": " + wrong;
                    broken = true;
                }
            });
        for (std::thread& each : threads) each.join();
        for (const std::string& one : said) CHECK(one == "");
        std::uint64_t states = 0;
        for (std::size_t i = 0; i < kind_count; ++i) {
            MESSAGE(std::string(kinds[i].name), ": ", of_kind[i].load(), " states");
            states += of_kind[i];
        }
        CHECK(states >= 1'000'000);
    }
}
