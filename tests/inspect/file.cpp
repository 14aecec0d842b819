// Inspection by path, beside a writer and on paths that are no stores.
#include <quire/inspect/file.hpp>

#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

#include "small_file.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace small_file;
using quire::inspect::check_file;
using quire::inspect::file_lock;

} // namespace

TEST_CASE("a store is inspected by its path") {
    const quire_test::temp_dir place;
    const std::string path = place.path("store");
    full_store store;
    quire::storage::file writer;
    REQUIRE(writer.create(path).ok());
    REQUIRE(writer.write(0, store.file.bytes).ok());
    REQUIRE(writer.lock(quire::storage::access::read_write) == quire::storage::lock_result::held);

    // With the writer's lock in place only a look without a lock is given.
    const auto refused = check_file(path);
    REQUIRE(refused.findings.size() == 1);
    CHECK(refused.findings[0].field == "lock");
    CHECK(check_file(path, file_lock::none).ok());
    CHECK(quire::inspect::draw_file(path).find("tree 1 \"main\"") != std::string::npos);

    REQUIRE(writer.close().ok());
    const auto whole = check_file(path);
    CHECK(whole.ok());
    CHECK(whole.trees.size() == 3);

    REQUIRE(::truncate(path.c_str(), 33 * 512) == 0);
    CHECK(check_file(path).findings.at(0).field == "file size");
}

TEST_CASE("paths without a store give a finding, not an exception") {
    const quire_test::temp_dir place;
    const std::string path = place.path("store");
    CHECK(check_file(path).findings.at(0).field == "file");
    CHECK(check_file(place.path()).findings.at(0).field == "file");
    CHECK(quire::inspect::draw_file(path).find(path) == 0);
    quire::storage::file empty;
    REQUIRE(empty.create(path).ok());
    REQUIRE(empty.close().ok());
    CHECK_FALSE(check_file(path).ok());
}
