// Loops that make whole transfers out of system calls which may move less than they were asked to,
// be interrupted by a signal, or refuse more than 2 GiB at once. The call itself is a parameter, so
// that every path of the loops can be driven by a test.
//
// Invariants:
//   1. Success means all bytes were moved. A call that moves nothing ends the loop: the end of the
//      file for a reader, EIO for a writer.
//   2. No call is asked for more than most_per_call bytes or most_parts parts.
//   3. EINTR is a reason to repeat, every other error ends the loop.
// Thread-safety: pure functions of their arguments.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/types.h>
#include <sys/uio.h>

#include <quire/core/bytes.hpp>
#include <quire/storage/concepts.hpp>

namespace quire::storage::detail {

static_assert(sizeof(off_t) == 8, "quire needs 64-bit file offsets: -D_FILE_OFFSET_BITS=64");

// Linux moves at most 0x7ffff000 bytes a call.
inline constexpr std::size_t most_per_call = std::size_t{1} << 30;
// The kernel takes 1024 parts a call; half of that is 2 MiB of 4 KiB pages and 8 KiB of stack.
inline constexpr std::size_t most_parts = 512;

[[nodiscard]] constexpr std::size_t smaller(std::size_t a, std::size_t b) noexcept {
    return a < b ? a : b;
}

inline constexpr std::uint64_t largest_offset = 0x7FFFFFFFFFFFFFFF;

// Whether [offset, offset + size) can be named by an off_t.
[[nodiscard]] constexpr bool addressable(std::uint64_t offset, std::uint64_t size) noexcept {
    return offset <= largest_offset && size <= largest_offset - offset;
}

// call(std::byte* to, std::size_t size, off_t offset) moves up to size bytes, as pread does.
template <class Call>
status read_all(const Call& call, std::uint64_t offset, mutable_bytes to) noexcept {
    if (!addressable(offset, to.size())) return {status::short_transfer};
    while (!to.empty()) {
        const ssize_t moved =
            call(to.data(), smaller(to.size(), most_per_call), static_cast<off_t>(offset));
        if (moved < 0) {
            if (errno == EINTR) continue;
            return {errno};
        }
        if (moved == 0) return {status::short_transfer};
        offset += static_cast<std::uint64_t>(moved);
        to = to.subspan(static_cast<std::size_t>(moved));
    }
    return {};
}

// call(const std::byte* from, std::size_t size, off_t offset), as pwrite does.
template <class Call>
status write_all(const Call& call, std::uint64_t offset, bytes_view from) noexcept {
    if (!addressable(offset, from.size())) return {EFBIG};
    while (!from.empty()) {
        const ssize_t moved =
            call(from.data(), smaller(from.size(), most_per_call), static_cast<off_t>(offset));
        if (moved < 0) {
            if (errno == EINTR) continue;
            return {errno};
        }
        if (moved == 0) return {EIO};
        offset += static_cast<std::uint64_t>(moved);
        from = from.subspan(static_cast<std::size_t>(moved));
    }
    return {};
}

// What is still to be written of a list of parts.
class pending_parts {
public:
    explicit pending_parts(std::span<const bytes_view> parts) noexcept : parts_(parts) { skip(0); }

    [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }

    // One call's worth from the front; returns the parts and bytes in it.
    struct batch {
        std::size_t parts = 0;
        std::size_t bytes = 0;
    };
    [[nodiscard]] batch fill(std::span<iovec, most_parts> to) const noexcept {
        batch filled;
        std::size_t done = done_;
        for (const bytes_view part : parts_) {
            if (filled.parts == most_parts || filled.bytes == most_per_call) break;
            const std::size_t size = smaller(part.size() - done, most_per_call - filled.bytes);
            if (size != 0) {
                // pwritev takes its sources by iovec, which has no const form, and only reads them.
                to[filled.parts++] = {const_cast<std::byte*>(part.data() + done), size};
                filled.bytes += size;
            }
            done = 0;
        }
        return filled;
    }

    // Requires: at most as many bytes as are pending.
    void skip(std::size_t bytes) noexcept {
        while (!parts_.empty()) {
            const std::size_t left = parts_.front().size() - done_;
            if (bytes < left) {
                done_ += bytes;
                return;
            }
            bytes -= left;
            parts_ = parts_.subspan(1);
            done_ = 0;
        }
    }

private:
    std::span<const bytes_view> parts_;
    std::size_t done_ = 0; // bytes of the first part that are written
};

// call(const iovec* parts, int count, off_t offset), as pwritev does.
template <class Call>
status gather_all(const Call& call, std::uint64_t offset,
                  std::span<const bytes_view> parts) noexcept {
    iovec vector[most_parts];
    pending_parts pending(parts);
    while (!pending.empty()) {
        const pending_parts::batch batch = pending.fill(vector);
        if (!addressable(offset, batch.bytes)) return {EFBIG};
        const ssize_t moved =
            call(vector, static_cast<int>(batch.parts), static_cast<off_t>(offset));
        if (moved < 0) {
            if (errno == EINTR) continue;
            return {errno};
        }
        if (moved == 0) return {EIO};
        offset += static_cast<std::uint64_t>(moved);
        pending.skip(static_cast<std::size_t>(moved));
    }
    return {};
}

} // namespace quire::storage::detail
