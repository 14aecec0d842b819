// Copies of whole maps: what a backup holds is what its snapshot held, whoever writes meanwhile,
// and whatever goes wrong leaves no copy and the store as it was.
#include <quire/backup.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/crash_check.hpp>
#include <quire/inspect/file.hpp>
#include <quire/storage/simulated.hpp>

#include "support/model.hpp"
#include "support/numbers_and_texts.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace quire_test;
using quire::backup_report;

using text_model = std::map<std::string, std::string>;
template <class Face>
void put(Face& map, model_of<Face>& model, std::uint64_t n) {
    map.insert_or_assign(key_of<Face>(n), value_of<Face>(n));
    model.insert_or_assign(key_of<Face>(n), value_of<Face>(n));
}

// The map that opens what a map was copied to: the default transactions.
template <class Map>
using copy_of = quire::btree_map<typename Map::key_type, typename Map::mapped_type,
                                 quire::page_size<Map::page_bytes>>;

template <class Map, class Model>
[[nodiscard]] std::string wrong_copy(const std::string& path, const Model& model) {
    const quire::inspect::report found = quire::inspect::check_file(path);
    if (!found.findings.empty()) return "inspect: " + found.findings.front().field;
    copy_of<Map> copy(path, {.create = false, .durability = quire::durability::none});
    if (std::string what = difference_verified(copy, model); !what.empty()) return what;
    if (copy.stats().free_pages + copy.stats().pending_pages != 0) return "pages that hold nothing";
    // It is a store like any other.
    Model changed = model;
    for (std::uint64_t n = 0; n < 50; ++n) put(copy, changed, n * 7);
    if (std::string what = difference_verified(copy, changed); !what.empty())
        return "changed: " + what;
    return {};
}

[[nodiscard]] std::size_t files_in(const temp_dir& dir) {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& each :
         std::filesystem::directory_iterator(std::filesystem::path(dir.path("x")).parent_path()))
        ++n;
    return n;
}

#define EVERYWHERE                                                                                 \
    numbers<file_shadow, 512>, texts<file_shadow, 512>, texts<mmap_wal, 512>,                      \
        numbers<file_wal, 4096>, numbers<file_none, 512>, texts<mmap_none, 4096>,                  \
        texts<memory_none, 512>, numbers<memory_shadow, 512>

} // namespace

TEST_CASE_TEMPLATE("a copy holds what the map holds, and nothing else", Map, EVERYWHERE) {
    for (const std::uint64_t records : {0U, 1U, 30U, 3000U}) {
        CAPTURE(records);
        opened<Map> map;
        model_of<Map> model;
        // In an order that leaves leaves partly full.
        for (std::uint64_t n = 0; n < records; ++n) put(*map, model, n * 769 % 3001);
        const temp_dir dir;
        const backup_report did = map->backup(dir.path("as-it-is"));
        CHECK(did.records == model.size());
        CHECK(did.all_records == model.size());
        CHECK_FALSE(did.stopped);
        CHECK(did.bytes == std::filesystem::file_size(dir.path("as-it-is")));
        const backup_report small = map->rebuild(dir.path("packed"));
        CHECK(small.records == model.size());
        CHECK(small.bytes == std::filesystem::file_size(dir.path("packed")));
        CHECK(small.bytes <= did.bytes);
        if (records == 3000) CHECK(small.bytes < did.bytes);
        CHECK(files_in(dir) == 2);
        CHECK(wrong_copy<Map>(dir.path("as-it-is"), model) == "");
        CHECK(wrong_copy<Map>(dir.path("packed"), model) == "");
        CHECK(difference_verified(*map, model) == "");
    }
}

TEST_CASE("a copy has an identity of its own") {
    const temp_dir dir;
    opened<numbers<file_wal, 512>> map;
    map->insert(1, 2);
    map->backup(dir.path("a"));
    map->insert(3, 4); // in the log of the map, which stands beside its file
    std::filesystem::rename(dir.path("a"), dir.path("b"));
    numbers<file_wal, 512> copy(dir.path("b"));
    CHECK(copy.size() == 1);
}

TEST_CASE_TEMPLATE("a snapshot is copied while others write", Map, texts<file_wal, 4096>,
                   texts<file_shadow, 4096>, texts<memory_shadow, 4096>) {
    opened<Map> map({.cache_bytes = 1 << 20, .durability = quire::durability::none});
    model_of<Map> model;
    {
        auto all = map->transaction();
        for (std::uint64_t n = 0; n < 60'000; ++n) put(all, model, n);
        all.commit();
    }
    const auto snapshot = map->snapshot();
    model_of<Map> later = model;
    for (std::uint64_t n = 0; n < 500; ++n) put(*map, later, n * 120 + 60'001);
    const temp_dir dir;
    std::uint64_t asked = 0;
    std::uint64_t records = 0;
    const auto go_on = [&](const backup_report& so_far) {
        CHECK(so_far.all_records == model.size());
        CHECK(so_far.records >= records);
        records = so_far.records;
        for (std::uint64_t n = 0; n < 300; ++n) put(*map, later, (asked * 9973 + n * 131) % 70'000);
        ++asked;
        return true;
    };
    snapshot.backup(dir.path("packed"), {.packed = true}, go_on);
    records = 0;
    snapshot.backup(dir.path("as-it-is"), {}, go_on);
    CHECK(asked > 8);
    CHECK(wrong_copy<Map>(dir.path("as-it-is"), model) == "");
    CHECK(wrong_copy<Map>(dir.path("packed"), model) == "");
    CHECK(difference_verified(*map, later) == "");
}

TEST_CASE("copies of several threads beside writers") {
    opened<texts<file_wal, 512>> map(
        {.cache_bytes = 1 << 20, .durability = quire::durability::none});
    text_model model;
    for (std::uint64_t n = 0; n < 2000; ++n) put(*map, model, n);
    const auto snapshot = map->snapshot();
    const temp_dir dir;
    std::atomic<bool> over{false};
    std::thread writer([&] {
        text_model unused;
        for (std::uint64_t n = 0; !over; ++n) put(*map, unused, n % 3000);
    });
    std::vector<std::thread> copying;
    for (int t = 0; t < 2; ++t)
        copying.emplace_back([&, t] { snapshot.backup(dir.path(std::to_string(t))); });
    for (std::thread& each : copying) each.join();
    over = true;
    writer.join();
    for (int t = 0; t < 2; ++t)
        CHECK(wrong_copy<texts<file_wal, 512>>(dir.path(std::to_string(t)), model) == "");
}

TEST_CASE("cancelled at every step, no copy is left") {
    opened<texts<file_wal, 4096>> map;
    text_model model;
    {
        auto all = map->transaction();
        for (std::uint64_t n = 0; n < 40'000; ++n) put(all, model, n);
        all.commit();
    }
    const temp_dir dir;
    std::uint64_t steps = 0;
    for (std::uint64_t last = 0;; ++last) {
        std::uint64_t asked = 0;
        const backup_report did = map->backup(
            dir.path("copy"), {}, [&](const backup_report&) { return asked++ != last; });
        CHECK(did.stopped == (asked == last + 1));
        if (!did.stopped) break;
        CHECK(files_in(dir) == 0);
        ++steps;
    }
    CHECK(steps > 3);
    CHECK(wrong_copy<texts<file_wal, 4096>>(dir.path("copy"), model) == "");
    // A question that throws is one way to end it.
    CHECK_THROWS_AS(
        map->backup(dir.path("other"), {},
                    [](const backup_report&) -> bool { throw std::runtime_error("no"); }),
        std::runtime_error);
    CHECK(files_in(dir) == 1);
}

TEST_CASE("a name that is taken, or cannot be") {
    opened<numbers<file_wal, 512>> map;
    map->insert(1, 2);
    const temp_dir dir;
    const auto number_of = [&](const std::string& path) {
        try {
            map->backup(path);
        } catch (const quire::io_error& e) {
            CHECK(e.path() == path);
            return e.number();
        }
        return 0;
    };
    CHECK(number_of(map.file()) == EEXIST); // the store itself
    CHECK(number_of(std::filesystem::path(map.file()).parent_path()) == EEXIST);
    CHECK(number_of(dir.path("copy")) == 0);
    CHECK(number_of(dir.path("copy")) == EEXIST);
    {
        numbers<file_wal, 512> in_use(dir.path("copy"));
        CHECK(number_of(dir.path("copy")) == EEXIST);
    }
    std::filesystem::create_symlink(dir.path("nothing"), dir.path("link"));
    CHECK(number_of(dir.path("link")) == EEXIST);
    CHECK_FALSE(std::filesystem::exists(dir.path("nothing")));
    REQUIRE(::mkfifo(dir.path("pipe").c_str(), 0600) == 0);
    CHECK(number_of(dir.path("pipe")) == EEXIST);
    CHECK(number_of(dir.path("no/such/directory")) == ENOENT);
    CHECK(number_of("") == ENOENT);
    CHECK(number_of(dir.path(std::string(300, 'n'))) == ENAMETOOLONG);
    CHECK(number_of(dir.path(std::string("zero\0byte", 9))) == EINVAL);
    CHECK(files_in(dir) == 3);
    CHECK(difference_verified(*map, model_of<numbers<file_wal, 512>>{{1, 2}}) == "");
}

TEST_CASE("a copy on another file system") {
    const std::string other = "/dev/shm";
    struct stat here {};
    struct stat there {};
    const temp_dir dir;
    opened<texts<file_wal, 512>> map;
    text_model model;
    for (std::uint64_t n = 0; n < 300; ++n) put(*map, model, n);
    if (::stat(map.file().c_str(), &here) != 0 || ::stat(other.c_str(), &there) != 0 ||
        here.st_dev == there.st_dev || ::access(other.c_str(), W_OK) != 0) {
        MESSAGE("skipped: there is no other file system");
        return;
    }
    const std::string path = other + "/quire-backup-" + std::to_string(::getpid());
    map->backup(path);
    CHECK(wrong_copy<texts<file_wal, 512>>(path, model) == "");
    CHECK(::unlink(path.c_str()) == 0);
}

TEST_CASE("a store opened for reading is copied") {
    const temp_dir dir;
    opened<numbers<file_wal, 512>> map;
    map->insert(1, 2);
    map.close();
    {
        const numbers<file_wal, 512> reader(map.file(), {.read_only = true});
        CHECK(reader.backup(dir.path("a")).records == 1);
    }
    CHECK(wrong_copy<numbers<file_wal, 512>>(dir.path("a"),
                                             model_of<numbers<file_wal, 512>>{{1, 2}}) == "");
}

TEST_CASE_TEMPLATE("a map that its own backup changes", Map, numbers<file_none, 512>,
                   numbers<memory_none, 512>) {
    opened<Map> map;
    map->insert(1, 2);
    const temp_dir dir;
    CHECK_THROWS_AS(map->backup(dir.path("a"), {},
                                [&](const backup_report&) {
                                    map->insert(2, 3);
                                    return true;
                                }),
                    std::logic_error);
    CHECK(files_in(dir) == 0);
    CHECK(map->size() == 2);
}

TEST_CASE("a limit on bytes a second is kept") {
    opened<texts<file_wal, 4096>> map;
    text_model model;
    {
        auto all = map->transaction();
        for (std::uint64_t n = 0; n < 30'000; ++n) put(all, model, n);
        all.commit();
    }
    const temp_dir dir;
    constexpr std::uint64_t mebibyte = 1 << 20;
    const auto began = std::chrono::steady_clock::now();
    const backup_report did = map->backup(dir.path("a"), {.bytes_per_second = 20 * mebibyte});
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    REQUIRE(did.bytes > 2 * mebibyte);
    // But for the last MiB, which nothing comes after.
    CHECK(seconds >= static_cast<double>(did.bytes - mebibyte) / (20.0 * mebibyte) * 0.99);
    std::uint64_t asked = 0;
    CHECK(map->backup(dir.path("b"), {.bytes_per_second = 1},
                      [&](const backup_report&) {
                          return ++asked < 4; // while it rests
                      })
              .stopped);
    CHECK(files_in(dir) == 1);
}

TEST_CASE("a store that takes no more changes is copied as it was committed") {
    const no_faults reset;
    const temp_dir dir;
    opened<faulty_map<quire::txn::shadow>> map;
    text_model model;
    for (std::uint64_t n = 0; n < 300; ++n) put(*map, model, n);
    faulty_file::plan = {.kinds = fault_plan::syncs, .number = EIO};
    CHECK_THROWS_AS(map->flush(), quire::io_error);
    faulty_file::plan = {};
    CHECK_THROWS_AS(map->erase(key_text(1, 9)), quire::poisoned);
    CHECK(map->backup(dir.path("copy")).records == model.size());
    CHECK(wrong_copy<faulty_map<quire::txn::shadow>>(dir.path("copy"), model) == "");
}

TEST_CASE("whatever call fails, the error says so and no copy is left") {
    const no_faults reset;
    const temp_dir dir;
    opened<faulty_map<quire::txn::shadow>> map(
        {.cache_bytes = 1, .durability = quire::durability::none});
    text_model model;
    for (std::uint64_t n = 0; n < 3000; ++n) put(*map, model, n);
    map->flush();
    struct fault {
        unsigned kind;
        int number;
        bool half;
    };
    for (const fault& each :
         {fault{fault_plan::writes, ENOSPC, false}, fault{fault_plan::writes, EIO, true},
          fault{fault_plan::syncs, EIO, false}, fault{fault_plan::names, EIO, false},
          fault{fault_plan::reads, EIO, false}}) {
        CAPTURE(each.kind);
        std::uint64_t calls = 1;
        for (std::uint64_t after = 0; after < calls; after += 1 + after / 4) {
            CAPTURE(after);
            faulty_file::plan = {
                .kinds = each.kind, .after = after, .number = each.number, .half = each.half};
            bool threw = false;
            try {
                map->backup(dir.path("copy"));
            } catch (const quire::storage_full&) {
                threw = true;
                CHECK(each.number == ENOSPC);
            } catch (const quire::io_error& e) {
                threw = true;
                CHECK(e.number() == each.number);
            }
            const bool fired = faulty_file::plan.fired != 0;
            calls = fired ? after + 2 : calls;
            faulty_file::plan = {};
            CHECK(threw == fired);
            // The name itself may be there when making it durable failed.
            if (!threw || each.kind == fault_plan::names) {
                if (files_in(dir) == 1)
                    CHECK(wrong_copy<faulty_map<quire::txn::shadow>>(dir.path("copy"), model) ==
                          "");
                ::unlink(dir.path("copy").c_str());
            }
            REQUIRE(files_in(dir) == 0);
        }
        CHECK(calls > 1);
    }
    CHECK(difference_verified(*map, model) == "");
}

TEST_CASE("damage in the store is not copied") {
    const temp_dir dir;
    opened<texts<file_wal, 512>> map({.cache_bytes = 1});
    text_model model;
    for (std::uint64_t n = 0; n < 500; ++n) put(*map, model, n);
    map.close();
    const quire_test::temp_dir damaged;
    const std::uint64_t size = std::filesystem::file_size(map.file());
    std::uint64_t refused = 0;
    for (std::uint64_t at = 1024 + 100; at < size; at += 512 * 5) {
        CAPTURE(at);
        const std::string path = damaged.path("map");
        std::filesystem::copy_file(map.file(), path,
                                   std::filesystem::copy_options::overwrite_existing);
        std::FILE* const file = std::fopen(path.c_str(), "r+b");
        REQUIRE(file != nullptr);
        REQUIRE(std::fseek(file, static_cast<long>(at), SEEK_SET) == 0);
        const int byte = std::fgetc(file);
        REQUIRE(std::fseek(file, static_cast<long>(at), SEEK_SET) == 0);
        REQUIRE(std::fputc(byte ^ 1, file) != EOF);
        REQUIRE(std::fclose(file) == 0);
        try {
            const texts<file_wal, 512> of(path, {.cache_bytes = 1});
            of.backup(dir.path("copy"));
        } catch (const quire::corruption&) {
            ++refused;
        }
        // What was damaged is not part of the map: free, or behind a run's end.
        if (files_in(dir) != 0)
            CHECK(wrong_copy<texts<file_wal, 512>>(dir.path("copy"), model) == "");
        ::unlink(dir.path("copy").c_str());
        REQUIRE(files_in(dir) == 0);
        std::filesystem::remove(path);
    }
    CHECK(refused > 10);
}

// After a crash: the store as it was acknowledged, and the whole copy or none.
TEST_CASE_TEMPLATE("crashes while a copy is made", Txn, quire::txn::shadow, quire::txn::wal) {
    using quire::storage::simulated;
    using quire::storage::simulated_disk;
    using map_type =
        quire::btree_map<std::string, std::string, simulated, Txn, quire::page_size<512>>;
    constexpr quire::options small{.cache_bytes = 1, .wal_limit_bytes = std::uint64_t{1} << 16};
    text_model before;
    for (std::uint64_t n = 0; n < 60; ++n) before[key_text(n)] = text_of(n == 7 ? 900 : n, n);
    text_model after = before;
    after["more"] = "1";
    const auto report = quire::crash_check(
        [&](simulated_disk& disk) {
            map_type map{disk.path("s"), small};
            map.insert_range(before);
            disk.mark(1);
            const auto snapshot = map.snapshot();
            map.insert_or_assign("more", "1");
            disk.mark(2);
            snapshot.backup(disk.path("copy"));
            disk.mark(3);
        },
        [&](simulated_disk& disk, std::uint64_t acknowledged) {
            if (acknowledged == 0) return;
            {
                map_type map{disk.path("s"), small};
                map.verify();
                const text_model found(map.begin(), map.end());
                if (found != after && (acknowledged != 1 || found != before))
                    throw std::runtime_error("the store is not what was acknowledged");
            }
            try {
                map_type copy{disk.path("copy"), {.cache_bytes = 1, .create = false}};
                copy.verify();
                if (text_model(copy.begin(), copy.end()) != before)
                    throw std::runtime_error("the copy is not its snapshot");
            } catch (const quire::io_error& e) {
                if (e.number() != ENOENT || acknowledged == 3)
                    throw std::runtime_error("an acknowledged copy is gone");
            }
        },
        {.states = {.exhaustive = 8, .random = 12}, .depth = 1});
    CHECK(report.broken == "");
    CHECK(report.states > 60);
}
