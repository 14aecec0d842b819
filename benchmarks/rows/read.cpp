// Reading a file that is wholly cached: one snapshot of quire against one read transaction of
// LMDB. LMDB gives pointers into its mapping; quire's `get` gives a copy of the value, its `find`
// an iterator whose view of the value is read in place.
#include "rows/rows.hpp"

namespace bench {

void measure_u64_file(session& in) {
    const bool get = in.wanted("u64-file-get");
    const bool scan = in.wanted("u64-scan");
    if (!get && !scan) return;
    const std::vector<u64_record> records = random_u64(in.scaled(u64_records));
    const auto quire = open_quire<u64_record>(in.scratch.fresh("quire"), stored_as::fixed);
    const auto lmdb = open_lmdb<u64_record>(in.scratch.fresh("lmdb"));
    quire->load(records, order::random);
    if (lmdb) lmdb->load(records, order::random);

    const std::size_t rounds = in.rounds(read_rounds);
    if (get) {
        const std::vector<u64_record> visited = visits(records);
        const auto part = [&](std::size_t round) { return stretch(visited, round); };
        constexpr goal aim{0.30, 0.20};
        std::vector<contestant> all{
            subject("snapshot.get", aim, [&](std::size_t i) { return quire->get(part(i)); }),
            subject("snapshot.find", aim, [&](std::size_t i) { return quire->find(part(i)); }),
            subject("map.get", aim, [&](std::size_t i) { return quire->get_from_map(part(i)); })};
        if (lmdb)
            all.push_back(reference("LMDB", [&](std::size_t i) { return lmdb->get(part(i)); }));
        in.results.measure({.name = "u64-file-get",
                            .title = "u64 random get, file",
                            .unit = "ns",
                            .rounds = rounds,
                            .before = warm_up::one_round,
                            .expected = [&](std::size_t i) { return digest_of_values(part(i)); }},
                           all);
    }
    if (scan) {
        std::uint64_t expected = digest_of_values(records);
        for (const u64_record& each : records) expected += digest(each.key);
        std::vector<contestant> all{
            subject("iterator", {1.0, 0.6}, [&](std::size_t) { return quire->scan(); }),
            subject("for_each_leaf", {0.35, 0.15},
                    [&](std::size_t) { return quire->scan_leaves(); })};
        if (lmdb)
            all.push_back(reference("LMDB cursor", [&](std::size_t) { return lmdb->scan(); }));
        in.results.measure({.name = "u64-scan",
                            .title = "u64 full scan",
                            .unit = "ns",
                            .rounds = rounds,
                            .before = warm_up::one_round,
                            .expected = [=](std::size_t) { return expected; }},
                           all);
    }
}

void measure_kv_read(session& in) {
    const bool get = in.wanted("kv-get");
    const bool seek = in.wanted("kv-seek");
    if (!get && !seek) return;
    const std::vector<kv_record> records = random_kv(in.scaled(kv_records));
    const auto fixed = open_quire<kv_record>(in.scratch.fresh("fixed"), stored_as::fixed);
    const auto text = open_quire<kv_record>(in.scratch.fresh("text"), stored_as::text);
    const auto lmdb = open_lmdb<kv_record>(in.scratch.fresh("lmdb"));
    const auto sqlite = in.given.all_peers ? open_sqlite(in.scratch.fresh("sqlite")) : nullptr;
    fixed->load(records, order::random);
    text->load(records, order::random);
    if (lmdb) lmdb->load(records, order::random);
    if (sqlite) sqlite->load(records, order::random);

    const std::size_t rounds = in.rounds(read_rounds);
    const std::vector<kv_record> visited = visits(records);
    const auto part = [&](std::size_t round) { return stretch(visited, round); };
    if (get) {
        constexpr goal aim{0.55, 0.40};
        std::vector<contestant> all{
            subject("fixed, get", aim, [&](std::size_t i) { return fixed->get(part(i)); }),
            subject("fixed, find", aim, [&](std::size_t i) { return fixed->find(part(i)); }),
            subject("string, get", aim, [&](std::size_t i) { return text->get(part(i)); }),
            subject("string, find", aim, [&](std::size_t i) { return text->find(part(i)); })};
        if (lmdb)
            all.push_back(reference("LMDB", [&](std::size_t i) { return lmdb->get(part(i)); }));
        if (sqlite)
            all.push_back(other("SQLite", [&](std::size_t i) { return sqlite->get(part(i)); }));
        in.results.measure({.name = "kv-get",
                            .title = "kv random get",
                            .unit = "ns",
                            .rounds = rounds,
                            .before = warm_up::one_round,
                            .expected = [&](std::size_t i) { return digest_of_values(part(i)); }},
                           all);
    }
    if (seek) {
        constexpr goal aim{0.70, 0.50};
        std::vector<contestant> all{
            subject("fixed", aim, [&](std::size_t i) { return fixed->seek(part(i)); }),
            subject("string", aim, [&](std::size_t i) { return text->seek(part(i)); })};
        if (lmdb)
            all.push_back(reference("LMDB", [&](std::size_t i) { return lmdb->seek(part(i)); }));
        if (sqlite)
            all.push_back(other("SQLite", [&](std::size_t i) { return sqlite->seek(part(i)); }));
        in.results.measure({.name = "kv-seek",
                            .title = "kv seek + 10 entries",
                            .unit = "ns",
                            .rounds = rounds,
                            .before = warm_up::one_round},
                           all);
    }
}

} // namespace bench
