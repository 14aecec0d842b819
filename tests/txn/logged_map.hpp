// A map with a log on a simulated disk, and what a crash would leave of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>

#include <quire/btree_map.hpp>
#include <quire/storage/crash_states.hpp>
#include <quire/storage/simulated.hpp>

namespace logged_test {

using quire::durability;
using quire::storage::disk_change;
using quire::storage::disk_faults;
using quire::storage::simulated;
using quire::storage::simulated_disk;
using map = quire::btree_map<std::uint64_t, std::string, simulated, quire::txn::wal,
                             quire::page_size<512>>;
using model = std::map<std::uint64_t, std::string>;

inline constexpr quire::options small{.cache_bytes = 1};

inline std::size_t log_files(const simulated_disk& disk) {
    std::size_t n = 0;
    for (const auto& [name, bytes] : disk.files()) n += name.ends_with(".wal") ? 1 : 0;
    return n;
}
inline std::size_t count(const simulated_disk& disk, std::size_t from, disk_change::kind what) {
    std::size_t n = 0;
    for (std::size_t i = from; i < disk.trace().size(); ++i) n += disk.trace()[i].what == what;
    return n;
}
template <class Map>
void put(Map& to, std::uint64_t n, std::size_t size = 10) {
    to.insert_or_assign(n, std::string(size, static_cast<char>('a' + n % 26)));
}
inline void commit_one(map& to, std::uint64_t n, durability wanted) {
    auto transaction = to.transaction();
    put(transaction, n);
    transaction.commit(wanted);
}
inline model content(const map& of) { return {of.begin(), of.end()}; }
// What another process finds if this one is gone now.
inline model left_by_killing(const simulated_disk& disk) {
    simulated_disk other(disk.files());
    return content(map{other.path("m"), small});
}
// What is left if the power goes now, and only what was synced is there.
inline model left_by_power_cut(const simulated_disk& disk) {
    quire::storage::crash_states states;
    for (const disk_change& change : disk.trace()) states.apply(change);
    std::mt19937_64 random(1);
    std::optional<simulated_disk::contents> least;
    states.for_each(random, {}, [&](const simulated_disk::contents& left) {
        least = left; // the first: nothing that was pending
        return false;
    });
    simulated_disk other(*least);
    return content(map{other.path("m"), small});
}

} // namespace logged_test
