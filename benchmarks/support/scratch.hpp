// A directory for the files of one run, made beside the executable (so on the disk of the build
// tree, where a temporary directory is often memory) unless another place is named. It is removed
// with all it holds when the object goes, also when an exception unwinds or a signal asks the
// program to end. Requires: one at a time in a program.
// Thread-safety: belongs to one thread.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace bench {

// The errno of a failed call as an exception that names what was tried.
[[noreturn]] inline void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

class scratch_directory {
public:
    // An empty parent means the executable's own directory.
    explicit scratch_directory(const std::string& parent) {
        std::string name = parent.empty()
                               ? std::filesystem::read_symlink("/proc/self/exe").parent_path()
                               : std::filesystem::absolute(parent);
        name += "/quire-benchmark-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) fail("make a directory " + name);
        path_ = name;
        interrupted_path = path_.c_str();
        for (const int number : {SIGHUP, SIGINT, SIGTERM}) std::signal(number, remove_and_end);
    }
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;
    ~scratch_directory() {
        for (const int number : {SIGHUP, SIGINT, SIGTERM}) std::signal(number, SIG_DFL);
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::string& path() const { return path_; }

    // A name that no earlier call gave.
    [[nodiscard]] std::string fresh(const std::string& stem) {
        return path_ + "/" + std::to_string(++made_) + "-" + stem;
    }

    // Everything written before is on the medium: the next timed flush pays for itself alone.
    void settle() const {
        const int directory = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0) fail("open " + path_);
        ::syncfs(directory);
        ::close(directory);
    }

private:
    // Only calls that a signal handler may make: another program does the removing.
    static void remove_and_end(int number) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::execl("/bin/rm", "rm", "-rf", "--", interrupted_path, static_cast<char*>(nullptr));
            ::_exit(127);
        }
        if (child > 0) ::waitpid(child, nullptr, 0);
        std::signal(number, SIG_DFL);
        ::raise(number);
    }

    static inline const char* interrupted_path = nullptr;

    std::string path_;
    int made_ = 0;
};

// A new directory for the files of one store, removed with all it holds. Requires: what has files
// open in it goes first.
class own_directory {
public:
    explicit own_directory(const std::string& path) : path_(path) {
        if (::mkdir(path.c_str(), 0755) != 0) fail("make a directory " + path);
    }
    own_directory(const own_directory&) = delete;
    own_directory& operator=(const own_directory&) = delete;
    ~own_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

// Bytes of the files in a directory, but for one by name: of each its length or what it takes of
// the medium, whichever is more.
[[nodiscard]] inline std::uint64_t bytes_in(const std::string& directory,
                                            const std::string& except = {}) {
    std::uint64_t sum = 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(directory)) {
        struct stat facts {};
        // A file may have gone meanwhile.
        if (each.path().filename() == except || ::stat(each.path().c_str(), &facts) != 0 ||
            !S_ISREG(facts.st_mode))
            continue;
        const auto taken = static_cast<std::uint64_t>(facts.st_blocks) * 512;
        sum += std::max(static_cast<std::uint64_t>(facts.st_size), taken);
    }
    return sum;
}

// An open file descriptor.
class descriptor {
public:
    descriptor(const std::string& path, int flags) : number_(::open(path.c_str(), flags, 0644)) {
        if (number_ < 0) fail("open " + path);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() { ::close(number_); }

    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

inline void write_all(const descriptor& file, const void* bytes, std::size_t size, off_t at) {
    if (::pwrite(file.number(), bytes, size, at) != static_cast<ssize_t>(size)) fail("write");
}

inline void read_all(const descriptor& file, void* bytes, std::size_t size, off_t at) {
    if (::pread(file.number(), bytes, size, at) != static_cast<ssize_t>(size)) fail("read");
}

inline void flush(const descriptor& file) {
    if (::fdatasync(file.number()) != 0) fail("flush");
}

// Writes zeros over the first `size` bytes and makes them durable, so that writing there again
// changes no metadata of the file system.
inline void write_zeros(const descriptor& file, std::size_t size) {
    const std::string zeros(std::size_t{1} << 20, '\0');
    for (std::size_t at = 0; at < size; at += zeros.size())
        write_all(file, zeros.data(), zeros.size(), static_cast<off_t>(at));
    if (::fsync(file.number()) != 0) fail("flush");
}

} // namespace bench
