// One open file of the operating system: what storage::file and storage::mmap have in common.
// Not a policy itself.
//
// Invariants:
//   1. The descriptor is closed on exec and never 0, 1 or 2: a stray printf must not reach a store.
//   2. The lock is an open-file-description lock on the whole file itself: a second open conflicts
//      with it in the same process too, and closing an unrelated descriptor of the file does not
//      drop it. Kernels without such locks get flock(), which has the same two properties.
//   3. A child of fork() shares the descriptor and the lock. In it every call that would change the
//      file or the lock fails with EBADF, and close() or the destructor closes without unlocking.
//      Reads go on. In the process that opened the file close() unlocks first, so that a child
//      which still has the descriptor does not keep the file locked.
//
// Thread-safety: see storage/concepts.hpp.
// Does not: retry a failed sync (only one that a signal interrupted, a few times), follow a path
// after open, or notice another program that truncates the file, except as status::short_transfer.
#pragma once

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#if defined(__linux__)
#include <sys/vfs.h>
#endif
#include <unistd.h>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/config.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/storage/lock_holder.hpp>
#include <quire/storage/process_id.hpp>
#include <quire/storage/transfer.hpp>

namespace quire::storage {

class posix_file {
public:
    posix_file() noexcept = default;
    posix_file(posix_file&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)), owner_(other.owner_) {}
    posix_file& operator=(posix_file&& other) noexcept;
    posix_file(const posix_file&) = delete;
    posix_file& operator=(const posix_file&) = delete;
    ~posix_file() { static_cast<void>(close()); }

    // Makes a new, empty file, open for reading and writing. EEXIST if the name is taken, by
    // whatever; the mode is 0666 under the process's umask. A failure leaves no file behind.
    // Requires: closed.
    status create(const std::string& path) noexcept;
    // EISDIR for a directory, EINVAL for whatever else is not a regular file. Requires: closed.
    status open(const std::string& path, access how) noexcept;
    // Succeeds on a closed device. After an error the device is closed too.
    status close() noexcept;

    // Never waits. Shared for read_only, exclusive for read_write; asking again changes the kind.
    lock_result lock(access how) noexcept;
    // Process id of another holder of the lock, 0 if it is not known. Slow: walks /proc.
    [[nodiscard]] std::int64_t lock_holder() const noexcept;

    status read(std::uint64_t offset, mutable_bytes to) const noexcept;
    // Into the parts, one behind the other, by one call: the bytes that it gave, which may be fewer
    // than asked for; 0 on any error. Parts beyond the sixteenth are left alone.
    std::size_t read_scatter(std::uint64_t offset,
                             std::span<const mutable_bytes> parts) const noexcept;
    status write(std::uint64_t offset, bytes_view from) noexcept;
    // write() and sync_data() of these bytes by one call; both where the system has none.
    status write_durable(std::uint64_t offset, bytes_view from) noexcept;
    // The parts, one behind the other, from `offset` on. As many calls as it takes.
    status write_gather(std::uint64_t offset, std::span<const bytes_view> parts) noexcept;

    status size(std::uint64_t& bytes) const noexcept;
    // What it adds is a hole that reads as zeros and has no blocks yet: a later write may find the
    // medium full.
    status resize(std::uint64_t bytes) noexcept;
    // Gives blocks to the range, without changing the size: resize first. Where the file system
    // cannot, this succeeds and the range stays as it was. Copy-on-write file systems and thin
    // volumes may run out of room in a preallocated range all the same.
    status preallocate(std::uint64_t offset, std::uint64_t bytes) noexcept;

    // Gives the blocks of the range back; it reads as zeros then. Where the file system cannot,
    // this succeeds and the range stays as it was.
    status punch(std::uint64_t offset, std::uint64_t bytes) noexcept;

    // The first `bytes` of the file in memory, so that writing there hands bytes to the system
    // without a call; to be given back by unmap. Null where that may fail by a signal: on file
    // systems that need new blocks for bytes written over, or are not here. Not for a child of
    // fork(). Requires: the range has blocks, and nobody makes the file shorter.
    [[nodiscard]] std::byte* map_for_writing(std::uint64_t bytes) const noexcept;
    static void unmap(std::byte* mapping, std::uint64_t bytes) noexcept {
        ::munmap(mapping, static_cast<std::size_t>(bytes));
    }

    // Asks the system to begin writing the range to the medium and does not wait for it
    // (sync_file_range): a sync later on finds less to do. A hint that promises nothing.
    void start_writing(std::uint64_t offset, std::uint64_t bytes) noexcept;
    // Asks the system to begin reading the range and does not wait for it (posix_fadvise): a read
    // later on finds it in memory, or on its way. A hint that promises nothing.
    void start_reading(std::uint64_t offset, std::uint64_t bytes) const noexcept;
    status sync_data() noexcept;
    status sync_all() noexcept;

    // Makes the name itself durable, after create, rename_new or remove.
    static status sync_directory_of(const std::string& path) noexcept;
    // Atomic, on one file system. EEXIST if `to` is taken.
    static status rename_new(const std::string& from, const std::string& to) noexcept;
    static status remove(const std::string& path) noexcept;
    // Calls found(to, rest) for every regular file whose path is `beginning` + rest. What found
    // throws is thrown.
    static status list(const std::string& beginning, void* to,
                       void (*found)(void* to, const char* rest));
    // Whether the path still leads to the open file: false once it was renamed, removed, replaced.
    [[nodiscard]] bool same_file_as_path(const std::string& path) const noexcept;

    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
    // Whether this is the copy that fork() made in a child.
    [[nodiscard]] bool forked() const noexcept { return is_open() && owner_ != process_id(); }
    // For calls this class does not have; stays owned by it. -1 when closed.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    static constexpr int most_interrupted_syncs = 8;

    [[nodiscard]] bool may_change() const noexcept { return is_open() && !forked(); }
    status adopt(const std::string& path, int flags) noexcept;
    template <class Call>
    static int uninterrupted(const Call& call) noexcept;
    template <class Call>
    status synced(const Call& call) noexcept;
    void unlock() noexcept;
    static bool directory_of(const std::string& path, char* directory) noexcept;

    int descriptor_ = -1;
    pid_t owner_ = 0; // the process that opened it
};

// --- bodies ---------------------------------------------------------------------------------

inline posix_file& posix_file::operator=(posix_file&& other) noexcept {
    if (this != &other) {
        static_cast<void>(close());
        descriptor_ = std::exchange(other.descriptor_, -1);
        owner_ = other.owner_;
    }
    return *this;
}

template <class Call>
int posix_file::uninterrupted(const Call& call) noexcept {
    int answer;
    do answer = call();
    while (answer < 0 && errno == EINTR);
    return answer;
}

inline status posix_file::adopt(const std::string& path, int flags) noexcept {
    QUIRE_PRECONDITION(!is_open(), "close a device before it opens another file");
    // A path with a zero byte in it would name another file than the caller sees.
    if (path.find('\0') != std::string::npos) return {EINVAL};
    int opened = uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); });
    if (opened < 0) return {errno};
    if (opened <= STDERR_FILENO) {
        const int moved = ::fcntl(opened, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        const int why = errno;
        ::close(opened);
        if (moved < 0 && (flags & O_EXCL) != 0) ::unlink(path.c_str());
        if (moved < 0) return {why};
        opened = moved;
    }
    descriptor_ = opened;
    owner_ = process_id();
    return {};
}

inline status posix_file::create(const std::string& path) noexcept {
    return adopt(path, O_RDWR | O_CREAT | O_EXCL | O_NOCTTY);
}

inline status posix_file::open(const std::string& path, access how) noexcept {
    const auto judged = [](const struct stat& facts) -> status {
        if (S_ISREG(facts.st_mode)) return {};
        return {S_ISDIR(facts.st_mode) ? EISDIR : EINVAL};
    };
    // Asked before opening, because opening a pipe can wait and opening a device can act; and after
    // it, because the path may lead elsewhere by then.
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return {errno};
    if (const status kind = judged(facts); !kind) return kind;
    const int flags = how == access::read_only ? O_RDONLY : O_RDWR;
    if (const status opened = adopt(path, flags | O_NOCTTY); !opened) return opened;
    const status kind = ::fstat(descriptor_, &facts) == 0 ? judged(facts) : status{errno};
    if (!kind) static_cast<void>(close());
    return kind;
}

inline void posix_file::unlock() noexcept {
#if defined(F_OFD_SETLK)
    struct flock whole {};
    whole.l_type = F_UNLCK;
    whole.l_whence = SEEK_SET;
    ::fcntl(descriptor_, F_OFD_SETLK, &whole);
#endif
    ::flock(descriptor_, LOCK_UN);
}

inline status posix_file::close() noexcept {
    if (!is_open()) return {};
    if (!forked()) unlock();
    // Linux has freed the descriptor whatever close() answers, so it is called once.
    return {::close(std::exchange(descriptor_, -1)) == 0 ? 0 : errno};
}

inline lock_result posix_file::lock(access how) noexcept {
    if (!may_change()) return lock_result::failed;
#if defined(F_OFD_SETLK)
    struct flock whole {};
    whole.l_type = how == access::read_only ? F_RDLCK : F_WRLCK;
    whole.l_whence = SEEK_SET; // from 0, with length 0: to the end, wherever that will be
    if (uninterrupted([&] { return ::fcntl(descriptor_, F_OFD_SETLK, &whole); }) == 0)
        return lock_result::held;
    if (errno == EAGAIN || errno == EACCES) return lock_result::busy;
    // Only where it can never work: a mixture of both kinds would exclude nobody.
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return lock_result::failed;
#endif
    const int kind = how == access::read_only ? LOCK_SH : LOCK_EX;
    if (uninterrupted([&] { return ::flock(descriptor_, kind | LOCK_NB); }) == 0)
        return lock_result::held;
    return errno == EWOULDBLOCK ? lock_result::busy : lock_result::failed;
}

inline std::int64_t posix_file::lock_holder() const noexcept {
    return is_open() ? detail::find_lock_holder(descriptor_) : 0;
}

inline status posix_file::read(std::uint64_t offset, mutable_bytes to) const noexcept {
    if (!is_open()) return {EBADF};
    return detail::read_all([this](std::byte* at, std::size_t size,
                                   off_t from) { return ::pread(descriptor_, at, size, from); },
                            offset, to);
}

inline std::size_t posix_file::read_scatter(std::uint64_t offset,
                                            std::span<const mutable_bytes> parts) const noexcept {
    constexpr std::size_t most = 16;
    iovec vector[most];
    std::size_t n = 0;
    for (; n < parts.size() && n < most; ++n)
        vector[n] = {parts[n].data(), parts[n].size()};
    if (!is_open() || !detail::addressable(offset, 0)) return 0;
    const ssize_t got =
        ::preadv(descriptor_, vector, static_cast<int>(n), static_cast<off_t>(offset));
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

inline status posix_file::write(std::uint64_t offset, bytes_view from) noexcept {
    if (!may_change()) return {EBADF};
    return detail::write_all([this](const std::byte* at, std::size_t size,
                                    off_t to) { return ::pwrite(descriptor_, at, size, to); },
                             offset, from);
}

inline status posix_file::write_durable(std::uint64_t offset, bytes_view from) noexcept {
#if defined(RWF_DSYNC)
    if (!may_change()) return {EBADF};
    const status written = detail::write_all(
        [this](const std::byte* at, std::size_t size, off_t to) {
            const iovec whole{const_cast<std::byte*>(at), size};
            return ::pwritev2(descriptor_, &whole, 1, to, RWF_DSYNC);
        },
        offset, from);
    if (written.number != EOPNOTSUPP && written.number != ENOSYS) return written;
#endif
    if (const status copied = write(offset, from); !copied) return copied;
    return sync_data();
}

inline status posix_file::write_gather(std::uint64_t offset,
                                       std::span<const bytes_view> parts) noexcept {
    if (!may_change()) return {EBADF};
    return detail::gather_all(
        [this](const iovec* vector, int count, off_t to) {
            return ::pwritev(descriptor_, vector, count, to);
        },
        offset, parts);
}

inline status posix_file::size(std::uint64_t& bytes) const noexcept {
    struct stat facts {};
    if (::fstat(descriptor_, &facts) != 0) return {errno};
    bytes = static_cast<std::uint64_t>(facts.st_size);
    return {};
}

inline status posix_file::resize(std::uint64_t bytes) noexcept {
    if (!may_change()) return {EBADF};
    if (!detail::addressable(0, bytes)) return {EFBIG};
    const auto end = static_cast<off_t>(bytes);
    return {uninterrupted([&] { return ::ftruncate(descriptor_, end); }) == 0 ? 0 : errno};
}

inline status posix_file::preallocate(std::uint64_t offset, std::uint64_t bytes) noexcept {
    if (!may_change()) return {EBADF};
    if (bytes == 0) return {};
    if (!detail::addressable(offset, bytes)) return {EFBIG};
    const int answer = uninterrupted([&] {
        return ::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                           static_cast<off_t>(bytes));
    });
    if (answer == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return {};
    return {errno};
}

inline status posix_file::punch(std::uint64_t offset, std::uint64_t bytes) noexcept {
    if (!may_change()) return {EBADF};
    if (bytes == 0) return {};
    if (!detail::addressable(offset, bytes)) return {EFBIG};
#if defined(FALLOC_FL_PUNCH_HOLE)
    const int answer = uninterrupted([&] {
        return ::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           static_cast<off_t>(offset), static_cast<off_t>(bytes));
    });
    if (answer != 0 && errno != EOPNOTSUPP && errno != ENOSYS) return {errno};
#endif
    return {};
}

inline std::byte* posix_file::map_for_writing(std::uint64_t bytes) const noexcept {
#if defined(__linux__)
    constexpr long ext4 = 0xEF53; // and ext2, ext3
    constexpr long tmpfs = 0x01021994;
    struct statfs facts {};
    if (!may_change() || ::fstatfs(descriptor_, &facts) != 0) return nullptr;
    const auto kind = static_cast<long>(facts.f_type);
    if (kind != ext4 && kind != tmpfs) return nullptr;
    void* const at = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                            MAP_SHARED, descriptor_, 0);
    if (at == MAP_FAILED) return nullptr;
    ::madvise(at, static_cast<std::size_t>(bytes), MADV_DONTFORK);
    ::madvise(at, static_cast<std::size_t>(bytes), MADV_DONTDUMP);
    return static_cast<std::byte*>(at);
#else
    static_cast<void>(bytes);
    return nullptr;
#endif
}

inline void posix_file::start_reading(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    if (descriptor_ >= 0 && detail::addressable(offset, bytes))
        static_cast<void>(::posix_fadvise(descriptor_, static_cast<off_t>(offset),
                                          static_cast<off_t>(bytes), POSIX_FADV_WILLNEED));
}

inline void posix_file::start_writing(std::uint64_t offset, std::uint64_t bytes) noexcept {
#if defined(SYNC_FILE_RANGE_WRITE)
    // An error of the medium is kept by the system for the sync that follows.
    if (may_change() && detail::addressable(offset, bytes))
        ::sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(bytes),
                          SYNC_FILE_RANGE_WRITE);
#else
    static_cast<void>(offset);
    static_cast<void>(bytes);
#endif
}

template <class Call>
status posix_file::synced(const Call& call) noexcept {
    if (!may_change()) return {EBADF};
    for (int attempt = 1;; ++attempt) {
        if (call() == 0) return {};
        // A sync that a signal cut short has reported nothing yet; any other answer is final.
        if (errno != EINTR || attempt == most_interrupted_syncs) return {errno};
    }
}

inline status posix_file::sync_data() noexcept {
    return synced([this] { return ::fdatasync(descriptor_); });
}

inline status posix_file::sync_all() noexcept {
    return synced([this] { return ::fsync(descriptor_); });
}

// Into PATH_MAX bytes; false if it is longer.
inline bool posix_file::directory_of(const std::string& path, char* directory) noexcept {
    const std::size_t slash = path.rfind('/');
    const std::size_t size = slash == 0 || slash == std::string::npos ? 1 : slash;
    if (size >= PATH_MAX) return false;
    directory[0] = '.'; // the root keeps its slash
    if (slash != std::string::npos) path.copy(directory, size);
    directory[size] = '\0';
    return true;
}

inline status posix_file::list(const std::string& beginning, void* to,
                               void (*found)(void* to, const char* rest)) {
    char directory[PATH_MAX];
    if (!directory_of(beginning, directory)) return {ENAMETOOLONG};
    DIR* const stream = ::opendir(directory);
    if (stream == nullptr) return {errno};
    const struct closer {
        DIR* of;
        ~closer() { ::closedir(of); }
    } close_it{stream};
    const std::size_t slash = beginning.rfind('/');
    const char* const name = beginning.c_str() + (slash == std::string::npos ? 0 : slash + 1);
    const std::size_t size = std::strlen(name);
    for (;;) {
        errno = 0;
        const dirent* const entry = ::readdir(stream);
        if (entry == nullptr) return {errno};
        if (std::strncmp(entry->d_name, name, size) != 0) continue;
        struct stat facts {};
        if (::fstatat(::dirfd(stream), entry->d_name, &facts, 0) == 0 && S_ISREG(facts.st_mode))
            found(to, entry->d_name + size);
    }
}

inline status posix_file::sync_directory_of(const std::string& path) noexcept {
    char directory[PATH_MAX];
    if (!directory_of(path, directory)) return {ENAMETOOLONG};
    const int opened =
        uninterrupted([&] { return ::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (opened < 0) return {errno};
    const int answer = uninterrupted([&] { return ::fsync(opened); });
    const int why = answer == 0 ? 0 : errno;
    ::close(opened);
    // These two say that the file system has no such call to make, not that it failed.
    return {why == EINVAL || why == ENOTSUP ? 0 : why};
}

inline status posix_file::rename_new(const std::string& from, const std::string& to) noexcept {
#if defined(RENAME_NOREPLACE)
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
    if (errno != EINVAL && errno != ENOSYS) return {errno};
#endif
    if (::link(from.c_str(), to.c_str()) != 0) return {errno};
    if (::unlink(from.c_str()) == 0) return {};
    const int why = errno;
    ::unlink(to.c_str());
    return {why};
}

inline status posix_file::remove(const std::string& path) noexcept {
    return {::unlink(path.c_str()) == 0 ? 0 : errno};
}

inline bool posix_file::same_file_as_path(const std::string& path) const noexcept {
    struct stat here {};
    struct stat there {};
    return ::fstat(descriptor_, &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

} // namespace quire::storage
