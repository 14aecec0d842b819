// A piece of a test in a forked child that may give up its rights, its name space or its life; what
// it found wrong comes back as text.
#pragma once

#include <cstdio>
#include <exception>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace quire_test {

// What `body` gave in a child: an empty string if all was well.
template <class Body>
[[nodiscard]] std::string answer_of_child(const Body& body) {
    int ends[2];
    if (::pipe(ends) != 0) return "no pipe";
    std::fflush(nullptr); // what is still buffered must not be printed twice
    const ::pid_t child = ::fork();
    if (child < 0) return "no child";
    if (child == 0) {
        ::close(ends[0]);
        std::string answer;
        try {
            answer = body();
        } catch (const std::exception& e) {
            answer = std::string("threw ") + e.what();
        }
        const ::ssize_t written = ::write(ends[1], answer.data(), answer.size());
        ::_exit(written == static_cast<::ssize_t>(answer.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    std::string answer;
    char buffer[512];
    for (::ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        answer.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int state = 0;
    ::waitpid(child, &state, 0);
    if (!WIFEXITED(state)) return "ended by signal " + std::to_string(WTERMSIG(state));
    return WEXITSTATUS(state) == 0 ? answer : "exit code " + std::to_string(WEXITSTATUS(state));
}

// Collects what is wrong where the test framework cannot be asked.
class complaints {
public:
    void expect(bool good, const std::string& sentence) {
        if (!good) text_ += sentence + "; ";
    }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

// Answers of a child that could not try.
inline const std::string cannot_mount = "cannot mount";

// Mounts an empty file system of that size over the directory, for this process alone. False where
// the process may not.
[[nodiscard]] inline bool mount_small(const std::string& directory, const char* size) {
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("quire-test", directory.c_str(), "tmpfs", 0, size) == 0;
}

} // namespace quire_test
