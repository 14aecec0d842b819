// The holder of a lock is named, in this process and in another.
#include <quire/storage/lock_holder.hpp>

#include <cstdint>

#include <doctest/doctest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <quire/storage/file.hpp>

#include "../support/temp_dir.hpp"
#include "child.hpp"

namespace {

using namespace quire;
using quire::storage::access;
using quire::storage::lock_result;

// Some systems show less of /proc than the search needs; 0 is the documented answer there.
bool named_or_unknown(std::int64_t found, std::int64_t expected) {
    if (found == 0 && ::access("/proc/self/fdinfo/0", R_OK) != 0) return true;
    return found == expected;
}

TEST_CASE("a holder in this process") {
    const quire_test::temp_dir dir;
    storage::file holder;
    REQUIRE(holder.create(dir.path("a")).ok());
    storage::file other;
    REQUIRE(other.open(dir.path("a"), access::read_write).ok());
    storage::file elsewhere;
    REQUIRE(elsewhere.create(dir.path("b")).ok());
    REQUIRE(elsewhere.lock(access::read_write) == lock_result::held);
    CHECK(other.lock_holder() == 0); // open alone is not locked, and that lock is not ours
    for (const access how : {access::read_write, access::read_only}) {
        REQUIRE(holder.lock(how) == lock_result::held);
        CHECK(other.lock(access::read_write) == lock_result::busy);
        CHECK(named_or_unknown(other.lock_holder(), ::getpid()));
    }
    CHECK(holder.lock_holder() == 0); // nobody but itself
    REQUIRE(holder.close().ok());
    CHECK(other.lock_holder() == 0);
}

TEST_CASE("a holder in another process") {
    const quire_test::temp_dir dir;
    storage::file holder;
    REQUIRE(holder.create(dir.path("a")).ok());
    REQUIRE(holder.lock(access::read_write) == lock_result::held);
    const pid_t parent = ::getpid();
    CHECK(quire_test::in_child([&] {
              if (!holder.close().ok()) return 1; // the child's own copy would be a holder too
              storage::file other;
              if (!other.open(dir.path("a"), access::read_write).ok()) return 2;
              if (other.lock(access::read_write) != lock_result::busy) return 3;
              return named_or_unknown(other.lock_holder(), parent) ? 0 : 4;
          }) == 0);
}

TEST_CASE("a holder by flock") {
    const quire_test::temp_dir dir;
    storage::file holder;
    storage::file other;
    REQUIRE(holder.create(dir.path("a")).ok());
    REQUIRE(other.open(dir.path("a"), access::read_write).ok());
    REQUIRE(::flock(holder.descriptor(), LOCK_EX) == 0);
    CHECK(named_or_unknown(other.lock_holder(), ::getpid()));
}

TEST_CASE("no file, no holder") { CHECK(storage::detail::find_lock_holder(-1) == 0); }

} // namespace
