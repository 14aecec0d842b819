// Rows of the program `space`.
#include "rows/space.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <optional>
#include <random>
#include <thread>

#include "engines/log_policy.hpp"

namespace bench {
namespace {

// Records are in random order.
template <class Map>
void erase(Map& map, std::span<const kv_record> records) {
    auto transaction = map.transaction();
    for (const kv_record& each : records) transaction.erase(key_of<Map>(each));
    transaction.commit(quire::durability::full);
}
template <class Map>
void check(const Map& map, std::span<const kv_record> records) {
    if (map.size() != records.size()) throw disagreement("a map has not kept its records");
    for (const kv_record& each : records)
        if (const auto found = map.get(key_of<Map>(each)); !found || *found != value_of<Map>(each))
            throw disagreement("a map has not kept a record");
}

[[nodiscard]] double raw_bytes_of(std::size_t records) {
    return static_cast<double>(records * (sizeof(kv_key) + sizeof(kv_value)));
}
[[nodiscard]] double bytes_at(const own_directory& files) {
    return static_cast<double>(bytes_in(files.path()));
}

void report(session& in, const char* name, const std::string& title, const char* unit, goal aim,
            double amount, const char* against, double limit) {
    const auto always = [](double n) { return [n](std::size_t) { return sample{n, 0}; }; };
    in.results.measure({.name = name, .title = title, .unit = unit, .rounds = 1},
                       {subject("quire", aim, always(amount)), reference(against, always(limit))});
}

template <class Map>
void measure_half_of(session& in, const std::string& kind) {
    const own_directory files(in.scratch.fresh("half"));
    const auto records = random_kv(in.scaled(kv_records));
    const auto kept = std::span(records).subspan(records.size() / 2);
    std::optional<Map> map;
    map.emplace(files.path() + "/" + store_name, roomy());
    load(*map, std::span(records));
    erase(*map, std::span(records).first(records.size() / 2));
    map->checkpoint();
    in.scratch.settle();
    quire::compaction_report did;
    const double seconds = seconds_of([&] { did = map->compact(); });
    std::fprintf(stderr, "%s: %s pages before, %s after, %s moved, %s saved, %s written, %.2f s\n",
                 kind.c_str(), std::to_string(did.pages_before).c_str(),
                 std::to_string(did.pages).c_str(), std::to_string(did.moved).c_str(),
                 std::to_string(did.saved).c_str(), std::to_string(did.written).c_str(), seconds);
    const double raw = raw_bytes_of(kept.size());
    const auto length = static_cast<double>(did.pages * Map::page_bytes);
    report(in, "half", kind + ": file after compact", "MiB", {1.15, 1.08}, length / 0x100000,
           "raw live bytes", raw / 0x100000);
    check(*map, kept);
    map.reset();
    report(in, "half", kind + ": all files, closed", "MiB", {1.15, 1.08},
           bytes_at(files) / 0x100000, "raw live bytes", raw / 0x100000);
}

template <class Map>
void measure_budget_of(session& in, std::uint64_t share) {
    const own_directory files(in.scratch.fresh("budget"));
    const auto records = random_kv(in.scaled(kv_records));
    Map map(files.path() + "/" + store_name, roomy());
    load(map, std::span(records));
    erase(map, std::span(records).first(records.size() / 2));
    map.checkpoint();
    const std::uint64_t budget = map.stats().pages / share;
    const std::uint64_t before = map.stats().pages_written;
    std::uint64_t most = 0;
    const auto look = [&] { most = std::max(most, map.stats().pages_written - before); };
    const auto did = map.compact({.pages = budget}, [&](const quire::compaction_report&) {
        look();
        return true;
    });
    look();
    if (did.pages > did.pages_before) throw disagreement("a compaction has made a store longer");
    report(in, "budget", "most pages written, budget 1/" + std::to_string(share), "pages",
           {1.5, 1.1}, static_cast<double>(most), "budget", static_cast<double>(budget));
}

[[nodiscard]] std::string percent(double share) {
    return std::to_string(static_cast<int>(share * 100 + 0.5)) + " %";
}

} // namespace

void measure_half(session& in) {
    if (!in.wanted("half")) return;
    measure_half_of<kv_map>(in, "kv arrays");
    measure_half_of<text_map>(in, "kv strings");
}

void measure_budget(session& in) {
    if (!in.wanted("budget")) return;
    for (const std::uint64_t share : {4, 20, 100}) measure_budget_of<kv_map>(in, share);
}

// One thread reads at random places, then another one commits durably: each alone, then beside a
// compaction.
void measure_beside(session& in) {
    if (!in.wanted("beside")) return;
    const auto records = random_kv(in.scaled(kv_records) + 200'000);
    const auto loaded = std::span(records).first(in.scaled(kv_records));
    const auto more = std::span(records).subspan(loaded.size());
    const auto kept = loaded.subspan(loaded.size() / 2);
    for (const bool reading : {true, false}) {
        const own_directory files(in.scratch.fresh("beside"));
        kv_map map(files.path() + "/" + store_name, roomy());
        load(map, loaded);
        erase(map, loaded.first(loaded.size() / 2));
        map.checkpoint();
        in.scratch.settle();
        touch_memory();
        std::mt19937_64 random(3);
        std::size_t next = 0;
        const auto read = [&] {
            const auto found = map.get(kept[random() % kept.size()].key);
            if (!found) throw disagreement("a record is not found");
        };
        double longest_wait = 0;
        const auto put = [&] {
            const kv_record& each = more[next++ % more.size()];
            const stopwatch waited;
            auto transaction = map.transaction();
            longest_wait = std::max(longest_wait, waited.seconds() * 1e3);
            transaction.insert_or_assign(each.key, each.value);
            transaction.commit(quire::durability::full);
        };
        const auto work = [&] {
            if (reading) read();
            else put();
        };
        busy alone(work);
        std::this_thread::sleep_for(std::chrono::seconds(2));
        const pace before = alone.end();
        longest_wait = 0;
        busy beside(work);
        quire::compaction_report did;
        const double seconds = seconds_of([&] { did = map.compact(); });
        const pace during = beside.end();
        std::fprintf(stderr, "beside %s: %.2f s, %s pages written, rate %s of alone\n",
                     reading ? "reads" : "commits", seconds, std::to_string(did.written).c_str(),
                     percent(during.rate / before.rate).c_str());
        if (reading)
            report(in, "beside", "time of a read beside compact", "us", {1 / 0.85, 1 / 0.95},
                   1e6 / during.rate, "alone", 1e6 / before.rate);
        else {
            report(in, "beside", "longest wait to begin beside compact", "ms", {1, 0.2},
                   longest_wait, "5 ms", 5);
            report(in, "beside", "longest commit beside compact, its flush too", "ms", {},
                   during.longest, "longest alone", before.longest);
        }
    }
}

// Twenty rounds, each of which gives up three tenths of the records and puts as many others, one
// by one; without steps and with them, in turn.
void measure_mixed(session& in) {
    if (!in.wanted("mixed")) return;
    const std::size_t rounds = 20;
    const std::size_t held = in.scaled(kv_records);
    const std::size_t each = held * 3 / 10;
    const auto records = random_kv(held + rounds * each);
    struct side {
        own_directory files;
        std::optional<kv_map> map{};
        double worst = 0;
    };
    side sides[2]{{own_directory(in.scratch.fresh("without"))},
                  {own_directory(in.scratch.fresh("with"))}};
    for (side& of : sides) {
        touch_memory();
        of.map.emplace(of.files.path() + "/" + store_name, roomy(&of == &sides[1] ? 0.25 : 0));
        load(*of.map, std::span(records).first(held));
    }
    double slowest = 0;
    double longest = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
        double seconds[2];
        for (std::size_t n = 0; n < 2; ++n) {
            const std::size_t which = (n + round) % 2;
            kv_map& map = *sides[which].map;
            in.scratch.settle();
            seconds[which] = seconds_of([&] {
                for (std::size_t i = round * each; i < (round + 1) * each; ++i) {
                    map.erase(records[i].key);
                    map.insert_or_assign(records[i + held].key, records[i + held].value);
                }
                map.checkpoint();
            });
        }
        slowest = std::max(slowest, seconds[1] / seconds[0]);
        longest = std::max(longest,
                           static_cast<double>(sides[1].map->stats().pages * kv_map::page_bytes));
        std::fprintf(stderr, "round %zu: %.2f s, with steps %.2f s; %.1f MiB, with steps %.1f\n",
                     round, seconds[0], seconds[1],
                     static_cast<double>(sides[0].map->stats().pages) / 256,
                     static_cast<double>(sides[1].map->stats().pages) / 256);
    }
    const double raw = raw_bytes_of(held);
    report(in, "mixed", "slowest round with steps, against without", "x", {1.15, 0}, slowest,
           "without", 1);
    const auto kept = std::span(records).subspan(rounds * each, held);
    for (std::size_t which = 0; which < 2; ++which) {
        check(*sides[which].map, kept);
        sides[which].map.reset();
        report(in, "mixed", which == 1 ? "files closed, steps" : "files closed, no steps", "MiB",
               which == 1 ? goal{1.35, 1.2} : goal{}, bytes_at(sides[which].files) / 0x100000,
               "raw bytes", raw / 0x100000);
    }
    report(in, "mixed", "longest after a round, steps", "MiB", {1.35, 1.2}, longest / 0x100000,
           "raw bytes", raw / 0x100000);
}

// Records of 100 bytes, each a commit of its own.
void measure_small_stores(session& in) {
    if (!in.wanted("small")) return;
    using value = std::array<std::byte, 92>;
    for (const std::size_t count : {0, 1, 10, 100, 1000, 10'000}) {
        for (const auto wanted : {quire::durability::full, quire::durability::relaxed}) {
            const own_directory files(in.scratch.fresh("small"));
            {
                log_map<std::uint64_t, value> map(files.path() + "/" + store_name);
                std::mt19937_64 random(1);
                for (std::size_t i = 0; i < count; ++i) {
                    auto transaction = map.transaction();
                    transaction.insert(random(), value{});
                    transaction.commit(wanted);
                }
            }
            const double raw = static_cast<double>(count) * 100 / 1024;
            const double limit = count < 2 ? 16 : 16 + 1.3 * raw;
            const char* const how = wanted == quire::durability::full ? "durable" : "relaxed";
            const bool is_asked = count <= 1 || count == 1000;
            report(in, "small", std::to_string(count) + " records of 100 bytes, " + how, "KiB",
                   is_asked ? goal{1, 0} : goal{}, bytes_at(files) / 1024, "limit", limit);
        }
    }
}

// A million pages, three tenths of them free and scattered; then a hundred records change.
void measure_free_map(session& in) {
    if (!in.wanted("map")) return;
    using map_type = quire::btree_map<std::uint64_t, std::string, quire::storage::file,
                                      quire::txn::wal, quire::page_size<512>>;
    const own_directory files(in.scratch.fresh("map"));
    map_type map(files.path() + "/" + store_name, roomy());
    const std::uint64_t runs = in.scaled(1'000'000);
    const std::string large(400, 'v'); // a run of one page
    for (std::uint64_t n = 0; n < runs;) {
        auto transaction = map.transaction();
        for (const std::uint64_t end = n + 10'000; n < end; ++n) transaction.insert(n, large);
        transaction.commit(quire::durability::relaxed);
    }
    std::mt19937_64 random(1);
    for (std::uint64_t n = 0; n < runs;) {
        auto transaction = map.transaction();
        for (const std::uint64_t end = n + 10'000; n < end; ++n)
            if (random() % 100 < 31) transaction.erase(n);
        transaction.commit(quire::durability::relaxed);
    }
    map.checkpoint();
    map.insert_or_assign(0, "small"); // what was given up is found to be free
    map.checkpoint();
    const auto before = map.stats();
    std::fprintf(stderr, "map: %s pages, %s free\n", std::to_string(before.pages).c_str(),
                 percent(static_cast<double>(before.free_pages) / static_cast<double>(before.pages))
                     .c_str());
    const double seconds = seconds_of([&] {
        for (int i = 0; i < 100; ++i) map.insert_or_assign(random() % runs, "small");
    });
    map.checkpoint();
    const auto after = map.stats();
    report(in, "map", "pages of a checkpoint after 100 puts", "pages", {1, 0},
           static_cast<double>(after.pages_written - before.pages_written), "100 x height + 64",
           100.0 * before.height + 64);
    report(in, "map", "a put there", "us", {}, seconds * 1e4, "1 us", 1);
}

} // namespace bench
