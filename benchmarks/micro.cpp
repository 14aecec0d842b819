// Micro-benchmarks (Google Benchmark): every combination of storage and transaction policy with
// the same small map, and the two leaf functions that every page and every key pays for. They
// compare policies and catch a slower commit; the figures that count come from the peers program.
#include <benchmark/benchmark.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include <quire/btree_map.hpp>
#include <quire/codec/of.hpp>
#include <quire/core/crc32c.hpp>

#include "support/data.hpp"
#include "support/scratch.hpp"

namespace {

using namespace bench;

constexpr std::size_t record_count = 100'000;

template <class Storage, class Txn>
class loaded_map {
public:
    using map_type = quire::btree_map<std::uint64_t, std::uint64_t, Storage, Txn>;

    loaded_map() {
        if constexpr (std::is_same_v<Storage, quire::storage::memory>) map_.emplace();
        else map_.emplace(scratch_.fresh("map"));
    }

    [[nodiscard]] map_type& map() { return *map_; }

    void load(const std::vector<u64_record>& records) {
        if constexpr (std::is_same_v<Txn, quire::txn::none>) {
            for (const u64_record& each : records) map().insert_or_assign(each.key, each.value);
        } else {
            auto transaction = map().transaction();
            for (const u64_record& each : records)
                transaction.insert_or_assign(each.key, each.value);
            transaction.commit();
        }
    }

private:
    scratch_directory scratch_{""};
    std::optional<map_type> map_;
};

void count_items(benchmark::State& state, std::size_t each) {
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                            static_cast<std::int64_t>(each));
}

template <class Storage, class Txn>
void load(benchmark::State& state) {
    const std::vector<u64_record> records = random_u64(record_count);
    for (auto _ : state) {
        state.PauseTiming();
        auto fresh = std::make_unique<loaded_map<Storage, Txn>>();
        state.ResumeTiming();
        fresh->load(records);
        state.PauseTiming();
        fresh.reset();
        state.ResumeTiming();
    }
    count_items(state, record_count);
}

template <class Storage, class Txn>
void get(benchmark::State& state) {
    const std::vector<u64_record> records = random_u64(record_count);
    loaded_map<Storage, Txn> loaded;
    loaded.load(records);
    const std::vector<u64_record> order = visits(records);
    std::size_t at = 0;
    for (auto _ : state) {
        const auto found = loaded.map().get(order[at].key);
        if (!found || *found != order[at].value) {
            state.SkipWithError("a wrong value");
            break;
        }
        at = at + 1 == order.size() ? 0 : at + 1;
    }
    count_items(state, 1);
}

template <class Storage, class Txn>
void scan(benchmark::State& state) {
    const std::vector<u64_record> records = random_u64(record_count);
    std::uint64_t expected = 0;
    for (const u64_record& each : records) expected += each.key + each.value;
    loaded_map<Storage, Txn> loaded;
    loaded.load(records);
    for (auto _ : state) {
        std::uint64_t sum = 0;
        for (const auto& [key, value] : loaded.map()) sum += key + value;
        if (sum != expected) {
            state.SkipWithError("a wrong sum");
            break;
        }
    }
    count_items(state, record_count);
}

#define QUIRE_EVERY_POLICY(function, unit)                                                         \
    BENCHMARK_TEMPLATE(function, quire::storage::memory, quire::txn::none)->Unit(unit);            \
    BENCHMARK_TEMPLATE(function, quire::storage::memory, quire::txn::shadow)->Unit(unit);          \
    BENCHMARK_TEMPLATE(function, quire::storage::file, quire::txn::none)->Unit(unit);              \
    BENCHMARK_TEMPLATE(function, quire::storage::file, quire::txn::shadow)->Unit(unit);            \
    BENCHMARK_TEMPLATE(function, quire::storage::mmap, quire::txn::none)->Unit(unit);              \
    BENCHMARK_TEMPLATE(function, quire::storage::mmap, quire::txn::shadow)->Unit(unit)

QUIRE_EVERY_POLICY(load, benchmark::kMillisecond);
QUIRE_EVERY_POLICY(get, benchmark::kNanosecond);
QUIRE_EVERY_POLICY(scan, benchmark::kMicrosecond);

void checksum(benchmark::State& state) {
    const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{7});
    for (auto _ : state) benchmark::DoNotOptimize(quire::crc32c(bytes));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(checksum)->Arg(64)->Arg(4096)->Arg(65536);

template <class Key>
void encode_key(benchmark::State& state, const Key& key) {
    using codec = quire::codec::of<Key, quire::codec::role::key>;
    std::byte buffer[64];
    for (auto _ : state) {
        benchmark::DoNotOptimize(codec::encode(key, buffer));
        benchmark::ClobberMemory();
    }
}
BENCHMARK_CAPTURE(encode_key, u64, std::uint64_t{0x0123456789ABCDEF});
BENCHMARK_CAPTURE(encode_key, string, std::string("a key of the usual length"));
BENCHMARK_CAPTURE(encode_key, tuple_u32_string,
                  std::tuple<std::uint32_t, std::string>(7, "a key of the usual length"));

} // namespace

BENCHMARK_MAIN();
