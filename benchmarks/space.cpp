// What a store's file costs and what compaction costs those who work beside it: the file against
// its raw live bytes after half of the records were erased and the store was compacted, readers and
// commits beside a compaction, its budget, a mixed load with and without automatic steps, the bytes
// of small stores, what a checkpoint writes of a large free map, and a backup beside a writer.
// There are no peers: the reference of a row is a limit, or the same work without compaction, or
// raw reads and writes. All results are checked; a disagreement ends the run with exit code 1.
#include "rows/space.hpp"
#include "rows/program.hpp"

namespace {

constexpr std::string_view usage =
    "usage: space [--row NAME]... [--quick] [--rounds N] [--csv FILE] [--dir PATH]\n"
    "  --row NAME   only this row (see --list); may be given several times\n"
    "  --quick      a tenth of the sizes\n"
    "  --rounds N   ignored: each row is one round\n"
    "  --csv FILE   also write the table as comma-separated values\n"
    "  --dir PATH   where the files go (default: beside this program); they are removed\n"
    "  --list       the names of the rows\n";

constexpr std::string_view all_rows[] = {"half",  "beside", "budget", "mixed",
                                         "small", "map",    "backup"};

} // namespace

int main(int count, char** words) {
    bench::program self{.name = "space", .usage = usage, .rows = all_rows};
    return bench::run(self, count, words, [](bench::session& in) {
        bench::measure_half(in);
        bench::measure_beside(in);
        bench::measure_budget(in);
        bench::measure_mixed(in);
        bench::measure_small_stores(in);
        bench::measure_free_map(in);
        bench::measure_backup(in);
    });
}
