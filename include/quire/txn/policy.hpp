// Transaction policies: what makes a commit durable, and whether there are transactions at all.
//
// | policy        | a single call     | transactions, snapshots | durable                       |
// |---------------|-------------------|-------------------------|-------------------------------|
// | txn::none     | changes in place  | no; one thread          | flush() and a clean close     |
// | txn::shadow   | is a transaction  | yes; one writer at a    | each commit: new pages, then  |
// |               |                   | time, any readers       | a header slot                 |
// | txn::wal      | the same          | the same                | each commit: its records in a |
// |               |                   |                         | log, one flush for all who    |
// |               |                   |                         | wait; a checkpoint later      |
//
// Under all, the file on disk always holds a whole committed state: a flush() of txn::none and a
// checkpoint of txn::wal are a shadow commit. In memory txn::wal is as txn::shadow.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include <quire/wal/sync.hpp>

namespace quire {

// What commit() waits for.
enum class durability : std::uint8_t {
    full,    // the commit is on the medium
    relaxed, // in the operating system's hands, in order, and on the medium with the next full
             // commit, flush() or when the system writes; under txn::shadow the same as full
    none,    // visible to readers; on the medium with the next full commit, flush() or close
};

// What bringing back a store that was not closed has done, or has done so far.
struct recovery_report {
    std::uint64_t transactions = 0; // of the log, done again
    std::uint64_t operations = 0;   // in them
    std::uint64_t discarded = 0;    // transactions that never became durable
    std::uint64_t bytes = 0;        // of the log, read
    std::uint64_t bytes_total = 0;  // of the log's files
    std::uint64_t milliseconds = 0;
};

} // namespace quire

namespace quire::txn {

// Marks a type as a transaction policy for btree_map's list of policies.
struct policy_base {
    static constexpr bool logs = false; // commits are durable by a log
};

struct none : policy_base {
    static constexpr std::string_view name = "none";
    static constexpr bool transactional = false;
};

struct shadow : policy_base {
    static constexpr std::string_view name = "shadow";
    static constexpr bool transactional = true;
};

// Sync: how the log is made durable (wal/sync.hpp).
template <class Sync>
struct basic_wal : policy_base {
    static constexpr std::string_view name = "wal";
    static constexpr bool transactional = true;
    static constexpr bool logs = true;
    using sync_method = Sync;
};
using wal = basic_wal<quire::wal::data>;

template <class P>
concept policy = std::derived_from<P, policy_base> && requires {
    { P::name } -> std::convertible_to<std::string_view>;
    { P::transactional } -> std::convertible_to<bool>;
    { P::logs } -> std::convertible_to<bool>;
};

} // namespace quire::txn
