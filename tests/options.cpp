// Opening: what each option does, and which error says what is wrong with a path or a file.
#include <quire/options.hpp>

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <quire/btree_map.hpp>

#include "support/child_answer.hpp"
#include "support/model.hpp"
#include "support/sanitizers.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace quire_test;
using quire::durability;

using model = std::map<std::string, std::string>;

template <class C>
using map_of = typename C::template map<std::string, std::string>;

#define CONFIGURATIONS file_shadow, mmap_shadow, file_none

std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
void write_bytes(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}
bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

template <class Map>
model fill(Map& map) {
    model records;
    for (std::uint64_t i = 0; i < 300; ++i)
        records.emplace(key_text(i), text_of(i % 50 == 7 ? 5000 : i % 90, i));
    map.insert_range(records);
    return records;
}

// The error of the expected type that opening gives, after checking that it names the path.
template <class Error, class Map>
std::optional<Error> error_of_opening(const std::string& path, quire::options how = {}) {
    try {
        const Map map{path, how};
    } catch (const Error& error) {
        CHECK(error.path() == path);
        CHECK(std::string(error.what()).find(path) != std::string::npos);
        return error;
    } catch (const std::exception& error) {
        FAIL_CHECK("another error: ", error.what());
        return std::nullopt;
    }
    FAIL_CHECK("it opens");
    return std::nullopt;
}

TEST_CASE_TEMPLATE("create = false opens what exists and makes nothing", C, CONFIGURATIONS) {
    const temp_dir dir;
    const std::string path = dir.path("map.quire");
    const auto error = error_of_opening<quire::io_error, map_of<C>>(path, {.create = false});
    if (error) CHECK(error->number() == ENOENT);
    CHECK_FALSE(exists(path));
    model records;
    {
        map_of<C> map{path};
        records = fill(map);
    }
    map_of<C> map{path, {.create = false}};
    CHECK(difference_verified(map, records) == "");
}

TEST_CASE_TEMPLATE("read_only reads and changes nothing", C, CONFIGURATIONS) {
    using map_type = map_of<C>;
    const temp_dir dir;
    const std::string path = dir.path("map.quire");
    const auto missing = error_of_opening<quire::io_error, map_type>(path, {.read_only = true});
    if (missing) CHECK(missing->number() == ENOENT);
    CHECK_FALSE(exists(path));
    model records;
    {
        map_type map{path};
        records = fill(map);
    }
    const std::string before = bytes_of(path);
    {
        map_type map{path, {.read_only = true}};
        map_type other{path, {.read_only = true}}; // any number of readers
        CHECK(difference_verified(map, records) == "");
        CHECK(difference_verified(other, records) == "");
        CHECK(map.stats().entries == records.size());
        CHECK_THROWS_AS(map.insert("a", "1"), quire::read_only);
        CHECK_THROWS_AS(map.insert_or_assign("a", "1"), quire::read_only);
        CHECK_THROWS_AS(map.try_emplace("a", "1"), quire::read_only);
        CHECK_THROWS_AS(map.emplace("a", "1"), quire::read_only);
        CHECK_THROWS_AS(map.insert_range(records), quire::read_only);
        CHECK_THROWS_AS(map.insert(records.begin(), records.end()), quire::read_only);
        CHECK_THROWS_AS(map.erase(key_text(1)), quire::read_only);
        CHECK_THROWS_AS(map.erase(map.begin()), quire::read_only);
        CHECK_THROWS_AS(map.erase(map.begin(), map.end()), quire::read_only);
        CHECK_THROWS_AS(map.erase_if([](const auto&) { return true; }), quire::read_only);
        CHECK_THROWS_AS(map.clear(), quire::read_only);
        CHECK_THROWS_AS(map.update(key_text(1), [](std::string&) {}), quire::read_only);
        CHECK_THROWS_AS(map.extract(key_text(1)), quire::read_only);
        if constexpr (transactional<map_type>) {
            CHECK_THROWS_AS(static_cast<void>(map.transaction()), quire::read_only);
            CHECK_THROWS_AS(static_cast<void>(map.try_transaction(std::chrono::seconds(1))),
                            quire::read_only);
            CHECK(difference(map.snapshot(), records) == "");
        }
        CHECK(difference_verified(map, records) == "");
    }
    CHECK(bytes_of(path) == before);
    // From a file that cannot be written.
    ::chmod(path.c_str(), 0400);
    map_type map{path, {.read_only = true}};
    CHECK(difference(map, records) == "");
}

TEST_CASE_TEMPLATE("one handle that writes", C, CONFIGURATIONS) {
    using map_type = map_of<C>;
    opened<map_type> map;
    model records = fill(*map);
    const auto error = error_of_opening<quire::already_open, map_type>(map.file());
    if (error) CHECK(error->holder() == ::getpid());
    error_of_opening<quire::already_open, map_type>(map.file(), {.read_only = true});
    CHECK(difference_verified(*map, records) == "");
    map->insert("still", "here");
    records.emplace("still", "here");

    const pid_t child = ::fork(); // another process
    if (child == 0) {
        int result = 1;
        try {
            const map_type other{map.file()};
        } catch (const quire::already_open& e) {
            result = e.holder() == ::getppid() ? 0 : 2;
        } catch (...) {
            result = 3;
        }
        ::_exit(result);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    map.reopen();
    CHECK(difference_verified(*map, records) == "");
    map.close();
    {
        const map_type reader{map.file(), {.read_only = true}};
        error_of_opening<quire::already_open, map_type>(map.file());
    }
    map.open();
}

TEST_CASE_TEMPLATE("durability is what a commit waits for", C, file_shadow, mmap_shadow) {
    for (const durability wanted : {durability::full, durability::relaxed, durability::none}) {
        CAPTURE(static_cast<int>(wanted));
        opened<map_of<C>> map({.durability = wanted});
        const model records = fill(*map);
        map->insert_or_assign("a", "1");
        auto facts = map->stats();
        if (wanted == durability::full) CHECK(facts.durable == facts.committed);
        else CHECK(facts.durable <= facts.committed);
        const auto syncs = facts.syncs;
        map->insert_or_assign("a", "2");
        if (wanted == durability::full) CHECK(map->stats().syncs > syncs);
        if (wanted == durability::none) CHECK(map->stats().syncs == syncs);
        map->flush();
        facts = map->stats();
        CHECK(facts.durable == facts.committed);
        auto tx = map->transaction();
        tx.insert_or_assign("a", "3");
        tx.commit(durability::full);
        facts = map->stats();
        CHECK(facts.durable == facts.committed);
        map.reopen();
        CHECK(map->at("a") == "3");
        CHECK(map->size() == records.size() + 1);
    }
}

TEST_CASE("the default is full") {
    static_assert(quire::options{}.durability == durability::full);
    static_assert(quire::options{}.create && !quire::options{}.read_only);
    static_assert(!quire::options{}.untrusted);
    const temp_dir dir;
    quire::btree_map<int, int> map{dir.path("map.quire")};
    map.insert(1, 1);
    CHECK(map.stats().durable == map.stats().committed);
}

TEST_CASE_TEMPLATE("cache_bytes bounds what is kept of the file", C, file_shadow, file_none) {
    using map_type = typename C::template map<std::uint64_t, std::string, quire::page_size<512>>;
    constexpr std::uint64_t budget = 128 << 10;
    opened<map_type> map({.cache_bytes = budget, .durability = durability::none});
    std::map<std::uint64_t, std::string> expected;
    for (std::uint64_t i = 0; i < 5000; ++i) {
        map->insert_or_assign(i * 7919 % 5000, text_of(60, i));
        expected.insert_or_assign(i * 7919 % 5000, text_of(60, i));
        if (i % 500 == 0) CHECK(map->stats().cached_bytes <= budget);
    }
    CHECK(difference_verified(*map, expected) == "");
    const auto facts = map->stats();
    CHECK(facts.cached_bytes <= budget);
    CHECK(facts.cached_bytes > budget / 2);
    CHECK(facts.pages * facts.page_size > budget * 2);
    CHECK(facts.pages_read > facts.pages); // pages come back
}

TEST_CASE_TEMPLATE("a cache full of iterators says so, and goes on when they are gone", C,
                   file_shadow, file_none) {
    using map_type = typename C::template map<std::uint64_t, std::string, quire::page_size<512>>;
    opened<map_type> map({.cache_bytes = 1, .durability = durability::none});
    std::map<std::uint64_t, std::string> expected;
    for (std::uint64_t i = 0; i < 3000; ++i) {
        map->insert(i, text_of(60, i));
        expected.emplace(i, text_of(60, i));
    }
    bool full = false;
    {
        std::vector<typename map_type::iterator> kept;
        try {
            for (std::uint64_t i = 0; i < 3000; i += 9) kept.push_back(map->find(i));
        } catch (const quire::cache_exhausted& error) {
            full = true;
            CHECK(error.code() == quire::error_code::cache_exhausted);
        }
        for (std::size_t i = 0; i < kept.size(); ++i)
            REQUIRE((*kept[i]).second == expected.at(i * 9));
        CHECK(full);
        if (full) { // a change needs pages too: it is done, or nothing is
            for (std::uint64_t i = 0; i < 200; ++i) {
                const std::uint64_t key = i * 7919 % 3000;
                bool done = false;
                try {
                    map->erase(key);
                    done = true;
                } catch (const quire::cache_exhausted&) {
                }
                if (done) expected.erase(key);
                if (done && !transactional<map_type>) break; // the iterators have ended
            }
        }
    }
    CHECK(difference_verified(*map, expected) == "");
    for (std::uint64_t i = 0; i < 3000; i += 2) {
        map->erase(i);
        expected.erase(i);
    }
    CHECK(difference_verified(*map, expected) == "");
    map.reopen();
    CHECK(difference_verified(*map, expected) == "");
}

TEST_CASE_TEMPLATE("a budget beyond the memory of most machines", C, CONFIGURATIONS) {
    const temp_dir dir;
    try { // Whether it is granted, for it is not used, is the system's affair.
        map_of<C> map{dir.path("map"), {.cache_bytes = std::uint64_t{32} << 30}};
        CHECK(difference_verified(map, fill(map)) == "");
    } catch (const std::bad_alloc&) {
    }
    map_of<C> map{dir.path("map")}; // nobody holds it
    CHECK((map.empty() || map.size() == 300));
}

#if !QUIRE_TEST_SHADOW_MEMORY // which is beyond any limit
TEST_CASE_TEMPLATE("little address space: a smaller map of pages, or std::bad_alloc", C,
                   CONFIGURATIONS) {
    const temp_dir dir;
    const auto with_address_space = [&](std::uint64_t bytes, auto&& body) {
        return answer_of_child([&] {
            const rlimit limit{bytes, bytes};
            return ::setrlimit(RLIMIT_AS, &limit) == 0 ? body() : std::string("no limit");
        });
    };
    // Reserves by halves: less than the 16 GiB for the references of 2^32 pages.
    CHECK(with_address_space(std::uint64_t{3} << 30, [&]() -> std::string {
              map_of<C> map{dir.path("map")};
              const model records = fill(map);
              return difference_verified(map, records);
          }) == "");
    CHECK(with_address_space(std::uint64_t{1} << 24, [&]() -> std::string {
              try {
                  map_of<C> map{dir.path("map")};
                  return "it opens";
              } catch (const std::bad_alloc&) {
                  return "";
              } catch (const quire::io_error& error) { // of storage::mmap
                  return error.number() == ENOMEM ? "" : error.what();
              }
          }) == "");
    map_of<C> map{dir.path("map")};
    CHECK(map.size() == 300);
    map.verify();
}
#endif

TEST_CASE("a store in memory takes options and no path") {
    memory_shadow::map<int, int> map(quire::options{.durability = durability::relaxed});
    map.insert(1, 2);
    CHECK(map.path().empty());
    CHECK(map.at(1) == 2);
    static_assert(!std::is_constructible_v<memory_shadow::map<int, int>, std::string>);
    static_assert(!std::is_default_constructible_v<file_shadow::map<int, int>>);
}

TEST_CASE_TEMPLATE("untrusted checks everything first", C, CONFIGURATIONS) {
    using map_type = map_of<C>;
    opened<map_type> map;
    const model records = fill(*map);
    map.close();
    {
        map_type checked{map.file(), {.untrusted = true}};
        CHECK(difference(checked, records) == "");
    }
    const std::string good = bytes_of(map.file());
    REQUIRE(good.size() > 20 * map_type::page_bytes);
    int found = 0;
    for (std::size_t page = 1; page < good.size() / map_type::page_bytes; ++page) {
        std::string bad = good;
        bad[page * map_type::page_bytes + 100 + page] ^= 0x10;
        write_bytes(map.file(), bad);
        try {
            map_type checked{map.file(), {.untrusted = true}};
            // Nobody's page, then: nothing is missing.
            CHECK(difference(checked, records) == "");
        } catch (const quire::corruption& error) {
            CHECK(error.path() == map.file());
            CHECK(error.code() == quire::error_code::corruption);
            ++found;
        }
    }
    CHECK(found > 15);
    write_bytes(map.file(), good);
    map.open();
    CHECK(difference_verified(*map, records) == "");
}

TEST_CASE_TEMPLATE("paths that cannot be opened", C, CONFIGURATIONS) {
    using map_type = map_of<C>;
    const temp_dir dir;
    auto error = error_of_opening<quire::io_error, map_type>(dir.path("no/such/map.quire"));
    if (error) CHECK(error->number() == ENOENT);
    error = error_of_opening<quire::io_error, map_type>(dir.path());
    if (error) CHECK(error->number() == EISDIR);
    error = error_of_opening<quire::io_error, map_type>("");
    if (::geteuid() != 0) { // root may do anything
        ::mkdir(dir.path("closed").c_str(), 0500);
        error = error_of_opening<quire::io_error, map_type>(dir.path("closed/map.quire"));
        if (error) CHECK(error->number() == EACCES);
    }
    write_bytes(dir.path("plain"), "x");
    error = error_of_opening<quire::io_error, map_type>(dir.path("plain/map.quire"));
    if (error) CHECK(error->number() == ENOTDIR);
}

TEST_CASE_TEMPLATE("files that are no such map stay as they are", C, CONFIGURATIONS) {
    using map_type = map_of<C>;
    const temp_dir dir;
    const std::string path = dir.path("file");
    for (const std::string& text :
         {std::string(), std::string("a"), std::string("A text file.\n"), text_of(4096, 1),
          text_of(100000, 2), std::string(4096, '\0'), std::string(65536, '\xFF')}) {
        CAPTURE(text.size());
        write_bytes(path, text);
        for (const quire::options how : {quire::options{}, quire::options{.create = false},
                                         quire::options{.read_only = true}}) {
            error_of_opening<quire::format_mismatch, map_type>(path, how);
            CHECK(bytes_of(path) == text);
        }
    }
}

TEST_CASE_TEMPLATE("maps of other types and page sizes", C, CONFIGURATIONS) {
    opened<map_of<C>> map;
    const model records = fill(*map);
    map.close();
    const std::string before = bytes_of(map.file());
    using other_key = typename C::template map<std::uint64_t, std::string>;
    using other_value = typename C::template map<std::string, std::vector<std::string>>;
    using other_both = typename C::template map<std::uint32_t, std::uint32_t>;
    using other_page = typename C::template map<std::string, std::string, quire::page_size<8192>>;
    using smaller_page = typename C::template map<std::string, std::string, quire::page_size<512>>;
    auto error = error_of_opening<quire::schema_mismatch, other_key>(map.file());
    if (error) {
        CHECK(error->found() == "string");
        CHECK(error->expected() == "u64");
    }
    error = error_of_opening<quire::schema_mismatch, other_value>(map.file());
    if (error) {
        CHECK(error->found() == "string");
        CHECK(error->expected() == "vector<string>");
    }
    error_of_opening<quire::schema_mismatch, other_both>(map.file());
    const auto page = error_of_opening<quire::format_mismatch, other_page>(map.file());
    if (page) {
        CHECK(page->found().find("4096") != std::string::npos);
        CHECK(page->expected().find("8192") != std::string::npos);
    }
    error_of_opening<quire::format_mismatch, smaller_page>(map.file());
    CHECK(bytes_of(map.file()) == before);
    map.open();
    CHECK(difference_verified(*map, records) == "");
}

TEST_CASE_TEMPLATE("files that were cut or grew", C, CONFIGURATIONS) {
    using map_type = map_of<C>;
    opened<map_type> map;
    const model records = fill(*map);
    map.close();
    const std::string good = bytes_of(map.file());
    for (const std::size_t size : {good.size() / 2, good.size() - 5000, std::size_t{8192},
                                   std::size_t{5000}, std::size_t{4096}, std::size_t{100}}) {
        CAPTURE(size);
        write_bytes(map.file(), good.substr(0, size));
        try {
            const map_type cut{map.file(), {.untrusted = true}};
            CHECK(difference(cut, records) == ""); // only what nobody used is gone
        } catch (const quire::corruption& error) {
            CHECK(error.path() == map.file());
        } catch (const quire::format_mismatch& error) {
            CHECK(error.path() == map.file());
        }
    }
    write_bytes(map.file(), good + text_of(10000, 1));
    try {
        map_type grown{map.file(), {.untrusted = true}};
        CHECK(difference_verified(grown, records) == "");
        grown.insert("a", "1");
        CHECK(grown.size() == records.size() + 1);
    } catch (const quire::corruption& error) {
        CHECK(error.path() == map.file());
    }
    write_bytes(map.file(), good);
    map.open();
    CHECK(difference_verified(*map, records) == "");
}

} // namespace
