#include <quire/core/error.hpp>

#include <cerrno>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

namespace {

quire::error_details at_path(const std::string& path) {
    quire::error_details details;
    details.path = path;
    return details;
}

} // namespace

TEST_CASE("an error says where, what, what was found and what was expected") {
    const quire::corruption error{"a page is damaged",
                                  {"a.quire", quire::page_id{7}, "count", "9", "at most 4"}};
    CHECK(std::string(error.what()) ==
          "a.quire: page 7: a page is damaged (count: found 9, expected at most 4)");
    CHECK(error.code() == quire::error_code::corruption);
    CHECK(error.path() == "a.quire");
    CHECK(error.page() == quire::page_id{7});
    CHECK(error.field() == "count");
    CHECK(error.found() == "9");
    CHECK(error.expected() == "at most 4");
}

TEST_CASE("what does not apply is left out of the sentence") {
    CHECK(std::string(quire::read_only{"the store is open read-only"}.what()) ==
          "the store is open read-only");
    CHECK(std::string(quire::storage_full{"no room", at_path("b")}.what()) == "b: no room");
    auto sizes = at_path("");
    sizes.found = "9";
    sizes.expected = "8";
    CHECK(std::string(quire::key_too_large{"the key is too large", sizes}.what()) ==
          "the key is too large (found 9, expected 8)");
}

TEST_CASE("an io_error carries the errno and its text") {
    const quire::io_error error{"cannot open", ENOENT, at_path("c")};
    CHECK(error.number() == ENOENT);
    CHECK(error.code() == quire::error_code::io_error);
    CHECK(std::string(error.what()) == "c: cannot open: No such file or directory");
}

TEST_CASE("already_open names the holder") {
    const quire::already_open error{"the store is open elsewhere", 4711};
    CHECK(error.holder() == 4711);
    CHECK(error.code() == quire::error_code::already_open);
}

TEST_CASE_TEMPLATE("every error is a quire::error with a type of its own", Error, quire::corruption,
                   quire::format_mismatch, quire::schema_mismatch, quire::storage_full,
                   quire::key_too_large, quire::value_too_large, quire::read_only, quire::poisoned,
                   quire::unsorted_input) {
    static_assert(std::is_base_of_v<quire::error, Error>);
    static_assert(std::is_base_of_v<std::runtime_error, Error>);
    static_assert(std::is_nothrow_copy_constructible_v<Error>);
    bool caught = false;
    try {
        throw Error{"sentence"};
    } catch (const quire::error& error) {
        caught = std::string(error.what()) == "sentence";
    }
    CHECK(caught);
}
