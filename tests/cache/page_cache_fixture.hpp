// A page cache over a device that notes its calls, and pages with a known content.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/cache/page_cache.hpp>
#include <quire/cache/replacement/clock.hpp>

#include "devices.hpp"

namespace quire_test {

using namespace quire;
using cache::epoch;
using cache::out_of_frames;

inline constexpr std::size_t page_size = 512;
inline constexpr version birth{0x1'0000'0007}; // a reference keeps the low half
using page_bytes = std::array<std::byte, page_size>;

inline page_ref ref(std::uint32_t id) { return {page_id{id}, low_bits(birth)}; }

inline constexpr auto any = [](const std::byte*) noexcept -> const char* { return nullptr; };

inline void fill(std::byte* page, std::uint32_t id, unsigned content) {
    format::start_page(page, {format::page_kind::fixed_leaf, 0, tree_id{1}}, page_id{id}, birth);
    for (std::size_t i = format::page_header_size; i < page_size; ++i)
        page[i] = static_cast<std::byte>(content + id + i);
}
inline bool holds(const std::byte* page, std::uint32_t id, unsigned content) {
    page_bytes right;
    fill(right.data(), id, content);
    return std::memcmp(page + 4, right.data() + 4, page_size - 4) == 0;
}

template <class Device>
struct bench_of {
    Device device;
    epoch in_flight;
    io_counters counters;
    std::string path = "some/store.quire";
};

// A cache of some 250 frames over a device with `pages` sealed pages.
template <class Replacement = replacement::clock>
struct fixture : bench_of<recording_device> {
    cache::page_cache<recording_device, Replacement, page_size, epoch> pages;

    explicit fixture(std::uint32_t on_device, std::uint64_t budget = 140 << 10)
        : pages(device, in_flight, counters, path, budget) {
        device.bytes.resize(on_device * page_size);
        for (std::uint32_t id = 0; id < on_device; ++id) put(id, 0);
    }
    std::byte* on_device(std::uint32_t id) { return device.bytes.data() + id * page_size; }
    void put(std::uint32_t id, unsigned content) {
        fill(on_device(id), id, content);
        format::seal({on_device(id), page_size});
    }
    // One operation: again from its start when frames ran out, as the store does it.
    template <class Operation>
    auto operate(Operation operation) {
        for (;;) {
            try {
                const epoch::guard in(in_flight);
                return operation();
            } catch (const out_of_frames&) {
            }
            pages.ensure_frames(8);
        }
    }
    // Frames for as many new pages, as the writer asks for them before an operation.
    void for_writer(std::uint32_t frames) {
        if constexpr (requires { pages.reserve_frames(frames); }) pages.reserve_frames(frames);
        else pages.ensure_frames(frames);
    }
    const std::byte* fetch(std::uint32_t id) {
        return operate([&] { return pages.fetch(ref(id), any); });
    }
    std::uint32_t free_frames() const {
        return pages.frames() - static_cast<std::uint32_t>(pages.resident_bytes() / page_size);
    }
    std::size_t reads_of(std::uint32_t id) const {
        return static_cast<std::size_t>(
            std::count(device.reads.begin(), device.reads.end(), std::uint64_t{id} * page_size));
    }
    // Reads others until the cache has been through all its frames a few times.
    void churn(std::uint32_t from, std::uint32_t to) {
        for (int round = 0; round < 3; ++round)
            for (std::uint32_t id = from; id < to; ++id) REQUIRE(holds(fetch(id), id, 0));
    }
};

// The error of a fetch.
template <class Error, class Fixture>
Error refused(Fixture& f, page_ref r) {
    try {
        static_cast<void>(f.operate([&] { return f.pages.fetch(r, any); }));
    } catch (const Error& e) {
        return e;
    }
    FAIL("the page was accepted");
    return Error("unreachable", {});
}

} // namespace quire_test
