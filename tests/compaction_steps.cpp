// Steps that follow commits: they shorten the file without anybody asking, cost little, and what
// becomes of them is no concern of the commit's.
#include <quire/compaction_steps.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>

#include "support/faulty_device.hpp"
#include "support/model.hpp"

using namespace quire_test;

namespace {

template <class C>
using numbers = typename C::template map<std::uint64_t, std::uint64_t, quire::page_size<512>>;

using faulty_file = faulty_device<quire::storage::file>;
template <class Txn>
using faulty_map =
    quire::btree_map<std::uint64_t, std::uint64_t, faulty_file, Txn, quire::page_size<512>>;

[[nodiscard]] quire::options with_share(double share) {
    return {.durability = quire::durability::none, .auto_compact = share};
}

// Erases the first three quarters: many free pages, in front of those that stay.
template <class Map>
void fill_and_erase(Map& map, std::map<std::uint64_t, std::uint64_t>& model) {
    for (std::uint64_t n = 0; n < 8000; ++n) model.emplace(n, n);
    map.insert_range(model);
    map.checkpoint();
    auto transaction = map.transaction();
    for (std::uint64_t n = 0; n < 6000; ++n) {
        transaction.erase(n);
        model.erase(n);
    }
    transaction.commit();
    map.checkpoint();
}

// Commits of one record each.
template <class Map>
void small_commits(Map& map, std::map<std::uint64_t, std::uint64_t>& model, std::uint64_t from,
                   std::uint64_t count) {
    for (std::uint64_t n = from; n < from + count; ++n) {
        map.insert_or_assign(n % 2000 + 6000, n);
        model.insert_or_assign(n % 2000 + 6000, n);
    }
}

[[nodiscard]] std::uint64_t bytes_of(const std::string& path) {
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return static_cast<std::uint64_t>(facts.st_size);
}

} // namespace

TEST_CASE_TEMPLATE("commits shorten a store of many free pages", Map, numbers<file_wal>,
                   numbers<mmap_wal>, numbers<file_shadow>) {
    std::uint64_t pages[2];
    std::uint64_t bytes[2];
    for (const bool steps : {false, true}) {
        opened<Map> map(with_share(steps ? 0.25 : 0));
        std::map<std::uint64_t, std::uint64_t> model;
        fill_and_erase(*map, model);
        for (std::uint64_t round = 0; round < 40; ++round) {
            small_commits(*map, model, round * 200, 200);
            map->checkpoint();
        }
        pages[steps] = map->stats().pages;
        bytes[steps] = bytes_of(map.file()); // before it is closed
        CHECK(difference_verified(*map, model) == "");
        map.reopen();
        CHECK(difference_verified(*map, model) == "");
    }
    CAPTURE(pages[0]);
    CAPTURE(pages[1]);
    CHECK(pages[1] < pages[0] * 2 / 3);
    CHECK(bytes[1] < bytes[0] * 2 / 3);
}

TEST_CASE_TEMPLATE("transactions bear steps too, and a snapshot's pages stay", Map,
                   numbers<file_wal>, numbers<mmap_shadow>) {
    opened<Map> map(with_share(0.1));
    std::map<std::uint64_t, std::uint64_t> model;
    fill_and_erase(*map, model);
    const auto snapshot = map->snapshot();
    const std::map<std::uint64_t, std::uint64_t> held = model;
    for (std::uint64_t round = 0; round < 60; ++round) {
        auto transaction = map->transaction();
        transaction.insert_or_assign(round, round);
        model.insert_or_assign(round, round);
        transaction.commit(round % 8 == 0 ? quire::durability::full : quire::durability::none);
        if (round % 10 == 0) map->checkpoint();
    }
    CHECK(difference(snapshot, held) == "");
    CHECK(difference_verified(*map, model) == "");
}

TEST_CASE_TEMPLATE("a step is not the commit's: what fails in it is not told", Txn,
                   quire::txn::shadow, quire::txn::wal) {
    faulty_file::plan = {};
    opened<faulty_map<Txn>> map(with_share(0.1));
    std::map<std::uint64_t, std::uint64_t> model;
    fill_and_erase(*map, model);
    map->flush();
    // Cutting the file fails, whenever a step tries.
    faulty_file::plan = {.kinds = fault_plan::resizes, .number = EIO, .forever = true};
    for (std::uint64_t round = 0; round < 10; ++round) {
        small_commits(*map, model, round * 200, 200);
        try {
            map->flush();
        } catch (const quire::io_error&) { // a commit may have to lengthen the file
            break;
        }
    }
    faulty_file::plan = {};
    CHECK(difference(*map, model) == "");
    map.reopen();
    CHECK(difference_verified(*map, model) == "");
}

TEST_CASE("no steps where they are not wanted") {
    opened<numbers<file_wal>> map(with_share(0));
    std::map<std::uint64_t, std::uint64_t> model;
    fill_and_erase(*map, model);
    const std::uint64_t before = map->stats().pages;
    small_commits(*map, model, 0, 2000);
    map->checkpoint();
    CHECK(map->stats().pages >= before);
}
