// A file whose clean pages are read where the operating system keeps them: one read-only, shared
// mapping of the whole file. Writing goes through pwrite, never through the mapping, so a stray
// pointer of the program cannot change the store.
//
// Invariants:
//   1. mapping() is the same address from open to close; a file that grows needs no new mapping,
//      because address space was reserved for far more than it had at first.
//   2. What write() wrote is at once what the mapping shows: both are the kernel's page cache.
//   3. mapping_size() does not change while the device is open. Offsets from there on exist only
//      for read(): the reservation was too small for this file.
//
// The price: a page of the mapping behind the end of the file, or one the medium fails to deliver,
// is a SIGBUS in whoever touches it, and no status. Whoever reads the mapping stays below size();
// shrink only after the last reader of the tail is gone. Not for files that another program may
// truncate, and not for untrusted ones: bytes could change between a check and a use.
// read() copies by pread and reports errors as storage::file does.
//
// Thread-safety: see storage/concepts.hpp.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <sys/mman.h>

#include <quire/storage/concepts.hpp>
#include <quire/storage/file.hpp>
#include <quire/storage/posix_file.hpp>

namespace quire::storage {

class mmap : public policy_base, private posix_file {
public:
    static constexpr std::string_view name = "mmap";
    static constexpr bool maps = true;
    using log_device = file;

    // Address space asked for first; halved until the system grants it, to no less than the last.
    static constexpr std::uint64_t largest_reservation =
        sizeof(std::size_t) == 8 ? std::uint64_t{1} << 40 : std::uint64_t{1} << 30;
    static constexpr std::uint64_t smallest_reservation = std::uint64_t{1} << 20;

    mmap() noexcept = default;
    mmap(mmap&& other) noexcept
        : posix_file(static_cast<posix_file&&>(other)),
          mapping_(std::exchange(other.mapping_, nullptr)),
          mapping_size_(std::exchange(other.mapping_size_, 0)) {}
    mmap& operator=(mmap&& other) noexcept;
    mmap(const mmap&) = delete;
    mmap& operator=(const mmap&) = delete;
    ~mmap() { unmap(); }

    status create(const std::string& path) noexcept;
    // ENODEV where the file system has no mappings.
    status open(const std::string& path, access how) noexcept {
        return mapped(posix_file::open(path, how));
    }
    status close() noexcept {
        unmap();
        return posix_file::close();
    }

    // Null when closed.
    [[nodiscard]] const std::byte* mapping() const noexcept { return mapping_; }
    // Address space reserved, most of it behind the end of the file.
    [[nodiscard]] std::uint64_t mapping_size() const noexcept { return mapping_size_; }

    using posix_file::descriptor;
    using posix_file::forked;
    using posix_file::is_open;
    using posix_file::list;
    using posix_file::lock;
    using posix_file::lock_holder;
    using posix_file::preallocate;
    using posix_file::punch;
    using posix_file::read;
    using posix_file::remove;
    using posix_file::rename_new;
    using posix_file::resize;
    using posix_file::same_file_as_path;
    using posix_file::size;
    using posix_file::start_reading;
    using posix_file::start_writing;
    using posix_file::sync_all;
    using posix_file::sync_data;
    using posix_file::sync_directory_of;
    using posix_file::write;
    using posix_file::write_gather;

private:
    status mapped(status opened) noexcept;
    void unmap() noexcept;

    const std::byte* mapping_ = nullptr;
    std::uint64_t mapping_size_ = 0;
};

// --- bodies ---------------------------------------------------------------------------------

inline mmap& mmap::operator=(mmap&& other) noexcept {
    if (this != &other) {
        unmap();
        posix_file::operator=(static_cast<posix_file&&>(other));
        mapping_ = std::exchange(other.mapping_, nullptr);
        mapping_size_ = std::exchange(other.mapping_size_, 0);
    }
    return *this;
}

inline status mmap::create(const std::string& path) noexcept {
    const status created = posix_file::create(path);
    const status usable = mapped(created);
    if (created && !usable) static_cast<void>(remove(path));
    return usable;
}

inline status mmap::mapped(status opened) noexcept {
    if (!opened) return opened;
    std::uint64_t size = 0;
    if (const status known = posix_file::size(size); !known) {
        static_cast<void>(posix_file::close());
        return known;
    }
    // A file that fills half of the usual reservation gets a larger one.
    std::uint64_t reservation = largest_reservation;
    if constexpr (sizeof(std::size_t) == 8)
        while (reservation / 2 < size && reservation < detail::largest_offset / 4) reservation *= 2;
    for (;; reservation /= 2) {
        void* const at = ::mmap(nullptr, static_cast<std::size_t>(reservation), PROT_READ,
                                MAP_SHARED | MAP_NORESERVE, descriptor(), 0);
        if (at != MAP_FAILED) {
            mapping_ = static_cast<const std::byte*>(at);
            mapping_size_ = reservation;
            return {};
        }
        const int why = errno;
        if (why == ENODEV || why == EACCES || reservation <= smallest_reservation) {
            static_cast<void>(posix_file::close());
            return {why};
        }
    }
}

inline void mmap::unmap() noexcept {
    if (mapping_ == nullptr) return;
    ::munmap(const_cast<std::byte*>(std::exchange(mapping_, nullptr)),
             static_cast<std::size_t>(std::exchange(mapping_size_, 0)));
}

} // namespace quire::storage
