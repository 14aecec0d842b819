// Address space: zeroed, aligned, given back with its owner.
#include <quire/cache/region.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include <doctest/doctest.h>
#include <sys/mman.h>

using quire::cache::backing;
using quire::cache::huge_page;
using quire::cache::region;

namespace {

bool is_mapped(const std::byte* address) {
    unsigned char resident = 0;
    return ::mincore(const_cast<std::byte*>(address), 1, &resident) == 0;
}

} // namespace

TEST_CASE("a region is zeroed, aligned, writable, and at least what was asked for") {
    for (const backing pages : {backing::small_pages, backing::huge_pages})
        for (const std::size_t bytes :
             {std::size_t{1}, huge_page - 1, huge_page, huge_page + 1, 3 * huge_page}) {
            CAPTURE(bytes);
            const region r(bytes, pages);
            REQUIRE(r.data() != nullptr);
            CHECK(reinterpret_cast<std::uintptr_t>(r.data()) % huge_page == 0);
            CHECK(r.size() >= bytes);
            CHECK(r.size() - bytes < huge_page);
            for (std::size_t at = 0; at < r.size(); at += 4096) {
                REQUIRE(r.data()[at] == std::byte{0});
                r.data()[at] = std::byte{1};
            }
            r.data()[r.size() - 1] = std::byte{2};
        }
}

TEST_CASE("a region belongs to one object, which gives it back") {
    const std::byte* first = nullptr;
    const std::byte* second = nullptr;
    {
        region a(huge_page, backing::small_pages);
        first = a.data();
        region b(std::move(a));
        CHECK(a.data() == nullptr);
        CHECK(a.size() == 0);
        CHECK(b.data() == first);
        CHECK(b.size() == huge_page);
        region c(2 * huge_page, backing::small_pages);
        second = c.data();
        c = std::move(b);
        CHECK(c.data() == first);
        CHECK(c.size() == huge_page);
        CHECK(is_mapped(first));
    }
    CHECK_FALSE(is_mapped(first));
    CHECK_FALSE(is_mapped(second));
    CHECK(region().data() == nullptr);
}

TEST_CASE("memory that was released is given back by who asked for it") {
    std::byte* kept = nullptr;
    {
        region a(2 * huge_page, backing::small_pages);
        kept = a.release();
        CHECK(a.data() == nullptr);
        CHECK(a.size() == 0);
    }
    REQUIRE(is_mapped(kept));
    region::give_back(kept, 2 * huge_page);
    CHECK_FALSE(is_mapped(kept));
    CHECK_FALSE(is_mapped(kept + huge_page));
}

TEST_CASE("more address space than there is") {
    constexpr std::size_t too_much = std::size_t{1} << 60;
    CHECK_THROWS_AS(region(too_much, backing::small_pages), std::bad_alloc);
    CHECK_THROWS_AS(
        static_cast<void>(region::largest(too_much, too_much / 2, backing::small_pages)),
        std::bad_alloc);
    // 2^60, 2^59, ... are refused until one is granted.
    const region r = region::largest(too_much, huge_page, backing::small_pages);
    CHECK(r.size() >= huge_page);
    CHECK(r.size() < too_much);
    r.data()[r.size() - 1] = std::byte{1};
}
