// Values too large for a page: a run of neighbouring pages, named from the leaf by 12 bytes.
// format/page_header.hpp says how a run is laid out. Runs pass the cache by: written once when the
// record is, read straight into the caller's memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <quire/core/bytes.hpp>
#include <quire/core/crc32c.hpp>
#include <quire/core/error.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>

namespace quire::tree {

inline constexpr std::size_t run_ref_size = 12;
inline constexpr std::uint64_t largest_value = std::uint64_t{1} << 30;

struct run_ref {
    page_ref first;
    std::uint32_t value_size;
};

[[nodiscard]] inline std::array<std::byte, run_ref_size> encode(const run_ref& run) noexcept {
    std::array<std::byte, run_ref_size> bytes;
    format::store_ref(bytes.data(), run.first);
    store_le<std::uint32_t>(bytes.data() + 8, run.value_size);
    return bytes;
}

// Throws corruption when the bytes are no reference.
[[nodiscard]] inline run_ref decode_run(bytes_view bytes, const std::string& path) {
    if (bytes.size() != run_ref_size)
        detail::raise<corruption>(
            "a record refers to an overflow run in a way that cannot be; restore a backup", path,
            page_id::none, "run_ref", {bytes.size(), " bytes"}, run_ref_size);
    const run_ref run{format::load_ref(bytes.data()), load_le<std::uint32_t>(bytes.data() + 8)};
    if (!run.first || run.value_size > largest_value)
        detail::raise<corruption>(
            "a record refers to an overflow run in a way that cannot be; restore a backup", path,
            run.first.id, "value_size", run.value_size, {"at most ", largest_value});
    return run;
}

// Reads a run's value into `to`, of value_size bytes, and checks it. Throws corruption, io_error.
template <class Cache>
void read_run(Cache& cache, const run_ref& run, mutable_bytes to) {
    std::byte header[format::page_header_size];
    const mutable_bytes front{header, sizeof header};
    const auto read = [&](std::size_t skip, mutable_bytes part) {
        if constexpr (Cache::persistent) {
            const auto status = cache.read_run(run.first.id, skip, part);
            if (status.number == decltype(status)::short_transfer)
                detail::raise<corruption>("the file ends inside an overflow run; restore a backup",
                                          cache.path(), run.first.id);
            if (!status.ok())
                detail::raise_io("reading an overflow run failed", status.number, cache.path(),
                                 run.first.id);
        } else {
            cache.read_run(run.first.id, skip, part);
        }
    };
    read(0, front);
    read(format::page_header_size, to);
    const auto fails = [&](const char* field, std::uint64_t found, std::uint64_t expected) {
        detail::raise<corruption>(
            "the overflow run read is not the one that was written; restore a backup", cache.path(),
            run.first.id, field, found, expected);
    };
    if (format::kind_of(header) != format::page_kind::overflow)
        fails("kind", static_cast<std::uint64_t>(header[4]),
              static_cast<std::uint64_t>(format::page_kind::overflow));
    if (format::ref_of(header) != run.first)
        fails("birth", format::ref_of(header).birth, run.first.birth);
    if (format::value_size_of(header) != run.value_size)
        fails("value_size", format::value_size_of(header), run.value_size);
    if constexpr (Cache::persistent) {
        const std::uint32_t computed = crc32c(to, format::checksum_of(front));
        if (computed != format::stored_checksum(header))
            fails("checksum", format::stored_checksum(header), computed);
    }
}

} // namespace quire::tree
