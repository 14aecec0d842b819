// A process that tells lines until it is killed.
#pragma once

#include <csignal>
#include <cstdint>
#include <cstdio>

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace quire_test {

// Runs load(descriptor), which writes lines to the descriptor and does not return, in a process of
// its own, and kills that after so many of them; calls told(line) for these, and for what it had
// still told before it died.
template <class Line, class Load, class Told>
void run_and_kill(std::uint64_t lines, Load&& load, Told&& told) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::fflush(nullptr);
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::close(ends[0]);
        load(ends[1]);
    }
    ::close(ends[1]);
    Line line{};
    const auto read_line = [&] {
        if (::read(ends[0], &line, sizeof line) != sizeof line) return false;
        told(static_cast<const Line&>(line));
        return true;
    };
    for (std::uint64_t i = 0; i < lines; ++i) CHECK(read_line());
    ::kill(child, SIGKILL);
    while (read_line()) {}
    ::close(ends[0]);
    int how = 0;
    ::waitpid(child, &how, 0);
    CHECK(WIFSIGNALED(how));
}

} // namespace quire_test
