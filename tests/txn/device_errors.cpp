// Which exception a failed call on a device becomes.
#include <quire/txn/device_errors.hpp>

#include <cerrno>
#include <string>

#include <doctest/doctest.h>

#include <quire/core/error.hpp>
#include <quire/storage/file.hpp>

#include "support/temp_dir.hpp"

namespace {

using quire::storage::status;

TEST_CASE("a failed call becomes the error that it stands for") {
    const auto id = static_cast<quire::page_id>(7);
    const auto failing = [&](status with) {
        quire::txn::fail_io("reading failed", with, "a/b", id);
    };
    for (const int number : {ENOSPC, EDQUOT, EFBIG}) {
        CAPTURE(number);
        CHECK_THROWS_AS(failing({number}), quire::storage_full);
    }
    CHECK_THROWS_AS(failing({status::short_transfer}), quire::corruption);
    try {
        failing({EIO});
        CHECK(false);
    } catch (const quire::io_error& e) {
        CHECK(e.number() == EIO);
        CHECK(e.path() == "a/b");
        CHECK(std::string(e.what()).find("reading failed") != std::string::npos);
    }
}

TEST_CASE("a store is locked once") {
    const quire_test::temp_dir dir;
    const std::string path = dir.path("store");
    quire::storage::file one;
    REQUIRE(one.create(path).ok());
    quire::txn::lock_store(one, quire::storage::access::read_write, path);
    quire::storage::file two;
    REQUIRE(two.open(path, quire::storage::access::read_write).ok());
    CHECK_THROWS_AS(quire::txn::lock_store(two, quire::storage::access::read_write, path),
                    quire::already_open);
    REQUIRE(one.close().ok());
    quire::txn::lock_store(two, quire::storage::access::read_write, path);
    quire::storage::file closed;
    CHECK_THROWS_AS(quire::txn::lock_store(closed, quire::storage::access::read_write, path),
                    quire::io_error);
}

} // namespace
