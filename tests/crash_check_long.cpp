// A million crashes and more, two and three in a row, of every way that commits become durable.
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

constexpr std::uint64_t seeds = 6; // of each kind

struct kind {
    const char* name;
    quire::crash_report (*check)(std::uint64_t seed);
};

// Segments of a log are made of many sectors: more states of each moment, fewer moments.
template <class Config, bool Logs>
[[nodiscard]] quire::crash_report pairs_of(std::uint64_t seed) {
    return check_pairs<typename Config::map>(
        {.seed = seed, .count = (Logs ? 8 : 30) + seed % 7},
        {.seed = seed,
         .states = {.exhaustive = Logs ? 8U : 12U, .random = Logs ? 8U : 40U},
         .depth = 3,
         .one_in = 8});
}
[[nodiscard]] quire::crash_report mixture_of(std::uint64_t seed) {
    return check_mixture(seed, {.seed = seed,
                                .states = {.exhaustive = 6, .random = 4},
                                .depth = 3,
                                .one_in = 40});
}

constexpr kind kinds[] = {{"shadow", pairs_of<shadow, false>},
                          {"shadow on a mapping", pairs_of<mapped_shadow, false>},
                          {"log", pairs_of<logged, true>},
                          {"log on a mapping", pairs_of<mapped_logged, true>},
                          {"log, commits of every kind", mixture_of}};
constexpr std::size_t kind_count = sizeof(kinds) / sizeof(kinds[0]);

} // namespace

TEST_SUITE("long") {
    TEST_CASE("a million crash states, up to three crashes in a row") {
        std::atomic<std::uint64_t> next{0};
        std::atomic<std::uint64_t> of_kind[kind_count]{};
        std::atomic<bool> broken{false};
        std::vector<std::string> said(4); // one for each thread
        std::vector<std::thread> threads;
        for (std::string& broken_here : said)
            threads.emplace_back([&] {
                for (std::uint64_t job = 0; (job = next++) < seeds * kind_count && !broken;) {
                    const kind& what = kinds[job % kind_count];
                    std::string wrong;
                    try {
                        const auto report = what.check(1 + job / kind_count);
                        of_kind[job % kind_count] += report.states;
                        wrong = report.broken;
                    } catch (const std::exception& error) {
                        wrong = error.what();
                    }
                    if (wrong.empty()) continue;
                    broken_here = std::string(what.name) + ", seed " +
                                  std::to_string(1 + job / kind_count) + ": " + wrong;
                    broken = true;
                }
            });
        for (std::thread& each : threads) each.join();
        for (const std::string& one : said) CHECK(one == "");
        std::uint64_t states = 0;
        for (std::size_t i = 0; i < kind_count; ++i) {
            MESSAGE(kinds[i].name, ": ", of_kind[i].load(), " states");
            states += of_kind[i];
        }
        CHECK(states >= 1'000'000);
    }
}
