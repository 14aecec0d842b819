// quire against its peers: LMDB, SQLite, absl::btree_map, std::map, each used when it was found at
// configuration. All contestants of a row run interleaved in this one process, and all results are
// checked against one another; a disagreement ends the run with exit code 1.
#include "rows/program.hpp"

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
    "u64-insert",     "u64-get",      "u64-file-get",   "u64-scan",      "kv-get",
    "kv-seek",        "kv-load",      "kv-size",        "kv-erase",      "kv-copy",
    "durable-put",    "ascending-kv", "ascending-u64",  "sorted-kv",     "sorted-u64",
    "skew-clustered", "skew-powers",  "skew-ascending", "skew-prefixes",
};

} // namespace

int main(int count, char** words) {
    bench::program self{.name = "peers", .usage = usage, .rows = all_rows};
    self.has_cpu_time = true;
    return bench::run(self, count, words, [](bench::session& in) {
        bench::measure_memory(in);
        bench::measure_u64_file(in);
        bench::measure_kv_read(in);
        bench::measure_kv_write(in);
        bench::measure_kv_copy(in);
        bench::measure_put(in);
        bench::measure_ascending(in);
        bench::measure_skew(in);
    });
}
