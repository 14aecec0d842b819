#include <quire/wal/records.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

namespace {

namespace format = quire::format;
using format::record_type;
using quire::tree_id;
using quire::version;
using quire::wal::records;

constexpr std::uint64_t lsn = 720;
constexpr std::uint64_t salt = 77;
constexpr std::uint64_t unlimited = std::uint64_t{1} << 30;

using update = std::tuple<record_type, std::uint32_t, std::string, std::string>;

quire::bytes_view bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
std::string text(quire::bytes_view of) {
    std::string out;
    for (const std::byte b : of) out += static_cast<char>(b);
    return out;
}

// Each as its callers make it: room first.
void put(records& r, std::uint32_t tree, std::string_view key, std::string_view value) {
    r.reserve(key.size(), value.size());
    r.put(tree_id{tree}, bytes_of(key), bytes_of(value));
}
void erase(records& r, std::uint32_t tree, std::string_view key) {
    r.reserve(key.size(), 0);
    r.erase(tree_id{tree}, bytes_of(key));
}
void clear(records& r, std::uint32_t tree) {
    r.reserve(0, 0);
    r.clear(tree_id{tree});
}

// What parse_group reads of what seal gives.
std::vector<update> sealed(records& r) {
    REQUIRE_FALSE(r.too_large());
    const std::size_t bytes = r.group_bytes();
    const format::group_facts facts{lsn, version{5}, version{4}, 100};
    const quire::bytes_view raw = r.seal(facts, format::seed_of(salt));
    CHECK(raw.size() == bytes);
    CHECK(raw.size() % format::group_alignment == 0);
    format::log_group group;
    REQUIRE(format::parse_group(raw, lsn, format::seed_of(salt), group));
    CHECK(group.bytes == raw.size());
    CHECK(group.facts.at == version{5});
    CHECK(group.facts.base == version{4});
    CHECK(group.facts.durable_lsn == 100);
    CHECK_FALSE(group.is_checkpoint);
    std::vector<update> all;
    format::for_each_update(group, [&](const format::log_update& u) {
        all.emplace_back(u.type, to_integer(u.tree), text(u.key), text(u.value));
    });
    CHECK(all.size() == group.updates);
    return all;
}

} // namespace

TEST_CASE("what was recorded is the group, in order") {
    records r;
    r.start(unlimited);
    put(r, 1, "key", "value");
    erase(r, 2, "other");
    clear(r, 3);
    put(r, 1, "key", "newer");
    CHECK(sealed(r) == std::vector<update>{{record_type::put, 1, "key", "value"},
                                           {record_type::erase, 2, "other", ""},
                                           {record_type::clear, 3, "", ""},
                                           {record_type::put, 1, "key", "newer"}});
}

TEST_CASE("keys and values may be empty, and of any bytes") {
    const std::string zeros(9, '\0');
    records r;
    r.start(unlimited);
    put(r, 1, "", "");
    erase(r, 1, "");
    put(r, 1, "", "value");
    put(r, 1, "key", "");
    put(r, 1, zeros, zeros);
    CHECK(sealed(r) == std::vector<update>{{record_type::put, 1, "", ""},
                                           {record_type::erase, 1, "", ""},
                                           {record_type::put, 1, "", "value"},
                                           {record_type::put, 1, "key", ""},
                                           {record_type::put, 1, zeros, zeros}});
}

TEST_CASE("groups of every length are filled up with zeros") {
    for (std::size_t n = 0; n < 20; ++n) {
        CAPTURE(n);
        records r;
        r.start(unlimited);
        put(r, 1, "k", std::string(100, 'x')); // to leave something behind
        static_cast<void>(sealed(r));
        r.start(unlimited);
        put(r, 1, "", std::string(n, 'x'));
        const std::size_t whole = format::begin_size + format::update_size(0, n) +
                                  format::commit_size;
        CHECK(r.group_bytes() == format::aligned_group(whole));
        const quire::bytes_view raw =
            r.seal({lsn, version{5}, version{4}, 0}, format::seed_of(salt));
        for (std::size_t i = whole; i < raw.size(); ++i) CHECK(raw[i] == std::byte{0});
    }
}

TEST_CASE("a group of many records comes back") {
    records r;
    r.start(unlimited);
    std::vector<update> expected;
    for (std::uint32_t i = 0; i < 5000; ++i) {
        const std::string key = std::to_string(i * 7919);
        const std::string value(i % 97, static_cast<char>(i));
        put(r, i % 5, key, value);
        expected.emplace_back(record_type::put, i % 5, key, value);
    }
    CHECK(sealed(r) == expected);
}

TEST_CASE("going back forgets what came after the mark") {
    records r;
    r.start(unlimited);
    put(r, 1, "a", "1");
    const records::mark first = r.now();
    put(r, 1, "b", "2");
    const records::mark second = r.now();
    put(r, 1, "c", "3");
    r.go_back(second);
    erase(r, 1, "d");
    r.go_back(second);
    put(r, 1, "e", "5");
    CHECK(sealed(r) == std::vector<update>{{record_type::put, 1, "a", "1"},
                                           {record_type::put, 1, "b", "2"},
                                           {record_type::put, 1, "e", "5"}});
    r.go_back(first);
    CHECK(sealed(r) == std::vector<update>{{record_type::put, 1, "a", "1"}});
}

TEST_CASE("going back to the beginning leaves nothing, and other records may come") {
    records r;
    r.start(unlimited);
    const records::mark nothing = r.now();
    put(r, 1, "a", "1");
    r.go_back(nothing);
    put(r, 2, "b", "2");
    CHECK(sealed(r) == std::vector<update>{{record_type::put, 2, "b", "2"}});
}

TEST_CASE("a transaction without a record left is a group of no updates") {
    records r;
    r.start(unlimited);
    const records::mark nothing = r.now();
    put(r, 1, "a", "1");
    r.go_back(nothing);
    CHECK(r.group_bytes() == format::begin_size + format::commit_size);
    CHECK(sealed(r).empty());
}

TEST_CASE("a group may be sealed again, for another place") {
    records r;
    r.start(unlimited);
    put(r, 1, "a", "1");
    static_cast<void>(r.seal({8000, version{50}, version{40}, 8000}, format::seed_of(3)));
    CHECK(sealed(r) == std::vector<update>{{record_type::put, 1, "a", "1"}});
}

TEST_CASE("a transaction beyond the limit keeps no records, also after going back") {
    records r;
    r.start(1000);
    put(r, 1, "a", "1");
    const records::mark early = r.now();
    put(r, 1, "b", std::string(2000, 'x'));
    CHECK(r.too_large());
    r.go_back(early);
    CHECK(r.too_large());
    put(r, 1, "c", "3");
    erase(r, 1, "c");
    clear(r, 1);
    CHECK(r.too_large());
    r.start(1000);
    CHECK_FALSE(r.too_large());
    put(r, 1, "d", "4");
    CHECK(sealed(r) == std::vector<update>{{record_type::put, 1, "d", "4"}});
}

TEST_CASE("a group is at most as large as the limit, however it grew") {
    for (const std::size_t value : {0U, 1U, 7U, 50U, 200U, 400U}) {
        CAPTURE(value);
        constexpr std::uint64_t limit = 1000;
        records r;
        r.start(limit);
        std::size_t n = 0;
        std::size_t largest = 0;
        while (!r.too_large() && n < 100) {
            largest = r.group_bytes();
            put(r, 1, "", std::string(value, 'x'));
            ++n;
        }
        CHECK(r.too_large());
        CHECK(largest <= limit);
        // Nor is it too large long before that.
        CHECK(largest + format::update_size(0, value) + 100 > limit);
    }
}

TEST_CASE("a limit is that of its transaction, whatever one before it needed") {
    records r;
    r.start(unlimited);
    put(r, 1, "a", std::string(100'000, 'x'));
    CHECK_FALSE(r.too_large());
    r.start(1000);
    put(r, 1, "a", std::string(5000, 'x'));
    CHECK(r.too_large());
}

TEST_CASE("starting forgets the transaction before") {
    records r;
    r.start(unlimited);
    put(r, 1, "a", "1");
    put(r, 1, "b", "2");
    r.start(unlimited);
    CHECK(r.now().count == 0);
    CHECK(r.now().bytes == 0);
    put(r, 1, "c", "3");
    CHECK(sealed(r) == std::vector<update>{{record_type::put, 1, "c", "3"}});
}
