// Storage x replacement x transactions x codec: point get, insert and scan. The maps of one codec
// and one transaction policy take their turns, in alternating direction, so that a slow minute of
// the machine meets all of them.
//
// Nine tenths of the records are loaded in order, the others inserted at random while the clock
// runs. Gets are zipf's, 0.99, over all records that were loaded; the cache of maps in files is a
// tenth of the records' bytes.
#include "policies/matrix.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "policies/parts.hpp"
#include "support/timing.hpp"
#include "tests/support/traces.hpp"

namespace bench {
namespace {

namespace traces = quire_test::traces;

constexpr std::size_t rounds = 3;
constexpr std::size_t in_one_transaction = 1000;

struct contender {
    matrix_row row;
    std::unique_ptr<matrix_map> map;
    std::vector<double> insert, get, scan; // ns, by round
};

[[nodiscard]] std::uint64_t sum_of(numbers records) {
    std::uint64_t sum = 0;
    for (const std::uint32_t each : records) sum += matrix_check(each);
    return sum;
}

void require(bool right, const contender& of, const char* what) {
    if (!right)
        throw std::runtime_error("matrix: " + std::string(of.row.storage) + ", " +
                                 std::string(of.row.replacement) + ": " + what +
                                 " gave another sum than the data");
}

// The clock of n operations.
template <class Work>
[[nodiscard]] double nanoseconds_each(std::size_t n, Work&& work) {
    return seconds_of(work) * 1e9 / static_cast<double>(n);
}

struct matrix_data {
    explicit matrix_data(std::size_t records) : loaded(records - records / 10) {
        order.resize(records);
        std::iota(order.begin(), order.end(), 0U);
        std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(loaded),
                  [](std::uint32_t a, std::uint32_t b) { return matrix_key(a) < matrix_key(b); });
        for (std::size_t i = 0; i < rounds; ++i)
            asked.push_back(
                traces::zipf(records / 2, static_cast<std::uint32_t>(loaded), 0.99, 31 + i));
        for (auto& round : asked) // from pages, from 1, to records
            for (std::uint32_t& each : round) --each;
    }
    [[nodiscard]] numbers all() const { return order; }
    // What is inserted in the round.
    [[nodiscard]] numbers fresh(std::size_t round) const {
        const std::size_t size = (order.size() - loaded) / rounds;
        return all().subspan(loaded + round * size, size);
    }
    [[nodiscard]] numbers present(std::size_t round) const {
        return all().first(loaded + (round + 1) * fresh(round).size());
    }

    std::vector<std::uint32_t> order; // those loaded, by key; then those inserted
    std::size_t loaded;
    std::vector<std::vector<std::uint32_t>> asked; // by round
};

void run_round(std::vector<contender>& all, const matrix_data& data, std::size_t round) {
    const numbers fresh = data.fresh(round);
    const numbers asked = data.asked[round];
    const std::uint64_t asked_sum = sum_of(asked);
    const std::uint64_t scan_sum = sum_of(data.present(round));
    const std::size_t present = data.present(round).size();
    for (std::size_t place = 0; place < all.size(); ++place) {
        contender& each = all[round % 2 == 0 ? place : all.size() - 1 - place];
        each.insert.push_back(
            nanoseconds_each(fresh.size(), [&] { each.map->insert(fresh, in_one_transaction); }));
        require(each.map->size() == present, each, "size");
        std::uint64_t sum = 0;
        each.get.push_back(nanoseconds_each(asked.size(), [&] { sum = each.map->get(asked); }));
        require(sum == asked_sum, each, "get");
        each.scan.push_back(nanoseconds_each(present, [&] { sum = each.map->scan(); }));
        require(sum == scan_sum, each, "scan");
        std::fprintf(stderr, ".");
    }
}

} // namespace

void measure_matrix(policies_session& in) {
    const matrix_data data(in.scaled(200'000));
    const std::uint64_t bytes = data.order.size() * matrix_record_bytes;
    std::printf("\nMatrix: %zu records of %zu bytes, cache of a tenth of that for files; ns for "
                "each operation, median of %zu rounds\n"
                "(inserts at random, under shadow in transactions of %zu that do not wait for the "
                "medium; gets: zipf 0.99; scan: each record)\n",
                data.order.size(), matrix_record_bytes, rounds, in_one_transaction);
    std::printf("%-8s %-10s %-8s %-8s %10s %10s %10s\n", "storage", "policy", "txn", "pages", "get",
                "insert", "scan");
    for (const matrix_codec codec : {matrix_codec::fixed, matrix_codec::slotted})
        for (const matrix_txn txn : {matrix_txn::none, matrix_txn::shadow}) {
            const std::string txn_name = txn == matrix_txn::none ? "none" : "shadow";
            const std::string codec_name = codec == matrix_codec::fixed ? "fixed" : "slotted";
            std::fprintf(stderr, "matrix, %s, %s: ", txn_name.c_str(), codec_name.c_str());
            std::vector<contender> all;
            for (const auto row : {file_clock, file_lru, file_lru_k, file_two_queue, file_arc,
                                   file_sieve, file_s3_fifo, mmap_clock, memory_clock}) {
                contender next{row(), {}, {}, {}, {}};
                next.map = next.row.open({codec, txn, in.scratch.fresh("matrix"), bytes / 10});
                next.map->insert(data.all().first(data.loaded), data.loaded);
                all.push_back(std::move(next));
            }
            in.scratch.settle();
            for (std::size_t round = 0; round < rounds; ++round) run_round(all, data, round);
            std::fprintf(stderr, "\n");
            for (const contender& each : all) {
                const std::string storage(each.row.storage);
                const std::string policy(each.row.storage == "file" ? each.row.replacement : "-");
                const std::string of = storage + " " + txn_name + " " + codec_name;
                std::printf("%-8s %-10s %-8s %-8s %10.0f %10.0f %10.0f\n", storage.c_str(),
                            policy.c_str(), txn_name.c_str(), codec_name.c_str(), median(each.get),
                            median(each.insert), median(each.scan));
                in.note({"matrix", of, policy, 0, "get", median(each.get), "ns"});
                in.note({"matrix", of, policy, 0, "insert", median(each.insert), "ns"});
                in.note({"matrix", of, policy, 0, "scan", median(each.scan), "ns"});
            }
            std::fflush(stdout);
        }
}

} // namespace bench
