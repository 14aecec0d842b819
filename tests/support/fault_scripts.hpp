// The twenty workloads of the I/O fault campaign, as lists of steps that any map can take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <quire/options.hpp>

namespace fault_campaign {

enum class act : std::uint8_t {
    // changes of records, of the transaction where one is open
    put,
    insert,
    emplace,
    update,
    erase,
    erase_at,
    erase_range,
    erase_some,
    extract,
    clear,
    insert_range,
    // transactions and versions; passed over where there are none, but commit is a flush
    begin,
    commit,
    relaxed,
    unsafe, // durability::none
    rollback,
    savepoint,
    back,
    snapshot,
    walk,
    let_go,
    wait,
    // the map
    look,
    flush,
    checkpoint,
    reopen,
    read_only,
};

struct step {
    act what = act::look;
    int from = 0;         // the record's number, or the first one's
    int to = 0;           // behind the last one's
    std::size_t size = 0; // of the value
};

struct script {
    std::string name;
    bool versions = false; // needs transactions, snapshots or iterators that stay
    std::vector<step> steps;
    quire::options how{.cache_bytes = 1, .wal_limit_bytes = 1};

    void add(act what, int from = 0, int to = 0, std::size_t size = 0) {
        steps.push_back({what, from, to, size});
    }
    void put(int n, std::size_t size) { add(act::put, n, 0, size); }
    void fill(int from, int to, std::size_t size) {
        for (int n = from; n < to; ++n) put(n, size);
    }
    void empty(int from, int to) {
        for (int n = from; n < to; ++n) add(act::erase, n);
    }
    // What add_more() adds, in one transaction.
    template <class More>
    void in_one(More&& add_more, act end = act::commit) {
        add(act::begin);
        add_more();
        add(end);
    }
    void fill_in_one(int from, int to, std::size_t size, act end = act::commit) {
        in_one([&] { fill(from, to, size); }, end);
    }
};

// `fixed`: records are pairs of numbers, of which more are needed to fill pages.
inline std::vector<script> all_scripts(bool fixed) {
    const int many = fixed ? 12 : 1;
    std::vector<script> all;
    const auto next = [&](const char* name, bool versions = false) -> script& {
        all.emplace_back();
        all.back().name = name;
        all.back().versions = versions;
        return all.back();
    };
    {
        script& s = next("single puts");
        for (int n = 0; n < 12; ++n) s.put(n * 7 % 13, 20);
        s.add(act::look);
    }
    {
        script& s = next("values that grow and shrink");
        s.fill_in_one(0, 20 * many, 10);
        for (const std::size_t size : {90U, 5U, 130U, 0U, 60U}) s.fill_in_one(3, 12, size);
    }
    {
        script& s = next("erased until it is empty");
        s.fill_in_one(0, 30 * many, 40);
        for (int n = 0; n < 3; ++n)
            s.in_one([&] { s.empty(n * 10 * many, (n + 1) * 10 * many); });
        s.add(act::look);
        s.put(1, 10);
        s.add(act::erase, 1);
    }
    {
        script& s = next("large values replaced");
        for (const std::size_t size : {3000U, 700U, 9000U, 10U, 2000U}) {
            s.put(1, size);
            s.put(2, 9100 - size);
        }
        s.add(act::erase, 1);
        s.add(act::look);
    }
    {
        script& s = next("a transaction larger than the cache");
        s.put(0, 10);
        s.fill_in_one(0, 200 * many, 160);
        s.in_one([&] { s.empty(20 * many, 190 * many); });
        s.put(1, 30);
    }
    {
        script& s = next("transactions too large for the log");
        for (int n = 0; n < 4; ++n) {
            s.fill_in_one(n, n + 50 * many, 100);
            s.put(n, 20);
        }
    }
    {
        script& s = next("savepoints and rollbacks", true);
        s.fill_in_one(0, 20 * many, 50);
        for (int n = 0; n < 4; ++n) {
            s.add(act::begin);
            s.put(n, 30);
            s.add(act::savepoint);
            s.fill(n * 10, n * 10 + 15 * many, 70);
            s.put(n, 2000);
            s.add(act::back);
            s.put(100 + n, 600);
            s.add(n == 2 ? act::rollback : act::commit);
        }
        s.add(act::look);
    }
    {
        script& s = next("snapshots over many commits", true);
        s.fill_in_one(0, 200 * many, 130);
        s.add(act::snapshot);
        for (int n = 0; n < 8; ++n) {
            s.fill_in_one(n * 3, n * 3 + 4, 80 + static_cast<std::size_t>(n));
            if (n == 3) s.add(act::snapshot);
        }
        s.add(act::let_go);
        s.put(5, 20);
        s.put(6, 20);
    }
    {
        script& s = next("iterators over changes", true);
        s.fill_in_one(0, 240 * many, 90);
        for (int n = 0; n < 6; ++n) {
            s.add(act::walk);
            s.add(act::erase_at, n);
            s.put(n + 50, 90);
        }
        s.add(act::let_go);
    }
    for (const bool long_log : {false, true}) {
        script& s = next(long_log ? "commits of all durabilities, a long log"
                                  : "commits of all durabilities",
                         true);
        if (long_log) s.how.wal_limit_bytes = std::uint64_t{1} << 20;
        constexpr act ends[] = {act::unsafe, act::relaxed, act::unsafe, act::commit};
        for (int n = 0; n < 14; ++n)
            s.fill_in_one(n % 5, n % 5 + 3, static_cast<std::size_t>(30 + n * 9), ends[n * 3 % 4]);
        s.fill_in_one(30, 33, 30, act::unsafe);
        s.add(long_log ? act::wait : act::flush);
        s.fill_in_one(40, 43, 30, act::relaxed);
        s.fill_in_one(50, 53, 30, act::unsafe);
    }
    {
        script& s = next("checkpoints and flushes between commits");
        s.how.wal_limit_bytes = std::uint64_t{1} << 20;
        for (int n = 0; n < 9; ++n) {
            s.fill_in_one(n * 2, n * 2 + 4, 50);
            if (n % 3 == 0) s.add(act::checkpoint);
            if (n % 3 == 1) s.add(act::flush);
        }
    }
    {
        script& s = next("cleared and filled again");
        for (int n = 0; n < 3; ++n) {
            s.fill_in_one(n, n + (n == 1 ? 200 : 25) * many, 80);
            s.put(n, 1500);
            s.add(act::clear);
        }
        s.put(1, 10);
    }
    {
        script& s = next("ranges inserted");
        s.fill_in_one(5, 9, 20);
        s.add(act::insert_range, 0, 20 * many, 60);
        s.in_one([&] { s.add(act::insert_range, 10, 50 * many, 40); });
        s.add(act::insert_range, 60 * many, 62 * many, 1000);
    }
    {
        script& s = next("ranges and choices erased");
        s.fill_in_one(0, 220 * many, 120); // more than the cache holds
        s.add(act::erase_range, 10, 19);
        s.add(act::erase_some);
        s.add(act::erase_range, 30, 180 * many);
        s.in_one([&] {
            s.add(act::erase_range, 20, 25);
            s.add(act::insert_range, 10, 30, 50);
            s.add(act::erase_some);
        });
        s.add(act::flush);
    }
    {
        script& s = next("updated and extracted");
        s.fill_in_one(0, 250 * many, 90);
        for (int n = 0; n < 5; ++n) {
            s.add(act::update, n, 0, static_cast<std::size_t>(n) * 200);
            s.add(act::extract, n + 5);
            s.add(act::emplace, n + 3, 0, 30);
            s.add(act::insert, n + 8, 0, 30);
        }
        s.in_one([&] {
            s.add(act::update, 1, 0, 1200);
            s.add(act::extract, 2);
        });
    }
    {
        script& s = next("closed and opened again");
        for (int n = 0; n < 4; ++n) {
            s.fill_in_one(n * 6, n * 6 + 10, 60);
            s.add(act::reopen);
        }
        s.add(act::reopen);
        s.put(1, 900);
    }
    {
        script& s = next("opened to be read alone");
        s.fill_in_one(0, 25 * many, 60);
        s.add(act::read_only);
        s.put(3, 1000);
        s.add(act::read_only);
        s.add(act::read_only);
    }
    {
        script& s = next("keys that ascend, then descend");
        for (int n = 0; n < 5; ++n) s.fill_in_one(n * 12 * many, (n + 1) * 12 * many, 30);
        for (int n = 4; n > 0; --n)
            s.in_one([&] { s.empty(n * 12 * many, (n + 1) * 12 * many); }); // the file shrinks
    }
    {
        script& s = next("random keys, splits and merges");
        std::mt19937 random(20);
        for (int n = 0; n < 10; ++n)
            s.in_one([&] {
                for (int i = 0; i < 30 * many; ++i) {
                    const int key = static_cast<int>(random() % static_cast<unsigned>(200 * many));
                    if ((random() + static_cast<unsigned>(n)) % 16 < 8) s.put(key, random() % 130);
                    else s.add(act::erase, key);
                }
            });
    }
    return all;
}

} // namespace fault_campaign
