// Sync methods: how the log's writer makes what it wrote durable. The choice is a parameter of
// txn::basic_wal.
//
//   data           write, then fdatasync (default)
//   all            write, then fsync: where a file system's fdatasync is not to be trusted
//   write_through  one call that writes and waits for the medium (pwritev2 with RWF_DSYNC); devices
//                  that have no such call write and sync
// Thread-safety: as of the device.
#pragma once

#include <cstdint>
#include <string_view>

#include <quire/core/bytes.hpp>
#include <quire/storage/concepts.hpp>

namespace quire::wal {

// write(device, at, bytes, earlier): `bytes`, which may be none, and everything that was written
// before are durable when it succeeds. earlier: whether anything was that is not durable yet.
struct data {
    static constexpr std::string_view name = "data";
    template <class Device>
    [[nodiscard]] static storage::status write(Device& device, std::uint64_t at, bytes_view bytes,
                                               bool) noexcept {
        if (!bytes.empty())
            if (const auto status = device.write(at, bytes); !status.ok()) return status;
        return device.sync_data();
    }
};

struct all {
    static constexpr std::string_view name = "all";
    template <class Device>
    [[nodiscard]] static storage::status write(Device& device, std::uint64_t at, bytes_view bytes,
                                               bool) noexcept {
        if (!bytes.empty())
            if (const auto status = device.write(at, bytes); !status.ok()) return status;
        return device.sync_all();
    }
};

struct write_through {
    static constexpr std::string_view name = "write_through";
    template <class Device>
    [[nodiscard]] static storage::status write(Device& device, std::uint64_t at, bytes_view bytes,
                                               bool earlier) noexcept {
        if constexpr (requires { { device.write_durable(at, bytes) } noexcept; })
            if (!earlier && !bytes.empty()) return device.write_durable(at, bytes);
        return data::write(device, at, bytes, earlier);
    }
};

} // namespace quire::wal
