// A store's life on the recorded disk beside a model of it: after each step the test knows which
// states a crash may leave.
//
// Marks in the trace: 2 * n says that a commit of state n has begun, 2 * n + 1 that it was
// acknowledged as durable. A crash at any point leaves the last acknowledged state, or one whose
// commit has begun and was not acknowledged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <quire/btree_map.hpp>
#include <quire/inspect/check.hpp>

#include "support/crash_images.hpp"
#include "support/recorded_disk.hpp"

namespace quire_test {

template <class T>
T random_key(std::mt19937_64& random) {
    const std::uint64_t n = random() % 600;
    if constexpr (std::is_integral_v<T>) return static_cast<T>(n * n);
    else return "key" + std::to_string(n % 30) + std::string(n % 17, 'k') + std::to_string(n);
}
template <class T>
T random_value(std::mt19937_64& random) {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(random());
    else {
        const std::uint64_t kind = random() % 24;
        const std::size_t size = kind == 0 ? 300 + random() % 3000 : random() % 60;
        return std::string(size, static_cast<char>('a' + random() % 26));
    }
}

template <class Map>
class history {
public:
    using key = typename Map::key_type;
    using value = typename Map::mapped_type;
    using state = std::map<key, value>;
    static constexpr quire::options how{.cache_bytes = 1};

    explicit history(std::uint64_t seed, std::string path = "store")
        : random_(seed), path_(std::move(path)) {
        states.emplace_back();
    }

    std::vector<state> states; // [0]: empty

    // ---- steps ----

    void open() {
        if (recorded_disk::the().changes_left == 0) return;
        begun(newest()); // a new store is empty; an old one is what it was
        map_.emplace(path_, how);
        acknowledged(newest());
    }
    // A close says nothing when it fails.
    void close() {
        begun(newest());
        map_.reset();
        if (recorded_disk::the().changes_left != 0) acknowledged(newest());
    }
    // What the store is found to hold after a crash; false if that is no state that may be.
    bool reopen_after_crash() {
        map_.reset();
        recorded_disk::the().changes_left = recorded_disk::no_limit;
        map_.emplace(path_, how);
        const state found(map_->begin(), map_->end());
        bool known = states[newest_durable_] == found;
        for (const std::size_t n : begun_) known = known || states[n] == found;
        states.push_back(found);
        begun(newest());
        return known;
    }
    [[nodiscard]] std::string wrong() const {
        return map_ && state(map_->begin(), map_->end()) != states.back() ? "another content" : "";
    }
    Map& map() { return *map_; }

    void put_one() {
        state next = states.back();
        const key k = random_key<key>(random_);
        const value v = random_value<value>(random_);
        next[k] = v;
        states.push_back(std::move(next));
        begun(newest());
        map_->insert_or_assign(k, v);
        acknowledged(newest());
    }
    void commit_changes(std::size_t changes, quire::durability wanted) {
        state next = states.back();
        auto tx = map_->transaction();
        for (std::size_t i = 0; i < changes; ++i) change(tx, next);
        finish(tx, std::move(next), wanted);
    }
    void commit_with_savepoints() {
        state next = states.back();
        auto tx = map_->transaction();
        for (std::uint64_t i = 0; i < 1 + random_() % 6; ++i) change(tx, next);
        const auto first = tx.savepoint();
        const state kept = next;
        for (std::uint64_t i = 0; i < random_() % 9; ++i) change(tx, next);
        const auto second = tx.savepoint();
        const state kept_too = next;
        for (std::uint64_t i = 0; i < random_() % 9; ++i) change(tx, next);
        switch (random_() % 3) {
        case 0:
            tx.rollback(second);
            next = kept_too;
            [[fallthrough]];
        case 1:
            tx.rollback(first);
            next = kept;
            break;
        default: break;
        }
        for (std::uint64_t i = 0; i < random_() % 4; ++i) change(tx, next);
        finish(tx, std::move(next), quire::durability::full);
    }
    void roll_back_changes() {
        state ignored = states.back();
        auto tx = map_->transaction();
        for (std::uint64_t i = 0; i < 1 + random_() % 12; ++i) change(tx, ignored);
        if (random_() % 2 == 0) tx.rollback();
    }
    void erase_some() {
        state next = states.back();
        auto tx = map_->transaction();
        for (auto it = next.begin(); it != next.end();)
            if (random_() % 3 == 0) {
                tx.erase(it->first);
                it = next.erase(it);
            } else {
                ++it;
            }
        finish(tx, std::move(next), quire::durability::full);
    }
    void clear() {
        auto tx = map_->transaction();
        tx.clear();
        finish(tx, {}, quire::durability::full);
    }
    void flush() {
        begun(newest());
        map_->flush();
        acknowledged(newest());
    }
    void any_step() {
        switch (random_() % 16) {
        case 0:
        case 1:
        case 2:
        case 3: return put_one();
        case 4:
        case 5:
        case 6: return commit_changes(1 + random_() % 12, quire::durability::full);
        case 7: return commit_with_savepoints();
        case 8: return roll_back_changes();
        case 9:
        case 10: return commit_changes(1 + random_() % 8, quire::durability::none);
        case 11: return erase_some();
        case 12: return flush();
        case 13: return random_() % 4 == 0 ? clear() : commit_changes(300, quire::durability::full);
        default:
            close();
            return open();
        }
    }

private:
    [[nodiscard]] std::size_t newest() const { return states.size() - 1; }
    void begun(std::size_t n) {
        begun_.push_back(n);
        recorded_disk::the().mark(2 * n);
    }
    void acknowledged(std::size_t n) {
        newest_durable_ = n;
        begun_.clear();
        recorded_disk::the().mark(2 * n + 1);
    }
    template <class Tx>
    void change(Tx& tx, state& next) {
        const key k = random_key<key>(random_);
        if (random_() % 4 == 0) {
            tx.erase(k);
            next.erase(k);
        } else {
            const value v = random_value<value>(random_);
            tx.insert_or_assign(k, v);
            next[k] = v;
        }
    }
    template <class Tx>
    void finish(Tx& tx, state next, quire::durability wanted) {
        states.push_back(std::move(next));
        if (wanted == quire::durability::none) return tx.commit(wanted);
        begun(newest());
        tx.commit(wanted);
        acknowledged(newest());
    }

    std::mt19937_64 random_;
    std::string path_;
    std::optional<Map> map_;
    std::vector<std::size_t> begun_; // and not acknowledged
    std::size_t newest_durable_ = 0;
};

// Which states a crash may leave at a point of a trace: fed with its marks.
class expectation {
public:
    void apply(const disk_event& e) {
        if (e.what != disk_event::kind::mark) return;
        const auto n = static_cast<std::size_t>(e.offset / 2);
        if (e.offset % 2 == 0) {
            begun_.push_back(n);
        } else {
            acknowledged_ = n;
            begun_.clear();
        }
    }
    template <class State>
    [[nodiscard]] bool allows(const std::vector<State>& states, const State& found) const {
        if (states[acknowledged_] == found) return true;
        for (const std::size_t n : begun_)
            if (states[n] == found) return true;
        return false;
    }

private:
    std::size_t acknowledged_ = 0;
    std::vector<std::size_t> begun_;
};

// Opens what a crash left, as often as a person would, and says what is wrong, or nothing.
template <class Map>
std::string judge_image(const bytes& image, const std::vector<typename history<Map>::state>& states,
                        const expectation& expected) {
    using state = typename history<Map>::state;
    recorded_disk& disk = recorded_disk::the();
    disk.recording = false;
    disk.put("crashed", image);
    std::string wrong;
    try {
        const auto report = quire::inspect::check(image_reader(image));
        if (!report.sound()) wrong = "inspect: " + text_of(report);
        std::uint64_t seed = 77;
        state content;
        {
            Map map("crashed", history<Map>::how);
            content = state(map.begin(), map.end());
            if (!expected.allows(states, content)) return "a state that was never committed";
            map.verify();
            std::mt19937_64 random(seed);
            for (int i = 0; i < 5; ++i) {
                const auto k = random_key<typename Map::key_type>(random);
                const auto v = random_value<typename Map::mapped_type>(random);
                map.insert_or_assign(k, v);
                content[k] = v;
            }
            map.verify();
        }
        Map map("crashed", history<Map>::how);
        if (state(map.begin(), map.end()) != content) return "five commits later another content";
        map.verify();
        const auto after = quire::inspect::check(image_reader(disk.get("crashed")));
        if (!after.ok()) wrong += "inspect, closed: " + text_of(after);
    } catch (const quire::error& e) {
        wrong += e.what();
    }
    return wrong;
}

} // namespace quire_test
