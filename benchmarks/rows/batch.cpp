// Large transactions: durable batches of 1000 records at random places of a loaded store, and the
// load of an empty one. LevelDB has no transaction as large as a load; leveldb.cpp says what it
// does instead. What it compacts behind a batch runs beside whoever has the next turn.
#include "rows/log.hpp"

namespace bench {
namespace {

constexpr goal batch_aim{1.0, 1 / 1.5};    // the time of LevelDB
constexpr goal batch_aim_lmdb{1.0 / 5, 0}; // the time of LMDB; no more to hope for

template <class Record>
void measure_batches_of(session& in, const std::string& name, const std::string& title,
                        std::vector<Record> (*make)(std::size_t), std::size_t records) {
    if (!in.wanted(name)) return;
    const std::size_t rounds = in.rounds(put_rounds);
    const std::size_t puts = (in.given.quick ? 2 : 10) * batch_records; // a round
    const std::size_t loaded = in.scaled(records);
    const auto data = parts_of(make(loaded + rounds * puts), loaded);

    using store = commit_store<Record>;
    std::vector<entrant<store>> all;
    if constexpr (std::is_same_v<Record, kv_record>) {
        enter_quire(in, all, batch_aim);
    } else {
        enter(in, all, {"quire", role::subject, batch_aim, [](const std::string& path) {
                            return open_quire_log<Record>(path, stored_as::fixed, 0);
                        }});
    }
    enter(in, all, {"LevelDB", role::reference, {}, open_leveldb<Record>});
    enter(in, all, {"LMDB", role::other, batch_aim_lmdb, open_lmdb<Record>});
    load_all(in, all, data.loaded);

    const auto putting = turns<store>(in, all, [&](store& made, std::size_t round) {
        const std::span<const Record> part = slice(data.added, round, rounds);
        sample sum{0, part.size()};
        for (std::size_t at = 0; at < part.size(); at += batch_records)
            sum.amount += made.load(part.subspan(at, batch_records), order::random).amount;
        sum.amount /= static_cast<double>(part.size() / batch_records);
        return sum;
    });
    in.results.measure({.name = name,
                        .title = title + " batches of 1000, durable",
                        .unit = "ns",
                        .rounds = rounds,
                        .while_timed = waits::for_medium,
                        .expected = [=](std::size_t) { return puts; }},
                       putting);
    check_all(all, data.added);
}

} // namespace

void measure_batches(session& in) {
    measure_batches_of<kv_record>(in, "batch-kv", "kv", random_kv, kv_records);
    measure_batches_of<u64_record>(in, "batch-u64", "u64", random_u64, u64_records);
}

void measure_load(session& in) {
    if (!in.wanted("load")) return;
    const std::vector<kv_record> records = random_kv(in.scaled(kv_records));
    std::vector<kv_record> looked_up = visits(records);
    looked_up.resize(looked_up.size() / 100);

    using store = commit_store<kv_record>;
    std::vector<entrant<store>> all;
    enter_quire(in, all, {1.0, 1 / 1.3});
    enter(in, all, {"LevelDB", role::reference, {}, open_leveldb<kv_record>});
    enter(in, all, {"LMDB", role::other, {}, open_lmdb<kv_record>});
    std::vector<contestant> loading;
    for (entrant<store>& each : all)
        loading.push_back({each.name, each.part, each.aim, [&](std::size_t) {
                               each.made.reset();
                               each.made = each.open(in.scratch.fresh("load"));
                               in.scratch.settle();
                               touch_memory();
                               const sample result = each.made->load(records, order::random);
                               if (each.made->get(looked_up).check != digest_of_values(looked_up))
                                   throw disagreement(each.name + " does not hold what was loaded");
                               return result;
                           }});
    in.results.measure({.name = "load",
                        .title = "kv load, one transaction",
                        .unit = "ns",
                        .rounds = in.rounds(load_rounds),
                        .while_timed = waits::for_medium,
                        .expected = [&](std::size_t) { return records.size(); }},
                       loading);
}

} // namespace bench
