// Failures on purpose: a fuse that blows at the Nth call, and the check that an operation that
// fails leaves a map as it was, for every N.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "model.hpp"

namespace quire_test {

// What burns through in tests of user code that throws.
struct blown {};

struct fuse {
    static inline std::uint64_t left = 0; // calls until it blows; 0: it holds for ever
    static inline bool stays = false;     // whether all calls after the one that fails do, too
    static inline bool burnt = false;
    // Counts one call. True: this one fails.
    [[nodiscard]] static bool blows() noexcept {
        if (burnt) return true;
        if (left == 0 || --left != 0) return false;
        burnt = stays;
        return true;
    }
    static void mend() noexcept {
        left = 0;
        stays = false;
        burnt = false;
    }
    static void pass() {
        if (blows()) throw blown{};
    }
};

enum class when_it_fails : std::uint8_t { as_before, keeps_what_was_inserted };

using text_model = std::map<std::string, std::string>;

// What every map of these tests begins with: several levels, some values in overflow runs.
[[nodiscard]] inline text_model fuse_records() {
    text_model records;
    for (std::uint64_t i = 0; i < 120; ++i)
        records.emplace(key_text(i * 10), text_of(i % 9 == 4 ? 900 : i % 50, i));
    return records;
}

// Calls operation() with a fuse of 1, 2, 3 ... calls until it goes through, and says what was wrong
// after a call that failed: same() gives the difference to the state before. At most `most` times.
template <class Failure, class Operation, class Same>
[[nodiscard]] std::uint64_t fail_until_done(Operation&& operation, Same&& same,
                                            std::uint64_t most = 100000) {
    for (std::uint64_t n = 1; n <= most; ++n) {
        bool failed = false;
        fuse::left = n;
        try {
            operation();
        } catch (const Failure&) {
            failed = true;
        } catch (...) {
            fuse::left = 0;
            throw;
        }
        fuse::left = 0;
        if (!failed) return n - 1;
        INFO("failing call ", n);
        REQUIRE(same() == "");
    }
    return most;
}

using model_change = std::function<void(text_model&)>;

template <class Map>
struct transaction_of {
    using type = Map; // none; never used
};
template <class Map>
requires(transactional<Map>) struct transaction_of<Map> {
    using type = typename Map::transaction_type;
};

// Empty: a range stopped somewhere in the middle, and nothing else happened.
template <class Map>
[[nodiscard]] std::string part_difference(Map& map, const text_model& before,
                                          const text_model& after) {
    text_model now;
    for (const auto& [key, value] : map) now.emplace(key, value);
    if (std::string what = difference_verified(map, now); !what.empty()) return what;
    if (!std::includes(now.begin(), now.end(), before.begin(), before.end()))
        return "records of before are gone";
    if (!std::includes(after.begin(), after.end(), now.begin(), now.end()))
        return "records that nobody inserted";
    return {};
}

// Shows that an operation, called on a map and in an open transaction, is done whole or not at all.
// `effect` does to a std::map what the operation does to a map.
template <class Failure, class Map>
class all_or_nothing {
    using transaction = typename transaction_of<Map>::type;

public:
    template <class Operation>
    all_or_nothing(const std::string& what, Operation operation, model_change effect,
                   when_it_fails then = when_it_fails::as_before)
        : on_map_(operation), effect_(std::move(effect)),
          partly_(then == when_it_fails::keeps_what_was_inserted && !transactional<Map>) {
        CAPTURE(what);
        on_the_map();
        if constexpr (transactional<Map>) {
            on_transaction_ = operation;
            committed_at_the_end();
            committed_after_the_failure();
        }
    }

    // How often the operation failed before it was done.
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

private:
    void on_the_map() {
        INFO("on the map");
        opened<Map> map;
        map->insert_range(before_);
        text_model after = before_;
        effect_(after);
        failures_ += fail_until_done<Failure>([&] { on_map_(*map); },
                                              [&] {
                                                  return partly_
                                                             ? part_difference(*map, before_, after)
                                                             : difference_verified(*map, before_);
                                              });
        CHECK(difference_verified(*map, after) == "");
        map.reopen();
        CHECK(difference_verified(*map, after) == "");
    }
    // What the transaction did before the operation.
    static void begin(transaction& tx, text_model& expected) {
        for (std::uint64_t i = 0; i < 120; i += 4) {
            tx.insert_or_assign(key_text(i * 10 + 5), text_of(i, i));
            expected.insert_or_assign(key_text(i * 10 + 5), text_of(i, i));
        }
        tx.erase(key_text(500));
        expected.erase(key_text(500));
    }
    void committed_at_the_end() {
        INFO("in a transaction that is committed at the end");
        opened<Map> map;
        map->insert_range(before_);
        auto tx = map->transaction();
        text_model expected = before_;
        begin(tx, expected);
        failures_ += fail_until_done<Failure>([&] { on_transaction_(tx); },
                                              [&] { return difference(tx, expected); });
        effect_(expected);
        CHECK(difference(tx, expected) == "");
        CHECK(difference(*map, before_) == "");
        tx.commit();
        CHECK(difference_verified(*map, expected) == "");
    }
    void committed_after_the_failure() {
        INFO("in a transaction that is committed after the failure");
        opened<Map> map;
        map->insert_range(before_);
        for (const std::uint64_t n : {1u, 2u, 3u, 5u, 8u, 13u, 21u, 34u}) {
            CAPTURE(n);
            text_model expected = before_;
            auto tx = map->transaction();
            begin(tx, expected);
            bool failed = false;
            fuse::left = n;
            try {
                on_transaction_(tx);
            } catch (const Failure&) {
                failed = true;
            }
            fuse::left = 0;
            if (!failed) break;
            tx.commit();
            REQUIRE(difference_verified(*map, expected) == "");
            map->clear();
            map->insert_range(before_);
        }
    }

    const text_model before_ = fuse_records();
    std::function<void(Map&)> on_map_;
    std::function<void(transaction&)> on_transaction_;
    model_change effect_;
    bool partly_;
    std::uint64_t failures_ = 0;
};

// Every changing operation of the face; gives the number of failures that it saw.
template <class Failure, class Map>
[[nodiscard]] std::uint64_t check_every_change() {
    using face = text_model;
    std::uint64_t failures = 0;
    const auto check = [&](const std::string& what, auto operation, auto effect,
                           when_it_fails then = when_it_fails::as_before) {
        failures += all_or_nothing<Failure, Map>(what, operation, effect, then).failures();
    };
    const std::string there = key_text(600);
    const std::string fresh = key_text(603);
    const std::string small = text_of(20, 1);
    const std::string large = text_of(3000, 2);
    check(
        "insert of a new key", [&](auto& m) { m.insert(fresh, small); },
        [&](face& m) { m.emplace(fresh, small); });
    check(
        "insert of a large value", [&](auto& m) { m.insert(fresh, large); },
        [&](face& m) { m.emplace(fresh, large); });
    check(
        "insert_or_assign of a large value", [&](auto& m) { m.insert_or_assign(there, large); },
        [&](face& m) { m[there] = large; });
    check(
        "insert_or_assign of a small value",
        [&](auto& m) { m.insert_or_assign(key_text(40), small); },
        [&](face& m) { m[key_text(40)] = small; });
    check(
        "try_emplace", [&](auto& m) { m.try_emplace(fresh, 7u, 'x'); },
        [&](face& m) { m.try_emplace(fresh, 7u, 'x'); });
    check(
        "emplace", [&](auto& m) { m.emplace(fresh, small); },
        [&](face& m) { m.emplace(fresh, small); });
    check(
        "erase of a key", [&](auto& m) { m.erase(there); }, [&](face& m) { m.erase(there); });
    check(
        "erase of a record", [&](auto& m) { m.erase(m.find(there)); },
        [&](face& m) { m.erase(there); });
    check(
        "erase of a record with a large value", [&](auto& m) { m.erase(m.find(key_text(40))); },
        [&](face& m) { m.erase(key_text(40)); });
    check(
        "erase of a range", [&](auto& m) { m.erase(m.find(key_text(200)), m.find(key_text(900))); },
        [&](face& m) { m.erase(m.find(key_text(200)), m.find(key_text(900))); });
    check(
        "erase_if", [&](auto& m) { m.erase_if([](const auto& r) { return r.first[4] % 2 == 0; }); },
        [&](face& m) { std::erase_if(m, [](const auto& r) { return r.first[4] % 2 == 0; }); });
    check(
        "update to a large value",
        [&](auto& m) { m.update(there, [&](std::string& v) { v = large; }); },
        [&](face& m) { m[there] = large; });
    check(
        "extract", [&](auto& m) { m.extract(key_text(40)); },
        [&](face& m) { m.erase(key_text(40)); });
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::uint64_t i = 0; i < 25; ++i)
        pairs.emplace_back(key_text(i * 33), text_of(i % 5 == 2 ? 700 : i, i + 9));
    check(
        "insert of a range", [&](auto& m) { m.insert(pairs.begin(), pairs.end()); },
        [&](face& m) { m.insert(pairs.begin(), pairs.end()); },
        when_it_fails::keeps_what_was_inserted);
    check(
        "insert_range", [&](auto& m) { m.insert_range(pairs); },
        [&](face& m) { m.insert(pairs.begin(), pairs.end()); },
        when_it_fails::keeps_what_was_inserted);
    return failures;
}

} // namespace quire_test
