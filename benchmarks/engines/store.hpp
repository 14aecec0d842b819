// One face for every engine, so that a row is written once. The loops stand inside the engines: a
// virtual call is paid once a slice, never once an operation.
//
// Invariants
// 1. A sample's amount is nanoseconds an operation (an entry for `scan`); its check is the digest
//    of the values read, or the number of records afterwards where nothing is read.
// 2. Reads run in one read transaction (one snapshot), opened by the first read and ended by the
//    next write.
// 3. `load` and `erase` are one transaction (leveldb.cpp and wiredtiger.cpp say what they do
//    instead), `put` is one transaction a record; all are durable (the medium has them) when their
//    time ends. `put_relaxed` waits for the medium no more than the engine's own way of it does.
// 4. A store that stands in files removes them when it goes.
// A factory gives null where its engine was not found when this was built.
// Thread-safety: a store belongs to one thread; `put` of a log_store is for any number at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "support/data.hpp"
#include "support/figures.hpp"
#include "support/timing.hpp"

namespace bench {

enum class order : std::uint8_t { random, ascending, sorted };

// Entries read after a seek.
inline constexpr std::size_t seek_entries = 10;
// Records of a batch, and of one part of a load where an engine has no large transactions.
inline constexpr std::size_t batch_records = 1000;

// What every engine offers: durable transactions, and lookups that check them.
template <class Record>
class commit_store {
public:
    using record_type = Record;

    commit_store() = default;
    commit_store(const commit_store&) = delete;
    commit_store& operator=(const commit_store&) = delete;
    virtual ~commit_store() = default;

    virtual sample load(std::span<const Record> records, order of) = 0;
    virtual sample put(std::span<const Record> records) = 0;
    virtual sample get(std::span<const Record> records) = 0;
};

// An engine whose commits need not wait for the medium.
template <class Record>
class log_store : public commit_store<Record> {
public:
    virtual sample put_relaxed(std::span<const Record> records) = 0;
};

template <class Record>
class store : public commit_store<Record> {
public:
    virtual sample erase(std::span<const Record> records) = 0;
    virtual sample seek(std::span<const Record> records) = 0;
    virtual sample scan() = 0;
    virtual std::uint64_t file_bytes() = 0;
    // A store of the same records as small as the engine makes it, in a file of that name, as far
    // on the medium as the engine takes it; the number of its records.
    virtual sample copy_to(const std::string& path) = 0;
};

// What only quire offers: several ways to read.
template <class Record>
class quire_store : public store<Record> {
public:
    // The iterator's view of the value instead of the value.
    virtual sample find(std::span<const Record> records) = 0;
    // Each lookup a transaction of its own, no snapshot held.
    virtual sample get_from_map(std::span<const Record> records) = 0;
    virtual sample scan_leaves() = 0;
};

// A map that lives in memory.
template <class Record>
class memory_map {
public:
    memory_map() = default;
    memory_map(const memory_map&) = delete;
    memory_map& operator=(const memory_map&) = delete;
    virtual ~memory_map() = default;

    // Fills a new map; the one before is gone and its memory given back first.
    virtual sample insert(std::span<const Record> records) = 0;
    virtual sample find(std::span<const Record> records) = 0;
};

template <class Record>
class quire_memory_map : public memory_map<Record> {
public:
    virtual sample get(std::span<const Record> records) = 0;
};

enum class stored_as : std::uint8_t { fixed, text };

template <class Record>
std::unique_ptr<quire_store<Record>> open_quire(const std::string& path, stored_as types);
template <class Record>
std::unique_ptr<store<Record>> open_lmdb(const std::string& path);
std::unique_ptr<store<kv_record>> open_sqlite(const std::string& path);

// quire with log_policy.hpp's policy; `log_limit` 0: the library's own.
template <class Record>
std::unique_ptr<log_store<Record>> open_quire_log(const std::string& path, stored_as types,
                                                  std::uint64_t log_limit);
template <class Record>
std::unique_ptr<log_store<Record>> open_leveldb(const std::string& path);
std::unique_ptr<commit_store<kv_record>> open_wiredtiger(const std::string& path);

template <class Record>
std::unique_ptr<quire_memory_map<Record>> make_quire();
template <class Record>
std::unique_ptr<memory_map<Record>> make_absl();
template <class Record>
std::unique_ptr<memory_map<Record>> make_std();

// A key or value as a map of that type takes it.
template <class Stored, class Given>
[[nodiscard]] decltype(auto) as_stored(const Given& given) {
    if constexpr (std::is_same_v<Stored, std::string>) return bytes_of(given);
    else return (given);
}

[[noreturn]] inline void lost() { throw disagreement("a record that was stored is not there"); }

// Times `work` and divides by the number of operations; what the work gives, if anything, is the
// check.
template <class Work>
[[nodiscard]] sample timed(std::size_t operations, Work&& work) {
    std::uint64_t check = 0;
    const double seconds = seconds_of([&] {
        if constexpr (std::is_void_v<decltype(work())>) work();
        else check = work();
    });
    return {seconds / static_cast<double>(operations) * 1e9, check};
}

// Times `operation`, which gives a digest, over all records.
template <class Record, class Operation>
[[nodiscard]] sample timed_each(std::span<const Record> records, Operation&& operation) {
    return timed(records.size(), [&] {
        std::uint64_t sum = 0;
        for (const Record& each : records) sum += operation(each);
        return sum;
    });
}

} // namespace bench
