// The rows of the table, in groups that share their data. A group looks which of its rows were
// asked for, makes what they need and measures them. `all_rows` (peers.cpp) lists the names.
// Thread-safety: one thread.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engines/store.hpp"
#include "support/machine.hpp"
#include "support/options.hpp"
#include "support/scratch.hpp"

namespace bench {

struct session {
    const options& given;
    scratch_directory& scratch;
    table& results;

    [[nodiscard]] bool wanted(std::string_view name) const {
        return given.rows.empty() ||
               std::find(given.rows.begin(), given.rows.end(), name) != given.rows.end();
    }
    [[nodiscard]] std::size_t scaled(std::size_t full) const {
        return given.quick ? full / 10 : full;
    }
    [[nodiscard]] std::size_t rounds(std::size_t usual) const {
        return given.rounds == 0 ? usual : given.rounds;
    }
};

inline constexpr std::size_t u64_records = 4'000'000;
inline constexpr std::size_t kv_records = 1'000'000;
inline constexpr std::size_t read_rounds = 10;
inline constexpr std::size_t load_rounds = 7;
inline constexpr std::size_t put_rounds = 10;

// The round's share of the records.
template <class Record>
[[nodiscard]] std::span<const Record> slice(const std::vector<Record>& of, std::size_t round,
                                            std::size_t rounds) {
    const std::size_t size = of.size() / rounds;
    return std::span<const Record>(of).subspan(round * size, size);
}

// What a round reads of the records: a million of them, so that its beginning, when the other side
// has just emptied the processor's caches, weighs little.
inline constexpr std::size_t reads = 1'000'000;
template <class Record>
[[nodiscard]] std::span<const Record> stretch(const std::vector<Record>& of, std::size_t round) {
    const std::size_t size = std::min(reads, of.size());
    return std::span<const Record>(of).subspan(round * size % (of.size() / size * size), size);
}

// What the stores hold before a row starts, and what it puts.
template <class Record>
struct two_parts {
    std::vector<Record> loaded;
    std::vector<Record> added;
};

template <class Record>
[[nodiscard]] two_parts<Record> parts_of(std::vector<Record> all, std::size_t loaded) {
    const auto border = all.begin() + static_cast<std::ptrdiff_t>(loaded);
    two_parts<Record> made{{}, {border, all.end()}};
    all.erase(border, all.end());
    made.loaded = std::move(all);
    return made;
}

[[nodiscard]] inline sample in_microseconds(sample of) { return {of.amount / 1000, of.check}; }

void measure_memory(session& in);    // u64-insert, u64-get
void measure_skew(session& in);      // skew-*
void measure_u64_file(session& in);  // u64-file-get, u64-scan
void measure_kv_read(session& in);   // kv-get, kv-seek
void measure_kv_write(session& in);  // kv-load, kv-erase, kv-size
void measure_kv_copy(session& in);   // kv-copy
void measure_put(session& in);       // durable-put
void measure_ascending(session& in); // ascending-kv, ascending-u64, sorted-kv, sorted-u64

} // namespace bench
