// Commits of quire under the policy of engines/log_policy.hpp against SQLite, LMDB, LevelDB and
// WiredTiger, each used when it was found at configuration, and against a raw loop of write and
// flush: one put, many threads, batches, loads, the tail while checkpoints run, opening after a
// close and after a crash, and the bytes of a small store. All contestants of a row run interleaved
// in this one process, and all results are checked; a disagreement ends the run with exit code 1.
//
// All figures are times or bytes, less is better: a goal for a rate stands as one over it.
#include <cstdio>

#include "rows/log.hpp"
#include "support/machine.hpp"

namespace {

constexpr std::string_view usage =
    "usage: log [--row NAME]... [--quick] [--rounds N] [--csv FILE] [--dir PATH]\n"
    "  --row NAME   only this row (see --list); may be given several times\n"
    "  --quick      a tenth of the sizes\n"
    "  --rounds N   interleaved rounds of every row (default: 10, loads and crashes 7)\n"
    "  --csv FILE   also write the table as comma-separated values\n"
    "  --dir PATH   where the files go (default: beside this program); they are removed\n"
    "  --list       the names of the rows\n";

constexpr std::string_view all_rows[] = {
    "put",  "put-threads", "relaxed",        "batch-kv",      "batch-u64", "load",
    "tail", "open",        "open-crash-u64", "open-crash-kv", "small",
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
            std::fprintf(stderr, "log: there is no row '%s'; see --list\n", each.c_str());
            return 2;
        }
    bench::scratch_directory scratch(given.directory);
    bench::table results(bench::clock_kind::wall);
    bench::session session{given, scratch, results};
    std::vector<bench::fact> facts = bench::machine_facts(scratch.path());
    facts.emplace_back("quire", "txn::" + std::string(bench::log_policy::name));
    bench::print_facts(facts);
    std::fflush(stdout);
    bench::measure_durable_put(session);
    bench::measure_put_threads(session);
    bench::measure_relaxed(session);
    bench::measure_batches(session);
    bench::measure_load(session);
    bench::measure_tail(session);
    bench::measure_open(session);
    bench::measure_open_crash(session);
    bench::measure_small(session);
    results.print();
    if (!given.csv.empty()) results.write_csv(given.csv);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "log: %s\n", error.what());
    return 1;
}
