// A page that one of several threads cannot read: that thread gets the error, with page and path,
// and the others go on. And snapshots whose threads have ended.
#include <quire/btree_map.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <exception>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "support/temp_dir.hpp"

namespace {

constexpr std::size_t page_bytes = 1024;
constexpr std::uint64_t records = 20'000;

enum class fault : std::uint8_t { none, refused, cut_short, flipped };

// A file with one page that cannot be read.
class damaged_file : public quire::storage::file {
public:
    static inline std::atomic<std::uint64_t> page{0};
    static inline std::atomic<fault> how{fault::none};

    [[nodiscard]] static bool hits(std::uint64_t offset, std::size_t bytes) noexcept {
        const std::uint64_t bad = page * page_bytes;
        return how != fault::none && offset <= bad && bad < offset + bytes;
    }
    quire::storage::status read(std::uint64_t offset, quire::mutable_bytes to) const noexcept {
        if (!hits(offset, to.size())) return file::read(offset, to);
        if (how == fault::refused) return {EIO};
        if (how == fault::cut_short) return {quire::storage::status::short_transfer};
        const auto status = file::read(offset, to);
        to[page * page_bytes - offset + 500] ^= std::byte{4};
        return status;
    }
    std::size_t read_scatter(std::uint64_t offset,
                             std::span<const quire::mutable_bytes> parts) const noexcept {
        const std::size_t got = file::read_scatter(offset, parts);
        if (!hits(offset, got)) return got;
        const auto before = static_cast<std::size_t>(page * page_bytes - offset);
        if (how != fault::flipped) return before;
        parts[before / page_bytes][500] ^= std::byte{4};
        return got;
    }
};

using map_type = quire::btree_map<std::uint64_t, std::uint64_t, damaged_file,
                                  quire::page_size<page_bytes>>;

class damaged_map {
public:
    damaged_map() {
        {
            map_type map(path_);
            auto transaction = map.transaction();
            for (std::uint64_t k = 0; k < records; ++k) transaction.insert(k, 3 * k);
            transaction.commit();
        }
        // A leaf of the middle: a page that some keys, and not many, need.
        for (std::uint64_t page = 100; bad_.empty() && page < 300; ++page) {
            damaged_file::page = page;
            damaged_file::how = fault::refused;
            const map_type map(path_, {.cache_bytes = 1});
            for (std::uint64_t k = 0; k < records; ++k) {
                try {
                    static_cast<void>(map.get(k));
                } catch (const quire::io_error&) {
                    bad_.push_back(k);
                }
            }
            if (bad_.size() > 500 || (!bad_.empty() && bad_.front() == 0)) bad_.clear();
        }
        damaged_file::how = fault::none;
        REQUIRE_FALSE(bad_.empty());
    }
    ~damaged_map() { damaged_file::how = fault::none; }
    damaged_map(const damaged_map&) = delete;
    damaged_map& operator=(const damaged_map&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::uint64_t first_bad() const noexcept { return bad_.front(); }
    [[nodiscard]] std::uint64_t behind_bad() const noexcept { return bad_.back() + 1; }

private:
    quire_test::temp_dir directory_;
    std::string path_ = directory_.path("map");
    std::vector<std::uint64_t> bad_;
};

// Scans the map until it fails. What was wrong, or nothing.
template <class Error>
[[nodiscard]] std::string scan_into(const map_type& map, const damaged_map& facts) {
    std::uint64_t k = 0;
    std::optional<map_type::iterator> at;
    try {
        for (at = map.begin(); *at != map.end(); ++*at, ++k)
            if ((**at).first != k || (**at).second != 3 * k) return "a wrong record";
        return "a scan over a page that cannot be read came to its end";
    } catch (const Error& error) {
        if (k + 1 != facts.first_bad()) return "stopped behind record " + std::to_string(k);
        if (quire::to_integer(error.page()) != damaged_file::page) return "another page is named";
        if (error.path() != facts.path()) return "another path is named";
        if ((**at).first != k) return "the iterator moved";
        return "";
    } catch (const std::exception& error) {
        return error.what();
    }
}

// Reads what lies beside the page. What was wrong, or nothing.
[[nodiscard]] std::string read_beside(const map_type& map, const damaged_map& facts,
                                      std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto good = [&] {
        const std::uint64_t k = random() % (records - (facts.behind_bad() - facts.first_bad()));
        return k < facts.first_bad() ? k : k + (facts.behind_bad() - facts.first_bad());
    };
    try {
        std::array<std::uint64_t, 40> keys{};
        std::array<std::optional<std::uint64_t>, 40> found;
        for (int turn = 0; turn < 60; ++turn) {
            for (std::uint64_t& k : keys) k = good();
            for (const std::uint64_t k : keys)
                if (map.get(k) != 3 * k) return "get: a wrong value";
            map.multi_get(keys, found);
            for (std::size_t i = 0; i < keys.size(); ++i)
                if (found[i] != 3 * keys[i]) return "multi_get: a wrong value";
            std::uint64_t k = facts.behind_bad();
            for (auto at = map.lower_bound(k); at != map.end() && k < facts.behind_bad() + 500;
                 ++at, ++k)
                if ((*at).second != 3 * k) return "a scan: a wrong value";
        }
        return "";
    } catch (const std::exception& error) {
        return error.what();
    }
}

template <class Error>
void check_fault(fault how) {
    CAPTURE(static_cast<int>(how));
    const damaged_map facts;
    map_type map(facts.path(), {.cache_bytes = 1});
    damaged_file::how = how;
    std::array<std::string, 4> wrong;
    {
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < 2; ++t)
            threads.emplace_back([&, t] {
                for (int turn = 0; turn < 5 && wrong[t].empty(); ++turn)
                    wrong[t] = scan_into<Error>(map, facts);
            });
        for (std::size_t t = 2; t < 4; ++t)
            threads.emplace_back([&, t] { wrong[t] = read_beside(map, facts, t); });
    }
    for (const std::string& each : wrong) CHECK(each == "");
    CHECK_THROWS_AS(static_cast<void>(map.get(facts.first_bad())), Error);
    map.insert_or_assign(0, 0); // writing beside it goes on too
    damaged_file::how = fault::none;
    std::uint64_t k = 0;
    for (const auto& entry : map) CHECK(entry.second == 3 * k++);
    CHECK(k == records);
    map.verify();
}

} // namespace

TEST_CASE("one thread meets a page that the system does not read") {
    check_fault<quire::io_error>(fault::refused);
}
TEST_CASE("one thread meets the end of the file") {
    check_fault<quire::corruption>(fault::cut_short);
}
TEST_CASE("one thread meets a page with a wrong checksum") {
    check_fault<quire::corruption>(fault::flipped);
}

TEST_CASE("ten thousand snapshots, each of its version") {
    using plain_map = quire::btree_map<std::uint64_t, std::uint64_t, quire::page_size<page_bytes>>;
    const quire_test::temp_dir directory;
    plain_map map(directory.path("map"), {.durability = quire::durability::none});
    constexpr std::uint64_t many = 10'000;
    std::deque<plain_map::snapshot_type> taken;
    for (std::uint64_t i = 0; i < many; ++i) {
        map.insert_or_assign(0, i);
        taken.push_back(map.snapshot());
    }
    for (std::uint64_t i = 0; i < many; i += 501) CHECK(taken[i].get(0) == i);
    const auto held = map.stats().snapshots;
    CHECK(held.size() == many);
    CHECK(std::is_sorted(held.begin(), held.end(),
                         [](const auto& a, const auto& b) { return a.number < b.number; }));
    CHECK(std::all_of(held.begin(), held.end(), [](const auto& h) { return h.holders == 1; }));
    CHECK(held.front().milliseconds >= held.back().milliseconds);
    CHECK(held.front().number == taken.front().version());
    taken.erase(taken.begin() + 1, taken.end());
    CHECK(map.stats().snapshots.size() == 1);
    map.flush();
    CHECK(taken.front().get(0) == 0);
    map.verify();
}

TEST_CASE("a snapshot outlives its thread and is closed on another") {
    const quire_test::temp_dir directory;
    quire::btree_map<std::uint64_t, std::uint64_t> map(directory.path("map"));
    map.insert(1, 1);
    std::optional<decltype(map.snapshot())> left;
    std::jthread([&] {
        left.emplace(map.snapshot());
        CHECK(left->get(1) == 1); // its reading leaves nothing behind that belongs to the thread
    }).join();
    map.insert_or_assign(1, 2);
    CHECK(left->get(1) == 1);
    const auto held = map.stats().snapshots;
    REQUIRE(held.size() == 1);
    CHECK(held[0].number == left->version());
    CHECK(held[0].holders == 1);
    {
        const auto same = *left;
        CHECK(map.stats().snapshots[0].holders == 2);
    }
    std::jthread([&] { left.reset(); }).join();
    CHECK(map.stats().snapshots.empty());
}
