// Commits of quire under the policy of engines/log_policy.hpp against SQLite, LMDB, LevelDB and
// WiredTiger, each used when it was found at configuration, and against a raw loop of write and
// flush: one put, many threads, batches, loads, the tail while checkpoints run, opening after a
// close and after a crash, and the bytes of a small store. All contestants of a row run interleaved
// in this one process, and all results are checked; a disagreement ends the run with exit code 1.
//
// All figures are times or bytes, less is better: a goal for a rate stands as one over it.
#include "rows/log.hpp"
#include "rows/program.hpp"

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

} // namespace

int main(int count, char** words) {
    bench::program self{.name = "log", .usage = usage, .rows = all_rows};
    self.more_facts = {{"quire", "txn::" + std::string(bench::log_policy::name)}};
    return bench::run(self, count, words, [](bench::session& in) {
        bench::measure_durable_put(in);
        bench::measure_put_threads(in);
        bench::measure_relaxed(in);
        bench::measure_batches(in);
        bench::measure_load(in);
        bench::measure_tail(in);
        bench::measure_open(in);
        bench::measure_open_crash(in);
        bench::measure_small(in);
    });
}
