// Reading through a device of any type, and sets of pages.
#include <quire/inspect/source.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

#include "small_file.hpp"

namespace {

using quire::inspect::page_set;
using quire::inspect::source;

// Answers every call with the same outcome, whatever the size it claims.
struct stubborn {
    struct status {
        int number = 0;
        [[nodiscard]] bool ok() const { return number == 0; }
    };
    int reads = 0;
    int sizes = 0;
    status read(std::uint64_t, quire::mutable_bytes) const { return {reads}; }
    status size(std::uint64_t& bytes) const {
        bytes = ~std::uint64_t{0};
        return {sizes};
    }
};

} // namespace

TEST_CASE("a source reads what the file has and never behind its end") {
    small_file::device file;
    file.bytes.assign(100, std::byte{7});
    const source from(file);
    CHECK(from.readable());
    CHECK(from.size() == 100);
    std::array<std::byte, 10> to{};
    CHECK(from.read(90, to).empty());
    CHECK(to[9] == std::byte{7});
    CHECK(from.read(91, to) == "end of file at byte 100");
    CHECK(from.read(~std::uint64_t{0} - 4, to) == "end of file at byte 100");
    CHECK(from.read(100, {}).empty());
    file.bad_from = 95;
    file.bad_size = 1;
    CHECK(from.read(90, to) == "read error 5");
    file.bad_size = 0;
    file.bytes.resize(95); // cut by someone else since
    CHECK(from.read(90, to) == "end of file while reading");
}

TEST_CASE("a device that fails is a source that fails") {
    const stubborn reads{5, 0};
    std::array<std::byte, 10> to{};
    CHECK(source(reads).read(0, to) == "read error 5");
    const stubborn sizes{0, 13};
    CHECK_FALSE(source(sizes).readable());
    CHECK(source(sizes).size_failure() == 13);
    CHECK(source(sizes).size() == 0);
    CHECK_FALSE(source(sizes).read(0, to).empty());
}

TEST_CASE("a set of pages holds each page once") {
    page_set pages(130);
    CHECK(pages.limit() == 130);
    CHECK(pages.size() == 0);
    for (const std::uint64_t page : {0U, 63U, 64U, 129U}) {
        CHECK_FALSE(pages.contains(page));
        CHECK(pages.insert(page));
        CHECK(pages.contains(page));
        CHECK_FALSE(pages.insert(page));
    }
    CHECK(pages.size() == 4);
    CHECK_FALSE(pages.contains(65));
    CHECK_FALSE(pages.contains(130));
    CHECK_FALSE(page_set().contains(0));
}
