// Calls of the device that fail, every one of them in turn: what is thrown, what the map holds
// afterwards, whether it goes on, and what the file holds when it is opened again.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>

#include "support/faulty_device.hpp"
#include "support/recorded_disk.hpp"

namespace {

using quire_test::fault_plan;
using quire_test::faulty_device;
using quire_test::recorded_device;
using quire_test::recorded_disk;
using state = std::map<std::string, std::string>;

template <bool Maps, class Txn>
using map_on = quire::btree_map<std::string, std::string, faulty_device<recorded_device<Maps>>,
                                quire::page_size<512>, Txn>;

std::string key(int n) { return "key " + std::to_string(n); }

struct closed_badly {};

// One life of a store under a plan, to the first exception.
template <class Map>
class trial {
public:
    using device = faulty_device<recorded_device<std::is_same_v<
        Map, map_on<true, quire::txn::shadow>>>>;
    static constexpr bool transactional =
        std::is_same_v<Map, map_on<true, quire::txn::shadow>> ||
        std::is_same_v<Map, map_on<false, quire::txn::shadow>>;

    static fault_plan& plan() { return faulty_device<device_base>::plan; }

    void run() {
        open();
        put(1, 20);
        many(0, 40, 30);
        put(2, 3000); // an overflow run
        reopen();
        put(3, 2000); // the first change of a session writes ahead of its commit
        put(4, 1);
        relaxed_put(5, 25);
        relaxed_put(6, 900);
        flush();
        many(100, 400, 40); // more pages than frames
        erase(100, 350);
        flush();
        many(300, 330, 20);
        reopen();
        many(0, 10, 700);
        erase(0, 400);
        close();
    }

    std::optional<Map> map;
    state now;                 // what the map holds
    state durable;             // what it holds on the medium
    std::vector<state> begun;  // what it may hold there instead

private:
    using device_base = recorded_device<std::is_same_v<Map, map_on<true, quire::txn::shadow>> ||
                                        std::is_same_v<Map, map_on<true, quire::txn::none>>>;

    void open() { map.emplace("store", quire::options{.cache_bytes = 1}); }
    void close() {
        begun = {now};
        map.reset();
        // A close that failed says nothing; the store is as after a crash.
        if (plan().fired != 0) throw closed_badly{};
        settle();
    }
    void reopen() {
        close();
        open();
    }
    void settle() {
        durable = now;
        begun.clear();
    }
    void done(state next, bool full) {
        now = std::move(next);
        if (full) settle();
    }
    void put(int k, std::size_t size) {
        state next = now;
        next[key(k)] = std::string(size, 'v');
        if (transactional) begun = {next};
        map->insert_or_assign(key(k), std::string(size, 'v'));
        done(std::move(next), transactional);
    }
    void relaxed_put(int k, std::size_t size) {
        state next = now;
        next[key(k)] = std::string(size, 'r');
        if constexpr (transactional) {
            auto tx = map->transaction();
            tx.insert_or_assign(key(k), std::string(size, 'r'));
            tx.commit(quire::durability::none);
        } else {
            map->insert_or_assign(key(k), std::string(size, 'r'));
        }
        done(std::move(next), false);
    }
    template <class Change>
    void group(Change&& change) {
        if constexpr (transactional) {
            state next = now;
            auto tx = map->transaction();
            change(tx, next);
            begun = {next};
            tx.commit();
            done(std::move(next), true);
        } else {
            // Each call for itself, all or nothing.
            change(*map, now);
        }
    }
    void many(int from, int to, std::size_t size) {
        group([&](auto& on, state& next) {
            for (int k = from; k < to; ++k) {
                on.insert_or_assign(key(k), std::string(size, 'm'));
                next[key(k)] = std::string(size, 'm');
            }
        });
    }
    void erase(int from, int to) {
        group([&](auto& on, state& next) {
            for (int k = from; k < to; ++k) {
                on.erase(key(k));
                next.erase(key(k));
            }
        });
    }
    void flush() {
        begun = {now};
        map->flush();
        settle();
    }
};

enum class outcome : std::uint8_t { none, full, failed };

template <class Map>
outcome live(trial<Map>& life) {
    try {
        life.run();
        return outcome::none;
    } catch (const closed_badly&) {
        return outcome::none;
    } catch (const quire::storage_full& e) {
        CHECK(e.path() == "store");
        return outcome::full;
    } catch (const quire::io_error& e) {
        CHECK(e.path() == "store");
        CHECK(e.number() == trial<Map>::plan().number);
        return outcome::failed;
    }
}

template <class Map>
void check_reads(Map& map, const state& expected) {
    const state found(map.begin(), map.end());
    CHECK(found == expected);
}

// Ends in REQUIRE, so that the first wrong plan is the one that is told about.
template <class Map>
void check_plan(const fault_plan& wanted) {
    INFO("kinds ", wanted.kinds, ", after ", wanted.after, ", number ", wanted.number,
         ", forever ", wanted.forever, ", half ", wanted.half);
    recorded_disk::the().clear();
    recorded_disk::the().recording = false;
    fault_plan& plan = trial<Map>::plan();
    plan = wanted;
    trial<Map> life;
    const outcome how = live(life);
    if (life.map) {
        check_reads(*life.map, life.now);
        plan.number = 0;
        if (how == outcome::full) {
            // Rolled back, and usable now that there is room again.
            CHECK_NOTHROW(life.map->verify());
            CHECK_NOTHROW(life.map->insert_or_assign("later", "value"));
            life.now["later"] = "value";
            CHECK_NOTHROW(life.map->flush());
            CHECK_NOTHROW(life.map->verify());
            check_reads(*life.map, life.now);
            life.durable = life.now;
            life.begun.clear();
        } else if (how == outcome::failed) {
            CHECK_THROWS_AS(life.map->insert_or_assign("later", "value"), quire::poisoned);
            CHECK_THROWS_AS(life.map->flush(), quire::poisoned);
            check_reads(*life.map, life.now);
            if (wanted.forever) plan.number = wanted.number;
        }
        life.map.reset();
    }
    plan = {};
    // A store whose creation failed is not there, or whole.
    const bool there = recorded_disk::the().names.count("store") != 0;
    for (const auto& [name, file] : recorded_disk::the().names) CHECK(name == "store");
    if (!there) return;
    Map again("store", {.cache_bytes = 1});
    const state found(again.begin(), again.end());
    bool known = found == life.durable;
    for (const state& s : life.begun) known = known || found == s;
    CHECK_MESSAGE(known, "a state that was never committed");
    CHECK_NOTHROW(again.verify());
}

template <class Map>
std::uint64_t check_every_call(unsigned kinds, int number) {
    fault_plan counting{.kinds = kinds};
    std::uint64_t calls = 0;
    {
        recorded_disk::the().clear();
        recorded_disk::the().recording = false;
        trial<Map>::plan() = counting;
        trial<Map> life;
        life.run();
        calls = trial<Map>::plan().calls;
    }
    for (std::uint64_t n = 0; n < calls; ++n) {
        check_plan<Map>({.kinds = kinds, .after = n, .number = number});
        check_plan<Map>({.kinds = kinds, .after = n, .number = number, .forever = true});
        if (kinds == fault_plan::writes)
            check_plan<Map>({.kinds = kinds, .after = n, .number = number, .half = true});
    }
    trial<Map>::plan() = {};
    return calls;
}

template <class Map>
void check_everything() {
    CHECK(check_every_call<Map>(fault_plan::writes, EIO) > 30);
    CHECK(check_every_call<Map>(fault_plan::writes, ENOSPC) > 30);
    CHECK(check_every_call<Map>(fault_plan::syncs, EIO) > 10);
    CHECK(check_every_call<Map>(fault_plan::syncs, ENOSPC) > 10);
    CHECK(check_every_call<Map>(fault_plan::resizes, EIO) > 0);
    CHECK(check_every_call<Map>(fault_plan::resizes, ENOSPC) > 0);
    // create, rename, the directory; the directory at each of two openings
    CHECK(check_every_call<Map>(fault_plan::names, EIO) == 5);
}

} // namespace

TEST_CASE("every call that fails, shadow") {
    check_everything<map_on<false, quire::txn::shadow>>();
}

TEST_CASE("every call that fails, shadow, mapped") {
    check_everything<map_on<true, quire::txn::shadow>>();
}

TEST_CASE("every call that fails, none") { check_everything<map_on<false, quire::txn::none>>(); }

TEST_CASE("every read that fails") {
    using map_type = map_on<false, quire::txn::shadow>;
    fault_plan& plan = trial<map_type>::plan();
    plan = {};
    recorded_disk::the().clear();
    state expected;
    {
        map_type map("store");
        auto tx = map.transaction();
        for (int k = 0; k < 300; ++k) {
            const std::string value(k % 50 == 0 ? 900 : 20, 'v');
            tx.insert_or_assign(key(k), value);
            expected[key(k)] = value;
        }
        tx.commit();
    }
    std::uint64_t failures = 0;
    for (std::uint64_t n = 0;; ++n) {
        plan = {.kinds = fault_plan::reads, .after = n, .number = EIO};
        bool failed = false;
        try {
            map_type map("store", {.cache_bytes = 1});
            try {
                const state found(map.begin(), map.end());
                CHECK(found == expected);
                map.insert_or_assign("new", "value");
                map.erase("new");
            } catch (const quire::io_error& e) {
                failed = true;
                CHECK(e.number() == EIO);
                CHECK(e.path() == "store");
            }
            // A failed read poisons nothing.
            map.insert_or_assign("new", "value");
            map.erase("new");
            const state found(map.begin(), map.end());
            CHECK(found == expected);
            map.verify();
        } catch (const quire::io_error& e) {
            failed = true;
            CHECK(e.number() == EIO);
            CHECK(e.path() == "store");
        }
        if (plan.fired == 0) break;
        failures += failed ? 1 : 0;
    }
    CHECK(failures > 20);
    plan = {};
    map_type map("store");
    CHECK(state(map.begin(), map.end()) == expected);
}

TEST_CASE("a transaction that failed to write is not committed afterwards") {
    using map_type = map_on<false, quire::txn::shadow>;
    fault_plan& plan = trial<map_type>::plan();
    plan = {};
    recorded_disk::the().clear();
    map_type map("store");
    map.insert("a", "b");
    auto tx = map.transaction();
    tx.insert("small", "x");
    plan = {.kinds = fault_plan::writes, .after = 0, .number = EIO};
    CHECK_THROWS_AS(tx.insert("big", std::string(5000, 'x')), quire::io_error);
    plan = {.kinds = fault_plan::writes};
    CHECK_THROWS_AS(tx.commit(), quire::poisoned);
    CHECK(plan.calls == 0);
    CHECK(map.at("a") == "b");
    CHECK_FALSE(map.contains("small"));
    CHECK_FALSE(map.contains("big"));
}
