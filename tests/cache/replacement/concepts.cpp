// Every policy in a real cache: it loads what the policy alone would load.
#include <quire/cache/replacement/concepts.hpp>

#include <cstdint>
#include <type_traits>

#include <doctest/doctest.h>

#include <quire/policies.hpp>

#include "../page_cache_fixture.hpp"
#include "agreement.hpp"
#include "archetypes.hpp"

using namespace quire_test;
using replacement::simulate;

TEST_CASE_TEMPLATE("a cache reads the pages that its policy misses, and none twice", Policy,
                   replacement::clock, replacement::fifo, replacement::lru, replacement::sieve,
                   replacement::lru_k<2>, replacement::two_queue, replacement::arc,
                   replacement::s3_fifo) {
    for (const named_trace& trace : every_trace()) {
        CAPTURE(trace.name);
        fixture<Policy> f(trace.last + 1);
        for (const std::uint32_t page : trace.pages) REQUIRE(holds(f.fetch(page), page, 0));
        // Some frames are kept free for the next page, so the policy has so many fewer.
        const std::uint32_t frames = f.pages.frames() - f.pages.spare_frames();
        const std::uint64_t expected =
            trace.pages.size() - simulate<Policy>(trace.pages, trace.last + 1, frames);
        if constexpr (std::is_same_v<Policy, replacement::clock>) {
            // A page does not take the victim's frame, so the hand meets it elsewhere: an eighth of
            // this small cache is empty frames.
            const auto reads = static_cast<double>(f.device.reads.size());
            CHECK(reads <= static_cast<double>(expected) + 0.01 * 20'000);
            CHECK(reads >= static_cast<double>(expected) - 0.01 * 20'000);
        } else {
            CHECK(f.device.reads.size() == expected);
        }
    }
}
