// One put a transaction on a loaded store: durable by one thread, by eight, its tail while
// checkpoints run, and relaxed. A transaction of LevelDB is a WriteBatch of its own, as DB::Put
// makes it.
#include <exception>
#include <latch>
#include <thread>

#include "rows/log.hpp"

namespace bench {
namespace {

// Rates are held to, times are measured.
[[nodiscard]] constexpr goal by_rate(double must, double stretch) {
    return {1 / must, 1 / stretch};
}

// Wall time a put of so many threads together, each with its own share of the records. The clock
// starts when all threads are there.
template <class Store, class Record>
[[nodiscard]] sample put_by(std::ptrdiff_t threads, Store& made, std::span<const Record> records) {
    const auto count = static_cast<std::size_t>(threads);
    const std::size_t share = records.size() / count;
    std::vector<std::uint64_t> puts(count);
    std::vector<std::exception_ptr> failures(count);
    std::latch ready(threads);
    std::latch go(1);
    std::vector<std::jthread> writers;
    for (std::size_t t = 0; t < count; ++t)
        writers.emplace_back([&, t] {
            ready.count_down();
            go.wait();
            try {
                puts[t] = made.put(records.subspan(t * share, share)).check;
            } catch (...) {
                failures[t] = std::current_exception();
            }
        });
    ready.wait();
    const sample result = timed(share * count, [&] {
        go.count_down();
        writers.clear();
        std::uint64_t sum = 0;
        for (const std::uint64_t each : puts) sum += each;
        return sum;
    });
    for (const std::exception_ptr& each : failures)
        if (each) std::rethrow_exception(each);
    return in_microseconds(result);
}

struct quantiles {
    double p50, p99, p999; // microseconds
};

// Each put timed by itself. Requires: `put` gives nothing.
template <class Put>
[[nodiscard]] quantiles latencies(std::span<const kv_record> records, Put&& put) {
    std::vector<double> times;
    times.reserve(records.size());
    for (const kv_record& each : records) times.push_back(seconds_of([&] { put(each); }) * 1e6);
    return {quantile(times, 0.5), quantile(times, 0.99), quantile(times, 0.999)};
}

} // namespace

void measure_durable_put(session& in) {
    if (!in.wanted("put")) return;
    const std::size_t rounds = in.rounds(put_rounds);
    const std::size_t puts = in.given.quick ? 50 : 400; // a round
    const std::size_t loaded = in.scaled(kv_records);
    const auto data = parts_of(random_kv(loaded + rounds * puts), loaded);

    using store = commit_store<kv_record>;
    std::vector<entrant<store>> all;
    enter_quire(in, all, by_rate(0.93, 0.98));
    enter(in, all, {"SQLite", role::other, {}, open_sqlite});
    enter(in, all, {"LMDB", role::other, {}, open_lmdb<kv_record>});
    enter(in, all, {"LevelDB", role::other, {}, open_leveldb<kv_record>});
    enter(in, all, {"WiredTiger", role::other, {}, open_wiredtiger});
    load_all(in, all, data.loaded);

    raw_loop raw(in);
    const auto part = [&](std::size_t round) { return slice(data.added, round, rounds); };
    auto putting = turns<store>(in, all, [&](store& made, std::size_t round) {
        return in_microseconds(made.put(part(round)));
    });
    putting.push_back(reference("raw loop", [&](std::size_t round) {
        in.scratch.settle();
        return in_microseconds(timed_each(part(round), [&](const kv_record&) {
            raw.put();
            return std::uint64_t{1};
        }));
    }));
    in.results.measure({.name = "put",
                        .title = "kv one durable put",
                        .unit = "us",
                        .rounds = rounds,
                        .while_timed = waits::for_medium,
                        .expected = [=](std::size_t) { return puts; }},
                       putting);
    check_all(all, data.added);
}

void measure_put_threads(session& in) {
    if (!in.wanted("put-threads")) return;
    constexpr std::ptrdiff_t threads = 8;
    const std::size_t rounds = in.rounds(put_rounds);
    const std::size_t puts = in.given.quick ? 160 : 1600; // a round, of all threads together
    const std::size_t loaded = in.scaled(kv_records);
    const auto data = parts_of(random_kv(loaded + rounds * puts), loaded);

    using store = commit_store<kv_record>;
    const auto open_quire = [](const std::string& path) {
        return open_quire_log<kv_record>(path, stored_as::fixed, 0);
    };
    std::vector<entrant<store>> eight;
    enter(in, eight, {"quire, 8 threads", role::subject, by_rate(4, 6), open_quire});
    enter(in, eight, {"LevelDB, 8", role::other, {}, open_leveldb<kv_record>});
    std::vector<entrant<store>> one;
    enter(in, one, {"quire, 1 thread", role::reference, {}, open_quire});
    load_all(in, eight, data.loaded);
    load_all(in, one, data.loaded);

    const auto by = [&](std::ptrdiff_t count) {
        return [&, count](store& made, std::size_t round) {
            return put_by(count, made, slice(data.added, round, rounds));
        };
    };
    auto putting = turns<store>(in, eight, by(threads));
    for (contestant& each : turns<store>(in, one, by(1))) putting.push_back(std::move(each));
    in.results.measure({.name = "put-threads",
                        .title = "kv one durable put, threads",
                        .unit = "us",
                        .rounds = rounds,
                        .while_timed = waits::for_medium,
                        .expected = [=](std::size_t) { return puts; }},
                       putting);
    check_all(eight, data.added);
    check_all(one, data.added);
}

void measure_relaxed(session& in) {
    if (!in.wanted("relaxed")) return;
    const std::size_t rounds = in.rounds(put_rounds);
    const std::size_t puts = in.given.quick ? 1'000 : 50'000; // a round
    const std::size_t loaded = in.scaled(kv_records);
    const auto data = parts_of(random_kv(loaded + rounds * puts), loaded);

    using store = log_store<kv_record>;
    std::vector<entrant<store>> all;
    enter_quire(in, all, by_rate(1.5, 2.5));
    enter(in, all, {"LevelDB", role::reference, {}, open_leveldb<kv_record>});
    load_all(in, all, data.loaded);
    const auto putting = turns<store>(in, all, [&](store& made, std::size_t round) {
        return in_microseconds(made.put_relaxed(slice(data.added, round, rounds)));
    });
    in.results.measure({.name = "relaxed",
                        .title = "kv one relaxed put",
                        .unit = "us",
                        .rounds = rounds,
                        .while_timed = waits::for_medium,
                        .expected = [=](std::size_t) { return puts; }},
                       putting);
    check_all(all, data.added);
}

void measure_tail(session& in) {
    if (!in.wanted("tail")) return;
    constexpr std::uint64_t log_limit = 1 << 20; // a checkpoint every five thousand puts
    const std::size_t rounds = in.rounds(put_rounds);
    const std::size_t puts = in.given.quick ? 1'000 : 10'000; // a round
    const std::size_t loaded = in.scaled(kv_records);
    const auto data = parts_of(random_kv(loaded + rounds * puts), loaded);

    using store = commit_store<kv_record>;
    std::vector<entrant<store>> all;
    enter(in, all, {"quire fixed", role::subject, {5, 2}, [](const std::string& path) {
                        return open_quire_log<kv_record>(path, stored_as::fixed, log_limit);
                    }});
    enter(in, all, {"LevelDB", role::other, {}, open_leveldb<kv_record>});
    load_all(in, all, data.loaded);

    raw_loop raw(in);
    std::vector<std::vector<quantiles>> found(all.size() + 1, std::vector<quantiles>(rounds));
    const auto run = [&](std::size_t who, std::size_t round) {
        in.scratch.settle();
        found[who][round] = latencies(slice(data.added, round, rounds), [&](const kv_record& each) {
            if (who == all.size()) raw.put();
            else static_cast<void>(all[who].made->put({&each, 1}));
        });
    };
    // The first row does the work, the others look at what it has found.
    const auto report = [&](const char* title, double quantiles::*what, goal aim, bool measuring) {
        std::vector<contestant> taking;
        for (std::size_t who = 0; who <= all.size(); ++who) {
            const bool is_raw = who == all.size();
            taking.push_back({is_raw ? "raw loop" : all[who].name,
                              is_raw ? role::reference : all[who].part, who == 0 ? aim : goal{},
                              [&, who, what, measuring](std::size_t r) {
                                  if (measuring) run(who, r);
                                  return sample{found[who][r].*what, 0};
                              }});
        }
        in.results.measure({.name = "tail",
                            .title = title,
                            .unit = "us",
                            .rounds = rounds,
                            .while_timed = waits::for_medium},
                           taking);
    };
    report("kv durable put, checkpoints, p99.9", &quantiles::p999, all.front().aim, true);
    report("kv durable put, checkpoints, p99", &quantiles::p99, {}, false);
    report("kv durable put, checkpoints, p50", &quantiles::p50, {}, false);
    check_all(all, data.added);
}

} // namespace bench
