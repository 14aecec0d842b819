// A forked child that runs a piece of a test: it shares what was open, and its exit code says how
// it went.
#pragma once

#include <cstdio>

#include <sys/wait.h>
#include <unistd.h>

namespace quire_test {

// What `body` returned in a child of its own, or -1 if it did not get there.
template <class Body>
[[nodiscard]] int in_child(const Body& body) {
    std::fflush(nullptr); // what is still buffered must not be printed twice
    const pid_t id = ::fork();
    if (id == 0) ::_exit(body());
    int state = 0;
    if (id < 0 || ::waitpid(id, &state, 0) != id || !WIFEXITED(state)) return -1;
    return WEXITSTATUS(state);
}

// A child that is there, with all it inherited, until told to go.
class waiting_child {
public:
    waiting_child() {
        if (::pipe(pipe_) != 0) return;
        std::fflush(nullptr);
        id_ = ::fork();
        if (id_ != 0) return;
        ::close(pipe_[1]);
        char nothing;
        while (::read(pipe_[0], &nothing, 1) > 0) {
        }
        ::_exit(0);
    }
    waiting_child(const waiting_child&) = delete;
    waiting_child& operator=(const waiting_child&) = delete;
    ~waiting_child() {
        ::close(pipe_[1]);
        ::close(pipe_[0]);
        if (id_ > 0) ::waitpid(id_, nullptr, 0);
    }
    [[nodiscard]] bool runs() const noexcept { return id_ > 0; }

private:
    int pipe_[2] = {-1, -1};
    pid_t id_ = -1;
};

} // namespace quire_test
