// assign_sorted: the content is exactly what was given, or what it was before.
#include <quire/sorted_load.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/crash_check.hpp>
#include <quire/inspect/file.hpp>
#include <quire/storage/simulated.hpp>

#include "support/changes.hpp"
#include "support/fuse.hpp"
#include "support/model.hpp"

namespace {

using namespace quire_test;

#define EVERY_KIND                                                                                 \
    memory_none, memory_shadow, file_none, file_shadow, file_wal, mmap_shadow, mmap_wal

template <class C>
using number_map = typename C::template map<std::int64_t, std::uint64_t, quire::page_size<512>>;
template <class C>
using text_map = typename C::template map<std::string, std::string, quire::page_size<512>>;

using numbers = std::map<std::int64_t, std::uint64_t>;

numbers some_numbers(std::size_t n, std::int64_t step = 3) {
    numbers made;
    for (std::size_t i = 0; i < n; ++i)
        made.emplace(static_cast<std::int64_t>(i) * step - 500, i * i);
    return made;
}
// Some values lie in overflow runs.
text_model some_text(std::size_t n, char letter) {
    text_model made;
    for (std::size_t i = 0; i < n; ++i)
        made.emplace(key_text(i), std::string(i % 40 == 7 ? 3000 : i % 70, letter));
    return made;
}

template <class Map, class Model>
void assign_and_compare(opened<Map>& map, const Model& wanted, double fill) {
    map->assign_sorted(wanted.begin(), wanted.end(), fill);
    REQUIRE(difference_verified(*map, wanted) == "");
}

TEST_CASE_TEMPLATE("assign_sorted replaces everything, and lasts", C, EVERY_KIND) {
    for (const std::size_t n : {0U, 1U, 31U, 2000U})
        for (const double fill : {1.0, 0.5}) {
            if (fill < 1 && n < 2000) continue;
            CAPTURE(n);
            CAPTURE(fill);
            opened<number_map<C>> map;
            map->insert_or_assign(-1, 1);
            assign_and_compare(map, some_numbers(n), fill);
            opened<text_map<C>> text;
            assign_and_compare(text, some_text(50, 'a'), fill);
            text_model wanted = some_text(n, 'b');
            assign_and_compare(text, wanted, fill);
            text.reopen();
            CHECK(difference_verified(*text, wanted) == "");
            text->insert_or_assign("zz", "new");
            wanted["zz"] = "new";
            CHECK(difference_verified(*text, wanted) == "");
            if constexpr (on_device<std::remove_reference_t<decltype(*text)>>) {
                text.close();
                CHECK(quire::inspect::check_file(text.file()).ok());
                text.open();
            }
        }
}

TEST_CASE_TEMPLATE("records out of order are refused with their number, and nothing has changed", C,
                   EVERY_KIND) {
    opened<text_map<C>> map;
    const text_model before = some_text(100, 'a');
    map->assign_sorted(before.begin(), before.end());
    const text_model sorted = some_text(400, 'b');
    const std::vector<std::pair<std::string, std::string>> pairs(sorted.begin(), sorted.end());
    for (const std::size_t at : {1U, 200U, 399U}) {
        CAPTURE(at);
        for (const bool twice : {true, false}) {
            auto wrong = pairs;
            wrong[at].first = twice ? wrong[at - 1].first : "";
            try {
                map->assign_sorted(wrong.begin(), wrong.end());
                FAIL("loaded what is not in order");
            } catch (const quire::unsorted_input& error) {
                CHECK(error.found() == "number " + std::to_string(at));
                CHECK(error.code() == quire::error_code::unsorted_input);
            }
            CHECK(difference_verified(*map, before) == "");
        }
    }
    auto large = pairs;
    large[300].first = std::string(200, 'x');
    CHECK_THROWS_AS(map->assign_sorted(large.begin(), large.end()), quire::key_too_large);
    CHECK(difference_verified(*map, before) == "");
    map->assign_sorted(pairs.begin(), pairs.end());
    CHECK(difference_verified(*map, sorted) == "");
}

// What is given fails in the middle.
class failing_iterator {
public:
    using pairs = std::vector<std::pair<std::string, std::string>>;
    explicit failing_iterator(pairs::const_iterator at) : at_(at) {}
    const pairs::value_type& operator*() const {
        fuse::pass();
        return *at_;
    }
    failing_iterator& operator++() {
        ++at_;
        return *this;
    }
    friend bool operator==(const failing_iterator&, const failing_iterator&) = default;

private:
    pairs::const_iterator at_;
};

TEST_CASE_TEMPLATE("a source that throws leaves the map as it was", C, EVERY_KIND) {
    const text_model wanted = some_text(60, 'w');
    const failing_iterator::pairs pairs(wanted.begin(), wanted.end());
    const all_or_nothing<blown, text_map<C>> shown(
        "assign_sorted",
        [&](auto& m) {
            m.assign_sorted(failing_iterator(pairs.begin()), failing_iterator(pairs.end()));
        },
        [&](text_model& m) { m = wanted; });
    CHECK(shown.failures() >= 60);
}

TEST_CASE_TEMPLATE("a map that is changed by its own source", C, memory_none, file_none) {
    opened<number_map<C>> map;
    const numbers before = some_numbers(300);
    map->assign_sorted(before.begin(), before.end());
    struct meddler {
        decltype(map)* of;
        std::int64_t n;
        std::pair<std::int64_t, std::uint64_t> operator*() const {
            if (n == 200) (*of)->insert_or_assign(7777, 1);
            if (n == 100) (*of)->flush();
            return {n, 1};
        }
        meddler& operator++() {
            ++n;
            return *this;
        }
        bool operator!=(const meddler& other) const { return n != other.n; }
    };
    CHECK_THROWS_AS(map->assign_sorted(meddler{&map, 0}, meddler{&map, 400}), std::logic_error);
    map->verify();
    CHECK(map->contains(before.begin()->first));
    map->assign_sorted(before.begin(), before.end());
    CHECK(difference_verified(*map, before) == "");
}

TEST_CASE_TEMPLATE("in a transaction: seen by nobody else, undone by savepoints", C, memory_shadow,
                   file_shadow, file_wal, mmap_wal) {
    opened<number_map<C>> map;
    numbers committed = some_numbers(200);
    map->assign_sorted(committed.begin(), committed.end());
    std::optional old(map->snapshot());
    {
        auto tx = map->transaction();
        tx.insert_or_assign(1'000'000, 1);
        const auto point = tx.savepoint();
        const numbers other = some_numbers(700, 5);
        tx.assign_sorted(other.begin(), other.end());
        tx.insert_or_assign(2'000'000, 2);
        CHECK(tx.size() == 701);
        CHECK(difference(map->snapshot(), committed) == "");
        tx.rollback(point);
        tx.insert_or_assign(3'000'000, 3);
        tx.commit(quire::durability::full);
        committed[1'000'000] = 1;
        committed[3'000'000] = 3;
    }
    // What went back to before the load is logged like any other.
    if constexpr (std::is_same_v<C, file_wal> || std::is_same_v<C, mmap_wal>)
        CHECK(map->stats().log_bytes > 0);
    CHECK(difference_verified(*map, committed) == "");
    CHECK(difference(*old, some_numbers(200)) == "");
    {
        auto tx = map->transaction();
        const numbers other = some_numbers(900, 2);
        tx.assign_sorted(other.begin(), other.end());
        tx.erase(other.begin()->first);
        tx.commit(quire::durability::full);
        committed = other;
        committed.erase(other.begin()->first);
    }
    CHECK(difference(*old, some_numbers(200)) == "");
    old.reset();
    map.reopen();
    CHECK(difference_verified(*map, committed) == "");
}

// After a crash: what was acknowledged, or what was in flight.
template <class Txn>
void check_crashes() {
    using quire::storage::simulated;
    using quire::storage::simulated_disk;
    using map_type =
        quire::btree_map<std::string, std::string, simulated, Txn, quire::page_size<512>>;
    constexpr quire::options small{.cache_bytes = 1, .wal_limit_bytes = std::uint64_t{1} << 16};
    std::vector<text_model> states{{}, some_text(90, 'a')};
    states.push_back(states.back());
    states.back()["b"] = "1";
    states.push_back(some_text(120, 'c'));
    states.push_back(states.back());
    states.back().erase(key_text(0));
    const auto report = quire::crash_check(
        [&](simulated_disk& disk) {
            map_type map{disk.path("s"), small};
            disk.mark(1);
            map.assign_sorted(states[1].begin(), states[1].end());
            disk.mark(2);
            map.insert_or_assign("b", "1");
            disk.mark(3);
            map.assign_sorted(states[3].begin(), states[3].end(), 0.8);
            disk.mark(4);
            map.erase(key_text(0));
            disk.mark(5);
        },
        [&](simulated_disk& disk, std::uint64_t acknowledged) {
            if (acknowledged == 0) return;
            map_type map{disk.path("s"), small};
            map.verify();
            const text_model found(map.begin(), map.end());
            const std::size_t at = acknowledged - 1;
            if (found != states[at] && (at + 1 == states.size() || found != states[at + 1]))
                throw std::runtime_error("neither what was acknowledged nor what was in flight");
        },
        {.states = {.exhaustive = 5, .random = 2}, .depth = 1});
    CHECK(report.broken == "");
    CHECK(report.states > 100);
}

TEST_CASE("a load survives crashes whole or not at all: shadow") {
    check_crashes<quire::txn::shadow>();
}
TEST_CASE("a load survives crashes whole or not at all: log") { check_crashes<quire::txn::wal>(); }

TEST_CASE("a load takes no more room than its records, and few bytes of log") {
    opened<file_wal::map<std::int64_t, std::uint64_t>> map;
    const numbers wanted = some_numbers(200'000);
    map->assign_sorted(wanted.begin(), wanted.end());
    CHECK(map->stats().log_bytes < 4096);
    map.close();
    CHECK(quire::inspect::check_file(map.file()).ok());
    map.open();
    CHECK(map->stats().pages * map->page_bytes < wanted.size() * 16 * 102 / 100);
}

} // namespace
