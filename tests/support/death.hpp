// Shows that a call ends the process with an assertion that says a given sentence.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

namespace quire_test {

// What a child process that made the call left behind.
struct death {
    bool aborted = false;
    std::string message; // its standard error

    [[nodiscard]] bool says(std::string_view sentence) const {
        return aborted && message.find(sentence) != std::string::npos;
    }
};

// Makes the call in a child process. The call must not need other threads.
template <class Call>
[[nodiscard]] death death_of(Call call) {
    int ends[2];
    if (::pipe(ends) != 0) return {};
    const ::pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL); // the test framework's handler is not for this process
        ::dup2(ends[1], STDERR_FILENO);
        call();
        std::_Exit(0);
    }
    ::close(ends[1]);
    death seen;
    char buffer[512];
    for (::ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        seen.message.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    seen.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    return seen;
}

} // namespace quire_test
