// Damage of a closed store, byte by byte and page by page: what is read is right, or an error says
// that it is not; never other data.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/inspect/check.hpp>

#include "support/recorded_disk.hpp"

namespace {

using quire_test::bytes;
using quire_test::recorded_device;
using quire_test::recorded_disk;
using state = std::map<std::string, std::string>;

constexpr std::size_t page_size = 512;
template <bool Maps>
using words = quire::btree_map<std::string, std::string, recorded_device<Maps>,
                               quire::page_size<page_size>,
                               quire::txn::shadow>;
template <bool Maps>
using numbers = quire::btree_map<std::uint64_t, std::uint64_t, recorded_device<Maps>,
                                 quire::page_size<page_size>,
                                 quire::txn::shadow>;

// A closed store with several levels, an overflow run and free pages, and its image before the last
// session. at_once: each session is one transaction.
struct sample {
    bytes image;
    bytes older;
    state model;
};
sample make_sample(bool at_once = false) {
    recorded_disk& disk = recorded_disk::the();
    disk.clear();
    disk.recording = false;
    sample made;
    for (int session = 0; session < 2; ++session) {
        made.older = disk.get("store");
        words<false> map("store");
        const auto change = [&](auto& to) {
            for (int i = 0; i < 60; ++i) {
                const std::string key = "key " + std::to_string(i);
                const std::string value(i == 7 ? 900 : 30, static_cast<char>('a' + session));
                to.insert_or_assign(key, value);
                made.model[key] = value;
            }
            for (int i = 20; i < 40; ++i) {
                to.erase("key " + std::to_string(i));
                made.model.erase("key " + std::to_string(i));
            }
        };
        if (!at_once) change(map);
        else {
            auto transaction = map.transaction();
            change(transaction);
            transaction.commit();
        }
        CHECK(map.stats().height > 1);
    }
    made.image = disk.get("store");
    const auto report = quire::inspect::check(quire_test::image_reader(made.image));
    CHECK_MESSAGE(report.ok(), text_of(report));
    CHECK(report.free_pages > 2);
    CHECK(report.trees.at(1).overflow_runs == 1);
    return made;
}

enum class outcome : std::uint8_t { right, refused, wrong };

// Reads all that can be read, in both directions and by key; then changes it.
template <class Map, class State>
outcome read(const bytes& image, const State& model) {
    recorded_disk::the().put("store", image);
    try {
        Map map("store", {.cache_bytes = 1});
        if (map.size() != model.size()) return outcome::wrong;
        if (State(map.begin(), map.end()) != model) return outcome::wrong;
        auto expected = model.rbegin();
        for (auto it = map.end(); it != map.begin(); ++expected)
            if (const auto record = *--it;
                record.first != expected->first || record.second != expected->second)
                return outcome::wrong;
        for (const auto& [k, v] : model)
            if (map.get(k) != v) return outcome::wrong;
        map.verify();
        const auto first = *model.begin();
        map.erase(first.first);
        map.insert(first.first, first.second);
        map.verify();
        return State(map.begin(), map.end()) == model ? outcome::right : outcome::wrong;
    } catch (const quire::error& e) {
        // The sentence names the file.
        if (e.path() != "store") FAIL("no path: ", e.what());
        return outcome::refused;
    }
}

struct tally {
    std::uint64_t right = 0;
    std::uint64_t refused = 0;

    void add(outcome how) { ++(how == outcome::right ? right : refused); }
};

template <bool Maps>
tally flip_bits(const sample& from, std::size_t step) {
    tally seen;
    bytes image = from.image;
    for (std::size_t bit = 0; bit < image.size() * 8; bit += step) {
        const auto mask = static_cast<std::byte>(1U << (bit % 8));
        image[bit / 8] ^= mask;
        const outcome how = read<words<Maps>>(image, from.model);
        if (how == outcome::wrong) FAIL("bit ", bit % 8, " of byte ", bit / 8);
        seen.add(how);
        image[bit / 8] ^= mask;
    }
    return seen;
}

} // namespace

TEST_CASE("a flipped bit is harmless or reported") {
    const sample from = make_sample();
    const tally read_seen = flip_bits<false>(from, 7);
    const tally mapped_seen = flip_bits<true>(from, 41);
    CHECK(read_seen.right > 1000); // the rest of the header, free pages
    CHECK(read_seen.refused > 1000);
    CHECK(mapped_seen.refused > 100);
}

TEST_SUITE("long") {
TEST_CASE("every flipped bit is harmless or reported") {
    const sample from = make_sample();
    const tally seen = flip_bits<false>(from, 1);
    const tally mapped = flip_bits<true>(from, 1);
    CHECK(seen.right == mapped.right);
    CHECK(seen.refused == mapped.refused);
}
}

TEST_CASE("bytes set to 00, FF and others") {
    const sample from = make_sample();
    bytes image = from.image;
    tally seen;
    for (std::size_t at = 0; at < image.size(); at += 5)
        for (const unsigned value : {0x00U, 0xFFU, 0x5AU}) {
            const std::byte before = image[at];
            image[at] = static_cast<std::byte>(value);
            const outcome how = read<words<false>>(image, from.model);
            if (how == outcome::wrong) FAIL("byte ", at, " = ", value);
            seen.add(how);
            image[at] = before;
        }
    CHECK(seen.refused > 100);
}

TEST_CASE("a page that is zeroed, exchanged for another one, or as it was before") {
    const sample from = make_sample();
    const std::size_t pages = from.image.size() / page_size;
    const auto page_at = [](bytes& image, std::size_t n) { return image.data() + n * page_size; };
    const auto check = [&](const bytes& image, const char* what, std::size_t a, std::size_t b) {
        const outcome how = read<words<false>>(image, from.model);
        if (how == outcome::wrong) FAIL(what, ' ', a, ' ', b);
        return how == outcome::refused ? 1 : 0;
    };
    int zeroed = 0;
    int exchanged = 0;
    int older = 0;
    int newest = 0;
    for (std::size_t n = 0; n < pages; ++n) {
        bytes image = from.image;
        std::memset(page_at(image, n), 0, page_size);
        zeroed += check(image, "zeroed", n, 0);
        for (std::size_t other = 0; other < pages; ++other) {
            if (other == n) continue;
            image = from.image;
            bytes source = from.image;
            std::memcpy(page_at(image, n), page_at(source, other), page_size);
            exchanged += check(image, "misdirected", other, n);
        }
        if ((n + 1) * page_size > from.older.size()) continue;
        image = from.image;
        bytes past = from.older;
        std::memcpy(page_at(image, n), page_at(past, n), page_size);
        older += check(image, "lost write", n, 0);
        // A page of the future in a store of the past is no better.
        bytes both = from.older;
        bytes future = from.image;
        std::memcpy(page_at(both, n), page_at(future, n), page_size);
        recorded_disk::the().put("store", both);
        state past_model;
        for (const auto& [k, v] : from.model) past_model[k] = std::string(v.size(), 'a');
        const outcome how = read<words<false>>(both, past_model);
        if (how == outcome::wrong) FAIL("page of the future ", n);
        newest += how == outcome::refused ? 1 : 0;
    }
    CHECK(zeroed > 5);
    CHECK(exchanged > 100);
    CHECK(older > 5);
    CHECK(newest > 5);
}

TEST_CASE("pages of one commit in each other's places") { // only ids tell which is which
    const sample from = make_sample(true);
    const std::size_t pages = from.image.size() / page_size;
    constexpr std::size_t header = quire::format::header_pages(page_size);
    tally seen;
    for (std::size_t n = header; n < pages; ++n)
        for (std::size_t other = header; other < pages; ++other) {
            if (other == n) continue;
            bytes image = from.image;
            std::memcpy(image.data() + n * page_size, from.image.data() + other * page_size,
                        page_size);
            const outcome how = read<words<false>>(image, from.model);
            if (how == outcome::wrong) FAIL("misdirected ", other, ' ', n);
            seen.add(how);
        }
    CHECK(seen.refused > 100);
}

TEST_CASE("damage of packed arrays") {
    recorded_disk::the().clear();
    recorded_disk::the().recording = false;
    std::map<std::uint64_t, std::uint64_t> model;
    {
        numbers<false> map("store");
        for (std::uint64_t i = 0; i < 200; ++i) {
            map.insert(i * i, i);
            model[i * i] = i;
        }
        for (std::uint64_t i = 50; i < 120; ++i) {
            map.erase(i * i);
            model.erase(i * i);
        }
    }
    bytes image = recorded_disk::the().get("store");
    tally seen;
    for (std::size_t bit = 0; bit < image.size() * 8; bit += 31) {
        const auto mask = static_cast<std::byte>(1U << (bit % 8));
        image[bit / 8] ^= mask;
        const outcome how = read<numbers<true>>(image, model);
        if (how == outcome::wrong) FAIL("bit ", bit % 8, " of byte ", bit / 8);
        seen.add(how);
        image[bit / 8] ^= mask;
    }
    CHECK(seen.right > 100);
    CHECK(seen.refused > 100);
}
