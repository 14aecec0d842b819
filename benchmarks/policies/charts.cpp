// Charts of the figures, drawn by gnuplot: hit ratio by cache size for each trace, and throughput.
#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "policies/parts.hpp"

namespace bench {
namespace {

class plotter {
public:
    plotter() : pipe_(::popen("gnuplot", "w")) {
        if (pipe_ == nullptr) fail("start gnuplot");
    }
    plotter(const plotter&) = delete;
    plotter& operator=(const plotter&) = delete;
    ~plotter() {
        if (pipe_ != nullptr) ::pclose(pipe_);
    }

    void say(const std::string& line) { std::fprintf(pipe_, "%s\n", line.c_str()); }
    void end() {
        if (::pclose(std::exchange(pipe_, nullptr)) != 0)
            throw std::runtime_error("gnuplot could not draw the charts");
    }

private:
    std::FILE* pipe_;
};

// The different values of a member, in the order in which they came.
[[nodiscard]] std::vector<std::string> each_of(const std::vector<policy_figure>& figures,
                                               std::string policy_figure::*member) {
    std::vector<std::string> found;
    for (const policy_figure& each : figures)
        if (each.part == "hits" &&
            std::find(found.begin(), found.end(), each.*member) == found.end())
            found.push_back(each.*member);
    return found;
}

// In single quotes for gnuplot.
[[nodiscard]] std::string quoted(const std::string& text) {
    std::string made = "'";
    for (const char c : text) made += c == '\'' ? std::string("''") : std::string(1, c);
    return made + "'";
}

[[nodiscard]] std::string dashed(std::string name) {
    std::replace(name.begin(), name.end(), ' ', '-');
    return name;
}

void draw_hits(plotter& to, const std::vector<policy_figure>& figures, const std::string& trace,
               const std::string& directory) {
    std::string curves;
    int n = 0;
    for (const std::string& policy : each_of(figures, &policy_figure::policy)) {
        const std::string curve = "$curve" + std::to_string(n++);
        to.say(curve + " << EOD");
        for (const policy_figure& at : figures)
            if (at.part == "hits" && at.of == trace && at.policy == policy &&
                at.figure == "hit ratio")
                to.say(std::to_string(at.size) + " " + std::to_string(at.value));
        to.say("EOD");
        curves += curves.empty() ? "plot " : ", ";
        curves += curve + " using 1:2 with linespoints title " + quoted(policy);
    }
    to.say("set output " + quoted(directory + "/hits-" + dashed(trace) + ".svg"));
    to.say("set title " + quoted(trace));
    to.say(curves);
}

void draw_throughput(plotter& to, const std::vector<policy_figure>& figures,
                     const std::string& directory) {
    to.say("$speed << EOD");
    for (const std::string& policy : each_of(figures, &policy_figure::policy)) {
        double seconds_a_million = 0;
        int n = 0;
        for (const policy_figure& at : figures)
            if (at.part == "hits" && at.policy == policy && at.figure == "throughput") {
                seconds_a_million += 1 / at.value;
                ++n;
            }
        if (n != 0) to.say("\"" + policy + "\" " + std::to_string(n / seconds_a_million));
    }
    to.say("EOD");
    to.say("set output " + quoted(directory + "/throughput.svg"));
    to.say("set title 'simulate<Policy>, all traces'");
    to.say("unset logscale x; unset xlabel; unset key; set yrange [0:*]");
    to.say("set ylabel 'M requests/s'; set style fill solid 0.6; set boxwidth 0.7");
    to.say("plot $speed using 0:2:xtic(1) with boxes");
}

} // namespace

void draw_charts(const policies_session& in, const std::string& directory) {
    const std::vector<std::string> traces = each_of(in.figures, &policy_figure::of);
    if (traces.empty()) return;
    if (std::system("command -v gnuplot > /dev/null 2>&1") != 0) {
        std::printf("\nThere is no gnuplot, so there are no charts.\n");
        return;
    }
    plotter to;
    to.say("set terminal svg size 720,480 noenhanced background 'white'");
    to.say("set key outside; set grid; set logscale x; set autoscale xfix");
    int n = 0; // colours that differ for ten curves
    for (const char* colour : {"#000000", "#e69f00", "#d55e00", "#999999", "#c8b400", "#56b4e9",
                               "#009e73", "#0072b2", "#cc79a7", "#8b4513"})
        to.say("set linetype " + std::to_string(++n) + " linewidth 1.5 linecolor rgb '" + colour +
               "'");
    to.say("set xlabel 'cache, pages'; set ylabel 'hit ratio, %'");
    for (const std::string& trace : traces) draw_hits(to, in.figures, trace, directory);
    draw_throughput(to, in.figures, directory);
    to.end();
    std::printf("\n%zu charts: %s/hits-*.svg, throughput.svg\n", traces.size() + 1,
                directory.c_str());
}

} // namespace bench
