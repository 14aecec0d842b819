// Traces of page ids for tests of page replacement. The same arguments give the same trace with
// every standard library: only the raw engine is used, whose output the standard fixes.
//
// Page ids start at 1. Requires everywhere: pages >= 1, and ids that fit in 32 bits.
#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace quire_test::traces {

using page_id = std::uint32_t;
using engine = std::mt19937_64;

// Uniform in [0, bound). Requires: bound >= 1.
[[nodiscard]] inline std::uint64_t below(engine& random, std::uint64_t bound) {
    assert(bound >= 1);
    const std::uint64_t limit = engine::max() - engine::max() % bound; // a multiple of bound
    for (;;)
        if (const std::uint64_t drawn = random(); drawn < limit) return drawn % bound;
}

// Uniform in [0, 1), in steps of 2^-53.
[[nodiscard]] inline double fraction(engine& random) {
    return static_cast<double>(random() >> 11) * 0x1.0p-53;
}

// The ids 1 to `pages` in random order.
[[nodiscard]] inline std::vector<page_id> shuffled_pages(engine& random, std::uint32_t pages) {
    assert(pages >= 1);
    std::vector<page_id> ids(pages);
    std::iota(ids.begin(), ids.end(), page_id{1});
    for (std::size_t i = ids.size() - 1; i > 0; --i)
        std::swap(ids[i], ids[static_cast<std::size_t>(below(random, i + 1))]);
    return ids;
}

// Draws the page of rank r, from 1, with a probability proportional to r^-theta: the inverse of the
// cumulative distribution, tabulated.
class zipf_source {
public:
    zipf_source(engine& random, std::uint32_t pages, double theta)
        : page_of_rank_(shuffled_pages(random, pages)) {
        double sum = 0;
        cumulative_.reserve(pages);
        for (std::uint32_t rank = 1; rank <= pages; ++rank)
            cumulative_.push_back(sum += std::pow(static_cast<double>(rank), -theta));
    }
    [[nodiscard]] page_id operator()(engine& random) const {
        const double drawn = fraction(random) * cumulative_.back();
        const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, drawn);
        return page_of_rank_[static_cast<std::size_t>(at - cumulative_.begin())];
    }
    // The pages, the most frequent first.
    [[nodiscard]] const std::vector<page_id>& by_rank() const noexcept { return page_of_rank_; }

private:
    std::vector<page_id> page_of_rank_;
    std::vector<double> cumulative_;
};

// Independent references with Zipf's frequencies; which page has which rank is random.
[[nodiscard]] inline std::vector<page_id> zipf(std::size_t n, std::uint32_t pages, double theta,
                                               std::uint64_t seed) {
    engine random(seed);
    const zipf_source source(random, pages, theta);
    std::vector<page_id> trace(n);
    for (page_id& x : trace) x = source(random);
    return trace;
}

// Independent references, every page as likely as any other.
[[nodiscard]] inline std::vector<page_id> uniform(std::size_t n, std::uint32_t pages,
                                                  std::uint64_t seed) {
    engine random(seed);
    std::vector<page_id> trace(n);
    for (page_id& x : trace) x = static_cast<page_id>(1 + below(random, pages));
    return trace;
}

// All pages in one order, again and again; the seed chooses the order.
[[nodiscard]] inline std::vector<page_id> loop(std::size_t n, std::uint32_t pages,
                                               std::uint64_t seed) {
    engine random(seed);
    const std::vector<page_id> order = shuffled_pages(random, pages);
    std::vector<page_id> trace(n);
    for (std::size_t i = 0; i < n; ++i) trace[i] = order[i % pages];
    return trace;
}

// Zipf's references to the pages 1 to `pages`; after every `every` of them a scan of `scan_length`
// pages, each referenced in this scan and never else: ids from pages + 1, rising.
[[nodiscard]] inline std::vector<page_id> scan_over_zipf(std::size_t n, std::uint32_t pages,
                                                         double theta, std::size_t scan_length,
                                                         std::size_t every, std::uint64_t seed) {
    assert(every >= 1);
    engine random(seed);
    const zipf_source source(random, pages, theta);
    page_id scanned = pages;
    std::vector<page_id> trace(n);
    for (std::size_t i = 0; i < n; ++i)
        trace[i] = i % (every + scan_length) < every ? source(random) : ++scanned;
    return trace;
}

// A reference goes to the hot set with probability `share_of_hot`, otherwise to any page, uniformly
// in both. After every `shift_every` references the next `hot` pages of a random order become the
// hot set: disjoint from the last if 2 * hot <= pages. Requires: 1 <= hot <= pages.
[[nodiscard]] inline std::vector<page_id> shifting_hot_set(std::size_t n, std::uint32_t pages,
                                                           std::uint32_t hot, double share_of_hot,
                                                           std::size_t shift_every,
                                                           std::uint64_t seed) {
    assert(1 <= hot && hot <= pages && shift_every >= 1);
    engine random(seed);
    const std::vector<page_id> order = shuffled_pages(random, pages);
    std::vector<page_id> trace(n);
    for (std::size_t i = 0; i < n; ++i) {
        if (fraction(random) < share_of_hot) {
            const std::uint64_t first = i / shift_every * hot;
            trace[i] = order[static_cast<std::size_t>((first + below(random, hot)) % pages)];
        } else {
            trace[i] = static_cast<page_id>(1 + below(random, pages));
        }
    }
    return trace;
}

} // namespace quire_test::traces
