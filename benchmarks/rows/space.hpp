// The rows of the program `space`. Thread-safety: one thread calls; some rows start others.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <type_traits>

#include "engines/log_policy.hpp"
#include "rows/rows.hpp"

namespace bench {

using kv_map = log_map<kv_key, kv_value>;
using text_map = log_map<std::string, std::string>;

[[nodiscard]] inline quire::options roomy(double auto_compact = 0) {
    return {.cache_bytes = std::uint64_t{2} << 30,
            .durability = quire::durability::relaxed,
            .auto_compact = auto_compact};
}

template <class Map>
[[nodiscard]] auto key_of(const kv_record& each) {
    if constexpr (std::is_same_v<typename Map::key_type, std::string>)
        return std::string(bytes_of(each.key));
    else return each.key;
}
template <class Map>
[[nodiscard]] auto value_of(const kv_record& each) {
    if constexpr (std::is_same_v<typename Map::key_type, std::string>)
        return std::string(bytes_of(each.value));
    else return each.value;
}

template <class Map>
void load(Map& map, std::span<const kv_record> records) {
    auto transaction = map.transaction();
    for (const kv_record& each : records)
        transaction.insert_or_assign(key_of<Map>(each), value_of<Map>(each));
    transaction.commit(quire::durability::full);
}
// A number of times a second, and the longest of them.
struct pace {
    double rate = 0;
    double longest = 0; // ms
};
// Does it until told to end.
template <class Work>
class busy {
public:
    explicit busy(Work work) : thread_([this, work]() mutable { run(work); }) {}
    [[nodiscard]] pace end() {
        over_ = true;
        thread_.join();
        return found_;
    }

private:
    void run(Work& work) {
        const stopwatch all;
        std::uint64_t times = 0;
        for (; !over_; ++times) {
            const double seconds = seconds_of(work);
            found_.longest = std::max(found_.longest, seconds * 1e3);
        }
        found_.rate = static_cast<double>(times) / all.seconds();
    }

    pace found_;
    std::atomic<bool> over_{false};
    std::thread thread_;
};

void measure_half(session& in);         // half
void measure_beside(session& in);       // beside
void measure_budget(session& in);       // budget
void measure_mixed(session& in);        // mixed
void measure_small_stores(session& in); // small
void measure_free_map(session& in);     // map
void measure_backup(session& in);       // backup

} // namespace bench
