// Replacement policies against the textbook and one another: hit ratios and speed on thirteen
// traces, and maps of every storage, replacement, transaction policy and kind of page. Sums and
// sizes are checked; what does not agree ends the run with exit code 1.
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "policies/parts.hpp"
#include "support/machine.hpp"
#include "support/timing.hpp"

namespace {

constexpr std::string_view usage =
    "usage: policies [--output DIR] [--row PART]... [--quick] [--dir PATH]\n"
    "  --output DIR  where policies.csv and the charts go (default: the current directory)\n"
    "  --row PART    only this part, hits or matrix\n"
    "  --quick       a tenth of the sizes\n"
    "  --dir PATH    where the stores go (default: beside this program); they are removed\n";

void write_csv(const std::vector<bench::policy_figure>& figures, const std::string& path) {
    std::ofstream out(path);
    out << "part,of,policy,frames,figure,value,unit\n";
    for (const bench::policy_figure& each : figures)
        out << each.part << ',' << each.of << ",\"" << each.policy << "\"," << each.size << ','
            << each.figure << ',' << each.value << ',' << each.unit << '\n';
    if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

} // namespace

int main(int count, char** words) try {
    const bench::options given = bench::parse_options(count, words, usage);
    const std::string directory = given.output.empty() ? "." : given.output;
    for (const std::string& each : given.rows)
        if (each != "hits" && each != "matrix") {
            std::fprintf(stderr, "policies: there is no part '%s'; there are hits and matrix\n",
                         each.c_str());
            return 2;
        }
    const bench::stopwatch watch;
    bench::scratch_directory scratch(given.directory);
    bench::policies_session session{given, scratch, {}};
    write_csv({}, directory + "/policies.csv"); // what cannot be written is told at once
    bench::print_facts(bench::machine_facts(scratch.path()));
    std::fflush(stdout);
    if (session.wanted("hits")) bench::measure_hits(session);
    if (session.wanted("matrix")) bench::measure_matrix(session);
    write_csv(session.figures, directory + "/policies.csv");
    bench::draw_charts(session, directory);
    if (session.wanted("hits"))
        std::printf("%d lines further than %.1f points from the textbook\n", session.missed,
                    bench::points_to_textbook);
    std::printf("%s/policies.csv, %.0f s in all\n", directory.c_str(), watch.seconds());
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "policies: %s\n", error.what());
    return 1;
}
