// Paths and files that are no store, or not this one: the error's type, its facts and its sentence,
// and that what was there is left as it was.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/inspect/file.hpp>

#include "support/child_answer.hpp"
#include "support/temp_dir.hpp"

namespace {

namespace format = quire::format;
using by_reading = quire::storage::file;
using by_mapping = quire::storage::mmap;
using quire_test::answer_of_child;
using quire_test::complaints;
using quire_test::temp_dir;
using state = std::map<std::string, std::string>;

template <class Storage>
using words = quire::btree_map<std::string, std::string, Storage, quire::page_size<512>>;

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

// What everybody may ask of an error about a store.
void judge(const quire::error& e, const std::string& path, complaints& wrong) {
    const std::string what = e.what();
    wrong.expect(e.path() == path, "path is " + e.path());
    wrong.expect(what.rfind(path + ": ", 0) == 0, "does not begin with the path: " + what);
    wrong.expect(what.find('\n') == std::string::npos, "more than one line: " + what);
    std::size_t spaces = 0;
    for (const char c : what) spaces += c == ' ' ? 1U : 0U;
    wrong.expect(spaces >= 4, "no sentence: " + what);
    for (const std::string& fact : {e.found(), e.expected()})
        wrong.expect(what.find(fact) != std::string::npos, "does not say " + fact + ": " + what);
    wrong.expect(e.found().empty() == e.expected().empty(), "half a comparison: " + what);
}

// The error that opening gives, or a complaint.
template <class Error, class Map>
std::optional<Error> refusal(const std::string& path, const quire::options& how,
                             complaints& wrong) {
    try {
        Map map(path, how);
        wrong.expect(false, "it was opened");
    } catch (const Error& e) {
        judge(e, path, wrong);
        return e;
    } catch (const std::exception& e) {
        wrong.expect(false, std::string("another error: ") + e.what());
    }
    return std::nullopt;
}
template <class Error, class Map>
Error refused(const std::string& path, const quire::options& how = {}) {
    complaints wrong;
    auto e = refusal<Error, Map>(path, how, wrong);
    CHECK_MESSAGE(wrong.text().empty(), wrong.text());
    REQUIRE(e.has_value());
    return *e;
}
template <class Map>
std::string errno_of(const std::string& path, int number, const quire::options& how = {}) {
    complaints wrong;
    const auto e = refusal<quire::io_error, Map>(path, how, wrong);
    if (e) wrong.expect(e->number() == number, e->what());
    if (e) wrong.expect(std::strstr(e->what(), std::strerror(number)) != nullptr, e->what());
    return wrong.text();
}

template <class Map>
state fill(const std::string& path, int records = 40) {
    Map map(path);
    state model;
    for (int i = 0; i < records; ++i) {
        const std::string key = "key " + std::to_string(i);
        const std::string value(i % 13 == 0 ? 700 : 20, static_cast<char>('a' + i % 26));
        map.insert(key, value);
        model[key] = value;
    }
    return model;
}
void check_whole(const std::string& path) {
    const auto report = quire::inspect::check_file(path);
    CHECK_MESSAGE(report.ok(), text_of(report));
}
std::size_t entries_of(const temp_dir& dir) {
    std::size_t n = 0;
    DIR* const entries = ::opendir(dir.path().c_str());
    while (::readdir(entries) != nullptr) ++n;
    ::closedir(entries);
    return n - 2;
}
void drop_rights() {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(9);
}

} // namespace

TEST_CASE_TEMPLATE("paths that lead to no file", Storage, by_reading, by_mapping) {
    using map = words<Storage>;
    const temp_dir dir;
    CHECK(errno_of<map>(dir.path("missing/store"), ENOENT) == "");
    CHECK(errno_of<map>(dir.path("store"), ENOENT, {.create = false}) == "");
    CHECK(errno_of<map>(dir.path("store"), ENOENT, {.read_only = true}) == "");
    CHECK(errno_of<map>(dir.path(), EISDIR) == "");
    CHECK(errno_of<map>(dir.path(), EISDIR, {.read_only = true}) == "");
    CHECK(errno_of<map>(dir.path(std::string(300, 'x')), ENAMETOOLONG) == "");
    CHECK(errno_of<map>("/dev/null", EINVAL) == "");
    REQUIRE(::mkfifo(dir.path("pipe").c_str(), 0600) == 0);
    CHECK(errno_of<map>(dir.path("pipe"), EINVAL) == "");
    REQUIRE(::symlink("itself", dir.path("itself").c_str()) == 0);
    CHECK(errno_of<map>(dir.path("itself"), ELOOP) == "");
    write_file(dir.path("plain"), "x");
    CHECK(errno_of<map>(dir.path("plain/store"), ENOTDIR) == "");
    CHECK(errno_of<map>(dir.path("store/"), ENOENT) == "");
    CHECK(errno_of<map>(dir.path("plain/"), ENOTDIR) == "");
    // Paths of which the sentence shows nothing, or only the beginning.
    for (const std::string& path : {std::string(), dir.path(std::string("zero\0byte", 9))}) {
        try {
            const map opened(path);
            FAIL_CHECK("it was opened");
        } catch (const quire::io_error& e) {
            CHECK(e.number() == (path.empty() ? ENOENT : EINVAL));
            CHECK(e.path() == path);
        }
    }
    CHECK(entries_of(dir) == 3); // none of them made anything
}

TEST_CASE_TEMPLATE("no permission", Storage, by_reading, by_mapping) {
    using map = words<Storage>;
    const temp_dir dir;
    const std::string open_dir = dir.path("open");
    const std::string shut_dir = dir.path("shut");
    REQUIRE(::mkdir(open_dir.c_str(), 0755) == 0);
    REQUIRE(::mkdir(shut_dir.c_str(), 0755) == 0);
    for (const char* name : {"/none", "/readable"}) fill<map>(open_dir + name);
    fill<map>(shut_dir + "/store");
    REQUIRE(::chmod((open_dir + "/none").c_str(), 0000) == 0);
    REQUIRE(::chmod((open_dir + "/readable").c_str(), 0444) == 0);
    REQUIRE(::chmod(open_dir.c_str(), 0555) == 0);
    REQUIRE(::chmod(shut_dir.c_str(), 0000) == 0);
    REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
    CHECK(answer_of_child([&] {
        drop_rights();
        complaints wrong;
        wrong.expect(errno_of<map>(open_dir + "/none", EACCES).empty(), "a file without rights");
        wrong.expect(errno_of<map>(open_dir + "/none", EACCES, {.read_only = true}).empty(),
                     "a file without rights, read-only");
        wrong.expect(errno_of<map>(open_dir + "/readable", EACCES).empty(), "a readable file");
        wrong.expect(errno_of<map>(open_dir + "/new", EACCES).empty(), "a new file");
        wrong.expect(errno_of<map>(shut_dir + "/store", EACCES).empty(), "a shut directory");
        wrong.expect(map(open_dir + "/readable", {.read_only = true}).size() == 40, "reading");
        return wrong.text();
    }) == "");
    ::chmod(shut_dir.c_str(), 0700);
    ::chmod(open_dir.c_str(), 0700);
}

TEST_CASE_TEMPLATE("a read-only file system", Storage, by_reading, by_mapping) {
    using map = words<Storage>;
    const temp_dir dir;
    const std::string path = dir.path("store");
    const std::string answer = answer_of_child([&]() -> std::string {
        if (!quire_test::mount_small(dir.path(), "size=1m")) return quire_test::cannot_mount;
        const state model = fill<map>(path);
        if (::mount(nullptr, dir.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0)
            return quire_test::cannot_mount;
        complaints wrong;
        wrong.expect(errno_of<map>(path, EROFS).empty(), "open");
        wrong.expect(errno_of<map>(dir.path("new"), EROFS).empty(), "create");
        map reader(path, {.read_only = true});
        wrong.expect(state(reader.begin(), reader.end()) == model, "reading");
        reader.verify();
        return wrong.text();
    });
    if (answer == quire_test::cannot_mount) MESSAGE("skipped: needs the right to mount");
    else CHECK(answer == "");
}

TEST_CASE_TEMPLATE("files that are no store are told apart from it and left alone", Storage,
                   by_reading, by_mapping) {
    using map = words<Storage>;
    const temp_dir dir;
    const std::string path = dir.path("file");
    std::string text;
    for (int i = 0; i < 900; ++i) text += "All work and no play. ";
    for (const std::string& content :
         {std::string(), std::string("x"), std::string("A text file.\n"), std::string(512, '\0'),
          std::string(8192, '\0'), std::string(9000, '\xFF'), text}) {
        write_file(path, content);
        for (const bool read_only : {false, true}) {
            const auto e = refused<quire::format_mismatch, map>(path, {.read_only = read_only});
            CHECK(e.code() == quire::error_code::format_mismatch);
            CHECK(e.found() == (content.empty() ? "0 bytes" : "other bytes"));
        }
        CHECK(read_file(path) == content);
        CHECK_FALSE(quire::inspect::check_file(path).ok());
    }
    CHECK(entries_of(dir) == 1);
}

TEST_CASE_TEMPLATE("stores of another kind", Storage, by_reading, by_mapping) {
    const temp_dir dir;
    const std::string path = dir.path("store");
    fill<words<Storage>>(path);
    const std::string before = read_file(path);
    SUBCASE("page size") {
        using other = quire::btree_map<std::string, std::string, Storage, quire::page_size<4096>>;
        const auto e = refused<quire::format_mismatch, other>(path);
        CHECK(e.field() == "page_size");
        CHECK(e.found() == "512");
        CHECK(e.expected() == "4096");
    }
    SUBCASE("a larger page size") {
        using big = quire::btree_map<std::string, std::string, Storage, quire::page_size<65536>>;
        fill<big>(dir.path("big"));
        CHECK(refused<quire::format_mismatch, words<Storage>>(dir.path("big")).found() == "65536");
    }
    SUBCASE("key codec") {
        using other = quire::btree_map<std::uint64_t, std::string, Storage, quire::page_size<512>>;
        const auto e = refused<quire::schema_mismatch, other>(path);
        CHECK(e.field() == "key codec");
        CHECK(e.found() == "string");
        CHECK(e.expected() == "u64");
    }
    SUBCASE("value codec") {
        using other = quire::btree_map<std::string, double, Storage, quire::page_size<512>>;
        const auto e = refused<quire::schema_mismatch, other>(path);
        CHECK(e.field() == "value codec");
        CHECK(e.found() == "string");
        CHECK(e.expected() == "f64");
    }
    SUBCASE("format version") {
        std::string changed = before;
        for (const std::size_t at : format::slot_offsets) {
            changed[at + 8] = 2;
            quire::store_le<std::uint32_t>(
                reinterpret_cast<std::byte*>(changed.data() + at + 508),
                quire::crc32c({reinterpret_cast<const std::byte*>(changed.data() + at), 508}));
        }
        write_file(path, changed);
        const auto e = refused<quire::format_mismatch, words<Storage>>(path);
        CHECK(e.field() == "format_version");
        CHECK(e.found() == "2");
        CHECK(e.expected() == "1");
        CHECK(read_file(path) == changed);
        return;
    }
    CHECK(read_file(path) == before);
    check_whole(path);
    words<Storage> again(path);
    CHECK(again.size() == 40);
}

TEST_CASE_TEMPLATE("files cut off", Storage, by_reading, by_mapping) {
    using map = words<Storage>;
    const temp_dir dir;
    const std::string path = dir.path("store");
    fill<map>(path);
    const std::string whole = read_file(path);
    REQUIRE(whole.size() > 8192 + 10 * 512);
    std::vector<std::size_t> lengths{0,   1,   7,    8,    9,    100,  511,
                                     512, 513, 4095, 4096, 4104, 4105, 4608};
    for (std::size_t n = 8191; n < whole.size(); n += 61) lengths.push_back(n);
    for (std::size_t n = 8192; n < whole.size(); n += 512) lengths.push_back(n);
    lengths.push_back(whole.size() - 1);
    for (const std::size_t n : lengths) {
        INFO("cut to ", n);
        write_file(path, whole.substr(0, n));
        if (n < sizeof format::magic) {
            refused<quire::format_mismatch, map>(path);
        } else {
            const auto e = refused<quire::corruption, map>(path);
            CHECK_FALSE(e.found().empty());
        }
        CHECK(read_file(path).size() == n);
    }
    write_file(path, whole);
    check_whole(path);
    CHECK(map(path).size() == 40);
}

TEST_CASE_TEMPLATE("files with something behind their end", Storage, by_reading, by_mapping) {
    using map = words<Storage>;
    const temp_dir dir;
    const std::string path = dir.path("store");
    fill<map>(path);
    const std::string whole = read_file(path);
    for (const std::size_t n : {1U, 100U, 512U, 5120U}) {
        for (const char garbage : {'\0', 'x'}) {
            const std::string longer = whole + std::string(n, garbage);
            write_file(path, longer);
            const auto e = refused<quire::corruption, map>(path);
            CHECK(e.field() == "size");
            CHECK(e.found() == std::to_string(longer.size()) + " bytes");
            CHECK(e.expected() == std::to_string(whole.size()) + " bytes");
            CHECK(read_file(path) == longer);
            CHECK_FALSE(quire::inspect::check_file(path).ok());
        }
    }
    write_file(path, whole);
    CHECK(map(path).size() == 40);
}

TEST_CASE_TEMPLATE("a store that is open", Storage, by_reading, by_mapping) {
    using map = words<Storage>;
    const temp_dir dir;
    const std::string path = dir.path("store");
    fill<map>(path);
    const auto holder_seen = [&](const quire::options& how, complaints& wrong) {
        const auto e = refusal<quire::already_open, map>(path, how, wrong);
        return e ? e->holder() : -1;
    };
    {
        map writer(path);
        const std::int64_t me = ::getpid();
        complaints wrong;
        CHECK(holder_seen({}, wrong) == me);
        CHECK(holder_seen({.read_only = true}, wrong) == me);
        CHECK_MESSAGE(wrong.text().empty(), wrong.text());
        CHECK(answer_of_child([&] {
            complaints there;
            there.expect(holder_seen({}, there) == me, "holder");
            there.expect(holder_seen({.read_only = true}, there) == me, "holder, read-only");
            return there.text();
        }) == "");
        writer.insert("still", "usable");
    }
    {
        const map one(path, {.read_only = true});
        const map two(path, {.read_only = true});
        CHECK(two.at("still") == "usable");
        complaints wrong;
        CHECK(holder_seen({}, wrong) == ::getpid());
        CHECK(answer_of_child([&]() -> std::string {
            return map(path, {.read_only = true}).contains("still") ? "" : "a third reader";
        }) == "");
    }
    CHECK(map(path).size() == 41);
    check_whole(path);
}

TEST_CASE_TEMPLATE("a store that is open under another name", Storage, by_reading, by_mapping) {
    using map = words<Storage>;
    const temp_dir dir;
    const std::string path = dir.path("store");
    fill<map>(path);
    REQUIRE(::symlink("store", dir.path("symbolic").c_str()) == 0);
    REQUIRE(::link(path.c_str(), dir.path("hard").c_str()) == 0);
    for (const char* const name : {"symbolic", "hard"}) {
        INFO(name);
        const std::string other = dir.path(name);
        {
            map writer(path);
            CHECK(refused<quire::already_open, map>(other).holder() == ::getpid());
            CHECK(refused<quire::already_open, map>(other, {.read_only = true}).holder() ==
                  ::getpid());
        }
        const map reader(other, {.read_only = true});
        CHECK(reader.size() == 40);
        CHECK(refused<quire::already_open, map>(path).holder() == ::getpid());
    }
    CHECK(map(path).size() == 40);
}

TEST_CASE_TEMPLATE("writing to a store opened read-only", Storage, by_reading, by_mapping) {
    using map_type = words<Storage>;
    const temp_dir dir;
    const std::string path = dir.path("store");
    const state model = fill<map_type>(path);
    const std::string before = read_file(path);
    {
        map_type map(path, {.read_only = true});
        const auto refuses = [&](auto&& change) {
            try {
                change();
            } catch (const quire::read_only& e) {
                complaints wrong;
                judge(e, path, wrong);
                CHECK_MESSAGE(wrong.text().empty(), wrong.text());
                return true;
            }
            return false;
        };
        CHECK(refuses([&] { map.insert("new", "value"); }));
        CHECK(refuses([&] { map.insert_or_assign("key 1", "value"); }));
        CHECK(refuses([&] { map.try_emplace("new", "value"); }));
        CHECK(refuses([&] { map.erase("key 1"); }));
        CHECK(refuses([&] { map.erase(map.begin()); }));
        CHECK(refuses([&] { map.erase_if([](const auto&) { return true; }); }));
        CHECK(refuses([&] { map.update("key 1", [](std::string&) {}); }));
        CHECK(refuses([&] { static_cast<void>(map.extract("key 1")); }));
        CHECK(refuses([&] { map.clear(); }));
        CHECK(refuses([&] { map.flush(); }));
        CHECK(refuses([&] { static_cast<void>(map.transaction()); }));
        CHECK(state(map.begin(), map.end()) == model);
        map.verify();
        CHECK(map.snapshot().size() == model.size());
    }
    CHECK(read_file(path) == before);
}

TEST_CASE_TEMPLATE("keys and values of length 0 and around their limits", Storage, by_reading,
                   by_mapping) {
    using map_type = words<Storage>;
    const temp_dir dir;
    const std::string path = dir.path("store");
    state model;
    {
        map_type map(path);
        std::size_t largest = 0;
        for (std::size_t n = 0; n < 300; ++n) {
            try {
                map.insert(std::string(n, 'k'), std::string(n % 7, 'v'));
                model[std::string(n, 'k')] = std::string(n % 7, 'v');
                REQUIRE(largest + (n == 0 ? 0 : 1) == n); // no holes
                largest = n;
            } catch (const quire::key_too_large& e) {
                complaints wrong;
                judge(e, path, wrong);
                CHECK_MESSAGE(wrong.text().empty(), wrong.text());
                REQUIRE(n == largest + 1);
                break;
            }
        }
        CHECK(largest >= 100);
        CHECK(largest <= 512 / 4);
        CHECK_FALSE(map.contains(std::string(largest + 1, 'k')));
        CHECK(map.erase(std::string(largest + 1, 'k')) == 0);
        CHECK(map.find(std::string(5000, 'k')) == map.end());
        // Values around what stays in the page, and around whole pages of a run.
        for (const std::size_t around : {60U, 96U, 112U, 120U, 128U, 480U, 512U, 992U, 1024U})
            for (std::size_t n = around - 3; n <= around + 3; ++n)
                for (const std::size_t key : {std::size_t{0}, std::size_t{1}, largest}) {
                    map.insert_or_assign(std::string(key, 'k'), std::string(n, 'w'));
                    REQUIRE(map.at(std::string(key, 'k')) == std::string(n, 'w'));
                    model[std::string(key, 'k')] = std::string(n, 'w');
                }
        map.verify();
    }
    check_whole(path);
    map_type map(path);
    CHECK(state(map.begin(), map.end()) == model);
}
