#include <quire/core/raise.hpp>

#include <cerrno>
#include <string>

#include <doctest/doctest.h>

using quire::detail::said;

TEST_CASE("what is said is words, a number, or words around a number") {
    CHECK(said().text().empty());
    CHECK(said("nothing").text() == "nothing");
    CHECK(said(std::uint64_t{0}).text() == "0");
    CHECK(said(~std::uint64_t{0}).text() == "18446744073709551615");
    CHECK(said(4U, " bytes").text() == "4 bytes");
    CHECK(said("at most ", 4U).text() == "at most 4");
    CHECK(said("at most ", 4U, " bytes").text() == "at most 4 bytes");
}

TEST_CASE("a raised error has the facts it was given") {
    try {
        quire::detail::raise<quire::corruption>("a sentence", "dir/name",
                                                static_cast<quire::page_id>(7), "count", 9U,
                                                {"at most ", 4U});
    } catch (const quire::corruption& error) {
        CHECK(error.path() == "dir/name");
        CHECK(error.page() == static_cast<quire::page_id>(7));
        CHECK(error.field() == "count");
        CHECK(error.found() == "9");
        CHECK(error.expected() == "at most 4");
        CHECK(std::string(error.what()) ==
              "dir/name: page 7: a sentence (count: found 9, expected at most 4)");
    }
    try {
        quire::detail::raise<quire::read_only>("a sentence", "name");
    } catch (const quire::read_only& error) {
        CHECK(std::string(error.what()) == "name: a sentence");
    }
}

TEST_CASE("a fault becomes an error of any type") {
    const quire::fault why = quire::detail::fault_of("size", {1U, " byte"}, "2 bytes");
    CHECK(why.field == "size");
    CHECK(why.found == "1 byte");
    CHECK(why.expected == "2 bytes");
    CHECK_THROWS_WITH_AS(quire::detail::raise<quire::format_mismatch>(
                             "a sentence", "name", quire::page_id::none, why),
                         "name: a sentence (size: found 1 byte, expected 2 bytes)",
                         quire::format_mismatch);
}

TEST_CASE("a raised refusal of the system has its number") {
    try {
        quire::detail::raise_io("a sentence", ENOENT, "name");
        FAIL("raise_io came back");
    } catch (const quire::io_error& error) {
        CHECK(error.number() == ENOENT);
        CHECK(error.path() == "name");
    }
}
