// Changing a file: load and erase in one transaction, one durable put a transaction, and what the
// files weigh against the bytes put into them. Loads build fresh stores in every round.
#include <fcntl.h>

#include <algorithm>
#include <functional>

#include "rows/rows.hpp"

namespace bench {
namespace {

constexpr double mebibyte = 1 << 20;

template <class Record>
using opener = std::function<std::unique_ptr<store<Record>>(const std::string& path)>;

// An engine and what is known of its stores so far.
template <class Record>
struct entrant {
    std::string name;
    role part;
    opener<Record> open;
    std::vector<std::unique_ptr<store<Record>>> loaded{}; // by round, kept for the next row
    double file_mebibytes = 0;                            // after the last load
};

template <class Record>
[[nodiscard]] std::vector<entrant<Record>> entrants(session& in) {
    std::vector<entrant<Record>> all;
    if constexpr (std::is_same_v<Record, kv_record>) {
        for (const auto& [name, types] : {std::pair{"quire fixed", stored_as::fixed},
                                          std::pair{"quire string", stored_as::text}})
            all.push_back({name, role::subject, [types = types](const std::string& path) {
                               return open_quire<Record>(path, types);
                           }});
    } else {
        all.push_back({"quire", role::subject, [](const std::string& path) {
                           return open_quire<Record>(path, stored_as::fixed);
                       }});
    }
    const std::string probe = in.scratch.fresh("probe");
    if (open_lmdb<Record>(probe)) all.push_back({"LMDB", role::reference, open_lmdb<Record>});
    if constexpr (std::is_same_v<Record, kv_record>)
        if (in.given.all_peers && open_sqlite(probe))
            all.push_back({"SQLite", role::other, open_sqlite});
    return all;
}

// A fresh store, loaded; its sample and file size.
template <class Record>
sample load(session& in, entrant<Record>& who, std::span<const Record> records, order of) {
    auto made = who.open(in.scratch.fresh("load"));
    in.scratch.settle();
    touch_memory();
    const sample result = made->load(records, of);
    who.file_mebibytes = static_cast<double>(made->file_bytes()) / mebibyte;
    who.loaded.push_back(std::move(made));
    return result;
}

// The sizes of the last loads as a row of their own, against the bytes that were stored.
template <class Record>
void report_sizes(session& in, const std::string& name, const std::string& title,
                  const std::vector<entrant<Record>>& all, const std::vector<Record>& records,
                  goal aim) {
    const auto mebibytes = [](double of) { return [of](std::size_t) { return sample{of, 0}; }; };
    std::vector<contestant> sizes;
    for (const entrant<Record>& each : all)
        sizes.push_back(subject(each.name, each.part == role::subject ? aim : goal{},
                                mebibytes(each.file_mebibytes)));
    sizes.push_back(
        reference("raw bytes", mebibytes(static_cast<double>(raw_bytes(records)) / mebibyte)));
    in.results.measure({.name = name, .title = title, .unit = "MiB", .rounds = 1}, sizes);
}

template <class Record>
using work = std::function<sample(entrant<Record>& who, std::size_t round)>;

template <class Record>
[[nodiscard]] std::vector<contestant> contestants(std::vector<entrant<Record>>& all, goal aim,
                                                  const work<Record>& of) {
    std::vector<contestant> made;
    for (entrant<Record>& each : all)
        made.push_back({each.name, each.part, aim,
                        [&each, of](std::size_t round) { return of(each, round); }});
    return made;
}

template <class Record>
void measure_ascending_of(session& in, const std::string& name, const std::string& title,
                          const std::vector<Record>& records) {
    auto all = entrants<Record>(in);
    const work<Record> load_fresh = [&](entrant<Record>& who, std::size_t) {
        who.loaded.clear();
        return load<Record>(in, who, records, order::ascending);
    };
    in.results.measure({.name = name,
                        .title = title + " ascending load",
                        .unit = "ns",
                        .rounds = in.rounds(load_rounds),
                        .while_timed = waits::for_medium,
                        .expected = [&](std::size_t) { return records.size(); }},
                       contestants(all, {}, load_fresh));
    report_sizes(in, name, title + " file, ascending load", all, records, {1.08, 1.05});
}

} // namespace

void measure_kv_write(session& in) {
    const bool erase = in.wanted("kv-erase");
    const bool size = in.wanted("kv-size");
    if (!in.wanted("kv-load") && !erase && !size) return;
    const std::vector<kv_record> records = random_kv(in.scaled(kv_records));
    auto all = entrants<kv_record>(in);
    const std::size_t rounds = in.rounds(load_rounds);

    const work<kv_record> load_fresh = [&](entrant<kv_record>& who, std::size_t) {
        if (!erase) who.loaded.clear();
        return load<kv_record>(in, who, records, order::random);
    };
    in.results.measure({.name = "kv-load",
                        .title = "kv load, one transaction",
                        .unit = "ns",
                        .rounds = rounds,
                        .while_timed = waits::for_medium,
                        .expected = [&](std::size_t) { return records.size(); }},
                       contestants(all, {0.60, 0.45}, load_fresh));
    if (size) report_sizes(in, "kv-size", "kv file, random load", all, records, {1.5, 1.4});
    if (!erase) return;

    std::vector<kv_record> half = visits(records);
    half.resize(half.size() / 2);
    const work<kv_record> erase_half = [&](entrant<kv_record>& who, std::size_t round) {
        in.scratch.settle();
        touch_memory();
        return who.loaded[round]->erase(half);
    };
    in.results.measure({.name = "kv-erase",
                        .title = "kv erase half, one transaction",
                        .unit = "ns",
                        .rounds = rounds,
                        .while_timed = waits::for_medium,
                        .expected = [&](std::size_t) { return records.size() - half.size(); }},
                       contestants(all, {0.45, 0.35}, erase_half));
}

// Of stores that half of the records were erased from at random: a copy as small as each engine
// makes it, LMDB's by MDB_CP_COMPACT.
void measure_kv_copy(session& in) {
    if (!in.wanted("kv-copy")) return;
    const std::vector<kv_record> records = random_kv(in.scaled(kv_records));
    const auto [erased, kept] = parts_of(visits(records), records.size() / 2);
    auto all = entrants<kv_record>(in);
    for (entrant<kv_record>& each : all) {
        load<kv_record>(in, each, records, order::random);
        each.loaded.front()->erase(erased);
    }
    const work<kv_record> copy = [&](entrant<kv_record>& who, std::size_t) {
        const std::string path = in.scratch.fresh("copy");
        in.scratch.settle();
        touch_memory();
        const sample result = who.loaded.front()->copy_to(path);
        const auto made = who.open(path);
        who.file_mebibytes = static_cast<double>(made->file_bytes()) / mebibyte;
        if (made->get(kept).check != digest_of_values(kept))
            throw disagreement(who.name + " did not copy what it holds");
        return result;
    };
    in.results.measure({.name = "kv-copy",
                        .title = "kv, half erased, small copy",
                        .unit = "ns",
                        .rounds = in.rounds(load_rounds),
                        .while_timed = waits::for_medium,
                        .expected = [&](std::size_t) { return kept.size(); }},
                       contestants(all, {1.0, 0.7}, copy));
    report_sizes(in, "kv-copy", "kv file, half erased, small copy", all, kept, {1.06, 1.03});
}

void measure_put(session& in) {
    if (!in.wanted("durable-put")) return;
    const std::size_t rounds = in.rounds(put_rounds);
    const std::size_t puts = in.given.quick ? 50 : 200; // a round
    const std::size_t loaded = in.scaled(kv_records);
    const auto data = parts_of(random_kv(loaded + rounds * puts), loaded);
    const std::vector<kv_record>& added = data.added;

    auto all = entrants<kv_record>(in);
    if (!in.given.all_peers && open_sqlite(in.scratch.fresh("probe")))
        all.push_back({"SQLite", role::other, open_sqlite});
    for (entrant<kv_record>& each : all) load<kv_record>(in, each, data.loaded, order::random);

    constexpr off_t raw_size = 64 << 20;
    const std::string page(4096, 'q');
    const descriptor raw(in.scratch.fresh("raw"), O_RDWR | O_CREAT | O_CLOEXEC);
    write_zeros(raw, raw_size);
    off_t at = 0;
    const work<kv_record> put = [&](entrant<kv_record>& who, std::size_t round) {
        return in_microseconds(who.loaded.front()->put(slice(added, round, rounds)));
    };
    auto putting = contestants(all, {1.0, 0.60}, put);
    putting.push_back(other("raw flush", [&](std::size_t round) {
        return in_microseconds(timed_each(slice(added, round, rounds), [&](const kv_record&) {
            write_all(raw, page.data(), page.size(), at);
            flush(raw);
            at = (at + static_cast<off_t>(page.size())) % raw_size;
            return std::uint64_t{1};
        }));
    }));
    in.results.measure({.name = "durable-put",
                        .title = "kv one durable put",
                        .unit = "us",
                        .rounds = rounds,
                        .while_timed = waits::for_medium,
                        .expected = [=](std::size_t) { return puts; }},
                       putting);
    for (const entrant<kv_record>& each : all)
        if (each.loaded.front()->get(added).check != digest_of_values(added))
            throw disagreement(each.name + " does not hold what was put");
}

// A load of sorted records by what each engine has for it, against LMDB's MDB_APPEND and against
// writing the same bytes to a file and flushing it once.
template <class Record>
void measure_sorted_of(session& in, const std::string& name, const std::string& title, goal of_lmdb,
                       goal of_raw, const std::vector<Record>& records) {
    if (!in.wanted(name)) return;
    auto all = entrants<Record>(in);
    const work<Record> load_fresh = [&](entrant<Record>& who, std::size_t) {
        who.loaded.clear();
        return load<Record>(in, who, records, order::sorted);
    };
    auto loading = contestants(all, of_lmdb, load_fresh);
    loading.push_back(
        {"raw write", role::other, of_raw, [&](std::size_t) {
             const descriptor file(in.scratch.fresh("raw"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC);
             in.scratch.settle();
             touch_memory();
             const auto* const bytes = reinterpret_cast<const char*>(records.data());
             const std::size_t size = records.size() * sizeof(Record);
             constexpr std::size_t step = std::size_t{1} << 20;
             return timed(records.size(), [&] {
                 for (std::size_t at = 0; at < size; at += step)
                     write_all(file, bytes + at, std::min(step, size - at), static_cast<off_t>(at));
                 flush(file);
                 return records.size();
             });
         }});
    in.results.measure({.name = name,
                        .title = title + " sorted load",
                        .unit = "ns",
                        .rounds = in.rounds(load_rounds),
                        .while_timed = waits::for_medium,
                        .expected = [&](std::size_t) { return records.size(); }},
                       loading);
}

void measure_ascending(session& in) {
    if (in.wanted("sorted-kv"))
        measure_sorted_of(in, "sorted-kv", "kv", {}, {1 / 0.7, 1 / 0.9},
                          ascending(random_kv(in.scaled(kv_records))));
    if (in.wanted("sorted-u64"))
        measure_sorted_of(in, "sorted-u64", "u64", {0.4, 0.2}, {1 / 0.5, 1 / 0.8},
                          ascending(random_u64(in.scaled(u64_records))));
    if (in.wanted("ascending-kv"))
        measure_ascending_of(in, "ascending-kv", "kv", ascending(random_kv(in.scaled(kv_records))));
    if (in.wanted("ascending-u64"))
        measure_ascending_of(in, "ascending-u64", "u64",
                             ascending(random_u64(in.scaled(u64_records))));
}

} // namespace bench
