// Maps in memory: random 64-bit keys, and keys that are anything but evenly spread, against
// absl::btree_map (and, on request, std::map) with the same keys in the same order.
#include "rows/rows.hpp"

namespace bench {
namespace {

// The names of the rows in the table; empty: not wanted.
struct row_names {
    std::string insert;
    std::string get;
};

struct map_goals {
    goal insert;
    goal get;
};

// Inserts (a fresh map each round) and lookups of one data set, whichever is wanted.
template <class Record>
void measure_map(session& in, const row_names& names, const std::string& title,
                 const std::vector<Record>& records, map_goals aim) {
    const auto quire = make_quire<Record>();
    const auto absl = make_absl<Record>();
    const auto std_map = in.given.all_peers ? make_std<Record>() : nullptr;

    const std::span<const Record> all(records);
    const auto insert = [&](memory_map<Record>& map) {
        return [&](std::size_t) {
            touch_memory();
            return map.insert(all);
        };
    };
    std::vector<contestant> inserting{subject("quire", aim.insert, insert(*quire))};
    if (absl) inserting.push_back(reference("absl::btree_map", insert(*absl)));
    if (std_map) inserting.push_back(other("std::map", insert(*std_map)));
    if (!names.insert.empty()) {
        in.results.measure({.name = names.insert,
                            .title = title + " insert",
                            .unit = "ns",
                            .rounds = in.rounds(load_rounds),
                            .expected = [&](std::size_t) { return records.size(); }},
                           inserting);
    } else {
        for (const contestant& each : inserting) each.run(0);
    }
    if (names.get.empty()) return;

    const std::size_t rounds = in.rounds(read_rounds);
    const std::vector<Record> order = visits(records);
    const auto part = [&](std::size_t round) { return stretch(order, round); };
    const auto find = [&](memory_map<Record>& map) {
        return [&](std::size_t round) { return map.find(part(round)); };
    };
    std::vector<contestant> getting{
        subject("quire get", aim.get, [&](std::size_t round) { return quire->get(part(round)); }),
        subject("quire find", aim.get, find(*quire))};
    if (absl) getting.push_back(reference("absl::btree_map", find(*absl)));
    if (std_map) getting.push_back(other("std::map", find(*std_map)));
    in.results.measure({.name = names.get,
                        .title = title + " get",
                        .unit = "ns",
                        .rounds = rounds,
                        .before = warm_up::one_round,
                        .expected = [&](std::size_t i) { return digest_of_values(part(i)); }},
                       getting);
}

template <class Record>
void measure_skewed(session& in, const std::string& name, const std::string& title,
                    std::vector<Record> (*make)(std::size_t), std::size_t records) {
    if (!in.wanted(name)) return;
    constexpr goal aim{1.3, 1.0};
    measure_map(in, {name, name}, title, make(in.scaled(records)), {aim, aim});
}

} // namespace

void measure_memory(session& in) {
    const row_names names{in.wanted("u64-insert") ? "u64-insert" : "",
                          in.wanted("u64-get") ? "u64-get" : ""};
    if (names.insert.empty() && names.get.empty()) return;
    measure_map(in, names, "u64 random, memory", random_u64(in.scaled(u64_records)),
                {{1.0, 0.7}, {0.55, 0.40}});
}

void measure_skew(session& in) {
    measure_skewed(in, "skew-clustered", "clustered ids", clustered_u64, u64_records);
    measure_skewed(in, "skew-powers", "powers", powers_u64, u64_records);
    measure_skewed(in, "skew-ascending", "ascending ids", ascending_u64, u64_records);
    measure_skewed(in, "skew-prefixes", "shared prefixes", prefixed_text, kv_records);
}

} // namespace bench
