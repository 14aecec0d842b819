// The list of policies: one instance of simulate() and one textbook each.
#include "policies/policies.hpp"

#include <random>
#include <unordered_map>

#include <quire/cache/replacement/simulate.hpp>
#include <quire/policies.hpp>

#include "tests/support/textbook.hpp"

namespace bench {
namespace {

namespace replacement = quire::replacement;
namespace textbook = quire_test::textbook;

template <class Policy>
[[nodiscard]] std::uint64_t hits_of(trace_view trace, std::uint32_t pages, std::uint32_t frames) {
    return replacement::simulate<Policy>(trace, pages, frames);
}

// Any page, each as likely as any other.
[[nodiscard]] std::uint64_t at_random(trace_view trace, std::size_t frames) {
    std::mt19937_64 random(11);
    std::vector<std::uint32_t> held;
    std::unordered_map<std::uint32_t, std::size_t> place;
    std::uint64_t hits = 0;
    for (const std::uint32_t page : trace) {
        if (place.count(page) != 0) {
            ++hits;
            continue;
        }
        const std::size_t at = held.size() < frames ? held.size() : random() % frames;
        if (at == held.size()) held.push_back(page);
        else place.erase(held[at]);
        held[at] = page;
        place.emplace(page, at);
    }
    return hits;
}

template <class Policy>
[[nodiscard]] constexpr named_policy listed(std::uint64_t (*by_textbook)(trace_view, std::size_t)) {
    return {Policy::name, Policy::bytes_per_frame, hits_of<Policy>, by_textbook};
}

[[nodiscard]] std::uint64_t lru_2(trace_view trace, std::size_t frames) {
    return textbook::lru_k<2>(trace, frames, 0);
}

constexpr named_policy policies[] = {
    listed<replacement::clock>(textbook::clock),
    listed<replacement::sieve>(textbook::sieve),
    listed<replacement::fifo>(textbook::fifo),
    listed<replacement::random>(at_random),
    listed<replacement::lru>(textbook::lru),
    listed<replacement::s3_fifo>(textbook::s3_fifo),
    listed<replacement::two_queue>(textbook::two_queue),
    listed<replacement::arc>(textbook::arc),
    listed<replacement::lru_k<2>>(lru_2),
};

} // namespace

std::span<const named_policy> every_policy() { return policies; }

std::uint64_t most_hits(trace_view trace, std::size_t frames) {
    return textbook::optimal(trace, frames);
}

dense_trace dense(trace_view trace) {
    dense_trace made;
    made.requests.reserve(trace.size());
    std::unordered_map<std::uint32_t, std::uint32_t> number;
    for (const std::uint32_t page : trace) {
        const auto next = static_cast<std::uint32_t>(number.size() + 1);
        made.requests.push_back(number.try_emplace(page, next).first->second);
    }
    made.pages = static_cast<std::uint32_t>(number.size());
    return made;
}

} // namespace bench
