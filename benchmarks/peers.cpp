// quire against its peers: LMDB, SQLite, absl::btree_map, std::map, each used when it was found at
// configuration. All contestants of a row run interleaved in this one process, and all results are
// checked against one another; a disagreement ends the run with exit code 1.
#include <cstdio>

#include "rows/rows.hpp"
#include "support/machine.hpp"

namespace {

constexpr std::string_view usage =
    "usage: peers [--row NAME]... [--quick] [--rounds N] [--all-peers] [--cpu-time]\n"
    "             [--csv FILE] [--dir PATH]\n"
    "  --row NAME   only this row (see --list); may be given several times\n"
    "  --quick      a tenth of the sizes\n"
    "  --rounds N   interleaved rounds of every row (default: 10, loads 3)\n"
    "  --all-peers  also SQLite and std::map in every row that they can serve\n"
    "  --cpu-time   processor time instead of wall time in rows that wait for nothing, for a\n"
    "               machine that does other work\n"
    "  --csv FILE   also write the table as comma-separated values\n"
    "  --dir PATH   where the files go (default: beside this program); they are removed\n"
    "  --list       the names of the rows\n";

constexpr std::string_view all_rows[] = {
    "u64-insert",     "u64-get",     "u64-file-get",   "u64-scan",
    "kv-get",         "kv-seek",     "kv-load",        "kv-size",
    "kv-erase",       "durable-put", "ascending-kv",   "ascending-u64",
    "skew-clustered", "skew-powers", "skew-ascending", "skew-prefixes",
};

[[nodiscard]] bool known(std::string_view name) {
    for (const std::string_view each : all_rows)
        if (each == name) return true;
    return false;
}

} // namespace

int main(int count, char** words) try {
    const bench::options given = bench::parse_options(count, words, usage);
    if (given.list) {
        for (const std::string_view each : all_rows)
            std::printf("%.*s\n", static_cast<int>(each.size()), each.data());
        return 0;
    }
    for (const std::string& each : given.rows)
        if (!known(each)) {
            std::fprintf(stderr, "peers: there is no row '%s'; see --list\n", each.c_str());
            return 2;
        }
    bench::scratch_directory scratch(given.directory);
    bench::table results(given.cpu_time ? bench::clock_kind::processor : bench::clock_kind::wall);
    bench::session session{given, scratch, results};
    std::vector<bench::fact> facts = bench::machine_facts(scratch.path());
    if (given.cpu_time) facts.emplace_back("clock", "processor time in rows that wait for nothing");
    bench::print_facts(facts);
    std::fflush(stdout);
    bench::measure_memory(session);
    bench::measure_u64_file(session);
    bench::measure_kv_read(session);
    bench::measure_kv_write(session);
    bench::measure_put(session);
    bench::measure_ascending(session);
    bench::measure_skew(session);
    results.print();
    if (!given.csv.empty()) results.write_csv(given.csv);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "peers: %s\n", error.what());
    return 1;
}
