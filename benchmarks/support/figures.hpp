// Interleaved measurement and the final table. In every round all contestants of a row take their
// turn, in alternating direction, so that a slow minute of the machine meets all of them. A ratio
// is the median over the rounds of (subject / reference) within one round, never a quotient of
// figures from different times.
//
// Invariants
// 1. In every round all contestants give the same check value, the expected one where the row knows
//    it, or `disagreement` is thrown.
// 2. The first `reference` of a row is what its subjects are measured against; without one (the
//    peer was not found when this was built) the figures of the subjects stand alone.
// Thread-safety: belongs to one thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/timing.hpp"

namespace bench {

// The ratio to reach and the one to hope for; 0: the row only reports.
struct goal {
    double must = 0;
    double stretch = 0;
};

struct sample {
    double amount;       // in the unit of the row, less is better
    std::uint64_t check; // what the work found
};

enum class role : std::uint8_t { subject, reference, other };

using turn = std::function<sample(std::size_t round)>;

struct contestant {
    std::string name;
    role part;
    goal aim; // of one that is neither subject nor reference: the first subject's against it
    turn run;
};

[[nodiscard]] inline contestant subject(std::string name, goal aim, turn run) {
    return {std::move(name), role::subject, aim, std::move(run)};
}
[[nodiscard]] inline contestant reference(std::string name, turn run) {
    return {std::move(name), role::reference, {}, std::move(run)};
}
[[nodiscard]] inline contestant other(std::string name, turn run) {
    return {std::move(name), role::other, {}, std::move(run)};
}

enum class warm_up : std::uint8_t { none, one_round };
// Whether the work waits for the medium: then only the clock on the wall tells its time.
enum class waits : std::uint8_t { never, for_medium };

struct row {
    std::string name;  // for --row
    std::string title; // for the table
    std::string unit;
    std::size_t rounds;
    warm_up before = warm_up::none;
    waits while_timed = waits::never;
    // What every contestant must find in a round, where it is known without any of them.
    std::function<std::uint64_t(std::size_t round)> expected{};
};

struct disagreement : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// One line of the final table.
struct figure {
    std::string row, title, unit;
    std::string subject, peer; // peer is empty where none was built in
    double ratio = 0, lowest = 0, highest = 0;
    goal aim;
    double subject_amount = 0, peer_amount = 0;
};

[[nodiscard]] inline const char* verdict(const figure& of) {
    if (of.peer.empty() || of.aim.must <= 0) return "";
    if (of.ratio <= of.aim.stretch) return "stretch";
    return of.ratio <= of.aim.must ? "reached" : "MISSED";
}

class table {
public:
    // The clock of the rows that never wait.
    explicit table(clock_kind clock) : clock_(clock) {}

    // Runs the row and keeps its figures.
    void measure(const row& plan, const std::vector<contestant>& all) {
        std::fprintf(stderr, "%s:", plan.title.c_str());
        stopwatch::use(plan.while_timed == waits::never ? clock_ : clock_kind::wall);
        std::vector<std::vector<double>> amounts(all.size());
        if (plan.before == warm_up::one_round) run_round(plan, all, 0, nullptr);
        for (std::size_t round = 0; round < plan.rounds; ++round) {
            run_round(plan, all, round, &amounts);
            std::fprintf(stderr, " %zu", round + 1);
        }
        std::fprintf(stderr, "\n");
        add_figures(plan, all, amounts);
    }

    void print() const {
        std::printf("%-40s %-15s %-15s %6s %13s %5s %7s %-8s %10s %10s\n", "figure", "subject",
                    "against", "ratio", "low - high", "must", "stretch", "", "subject", "against");
        for (const figure& each : figures_) print_line(each);
    }

    void write_csv(const std::string& path) const {
        std::ofstream out(path);
        out << "row,figure,subject,against,ratio,lowest,highest,must,stretch,verdict,"
               "subject_amount,against_amount,unit\n";
        for (const figure& each : figures_)
            out << each.row << ",\"" << each.title << "\",\"" << each.subject << "\",\""
                << each.peer << "\"," << each.ratio << ',' << each.lowest << ',' << each.highest
                << ',' << each.aim.must << ',' << each.aim.stretch << ',' << verdict(each) << ','
                << each.subject_amount << ',' << each.peer_amount << ',' << each.unit << '\n';
        if (!out.flush()) throw std::runtime_error("cannot write " + path);
    }

private:
    static void run_round(const row& plan, const std::vector<contestant>& all, std::size_t round,
                          std::vector<std::vector<double>>* amounts) {
        std::string source = "the data";
        std::uint64_t expected = plan.expected ? plan.expected(round) : 0;
        for (std::size_t place = 0; place < all.size(); ++place) {
            const std::size_t i = round % 2 == 0 ? place : all.size() - 1 - place;
            const sample got = all[i].run(round);
            if (amounts != nullptr) (*amounts)[i].push_back(got.amount);
            if (place == 0 && !plan.expected) {
                source = all[i].name;
                expected = got.check;
            }
            if (got.check != expected)
                throw disagreement(plan.title + ": " + all[i].name + " found " +
                                   std::to_string(got.check) + ", " + source + " says " +
                                   std::to_string(expected));
        }
    }

    void add_figures(const row& plan, const std::vector<contestant>& all,
                     const std::vector<std::vector<double>>& amounts) {
        const auto first = [&](role part) {
            std::size_t i = 0;
            while (i < all.size() && all[i].part != part) ++i;
            return i;
        };
        for (std::size_t i = 0; i < all.size(); ++i)
            if (all[i].part == role::subject)
                add_figure(plan, all, amounts, i, first(role::reference), all[i].aim);
        // What else took part: the first subject against it.
        for (std::size_t i = 0; i < all.size(); ++i)
            if (all[i].part == role::other)
                add_figure(plan, all, amounts, first(role::subject), i, all[i].aim);
    }

    void add_figure(const row& plan, const std::vector<contestant>& all,
                    const std::vector<std::vector<double>>& amounts, std::size_t of,
                    std::size_t peer, goal aim) {
        figure made{.row = plan.name,
                    .title = plan.title,
                    .unit = plan.unit,
                    .subject = all[of].name,
                    .peer = {},
                    .aim = aim,
                    .subject_amount = median(amounts[of])};
        if (peer != all.size()) {
            std::vector<double> ratios;
            for (std::size_t round = 0; round < plan.rounds; ++round)
                ratios.push_back(amounts[of][round] / amounts[peer][round]);
            made.peer = all[peer].name;
            made.peer_amount = median(amounts[peer]);
            made.ratio = median(ratios);
            made.lowest = quantile(ratios, 0);
            made.highest = quantile(ratios, 1);
        }
        print_line(made, stderr);
        figures_.push_back(std::move(made));
    }

    static void print_line(const figure& of, std::FILE* to = stdout) {
        std::fprintf(to, "%-40s %-15s %-15s ", of.title.c_str(), of.subject.c_str(),
                     of.peer.empty() ? "(not built in)" : of.peer.c_str());
        if (of.peer.empty()) std::fprintf(to, "%6s %13s ", "-", "");
        else std::fprintf(to, "%6.3f %5.2f - %5.2f ", of.ratio, of.lowest, of.highest);
        if (of.aim.must > 0) std::fprintf(to, "%5.2f %7.2f ", of.aim.must, of.aim.stretch);
        else std::fprintf(to, "%5s %7s ", "", "");
        std::fprintf(to, "%-8s %10.2f ", verdict(of), of.subject_amount);
        if (of.peer.empty()) std::fprintf(to, "%10s %s\n", "", of.unit.c_str());
        else std::fprintf(to, "%10.2f %s\n", of.peer_amount, of.unit.c_str());
    }

    clock_kind clock_;
    std::vector<figure> figures_;
};

} // namespace bench
