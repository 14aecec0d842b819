// The workloads of the Yahoo! Cloud Serving Benchmark on a real tree, recorded by recording<>.
// Source of the mixes: B. F. Cooper et al., "Benchmarking Cloud Serving Systems with YCSB",
// SoCC 2010.
//
//   A  reads 50 %, updates 50 %              zipf 0.99
//   B  reads 95 %, updates 5 %               zipf 0.99
//   C  reads                                 zipf 0.99
//   D  reads 95 %, insertions 5 %            the latest are read most, zipf 0.99 by age
//   E  scans 95 %, insertions 5 %            zipf 0.99, 1 to 100 records
//   F  reads 50 %, read-modify-writes 50 %   zipf 0.99
//
// Keys are hashed, so neighbours in the order of popularity or age are none in the tree. Each write
// is a commit of its own, on a device that says at once that all is on the medium. The cache holds
// the whole tree: a page is asked for whatever policy a cache has. What a commit wrote is asked for
// once more, under the new id of the page.
#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include <quire/btree_map.hpp>
#include <quire/cache/replacement/recording.hpp>

#include "policies/parts.hpp"
#include "tests/support/traces.hpp"

namespace bench {
namespace {

namespace traces = quire_test::traces;

using stored = std::array<std::byte, 100>;

// What it holds is thrown away after a crash.
class unsynced_file : public quire::storage::file {
public:
    static constexpr std::string_view name = "unsynced file";

    void start_writing(std::uint64_t, std::uint64_t) noexcept {}
    quire::storage::status sync_data() noexcept { return {}; }
    quire::storage::status sync_all() noexcept { return {}; }
};

using tree =
    quire::btree_map<std::uint64_t, stored, unsynced_file, quire::replacement::recording<>>;

// A permutation of the numbers (splitmix64, S. Vigna).
[[nodiscard]] std::uint64_t hashed(std::uint64_t n) {
    n += 0x9E3779B97F4A7C15U;
    n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9U;
    n = (n ^ (n >> 27)) * 0x94D049BB133111EBU;
    return n ^ (n >> 31);
}

class workload {
public:
    workload(tree& map, std::vector<std::uint32_t>& writes, std::uint64_t seed)
        : map_(map), writes_(writes), random_(seed),
          source_(random_, static_cast<std::uint32_t>(writes.size()), 0.99) {
        rank_of_.resize(writes.size() + 1);
        for (std::uint32_t rank = 0; const std::uint32_t page : source_.by_rank())
            rank_of_[page] = rank++;
    }

    void step(ycsb mix) {
        const bool often = traces::below(random_, 100) < 95;
        const bool half = traces::below(random_, 2) == 0;
        switch (mix) {
        case ycsb::a:
            return half ? read(popular()) : write(popular());
        case ycsb::b:
            return often ? read(popular()) : write(popular());
        case ycsb::c:
            return read(popular());
        case ycsb::d:
            return often ? read(latest()) : insert();
        case ycsb::e:
            return often ? scan(popular()) : insert();
        case ycsb::f: {
            const std::size_t record = popular();
            read(record);
            if (!half) write(record);
            return;
        }
        }
    }

private:
    [[nodiscard]] std::size_t popular() { return source_(random_) - 1; }
    [[nodiscard]] std::size_t latest() { return writes_.size() - 1 - rank_of_[source_(random_)]; }

    // The value says which record it belongs to, and how often that was written.
    [[nodiscard]] stored value_of(std::size_t record) const {
        stored value{};
        const std::uint64_t check = hashed(record) + writes_[record];
        std::memcpy(value.data(), &check, sizeof check);
        return value;
    }
    void read(std::size_t record) const {
        if (map_.get(hashed(record)) != value_of(record))
            throw std::runtime_error("ycsb: a record is not what was written last");
    }
    void write(std::size_t record) {
        ++writes_[record];
        map_.insert_or_assign(hashed(record), value_of(record));
    }
    void insert() {
        writes_.push_back(0);
        write(writes_.size() - 1);
    }
    void scan(std::size_t record) {
        std::uint64_t left = 1 + traces::below(random_, 100);
        std::uint64_t before = hashed(record);
        const auto end = map_.end();
        for (auto at = map_.lower_bound(before); at != end && left != 0; ++at, --left) {
            if ((*at).first < before) throw std::runtime_error("ycsb: keys are out of order");
            before = (*at).first;
        }
    }

    tree& map_;
    std::vector<std::uint32_t>& writes_; // by record
    traces::engine random_;
    traces::zipf_source source_;
    std::vector<std::uint32_t> rank_of_;
};

void load(const std::string& path, std::size_t records) {
    std::vector<std::uint64_t> keys(records);
    for (std::size_t i = 0; i < records; ++i) keys[i] = hashed(i);
    std::sort(keys.begin(), keys.end());
    std::vector<std::pair<std::uint64_t, stored>> pairs;
    for (const std::uint64_t key : keys) {
        pairs.push_back({key, {}});
        std::memcpy(pairs.back().second.data(), &key, sizeof key);
    }
    tree map{path};
    map.insert_range(pairs);
}

} // namespace

std::vector<std::vector<std::uint32_t>> record_ycsb(policies_session& in, std::size_t requests) {
    std::vector<std::vector<std::uint32_t>> recorded;
    const std::size_t records = in.scaled(300'000);
    for (const ycsb mix : {ycsb::a, ycsb::b, ycsb::c, ycsb::d, ycsb::e, ycsb::f}) {
        std::fprintf(stderr, "recording YCSB %c on a tree of %zu records\n", static_cast<char>(mix),
                     records);
        const std::string path = in.scratch.fresh("ycsb");
        load(path, records);
        std::vector<std::uint32_t> writes(records);
        tree map{path, {.cache_bytes = 256 << 20}};
        workload runs(map, writes, 100 + static_cast<unsigned>(mix));
        quire::replacement::trace trace;
        while (trace.size() < requests) runs.step(mix);
        trace.stop();
        recorded.emplace_back(trace.pages().begin(),
                              trace.pages().begin() + static_cast<std::ptrdiff_t>(requests));
        if (map.size() != writes.size())
            throw std::runtime_error("ycsb: the tree has lost a record");
    }
    return recorded;
}

} // namespace bench
