// A recorded trace (quire::replacement::trace) on every policy and at many sizes of cache, and what
// follows for the program it was recorded from.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "policies/policies.hpp"
#include "support/trace_file.hpp"

namespace {

constexpr const char* usage =
    "usage: replay TRACE\n"
    "  TRACE  a file that quire::replacement::trace has written\n"
    "Prints the hit ratio of every policy at several sizes of cache, and which policy and size to\n"
    "take.\n";

constexpr std::uint32_t percents[] = {1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100};
// Steps of the search for the smallest size that will do, between two of these.
constexpr int most_steps = 6;
// What a smaller cache may lose against everything in memory, and what a policy that takes less
// memory may lose against the best one, in points.
constexpr double points_for_size = 1;
constexpr double points_for_memory = 0.5;

struct size_figures {
    std::uint32_t frames = 0;
    std::vector<double> ratios{}; // by policy
    double best = 0;
};

[[nodiscard]] size_figures figures_at(const bench::dense_trace& trace, std::uint32_t frames) {
    size_figures made{.frames = frames};
    for (const bench::named_policy& each : bench::every_policy()) {
        const std::uint64_t hits = each.hits(trace.requests, trace.pages + 1, frames);
        made.ratios.push_back(bench::percent(hits, trace.requests.size()));
        made.best = std::max(made.best, made.ratios.back());
    }
    return made;
}

// The place in the list of the policy to take: the least memory, then the simplest.
[[nodiscard]] std::size_t choice(const size_figures& at) {
    const auto policies = bench::every_policy();
    std::size_t chosen = policies.size();
    for (std::size_t i = 0; i < policies.size(); ++i)
        if (at.ratios[i] >= at.best - points_for_memory &&
            (chosen == policies.size() ||
             policies[i].bytes_per_frame < policies[chosen].bytes_per_frame))
            chosen = i;
    return chosen;
}

// The figures of the smallest size whose best policy comes near everything in memory, which is the
// last of the sizes: of a few between the first that does and the one before it.
[[nodiscard]] size_figures smallest(const bench::dense_trace& trace,
                                    const std::vector<size_figures>& sizes) {
    const double goal = sizes.back().best - points_for_size;
    const auto first = std::find_if(sizes.begin(), sizes.end(),
                                    [&](const size_figures& at) { return at.best >= goal; });
    size_figures found = *first;
    std::uint32_t below = first == sizes.begin() ? 0 : std::prev(first)->frames;
    for (int step = 0; step < most_steps && found.frames - below > 1; ++step) {
        size_figures tried = figures_at(trace, below + (found.frames - below) / 2);
        if (tried.best >= goal) found = std::move(tried);
        else below = tried.frames;
    }
    return found;
}

void replay(const std::string& path) {
    const bench::dense_trace trace = bench::dense(bench::read_trace(path));
    const auto policies = bench::every_policy();
    std::printf("%s: %zu requests for %u pages; hit ratios in %%\n\n", path.c_str(),
                trace.requests.size(), trace.pages);
    std::printf("%5s %8s %8s", "cache", "pages", "optimal");
    for (const bench::named_policy& each : policies)
        std::printf(" %9.*s", static_cast<int>(each.name.size()), each.name.data());
    std::printf("\n");
    std::vector<size_figures> sizes;
    for (const std::uint32_t percent : percents) {
        const auto frames = static_cast<std::uint32_t>(std::uint64_t{trace.pages} * percent / 100);
        if (frames == 0 || (!sizes.empty() && sizes.back().frames == frames)) continue;
        std::printf("%3u %% %8u", percent, frames);
        std::fflush(stdout);
        const double most =
            bench::percent(bench::most_hits(trace.requests, frames), trace.requests.size());
        std::printf(" %8.2f", most);
        sizes.push_back(figures_at(trace, frames));
        for (const double ratio : sizes.back().ratios) std::printf(" %9.2f", ratio);
        std::printf("\n");
    }
    std::printf("bytes per page%9s", "");
    for (const bench::named_policy& each : policies) std::printf(" %9zu", each.bytes_per_frame);
    const double whole = sizes.back().best; // every page in memory
    const size_figures enough = smallest(trace, sizes);
    const std::size_t chosen = choice(enough);
    const std::string_view name = policies[chosen].name;
    std::printf("\n\nUse replacement::%.*s and a cache of %u pages (%.1f MiB with pages of 4 KiB): "
                "%.2f %% of the requests are hits, of %.2f %% with every page in memory.\n",
                static_cast<int>(name.size()), name.data(), enough.frames,
                static_cast<double>(enough.frames) / 256, enough.ratios[chosen], whole);
}

} // namespace

int main(int count, char** words) try {
    if (count == 2 && std::strcmp(words[1], "--help") == 0) {
        std::printf("%s", usage);
        return 0;
    }
    if (count != 2 || words[1][0] == '-') {
        std::fprintf(stderr, "%s", usage);
        return 2;
    }
    replay(words[1]);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 1;
}
