// The parts of the program `policies` and what they share: where figures go.
// Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "policies/policies.hpp"
#include "support/options.hpp"
#include "support/scratch.hpp"

namespace bench {

// One line of policies.csv. `part` is hits or matrix, `of` a trace or a map, `size` a number of
// frames (0: does not apply).
struct policy_figure {
    std::string part, of, policy;
    std::uint64_t size = 0;
    std::string figure;
    double value = 0;
    std::string unit;
};

struct policies_session {
    const options& given;
    scratch_directory& scratch;
    std::vector<policy_figure> figures;
    int missed = 0; // hit ratios that are further from the textbook's than they should be

    [[nodiscard]] std::size_t scaled(std::size_t full) const {
        return given.quick ? full / 10 : full;
    }
    [[nodiscard]] bool wanted(std::string_view part) const {
        if (given.rows.empty()) return true;
        for (const std::string& each : given.rows)
            if (each == part) return true;
        return false;
    }
    void note(policy_figure figure) { figures.push_back(std::move(figure)); }
};

// Sizes of caches, in percent of a trace's pages.
inline constexpr unsigned cache_percents[] = {1, 5, 10, 25};
// How far from the textbook's a hit ratio may be, in points.
inline constexpr double points_to_textbook = 0.5;

enum class ycsb : char { a = 'A', b = 'B', c = 'C', d = 'D', e = 'E', f = 'F' };

// Page requests of real trees under the workloads A to F of YCSB, in the order of the enum.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> record_ycsb(policies_session& in,
                                                                  std::size_t requests);

void measure_hits(policies_session& in);   // the part hits
void measure_matrix(policies_session& in); // the part matrix
// Into the directory, with gnuplot; says so and does without where there is none.
void draw_charts(const policies_session& in, const std::string& directory);

} // namespace bench
