// One file of the log: making it, opening it, giving it to a later use.
//
// Making a segment, step by step, and what a crash leaves:
//   1. a file of that name, zeros up to its size       a file without a header, or shorter
//   2. its header, a sync                              perhaps a whole, empty segment
//   3. a sync of the directory                         the segment
// Using one again: its new header is written and synced under the old name, by which it belongs to
// no log any more; then it is renamed and the directory synced.
// Nothing is acknowledged in a segment before all of this is done.
// Opening one that a crash left, to go on in it: what it holds is written again and synced, for it
// may be in the system's cache alone, left there by a process that was killed, or by a sync that
// failed, after which the system takes for clean what the medium lacks. What stands behind becomes
// zeros: groups that a crash tore, which must not come to stand behind a later one.
// Thread-safety: one thread at a time.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <quire/core/bytes.hpp>
#include <quire/core/config.hpp>
#include <quire/core/counters.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/log_record.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/storage/process_id.hpp>

namespace quire::wal {

// Where a segment is in its log.
struct segment_facts {
    version first{}; // by which it is named
    std::uint64_t size = 0;
    std::uint64_t first_lsn = 0;
    std::uint64_t salt = 0;
};

// A segment that is open for writing.
template <class Device>
struct segment : segment_facts {
    Device device;
    segment* next = nullptr; // in a list of its owner
    std::byte* memory = nullptr; // the file's first `mapped` bytes, if they were ever asked for
    std::uint64_t mapped = 0;
    std::int64_t mapped_by = 0; // the process; a child of fork() has something else there
    bool tried = false;         // to map it

    ~segment() { unmap(); }
    [[nodiscard]] bool has_mapping() const noexcept {
        return memory != nullptr && mapped_by == storage::process_id();
    }
    void unmap() noexcept {
        if constexpr (storage::writes_in_place<Device>)
            if (has_mapping()) Device::unmap(memory, mapped);
        memory = nullptr;
        tried = false;
    }
};

// Hands bytes to the system that need not be durable yet; by a copy, where the device can. They are
// inside what the segment's zeros have been written to.
template <class Device>
[[nodiscard]] storage::status write_unsynced(segment<Device>& to, std::uint64_t at,
                                             bytes_view bytes) noexcept {
    if constexpr (storage::writes_in_place<Device>) {
        if (QUIRE_UNLIKELY(!to.tried)) {
            to.tried = true;
            to.mapped = to.size;
            to.mapped_by = storage::process_id();
            to.memory = to.device.map_for_writing(to.size);
        }
        if (to.has_mapping() && at + bytes.size() <= to.mapped) {
            copy_bytes(to.memory + at, bytes.data(), bytes.size());
            return {};
        }
    }
    return to.device.write(at, bytes);
}

// Writes zeros from `at` to `end`, so that later writes change no metadata: a write into space that
// was only reserved costs a flush of the journal besides. In small pieces: a file system that keeps
// what was written together as one large piece of its cache looks through all of it with every
// small write into it later.
template <class Device>
[[nodiscard]] storage::status write_zeros(Device& device, std::uint64_t at, std::uint64_t end,
                                          io_counters& counters) noexcept {
    static constexpr std::array<std::byte, 16384> zeros{};
    while (at < end) {
        const std::uint64_t left = end - at;
        const auto n = static_cast<std::size_t>(left < zeros.size() ? left : zeros.size());
        if (const auto status = device.write(at, {zeros.data(), n}); !status.ok()) return status;
        counters.bytes_written.add(n);
        at += n;
    }
    return {};
}

// Makes a file durable under its name.
template <class Device>
[[nodiscard]] storage::status sync_with_name(Device& device, const std::string& path,
                                             io_counters& counters) noexcept {
    counters.syncs.add();
    if (const auto status = device.sync_all(); !status.ok()) return status;
    counters.syncs.add();
    return Device::sync_directory_of(path);
}

// Makes the segment `made` with that header; made.size is a multiple of 4096. `stays`: it failed
// when a header was written, so that a crash may leave the whole segment although it is removed.
template <class Device>
[[nodiscard]] storage::status create_segment(segment<Device>& made, const std::string& path,
                                             const format::segment_header& header,
                                             io_counters& counters, bool& stays) noexcept {
    stays = false;
    storage::status status = made.device.create(path);
    if (status.number == EEXIST) { // left behind by a making that did not succeed
        status = Device::remove(path);
        if (status.ok()) status = made.device.create(path);
    }
    if (!status.ok()) return status;
    status = write_zeros(made.device, 0, made.size, counters);
    const auto bytes = format::encode(header);
    stays = status.ok();
    if (status.ok()) status = made.device.write(0, bytes);
    if (status.ok()) status = sync_with_name(made.device, path, counters);
    if (!status.ok()) {
        static_cast<void>(made.device.close());
        static_cast<void>(Device::remove(path));
    }
    return status;
}

// Gives a segment that belongs to no log any more its new header and name.
template <class Device>
[[nodiscard]] storage::status reuse_segment(segment<Device>& used, const std::string& before,
                                            const std::string& path,
                                            const format::segment_header& header,
                                            io_counters& counters, bool& stays) noexcept {
    stays = false;
    const auto bytes = format::encode(header);
    storage::status status = used.device.write(0, bytes);
    if (status.ok()) {
        counters.syncs.add();
        status = used.device.sync_data();
    }
    stays = status.ok();
    if (status.ok()) status = Device::rename_new(before, path);
    if (status.ok()) {
        counters.syncs.add();
        status = Device::sync_directory_of(path);
    }
    return status;
}

// Opens the segment, which holds `used` bytes of the log, and makes these durable, with zeros
// behind. All of it is written, whatever a read says of it: the medium may have what the system's
// cache took back, a shorter file among it. The same bytes go to the same places, so a crash on the
// way changes nothing that counts.
template <class Device>
[[nodiscard]] storage::status reopen_segment(segment<Device>& of, const std::string& path,
                                             std::uint64_t used, io_counters& counters) noexcept {
    storage::status status = of.device.open(path, storage::access::read_write);
    std::array<std::byte, 16384> bytes;
    for (std::uint64_t at = 0; status.ok() && at < used;) {
        const std::uint64_t left = used - at;
        const auto n = static_cast<std::size_t>(left < bytes.size() ? left : bytes.size());
        status = of.device.read(at, {bytes.data(), n});
        if (status.ok()) status = of.device.write(at, {bytes.data(), n});
        counters.bytes_written.add(n);
        at += n;
    }
    if (status.ok()) status = write_zeros(of.device, used, of.size, counters);
    if (status.ok()) status = sync_with_name(of.device, path, counters);
    return status;
}

} // namespace quire::wal
