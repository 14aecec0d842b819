// A directory of a test's own, under $TMPDIR or /tmp, removed with all it holds at the end.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

namespace quire_test {

class temp_dir {
public:
    temp_dir() {
        const char* const base = std::getenv("TMPDIR");
        path_ = std::string(base != nullptr && *base != '\0' ? base : "/tmp") + "/quire-XXXXXX";
        if (::mkdtemp(path_.data()) == nullptr)
            throw std::runtime_error("no temporary directory like " + path_);
        owner_ = ::getpid();
    }
    temp_dir(const temp_dir&) = delete;
    temp_dir& operator=(const temp_dir&) = delete;
    // A forked child that ends in exit() leaves the directory to its parent.
    ~temp_dir() {
        if (owner_ == ::getpid()) remove_tree(path_);
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string path(std::string_view name) const {
        return path_ + '/' + std::string(name);
    }

private:
    static void remove_tree(const std::string& directory) {
        ::chmod(directory.c_str(), 0700); // a test may have taken the right to write
        if (DIR* const entries = ::opendir(directory.c_str())) {
            while (const dirent* const entry = ::readdir(entries)) {
                const std::string_view name = entry->d_name;
                if (name == "." || name == "..") continue;
                const std::string child = directory + '/' + std::string(name);
                if (::unlink(child.c_str()) != 0 && (errno == EISDIR || errno == EPERM))
                    remove_tree(child);
            }
            ::closedir(entries);
        }
        ::rmdir(directory.c_str());
    }

    std::string path_;
    pid_t owner_ = 0;
};

} // namespace quire_test
