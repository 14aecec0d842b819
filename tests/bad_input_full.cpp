// A full disk in every phase, on a real file system of 1 MiB: storage_full, nothing acknowledged is
// lost, reads go on, and with room again so does everything else.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/inspect/file.hpp>

#include "support/child_answer.hpp"
#include "support/temp_dir.hpp"

namespace {

using by_reading = quire::storage::file;
using by_mapping = quire::storage::mmap;
using quire_test::complaints;
using state = std::map<std::string, std::string>;

template <class Storage, class Txn = quire::txn::shadow>
using words = quire::btree_map<std::string, std::string, Storage, quire::page_size<512>, Txn>;

// A file that takes room until it is removed.
class ballast {
public:
    explicit ballast(const std::string& directory) : path_(directory + "/ballast") {}
    // Fills the file system and then leaves so many bytes.
    void fill_but(std::size_t bytes) {
        const int to = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        const std::vector<char> block(4096, 'b');
        while (::write(to, block.data(), block.size()) == 4096) size_ += 4096;
        size_ = size_ > bytes ? size_ - bytes : 0;
        if (::ftruncate(to, static_cast<::off_t>(size_)) != 0) size_ = 0;
        ::close(to);
    }
    void remove() { ::unlink(path_.c_str()); }

private:
    std::string path_;
    std::size_t size_ = 0;
};

std::size_t entries_of(const std::string& directory) {
    std::size_t n = 0;
    DIR* const entries = ::opendir(directory.c_str());
    while (::readdir(entries) != nullptr) ++n;
    ::closedir(entries);
    return n - 2;
}

// Runs body(directory, path, complaints) in a child with a file system of its own.
template <class Body>
void on_small_disk(const Body& body) {
    const quire_test::temp_dir dir;
    const std::string answer = quire_test::answer_of_child([&]() -> std::string {
        if (!quire_test::mount_small(dir.path(), "size=1m")) return quire_test::cannot_mount;
        complaints wrong;
        body(dir.path(), dir.path("store"), wrong);
        return wrong.text();
    });
    if (answer == quire_test::cannot_mount) MESSAGE("skipped: needs the right to mount");
    else CHECK(answer == "");
}

// Whether the call ends in storage_full.
template <class Call>
bool is_full(const std::string& path, complaints& wrong, Call&& call) {
    try {
        call();
        return false;
    } catch (const quire::storage_full& e) {
        wrong.expect(e.path() == path, "path of " + std::string(e.what()));
        wrong.expect(std::string(e.what()).rfind(path + ": ", 0) == 0, e.what());
        return true;
    }
}
template <class Map>
void expect_content(const Map& map, const state& model, complaints& wrong, const char* when) {
    wrong.expect(state(map.begin(), map.end()) == model, std::string("content ") + when);
    for (const auto& [k, v] : model)
        if (map.get(k) != v) return wrong.expect(false, "get " + k + ' ' + when);
}
template <class Map>
void expect_store(const std::string& path, const state& model, complaints& wrong) {
    const auto report = quire::inspect::check_file(path);
    wrong.expect(report.ok(), text_of(report));
    Map map(path);
    expect_content(map, model, wrong, "reopened");
    map.verify();
}
std::string key(int n) { return "key " + std::to_string(n); }

} // namespace

TEST_CASE_TEMPLATE("full while a store is created", Storage, by_reading, by_mapping) {
    on_small_disk([](const std::string& dir, const std::string& path, complaints& wrong) {
        for (const std::size_t room : {std::size_t{0}, std::size_t{4096}}) {
            ballast other(dir);
            other.fill_but(room);
            wrong.expect(is_full(path, wrong, [&] { words<Storage> map(path); }), "created");
            wrong.expect(entries_of(dir) == 1, "something is left");
            other.remove();
        }
        { words<Storage>(path).insert("a", "b"); }
        expect_store<words<Storage>>(path, {{"a", "b"}}, wrong);
    });
}

TEST_CASE_TEMPLATE("full while an existing store is opened", Storage, by_reading, by_mapping) {
    on_small_disk([](const std::string& dir, const std::string& path, complaints& wrong) {
        state model;
        {
            words<Storage> map(path);
            for (int i = 0; i < 50; ++i) {
                map.insert(key(i), "value");
                model[key(i)] = "value";
            }
        }
        ballast other(dir);
        other.fill_but(0);
        {
            words<Storage> map(path); // needs no room
            expect_content(map, model, wrong, "when full");
            map.verify();
        }
        expect_store<words<Storage>>(path, model, wrong);
        // The first change of a session is the first that needs some.
        {
            words<Storage> map(path);
            wrong.expect(is_full(path, wrong, [&] { map.insert("a", std::string(9000, 'x')); }),
                         "the first change");
            expect_content(map, model, wrong, "after the first change");
            map.verify();
        }
        expect_store<words<Storage>>(path, model, wrong);
        {
            words<Storage> map(path);
            wrong.expect(is_full(path, wrong, [&] { map.insert("a", std::string(9000, 'x')); }),
                         "the first change, again");
            other.remove();
            map.insert("a", std::string(9000, 'x'));
            model["a"] = std::string(9000, 'x');
            map.verify();
        }
        expect_store<words<Storage>>(path, model, wrong);
    });
}

TEST_CASE_TEMPLATE("full while a store that was never closed is opened", Storage, by_reading,
                   by_mapping) {
    on_small_disk([](const std::string& dir, const std::string& path, complaints& wrong) {
        state model;
        for (int i = 0; i < 200; ++i) model[key(i)] = std::string(i % 40 == 0 ? 2000 : 30, 'v');
        const std::string died = quire_test::answer_of_child([&]() -> std::string {
            auto* const map = new words<Storage>(path); // dies with the process
            for (const auto& [k, v] : model) map->insert(k, v);
            return {};
        });
        wrong.expect(died.empty(), "the process that died: " + died);
        ballast other(dir);
        other.fill_but(0);
        try {
            words<Storage> map(path);
            expect_content(map, model, wrong, "when full");
            map.verify();
        } catch (const quire::storage_full& e) {
            wrong.expect(e.path() == path, e.what());
        }
        {
            const words<Storage> map(path, {.read_only = true});
            expect_content(map, model, wrong, "read-only");
        }
        other.remove();
        { words<Storage>(path).insert("after", "it"); }
        model["after"] = "it";
        expect_store<words<Storage>>(path, model, wrong);
    });
}

TEST_CASE_TEMPLATE("full while records are put one by one", Storage, by_reading, by_mapping) {
    on_small_disk([](const std::string& dir, const std::string& path, complaints& wrong) {
        for (const std::size_t size : {std::size_t{60}, std::size_t{3000}}) { // in a page, in a run
            state model;
            {
                words<Storage> map(path, {.cache_bytes = 1});
                ballast other(dir);
                other.fill_but(150000);
                const std::string value(size, 'v');
                int n = 0;
                while (n < 100000 && !is_full(path, wrong, [&] { map.insert(key(n), value); })) {
                    model[key(n)] = value;
                    ++n;
                }
                wrong.expect(n > 10 && n < 100000, std::to_string(n) + " records");
                expect_content(map, model, wrong, "when full");
                map.verify();
                // Still full.
                wrong.expect(is_full(path, wrong, [&] { map.insert(key(n), value); }), "no room");
                wrong.expect(map.snapshot().size() == model.size(), "a snapshot");
                other.remove();
                for (int i = 0; i < 20; ++i) {
                    map.insert(key(n + i), value);
                    model[key(n + i)] = value;
                }
                expect_content(map, model, wrong, "with room");
                map.verify();
            }
            expect_store<words<Storage>>(path, model, wrong);
            ::unlink(path.c_str());
        }
    });
}

TEST_CASE_TEMPLATE("full within a transaction, or at its end", Storage, by_reading, by_mapping) {
    on_small_disk([](const std::string& dir, const std::string& path, complaints& wrong) {
        state model;
        {
            words<Storage> map(path, {.cache_bytes = 1 << 20});
            for (int i = 0; i < 30; ++i) {
                map.insert(key(i), "acknowledged");
                model[key(i)] = "acknowledged";
            }
            ballast other(dir);
            other.fill_but(100000);
            bool full = false;
            for (const int records : {150, 800, 20000}) { // at its end, and on the way
                auto tx = map.transaction();
                full = is_full(path, wrong, [&] {
                    for (int i = 0; i < records; ++i)
                        tx.insert_or_assign(key(i), std::string(90, 't'));
                    if (records == 150) other.fill_but(0);
                    tx.commit();
                });
                wrong.expect(full, "a transaction of " + std::to_string(records));
                // What is left of it can be read and goes with it.
                if (tx.active()) wrong.expect(tx.size() >= model.size(), "the transaction");
                tx.rollback();
                expect_content(map, model, wrong, "after the transaction");
                map.verify();
                other.remove();
                if (records != 20000) other.fill_but(100000);
            }
            auto tx = map.transaction();
            for (int i = 0; i < 800; ++i) {
                tx.insert_or_assign(key(i), std::string(90, 't'));
                model[key(i)] = std::string(90, 't');
            }
            tx.commit();
            map.verify();
        }
        expect_store<words<Storage>>(path, model, wrong);
    });
}

TEST_CASE_TEMPLATE("full while commits are made durable", Storage, by_reading, by_mapping) {
    on_small_disk([](const std::string& dir, const std::string& path, complaints& wrong) {
        state model;
        {
            words<Storage> map(path);
            map.insert("a", "b");
            model["a"] = "b";
            for (int i = 0; i < 500; ++i) {
                auto tx = map.transaction();
                tx.insert(key(i), std::string(50, 'n'));
                tx.commit(quire::durability::none);
                model[key(i)] = std::string(50, 'n');
            }
            ballast other(dir);
            other.fill_but(0);
            wrong.expect(is_full(path, wrong, [&] { map.flush(); }), "flush");
            expect_content(map, model, wrong, "after the flush");
            map.verify();
            other.remove();
            map.flush();
            map.verify();
        }
        expect_store<words<Storage>>(path, model, wrong);
    });
}

TEST_CASE_TEMPLATE("full while a map without transactions is flushed", Storage, by_reading,
                   by_mapping) {
    using map_type = words<Storage, quire::txn::none>;
    on_small_disk([](const std::string& dir, const std::string& path, complaints& wrong) {
        state model;
        {
            map_type map(path, {.cache_bytes = 1});
            map.insert("a", "b");
            model["a"] = "b";
            map.flush();
            ballast other(dir);
            other.fill_but(60000);
            int n = 0;
            while (n < 100000 && !is_full(path, wrong, [&] {
                       map.insert(key(n), std::string(50, 'n'));
                       if (n % 100 == 99) map.flush();
                   })) {
                model[key(n)] = std::string(50, 'n');
                ++n;
            }
            wrong.expect(n > 100 && n < 100000, std::to_string(n) + " records");
            if (map.contains(key(n))) model[key(n)] = std::string(50, 'n'); // the flush it was
            expect_content(map, model, wrong, "when full");
            map.verify();
            other.remove();
            map.flush();
            map.verify();
            expect_content(map, model, wrong, "with room");
        }
        expect_store<map_type>(path, model, wrong);
    });
}

TEST_CASE_TEMPLATE("full while a store is closed", Storage, by_reading, by_mapping) {
    on_small_disk([](const std::string& dir, const std::string& path, complaints& wrong) {
        state durable;
        state all;
        ballast other(dir);
        {
            words<Storage> map(path);
            for (int i = 0; i < 20; ++i) {
                map.insert(key(i), "acknowledged");
                durable[key(i)] = "acknowledged";
            }
            all = durable;
            for (int i = 20; i < 500; ++i) {
                auto tx = map.transaction();
                tx.insert(key(i), std::string(50, 'n'));
                tx.commit(quire::durability::none);
                all[key(i)] = std::string(50, 'n');
            }
            other.fill_but(0);
        }
        // Nobody was told that the rest is durable.
        const auto report = quire::inspect::check_file(path);
        wrong.expect(report.sound(), text_of(report));
        {
            words<Storage> map(path);
            const state found(map.begin(), map.end());
            wrong.expect(found == durable || found == all, "reopened when full");
            map.verify();
            durable = found;
        }
        other.remove();
        expect_store<words<Storage>>(path, durable, wrong);
    });
}
