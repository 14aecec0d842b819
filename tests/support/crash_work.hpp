// Work of which crash_check cuts off any part, and what must hold of the rest: for each way that
// commits become durable.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>

#include <quire/btree_map.hpp>
#include <quire/crash_check.hpp>

namespace quire_test {

using quire::storage::simulated;
using quire::storage::simulated_disk;
using quire::storage::simulated_mmap;

// A store on a disk, and how its commits become durable.
template <class Storage, class Txn>
struct config {
    using map = quire::btree_map<std::uint64_t, std::string, Storage, Txn, quire::page_size<512>>;
};
using shadow = config<simulated, quire::txn::shadow>;
using mapped_shadow = config<simulated_mmap, quire::txn::shadow>;
using logged = config<simulated, quire::txn::wal>;
using mapped_logged = config<simulated_mmap, quire::txn::wal>;
using written_through = config<simulated, quire::txn::basic_wal<quire::wal::write_through>>;

inline constexpr quire::options small{.cache_bytes = 1, .wal_limit_bytes = 1};

using crash_model = std::map<std::uint64_t, std::string>;

// Transactions of two records more and one less each. The seed gives their sizes, and how many go
// by between two checkpoints.
struct pairs {
    std::uint64_t seed = 1;
    std::uint64_t count = 12;

    template <class Map>
    void put(Map& map, std::uint64_t i) const {
        map.insert_or_assign(2 * i, std::string((i * 37 + seed * 101) % 300, 'x'));
        map.insert_or_assign(2 * i + 1, std::string((i * 53 + seed * 17) % 300, 'y'));
        map.erase(i);
    }
    [[nodiscard]] crash_model after(std::uint64_t transactions) const {
        crash_model map;
        for (std::uint64_t i = 1; i <= transactions; ++i) put(map, i);
        return map;
    }
    [[nodiscard]] std::uint64_t between_checkpoints() const noexcept { return 3 + seed % 5; }
};
// Acknowledges the empty map as 1, the n-th transaction as n + 1.
template <class Map>
void put_pairs(simulated_disk& disk, const pairs& what) {
    Map map{disk.path("map"), small};
    disk.mark(1);
    for (std::uint64_t i = 1; i <= what.count; ++i) {
        auto transaction = map.transaction();
        what.put(transaction, i);
        transaction.commit();
        disk.mark(i + 1);
        if (i % what.between_checkpoints() == 0) map.checkpoint();
    }
}
// Whether the map is as after the last acknowledged transaction, or the one in flight. Then it goes
// on.
template <class Map>
[[nodiscard]] bool holds_pairs(simulated_disk& disk, const pairs& what,
                               std::uint64_t acknowledged) {
    Map map{disk.path("map"), small};
    constexpr std::uint64_t later = 1'000'000; // what this itself put before another crash
    crash_model found(map.begin(), map.end());
    found.erase(later);
    const std::uint64_t least = acknowledged == 0 ? 0 : acknowledged - 1;
    if (found != what.after(least) && found != what.after(acknowledged)) return false;
    map.verify();
    if (!map.insert(later, "goes on").second) map.erase(later);
    map.verify();
    return map.size() == found.size() + (map.contains(later) ? 1 : 0);
}

template <class Map>
[[nodiscard]] quire::crash_report check_pairs(const pairs& what,
                                              const quire::crash_options& how = {}) {
    return quire::crash_check([&](simulated_disk& disk) { put_pairs<Map>(disk, what); },
                              [&](simulated_disk& disk, std::uint64_t acknowledged) {
                                  return holds_pairs<Map>(disk, what, acknowledged);
                              },
                              how);
}

// Commits of all three kinds, large ones among them; what was acknowledged as durable is a remark.
// Commit i gives key 0 the value i.
[[nodiscard]] inline quire::crash_report check_mixture(std::uint64_t seed,
                                                       const quire::crash_options& how) {
    const auto work = [seed](simulated_disk& disk) {
        logged::map map{disk.path("map"), small};
        std::mt19937_64 random(seed);
        for (std::uint64_t i = 1; i <= 30; ++i) {
            auto transaction = map.transaction();
            transaction.insert_or_assign(0, std::to_string(i));
            transaction.insert_or_assign(i, std::string(random() % 400, 'x'));
            if (i % 11 == 0) { // too large for the log
                for (std::uint64_t k = 0; k < 80; ++k)
                    transaction.insert_or_assign(100 + k, std::string(900, 'y'));
                for (std::uint64_t k = 0; k < 80; ++k) transaction.erase(100 + k);
            }
            if (random() % 5 == 0) {
                const auto point = transaction.savepoint();
                transaction.insert_or_assign(99, "no");
                transaction.rollback(point);
            }
            const auto wanted = static_cast<quire::durability>(random() % 3);
            if (random() % 6 == 0) {
                transaction.rollback();
                --i;
                continue;
            }
            transaction.commit(wanted);
            if (wanted == quire::durability::full || i % 11 == 0) disk.mark(i);
            if (random() % 8 == 0) {
                map.checkpoint();
                disk.mark(i);
            }
            if (random() % 8 == 0) {
                map.flush();
                disk.mark(i);
            }
        }
    };
    // A prefix, not shorter than what was acknowledged; then five more transactions, and again.
    return quire::crash_check(
        work,
        [](simulated_disk& disk, std::uint64_t acknowledged) {
            std::uint64_t found = 0;
            {
                logged::map map{disk.path("map"), small};
                map.verify();
                found = map.empty() ? 0 : std::stoull(map.at(0));
                if (found < acknowledged) return false;
                const std::uint64_t before = std::min<std::uint64_t>(found, 30);
                for (std::uint64_t i = 1; i <= before; ++i)
                    if (!map.contains(i)) return false;
                for (std::uint64_t i = found + 1; i <= found + 5; ++i) {
                    auto transaction = map.transaction();
                    transaction.insert_or_assign(0, std::to_string(i));
                    transaction.insert_or_assign(i, "goes on");
                    transaction.commit(i % 2 == 0 ? quire::durability::full
                                                  : quire::durability::relaxed);
                }
            }
            const logged::map map{disk.path("map"), small};
            return map.at(0) == std::to_string(found + 5);
        },
        how);
}

} // namespace quire_test
