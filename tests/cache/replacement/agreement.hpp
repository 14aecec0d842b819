// A policy of the library against the same policy as the textbook has it: as many hits on every
// trace, at every size.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/cache/replacement/simulate.hpp>

#include "support/textbook.hpp"
#include "support/traces.hpp"

namespace quire_test {

struct named_trace {
    std::string name;
    std::vector<std::uint32_t> pages;
    std::uint32_t last = *std::max_element(pages.begin(), pages.end());
};

// Ten thousand requests each, from one seed.
inline std::vector<named_trace> every_trace() {
    constexpr std::size_t requests = 5'000;
    constexpr std::uint32_t pages = 2'000;
    constexpr std::uint64_t seed = 20261;
    std::vector<named_trace> all;
    all.push_back({"zipf 0.7", traces::zipf(requests, pages, 0.7, seed)});
    all.push_back({"zipf 0.99", traces::zipf(requests, pages, 0.99, seed)});
    all.push_back({"zipf 1.2", traces::zipf(requests, pages, 1.2, seed)});
    all.push_back({"uniform", traces::uniform(requests, pages, seed)});
    all.push_back({"loop", traces::loop(requests, 220, seed)});
    all.push_back(
        {"scans over zipf", traces::scan_over_zipf(requests, pages, 0.99, 400, 900, seed)});
    all.push_back(
        {"shifting hot set", traces::shifting_hot_set(requests, pages, 150, 0.9, 3'000, seed)});
    return all;
}

template <class Policy, class Textbook>
void agrees_with(const Textbook& textbook) {
    for (const named_trace& trace : every_trace()) {
        for (const std::uint32_t frames : {1U, 2U, 3U, 7U, 20U, 64U, 200U, 700U}) {
            CAPTURE(trace.name);
            CAPTURE(frames);
            const std::uint64_t hits =
                quire::replacement::simulate<Policy>(trace.pages, trace.last + 1, frames);
            CHECK(hits == textbook(trace.pages, frames));
        }
    }
}

// Frames for tests of a policy by itself: full, nothing in use, every answer noted.
struct frames_of {
    std::vector<bool> in_use;
    std::vector<std::uint32_t> refused;
    quire::page_id wanted = quire::page_id::none;

    explicit frames_of(std::size_t n) : in_use(n) {}
    [[nodiscard]] bool take(std::uint32_t n) noexcept {
        if (in_use[n]) refused.push_back(n);
        return !in_use[n];
    }
    [[nodiscard]] quire::replacement::frame_use ask(std::uint32_t n) noexcept {
        return take(n) ? quire::replacement::frame_use::unused
                       : quire::replacement::frame_use::occupied;
    }
    [[nodiscard]] quire::page_id incoming() const noexcept { return wanted; }
};

template <class Policy>
void load(Policy& policy, std::uint32_t frame,
          quire::replacement::arrival why = quire::replacement::arrival::wanted) {
    policy.on_load(frame, static_cast<quire::page_id>(100 + frame), why);
}

} // namespace quire_test
