#include <quire/storage/process_id.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

using quire::storage::process_id;

TEST_CASE("a process knows its id, and so does a child, and a child's child") {
    CHECK(process_id() == ::getpid());
    CHECK(process_id() == ::getpid());
    const pid_t child = ::fork();
    if (child == 0) {
        bool right = process_id() == ::getpid() && process_id() == ::getpid();
        const pid_t grandchild = ::fork();
        if (grandchild == 0) ::_exit(process_id() == ::getpid() ? 0 : 1);
        int answer = 1;
        right = right && ::waitpid(grandchild, &answer, 0) == grandchild && answer == 0;
        ::_exit(right && process_id() == ::getpid() ? 0 : 1);
    }
    REQUIRE(child > 0);
    int answer = 1;
    REQUIRE(::waitpid(child, &answer, 0) == child);
    CHECK(answer == 0);
    CHECK(process_id() == ::getpid());
}
