// A benchmark program of rows, but for what it measures: its command line, its table, its exit.
// Thread-safety: one thread.
#pragma once

#include <algorithm>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rows/rows.hpp"
#include "support/machine.hpp"

namespace bench {

struct program {
    const char* name;
    std::string_view usage;
    std::span<const std::string_view> rows;
    bool has_cpu_time = false;      // whether --cpu-time means something to it
    std::vector<fact> more_facts{}; // besides those of the machine
};

// Gives the exit code: 2 for a row that is not there, 1 when measure(session&) threw.
template <class Measure>
[[nodiscard]] int run(const program& self, int count, char** words, Measure&& measure) try {
    const options given = parse_options(count, words, self.usage);
    if (given.list) {
        for (const std::string_view each : self.rows)
            std::printf("%.*s\n", static_cast<int>(each.size()), each.data());
        return 0;
    }
    for (const std::string& each : given.rows)
        if (std::find(self.rows.begin(), self.rows.end(), each) == self.rows.end()) {
            std::fprintf(stderr, "%s: there is no row '%s'; see --list\n", self.name, each.c_str());
            return 2;
        }
    const bool cpu_time = self.has_cpu_time && given.cpu_time;
    scratch_directory scratch(given.directory);
    table results(cpu_time ? clock_kind::processor : clock_kind::wall);
    session in{given, scratch, results};
    std::vector<fact> facts = machine_facts(scratch.path());
    if (cpu_time) facts.emplace_back("clock", "processor time in rows that wait for nothing");
    facts.insert(facts.end(), self.more_facts.begin(), self.more_facts.end());
    print_facts(facts);
    std::fflush(stdout);
    measure(in);
    results.print();
    if (!given.csv.empty()) results.write_csv(given.csv);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", self.name, error.what());
    return 1;
}

} // namespace bench
