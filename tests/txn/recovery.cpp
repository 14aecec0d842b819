// Bringing back what a log says: everything that was committed and nothing else, in stores of every
// kind; what is refused; and what a crash on the way does.
#include <quire/txn/recovery.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/storage/simulated.hpp>

namespace {

using quire::storage::disk_faults;
using quire::storage::simulated;
using quire::storage::simulated_disk;
using quire::storage::simulated_mmap;
using contents = simulated_disk::contents;
template <class K, class V, class... Policies>
using map_of = quire::btree_map<K, V, simulated, quire::txn::wal, Policies...>;
using map = map_of<std::uint64_t, std::string, quire::page_size<512>>;
using model = std::map<std::uint64_t, std::string>;

constexpr quire::options small{.cache_bytes = 1};

model content(const map& of) { return {of.begin(), of.end()}; }

// What is there when a process is killed that has done `work` to a map.
template <class Map, class Work>
contents killed_after(Work&& work, const contents& before = {}) {
    simulated_disk disk(before);
    Map m{disk.path("m"), small};
    work(m);
    return disk.files();
}
// The files of the log, oldest first.
std::vector<std::string> log_of(const contents& files) {
    std::vector<std::string> all;
    for (const auto& [name, bytes] : files)
        if (name.ends_with(".wal")) all.push_back(name);
    return all;
}
// A store whose log has several segments.
contents long_log() {
    return killed_after<map>([](map& m) {
        for (std::uint64_t n = 0; n < 3000; ++n) m.insert_or_assign(n % 300, std::string(60, 'x'));
        m.insert_or_assign(7777, "last");
    });
}
template <class Error>
std::string refusal(const contents& files) {
    simulated_disk disk(files);
    std::string what;
    try {
        const map m{disk.path("m"), small};
        FAIL("the store was opened");
    } catch (const Error& error) {
        what = error.what();
    }
    CHECK(disk.files() == files); // nothing was changed
    return what;
}

} // namespace

TEST_CASE("what was committed is done again, and a report says so") {
    const contents files = killed_after<map>([](map& m) {
        for (std::uint64_t n = 0; n < 100; ++n) m.insert_or_assign(n, std::to_string(n));
        auto transaction = m.transaction();
        for (std::uint64_t n = 0; n < 50; ++n) transaction.erase(n);
        transaction.commit();
    });
    CHECK(log_of(files).size() == 1);
    simulated_disk disk(files);
    std::vector<quire::recovery_report> told;
    quire::options how = small;
    how.on_recovery = [](const quire::recovery_report& so_far, void* with) {
        static_cast<std::vector<quire::recovery_report>*>(with)->push_back(so_far);
    };
    how.on_recovery_with = &told;
    map m{disk.path("m"), how};
    CHECK(m.size() == 50);
    CHECK(m.at(99) == "99");
    m.verify();
    const quire::recovery_report report = m.stats().recovery;
    CHECK(report.transactions == 101);
    CHECK(report.operations == 150);
    CHECK(report.discarded == 0);
    CHECK(report.bytes > 150 * 20);
    CHECK(report.bytes_total == 65536);
    REQUIRE_FALSE(told.empty());
    CHECK(told.back().operations == 150);
    CHECK(m.stats().durable == m.stats().committed);
    CHECK(m.stats().log_bytes == report.bytes);
    CHECK(disk.files().at("m") == files.at("m")); // no checkpoint is made for it
    m.insert_or_assign(100, "more");
    CHECK(log_of(disk.files()) == log_of(files)); // appended to the same one
    CHECK(m.stats().log_bytes > report.bytes);
    m.checkpoint();
    CHECK(m.stats().log_bytes == 0);
}

TEST_CASE("what a crash tore is gone before anything is written in its place") {
    const auto put = [](map& m, std::uint64_t key, quire::durability how) {
        auto transaction = m.transaction();
        transaction.insert_or_assign(key, std::string(100, 'x'));
        transaction.commit(how);
    };
    std::array<std::uint64_t, 3> begins{}; // of groups of one size that nobody waited for
    const contents whole = killed_after<map>([&](map& m) {
        put(m, 0, quire::durability::full);
        for (std::uint64_t& at : begins) {
            at = quire::format::segment_header_size + m.stats().log_bytes;
            put(m, at, quire::durability::relaxed);
        }
    });
    const std::string name = log_of(whole).at(0);
    contents torn = whole; // the last two came to the medium, the first of the three did not
    for (std::uint64_t at = begins[0]; at < begins[1]; ++at) torn[name][at] = std::byte{0};
    const contents after = killed_after<map>(
        [&](map& m) {
            CHECK(m.size() == 1);
            CHECK(m.stats().recovery.discarded == 2);
            put(m, begins[0], quire::durability::full);
        },
        torn);
    CHECK(log_of(after) == log_of(whole));
    simulated_disk disk(after);
    map m{disk.path("m"), small};
    CHECK(m.size() == 2);
    CHECK(m.stats().recovery.discarded == 0);
    m.verify();
}

TEST_CASE("a log of many segments, and stores killed again and again") {
    contents files = long_log();
    CHECK(log_of(files).size() >= 3);
    model now;
    for (std::uint64_t n = 0; n < 300; ++n) now[n] = std::string(60, 'x');
    now[7777] = "last";
    for (std::uint64_t turn = 0; turn < 8; ++turn) {
        files = killed_after<map>(
            [&](map& m) {
                REQUIRE(content(m) == now);
                m.verify();
                for (std::uint64_t n = 0; n < 30 * turn; ++n) {
                    m.insert_or_assign(n * turn, std::string(n % 80, 'y'));
                    now[n * turn] = std::string(n % 80, 'y');
                    m.erase(n);
                    now.erase(n);
                }
                if (turn % 3 == 1) m.checkpoint();
            },
            files);
    }
    simulated_disk disk(files);
    { const map m{disk.path("m"), small}; }
    CHECK(log_of(disk.files()).empty());
    CHECK(content(map{disk.path("m"), small}) == now);
}

template <class K, class V, class Make>
void comes_back(Make&& make) {
    using typed = map_of<K, V, quire::page_size<1024>>;
    using expected = std::map<K, V>;
    expected now;
    const contents files = killed_after<typed>([&](typed& m) {
        for (std::uint64_t n = 0; n < 300; ++n) {
            const auto [k, v] = make(n);
            m.insert_or_assign(k, v);
            now[k] = v;
            if (n % 3 == 0) {
                const auto [old, gone] = make(n / 2);
                m.erase(old);
                now.erase(old);
            }
        }
    });
    simulated_disk disk(files);
    typed m{disk.path("m"), small};
    m.verify();
    CHECK(expected(m.begin(), m.end()) == now);
}

TEST_CASE("keys and values of every kind come back") {
    comes_back<std::int32_t, double>([](std::uint64_t n) {
        return std::pair{static_cast<std::int32_t>(n * 77) - 9000, -0.5 * static_cast<double>(n)};
    });
    comes_back<double, std::uint8_t>([](std::uint64_t n) {
        return std::pair{n % 2 == 0 ? 1.5 * static_cast<double>(n) : -2.5 * static_cast<double>(n),
                         static_cast<std::uint8_t>(n)};
    });
    comes_back<std::array<std::uint8_t, 24>, std::array<std::uint8_t, 3>>([](std::uint64_t n) {
        std::array<std::uint8_t, 24> k{};
        k[3] = static_cast<std::uint8_t>(n * 131);
        k[20] = static_cast<std::uint8_t>(n);
        return std::pair{k, std::array<std::uint8_t, 3>{1, static_cast<std::uint8_t>(n), 3}};
    });
    comes_back<std::array<char, 4>, bool>([](std::uint64_t n) {
        return std::pair{std::array<char, 4>{static_cast<char>(n * 7), static_cast<char>(n), 'a',
                                             'b'},
                         n % 2 == 0};
    });
    comes_back<std::string, std::string>([](std::uint64_t n) {
        return std::pair{std::string(n % 100, static_cast<char>(n)),
                         std::string(n % 11 == 0 ? 5000 : n % 200, static_cast<char>(n * 3))};
    });
    comes_back<std::pair<std::string, std::int16_t>, std::optional<int>>([](std::uint64_t n) {
        return std::pair{std::pair{std::string(n % 9, 'k'), static_cast<std::int16_t>(n - 150)},
                         n % 2 == 0 ? std::optional<int>() : std::optional<int>(n)};
    });
}

TEST_CASE("a map that was cleared is empty, and what came after is there") {
    const contents files = killed_after<map>([](map& m) {
        for (std::uint64_t n = 0; n < 100; ++n) m.insert_or_assign(n, std::string(400, 'x'));
        m.clear();
        m.insert_or_assign(1, "after");
    });
    simulated_disk disk(files);
    map m{disk.path("m"), small};
    m.verify();
    CHECK(content(m) == model{{1, "after"}});
}

TEST_CASE("a store that is only read shows what was committed, and writes nothing") {
    const contents files = killed_after<map>([](map& m) {
        for (std::uint64_t n = 0; n < 40; ++n) m.insert_or_assign(n, std::string(n * 20, 'x'));
        m.checkpoint();
        for (std::uint64_t n = 20; n < 60; ++n) m.insert_or_assign(n, std::string(n * 30, 'y'));
    });
    simulated_disk disk(files);
    {
        map m{disk.path("m"), {.read_only = true}};
        map other{disk.path("m"), {.read_only = true}};
        CHECK(m.size() == 60);
        CHECK(m.at(10) == std::string(200, 'x'));
        CHECK(m.at(59) == std::string(59 * 30, 'y'));
        m.verify();
        CHECK(content(other) == content(m));
        CHECK_THROWS_AS(m.insert_or_assign(1, "no"), quire::read_only);
        CHECK(m.stats().recovery.transactions == 40);
    }
    CHECK(disk.trace().empty());
    CHECK(disk.files() == files);
}

TEST_CASE("a log that is larger than the cache is read back, but by who only reads") {
    const contents files = killed_after<map>([](map& m) {
        auto transaction = m.transaction();
        for (std::uint64_t n = 0; n < 3000; ++n) transaction.insert_or_assign(n, "value");
        transaction.commit();
        m.checkpoint();
        for (std::uint64_t n = 0; n < 3000; n += 3) m.insert_or_assign(n, "other");
    });
    simulated_disk disk(files);
    CHECK_THROWS_AS((map{disk.path("m"), {.cache_bytes = 1, .read_only = true}}),
                    quire::cache_exhausted);
    CHECK(disk.files() == files);
    map m{disk.path("m"), small};
    m.verify();
    CHECK(m.at(3) == "other");
    CHECK(m.size() == 3000);
}

TEST_CASE("another policy refuses a store with a log") {
    const contents files = killed_after<map>([](map& m) { m.insert_or_assign(1, "one"); });
    simulated_disk disk(files);
    using shadow = quire::btree_map<std::uint64_t, std::string, simulated, quire::txn::shadow,
                                    quire::page_size<512>>;
    using none = quire::btree_map<std::uint64_t, std::string, simulated, quire::txn::none,
                                  quire::page_size<512>>;
    CHECK_THROWS_WITH_AS((shadow{disk.path("m"), small}), doctest::Contains("txn::wal"),
                         quire::format_mismatch);
    CHECK_THROWS_AS((none{disk.path("m"), small}), quire::format_mismatch);
    { map m{disk.path("m"), small}; }
    shadow m{disk.path("m"), small}; // closed, it is as any other
    CHECK(m.at(1) == "one");
    m.insert_or_assign(2, "two");
    m.verify();
}

TEST_CASE("policies may take turns on a store") {
    simulated_disk disk;
    for (std::uint64_t n = 0; n < 6; ++n) {
        const auto change = [&](auto&& m) {
            CHECK(m.size() == n);
            m.insert_or_assign(n, std::string(300, 'x'));
            m.verify();
        };
        if (n % 3 == 0)
            change(quire::btree_map<std::uint64_t, std::string, simulated, quire::txn::shadow,
                                    quire::page_size<512>>{disk.path("m"), small});
        else if (n % 3 == 1) change(map{disk.path("m"), small});
        else
            change(quire::btree_map<std::uint64_t, std::string, simulated_mmap, quire::txn::wal,
                                    quire::page_size<512>>{disk.path("m"), small});
    }
}

TEST_CASE("a log that is not the store's is refused, and nothing is changed") {
    const contents good = long_log();
    const std::vector<std::string> names = log_of(good);
    REQUIRE(names.size() >= 3);
    contents missing = good;
    missing.erase(names[0]);
    CHECK(refusal<quire::corruption>(missing).find("its log is not beside it") !=
          std::string::npos);
    contents gap = good;
    gap.erase(names[1]);
    static_cast<void>(refusal<quire::corruption>(gap));
    contents none = good;
    for (const std::string& name : names) none.erase(name);
    static_cast<void>(refusal<quire::corruption>(none));
    const contents other = long_log();
    contents foreign = good;
    foreign[names[0]] = other.at(names[0]);
    CHECK(refusal<quire::format_mismatch>(foreign).find("of another store") != std::string::npos);
    contents empty = good;
    empty[names[1]].clear();
    static_cast<void>(refusal<quire::corruption>(empty));
    // An older log under the right name.
    simulated_disk later(good);
    contents advanced;
    {
        map m{later.path("m"), small};
        m.checkpoint(); // begins a log
        m.insert_or_assign(1, "later");
        advanced = later.files();
    }
    contents older = advanced;
    older[log_of(advanced).back()] = good.at(names[0]);
    static_cast<void>(refusal<quire::corruption>(older));
    // An older store beside a log.
    contents mixed = advanced;
    simulated_disk closed(good);
    { const map m{closed.path("m"), small}; }
    mixed["m"] = closed.files().at("m"); // closed in order, before what the log holds
    {
        simulated_disk disk(mixed);
        bool refused = false;
        try {
            const map m{disk.path("m"), small};
        } catch (const quire::error&) {
            refused = true;
        }
        // Both went on from the same state, so versions overlap: refused, or removed as older.
        CHECK((refused || log_of(disk.files()).empty()));
    }
}

TEST_CASE("segments that are left over are removed, those of a newer store are not") {
    contents files = killed_after<map>([](map& m) { m.insert_or_assign(1, "one"); });
    simulated_disk disk(files);
    { const map m{disk.path("m"), small}; }
    contents closed = disk.files();
    CHECK(log_of(closed).empty());
    const std::string name = log_of(files).at(0);
    contents left = closed;
    left[name] = files.at(name);
    left["m.0123456789abcdef.wal"] = {}; // made and not used
    left["m.0123456789abcde.wal"] = {};  // no segment's name
    left["m.wal"] = {};
    simulated_disk again(left);
    { const map m{again.path("m"), {.create = false, .read_only = true}}; }
    CHECK(again.files() == left);
    { const map m{again.path("m"), small}; }
    CHECK(log_of(again.files()) == std::vector<std::string>{"m.0123456789abcde.wal", "m.wal"});
    // The store as it was before the log was begun: older than the log.
    simulated_disk fresh;
    { const map m{fresh.path("m"), small}; }
    const contents before = fresh.files();
    contents newer = killed_after<map>([](map& m) { m.insert_or_assign(1, "one"); }, before);
    newer["m"] = before.at("m");
    CHECK(refusal<quire::corruption>(newer).find("older copy") != std::string::npos);
}

TEST_CASE("any byte of the log that rots is found, or was not acknowledged") {
    // Commits one after the other, so that each begin tells how far the log was durable.
    const contents good = killed_after<map>([](map& m) {
        for (std::uint64_t n = 1; n <= 5; ++n) m.insert_or_assign(n, std::string(n, 'x'));
    });
    const std::string name = log_of(good).at(0);
    std::size_t used = good.at(name).size();
    while (good.at(name)[used - 1] == std::byte{0}) --used;
    std::size_t shorter = 0;
    for (std::size_t bit = 0; bit < 8 * used; ++bit) {
        contents bad = good;
        bad[name][bit / 8] ^= std::byte{1} << (bit % 8);
        CAPTURE(bit);
        simulated_disk disk(bad);
        try {
            const map m{disk.path("m"), small};
            // Of the last commit nothing that comes after it can tell.
            if (m.size() == 5) continue;
            ++shorter;
            REQUIRE(m.size() == 4);
        } catch (const quire::corruption&) {
        } catch (const quire::format_mismatch&) {
        }
    }
    CHECK(shorter > 0);
    CHECK(shorter < 8 * 120);
}

TEST_CASE("a failing call while a log is read back leaves everything as it was") {
    const contents files = killed_after<map>([](map& m) {
        auto transaction = m.transaction();
        for (std::uint64_t n = 0; n < 400; ++n) transaction.insert_or_assign(n, "value");
        transaction.commit();
        m.checkpoint();
        for (std::uint64_t n = 0; n < 400; n += 5) m.insert_or_assign(n, std::string(n, 'x'));
    });
    model now;
    {
        simulated_disk disk(files);
        now = content(map{disk.path("m"), small});
    }
    for (const int number : {EIO, ENOSPC})
        for (const bool forever : {number == EIO})
            for (std::uint64_t at = 0;; ++at) {
                CAPTURE(at);
                simulated_disk disk(files);
                disk.set_faults({.kinds = disk_faults::changes | disk_faults::reads, .after = at,
                                 .number = number, .forever = forever});
                bool failed = false;
                try {
                    const map m{disk.path("m"), small};
                } catch (const quire::error&) {
                    failed = true;
                }
                const bool met = disk.failures() != 0;
                disk.set_faults({});
                map m{disk.path("m"), small};
                REQUIRE(content(m) == now);
                m.verify();
                if (!met) {
                    CHECK_FALSE(failed);
                    break;
                }
            }
}

TEST_CASE("a full medium while a log is read back says so, and later there is room") {
    constexpr quire::options large{.cache_bytes = std::uint64_t{16} << 20};
    contents files; // all of it in the log
    {
        simulated_disk disk;
        map m{disk.path("m"), large};
        for (std::uint64_t n = 0; n < 2000; ++n) m.insert_or_assign(n, std::string(100, 'x'));
        files = disk.files();
    }
    std::uint64_t held = 0;
    for (const auto& [name, bytes] : files) held += bytes.size();
    { // The pages that the cache does not hold have no place.
        simulated_disk disk(files);
        disk.set_capacity(held + 2000);
        CHECK_THROWS_AS((map{disk.path("m"), small}), quire::storage_full);
        disk.set_capacity(simulated_disk::unlimited);
        map m{disk.path("m"), small};
        m.verify();
        CHECK(m.size() == 2000);
    }
    { // Where all fits the cache nothing needs one, until there is something to commit.
        simulated_disk disk(files);
        disk.set_capacity(held);
        map m{disk.path("m"), large};
        CHECK(m.size() == 2000);
        CHECK_THROWS_AS(m.insert_or_assign(9, std::string(80'000, 'x')), quire::storage_full);
        CHECK_THROWS_AS(m.checkpoint(), quire::storage_full);
        CHECK(m.size() == 2000);
        m.verify();
        disk.set_capacity(simulated_disk::unlimited);
        m.checkpoint();
        CHECK(m.stats().log_bytes == 0);
    }
}
