// Policies by themselves on a trace.
#include <quire/cache/replacement/simulate.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <quire/policies.hpp>

#include "agreement.hpp"
#include "archetypes.hpp"

using namespace quire;
using namespace quire_test;
using replacement::simulate;

TEST_CASE("the clock is the textbook's") { agrees_with<replacement::clock>(textbook::clock); }

TEST_CASE_TEMPLATE("no policy is better than the best", Policy, replacement::clock,
                   replacement::fifo, replacement::random, replacement::lru, replacement::sieve,
                   replacement::lru_k<2>, replacement::two_queue, replacement::arc,
                   replacement::s3_fifo, anywhere) {
    for (const named_trace& trace : every_trace()) {
        CAPTURE(trace.name);
        std::uint64_t distinct = 0;
        const std::uint32_t pages = trace.last + 1;
        std::vector<bool> seen(pages);
        for (const std::uint32_t page : trace.pages) {
            distinct += seen[page] ? 0U : 1U;
            seen[page] = true;
        }
        for (const std::uint32_t frames : {10U, 100U})
            CHECK(simulate<Policy>(trace.pages, pages, frames) <=
                  textbook::optimal(trace.pages, frames));
        CHECK(simulate<Policy>(trace.pages, pages, pages) == trace.pages.size() - distinct);
    }
}

TEST_CASE("an empty trace has no hits, and one frame holds the last page") {
    CHECK(simulate<replacement::lru>({}, 1, 1) == 0);
    const std::vector<std::uint32_t> trace{3, 3, 4, 3, 3};
    CHECK(simulate<replacement::lru>(trace, 5, 1) == 2);
}
