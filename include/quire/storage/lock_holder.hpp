// Who holds a lock on a file: the kernel tells nobody the owner of an open-file-description lock
// (F_OFD_GETLK reports -1), but /proc shows for each descriptor which file it is and which locks it
// holds. Asked only after a lock was refused, to name the holder in the error.
// Thread-safety: no state. Not seen: processes whose /proc entries this user may not read.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <quire/core/config.hpp>

namespace quire::storage::detail {

class directory_reader {
public:
    explicit directory_reader(const char* path) noexcept : directory_(::opendir(path)) {}
    directory_reader(const directory_reader&) = delete;
    directory_reader& operator=(const directory_reader&) = delete;
    ~directory_reader() {
        if (directory_ != nullptr) ::closedir(directory_);
    }
    // The next entry that is a number; null at the end, or if there is no such directory.
    [[nodiscard]] const char* next_number() noexcept {
        while (directory_ != nullptr) {
            const dirent* const entry = ::readdir(directory_);
            if (entry == nullptr) return nullptr;
            if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') return entry->d_name;
        }
        return nullptr;
    }

private:
    DIR* directory_;
};

[[nodiscard]] inline bool shows_a_lock(const char* fdinfo) noexcept {
    const int descriptor = ::open(fdinfo, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    char text[4096];
    const ssize_t size = ::read(descriptor, text, sizeof text - 1);
    ::close(descriptor);
    text[size > 0 ? size : 0] = '\0';
    return std::strstr(text, "\nlock:") != nullptr;
}

// Process id of a holder of a lock on the file that `descriptor` has open, other than by that
// descriptor itself; 0 if none can be seen.
[[nodiscard]] QUIRE_COLD inline std::int64_t find_lock_holder(int descriptor) noexcept {
    struct stat wanted {};
    if (::fstat(descriptor, &wanted) != 0) return 0;
    directory_reader processes("/proc");
    while (const char* const process = processes.next_number()) {
        const std::int64_t id = std::atoll(process);
        char path[600];
        std::snprintf(path, sizeof path, "/proc/%s/fd", process);
        directory_reader descriptors(path);
        while (const char* const open_one = descriptors.next_number()) {
            struct stat found {};
            std::snprintf(path, sizeof path, "/proc/%s/fd/%s", process, open_one);
            if (::stat(path, &found) != 0 || found.st_ino != wanted.st_ino ||
                found.st_dev != wanted.st_dev)
                continue;
            if (id == ::getpid() && std::atoi(open_one) == descriptor) continue;
            std::snprintf(path, sizeof path, "/proc/%s/fdinfo/%s", process, open_one);
            if (shows_a_lock(path)) return id;
        }
    }
    return 0;
}

} // namespace quire::storage::detail
