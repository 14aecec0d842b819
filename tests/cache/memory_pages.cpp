// Pages in memory: each its own bytes, at an address that growth does not change.
#include <quire/cache/memory_pages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

#include <doctest/doctest.h>

#include "support/death.hpp"

using quire::bytes_view;
using quire::mutable_bytes;
using quire::page_id;
using quire::page_ref;
using quire::cache::huge_page;
using quire::cache::memory_pages;

namespace {

constexpr auto any = [](const std::byte*) noexcept -> const char* { return nullptr; };

std::vector<std::byte> pattern(std::size_t size, std::uint32_t seed) {
    std::vector<std::byte> bytes(size);
    for (std::byte& b : bytes) {
        seed = seed * 1664525 + 1013904223;
        b = static_cast<std::byte>(seed >> 24);
    }
    return bytes;
}

} // namespace

TEST_CASE_TEMPLATE("pages do not overlap and stay where they are", Pages, memory_pages<512>,
                   memory_pages<4096>, memory_pages<65536>) {
    constexpr std::size_t size = Pages::page_size;
    constexpr auto chunk = static_cast<std::uint32_t>(huge_page / size);
    Pages pages;
    CHECK(pages.resident_bytes() == 0);
    std::map<std::uint32_t, std::byte*> at;
    // Around the borders of chunks, and in steps over the growth of 1, 1, 2, 4 ... 32 chunks.
    for (std::uint32_t n = 0; n < 70 * chunk; n += n < 5 * chunk ? chunk / 2 : chunk - 1) {
        const page_id id{n};
        pages.admit(id);
        std::byte* const page = pages.create(id);
        std::memset(page, static_cast<int>(n % 251), size);
        at[n] = page;
    }
    for (const auto& [n, page] : at) {
        REQUIRE(pages.fetch(page_ref{page_id{n}, 7}, any) == page);
        REQUIRE(pages.writable(page_ref{page_id{n}, 7}, page) == page);
        REQUIRE(page[0] == static_cast<std::byte>(n % 251));
        REQUIRE(page[size - 1] == static_cast<std::byte>(n % 251));
    }
    CHECK(pages.resident_bytes() >= 70 * huge_page);
    CHECK(pages.resident_bytes() < 105 * huge_page);
}

TEST_CASE("neighbours in one chunk lie side by side") {
    memory_pages<512> pages;
    pages.admit(page_id{9});
    CHECK(pages.create(page_id{8}) + 512 == pages.create(page_id{9}));
    CHECK(pages.resident_bytes() == huge_page);
}

TEST_CASE("a run is read as it was written, over pages and chunks") {
    memory_pages<512> pages;
    constexpr std::uint32_t per_chunk = huge_page / 512;
    const auto header = pattern(32, 1);
    for (const std::size_t value_size : {0U, 1U, 480U, 481U, 992U, 993U, 5000U}) {
        CAPTURE(value_size);
        const auto value = pattern(value_size, 2);
        const page_id first{per_chunk - 4}; // the larger runs cross into the next chunk
        pages.admit(first + 10);
        // The pages beside the run keep what they hold.
        const auto used = static_cast<std::uint32_t>((32 + value_size + 511) / 512);
        std::memset(pages.create(first + used), 0x77, 512);
        pages.write_run(first, header, value);
        auto all = header;
        all.insert(all.end(), value.begin(), value.end());
        for (const std::size_t skip : {std::size_t{0}, std::size_t{31}, std::size_t{32},
                                       std::size_t{512}, std::size_t{700}, all.size()}) {
            if (skip > all.size()) continue;
            std::vector<std::byte> read(all.size() - skip);
            pages.read_run(first, skip, read);
            const auto from = all.begin() + static_cast<std::ptrdiff_t>(skip);
            REQUIRE(std::equal(read.begin(), read.end(), from));
        }
        REQUIRE(pages.create(first + used)[0] == std::byte{0x77});
    }
}

TEST_CASE("what a cache of a device does, memory does without effort") {
    memory_pages<512> pages;
    CHECK_FALSE(memory_pages<512>::persistent);
    pages.admit(page_id{3});
    std::byte* const page = pages.create(page_id{3});
    page[0] = std::byte{5};
    pages.ensure_frames(0xFFFFFFFF);
    pages.pin(page);
    pages.discard(page_id{3});
    pages.unpin(page);
    CHECK(pages.fetch(page_ref{page_id{3}, 0}, any)[0] == std::byte{5});
}

#if QUIRE_ASSERTIONS
TEST_CASE("a page that was not admitted is found") {
    CHECK(quire_test::death_of([] {
              memory_pages<512> pages;
              static_cast<void>(pages.create(page_id{3}));
          }).says("a page id is admitted before it is used"));
}
#endif
