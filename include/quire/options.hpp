// How a map is opened. Meant for designated initialisers: {.cache_bytes = 64 << 20}.
#pragma once

#include <cstdint>

#include <quire/txn/policy.hpp>

namespace quire {

struct options {
    // Budget of the page cache in bytes: frames and what describes them; what makes less than 60
    // frames is raised to that, what the system does not grant is std::bad_alloc. storage::memory
    // has none. Where pages of a larger file are comes on top: 4 bytes for each that was used.
    std::uint64_t cache_bytes = std::uint64_t{64} << 20;
    // Whether a store that does not exist is created.
    bool create = true;
    // Opens an existing store for reading alone; any number of processes may.
    bool read_only = false;
    // What a commit waits for that does not say it.
    quire::durability durability = quire::durability::full;
    // A log of more bytes is cut by a checkpoint (txn::wal).
    std::uint64_t wal_limit_bytes = std::uint64_t{64} << 20;
    // While the share of free pages is above this, commits of transactional maps are followed by
    // small steps that move pages from the file's end to free places (compaction_steps.hpp). 0: no
    // steps.
    double auto_compact = 0.25;
    // Called now and then while a log is read back, and at the end.
    void (*on_recovery)(const recovery_report& so_far, void* with) = nullptr;
    void* on_recovery_with = nullptr;
    // Checks the whole store before it is used, as verify() does: for files of unknown origin.
    bool untrusted = false;
};

} // namespace quire
