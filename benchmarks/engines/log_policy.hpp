// What the program `log` measures of quire, in one place: the transaction policy, and how a store
// is told after how much log it makes a checkpoint.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/btree_map.hpp>

#include "support/data.hpp"

namespace bench {

using log_policy = quire::txn::wal;

// The options with this limit of the log in bytes.
[[nodiscard]] inline quire::options with_log_limit(quire::options how, std::uint64_t bytes) {
    how.wal_limit_bytes = bytes;
    return how;
}

// Bytes of log that the put of one kv record makes: what the raw loop writes.
inline constexpr std::size_t kv_log_record_bytes = quire::format::aligned_group(
    quire::format::begin_size + quire::format::update_size(sizeof(kv_key), sizeof(kv_value)) +
    quire::format::commit_size);

template <class Key, class Value>
using log_map = quire::btree_map<Key, Value, quire::storage::file, log_policy>;

// The store's file in its directory; what lies beside it is log.
inline constexpr const char* store_name = "store";

} // namespace bench
