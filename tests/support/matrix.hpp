// Random operations on a map and on a std::map side by side: the driver of the policy matrix.
//
// One run is decided by its seed alone. QUIRE_MATRIX_OPS in the environment sets the number of
// operations of every run.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "model.hpp"

namespace quire_test {

[[nodiscard]] inline std::uint64_t matrix_operations(std::uint64_t unless_told) {
    const char* const told = std::getenv("QUIRE_MATRIX_OPS");
    return told != nullptr && *told != '\0' ? std::strtoull(told, nullptr, 10) : unless_told;
}

using random_source = std::mt19937_64;

[[nodiscard]] inline std::uint64_t below(random_source& random, std::uint64_t n) {
    return random() % n;
}

// ---- what is stored ----

struct fixed_records {
    using key = std::uint64_t;
    using value = std::uint64_t;
    template <std::size_t PageSize>
    static key make_key(random_source& random) {
        // A dense part, a sparse one, and both ends.
        switch (below(random, 16)) {
        case 0:
            return below(random, 4);
        case 1:
            return ~below(random, 4);
        case 2:
        case 3:
        case 4:
            return below(random, 300) << 40;
        default:
            return 1000 + below(random, PageSize * 4);
        }
    }
    template <std::size_t>
    static value make_value(random_source& random) {
        return random();
    }
    // Records that together fill more pages than the smallest cache has.
    template <std::size_t PageSize>
    static std::map<key, value> many() {
        std::map<key, value> records;
        for (key i = 0; i < PageSize * 9; ++i) records.emplace_hint(records.end(), 3000 + i * 3, i);
        return records;
    }
};

struct slotted_records {
    using key = std::string;
    using value = std::string;
    template <std::size_t PageSize>
    static key make_key(random_source& random) {
        const std::uint64_t n = below(random, 2000);
        switch (below(random, 16)) {
        case 0:
            return std::string(below(random, 3), '\0');
        case 1:
            return key_text(n, PageSize / 4); // the longest there are
        case 2:
            return text_of(below(random, 6), n / 16); // no prefix in common
        case 3:
            return "\xFF\xFF" + std::to_string(n);
        case 4:
            return std::string(n % (PageSize / 4), 'p');
        case 5:
            return "key/" + std::to_string(n) + std::string("\0", 1);
        default:
            return "key/" + std::to_string(n);
        }
    }
    template <std::size_t PageSize>
    static value make_value(random_source& random) {
        const std::uint64_t seed = random();
        switch (below(random, 24)) {
        case 0:
            return {};
        case 1:
            return text_of(PageSize / 4 - 1 + below(random, 3), seed);
        case 2:
            return text_of(PageSize - 40 + below(random, 60), seed);
        case 3:
            return text_of(below(random, PageSize * 4), seed);
        case 4:
        case 5:
            return text_of(below(random, PageSize / 4), seed);
        default:
            return text_of(below(random, 40), seed);
        }
    }
    template <std::size_t PageSize>
    static std::map<key, value> many() {
        std::map<key, value> records;
        for (std::uint64_t i = 0; i < 1500; ++i)
            records.emplace("key/" + key_text(i), text_of(PageSize / 8 + i % 16, i));
        return records;
    }
};

// ---- the driver ----

template <class Map, class Records, std::size_t PageSize>
class matrix_run {
    using key = typename Records::key;
    using value = typename Records::value;
    using model = std::map<key, value>;

public:
    matrix_run(std::uint64_t seed, std::uint64_t cache_bytes)
        : random_(seed), map_({.cache_bytes = cache_bytes, .durability = quire::durability::none}) {
    }

    // Begins with as many records as do not fit the cache.
    void load() {
        committed_ = Records::template many<PageSize>();
        map_->insert_range(committed_);
        REQUIRE(difference_verified(*map_, committed_) == "");
    }

    void run(std::uint64_t operations) {
        while (done_ < operations) {
            // Grows and shrinks by turns, so that nodes split and merge.
            shrinking_ = !shrinking_;
            const std::uint64_t phase = done_ + 300 + below(random_, 3000);
            while (done_ < std::min(phase, operations)) {
                if constexpr (transactional<Map>) step_with_transactions();
                else step_without();
            }
        }
        finish();
    }

private:
    void step_without() {
        change(*map_, committed_);
        rarely_compare(*map_, committed_);
        if (one_in(900 * weight())) reopen();
        if (one_in(1200)) map_->flush();
    }

    void step_with_transactions() {
        if (one_in(60 * weight())) take_or_drop_snapshot();
        if (one_in(700 * weight())) {
            reopen();
        } else if (one_in(12 * weight())) {
            whole_transaction();
        } else {
            change(*map_, committed_);
            rarely_compare(*map_, committed_);
        }
    }

    void whole_transaction() {
        using savepoint = typename Map::transaction_type::savepoint_type;
        auto tx = map_->transaction();
        model now = committed_;
        std::vector<std::pair<savepoint, model>> points;
        const std::uint64_t length = (one_in(10) ? 600 : below(random_, 60)) * weight();
        for (std::uint64_t i = 0; i < length; ++i) {
            change(tx, now);
            if (one_in(20 * weight()) && points.size() < 4)
                points.emplace_back(tx.savepoint(), now);
            if (one_in(25 * weight()) && !points.empty()) { // those taken later are gone
                points.erase(points.begin() + 1 +
                                 static_cast<std::ptrdiff_t>(below(random_, points.size())),
                             points.end());
                tx.rollback(points.back().first);
                now = points.back().second;
                rarely_compare(tx, now);
            }
            if (one_in(40)) { // outside nothing of it is seen
                const key k = Records::template make_key<PageSize>(random_);
                CHECK(map_->get(k) == found_in(committed_, k));
            }
            if (one_in(50 * weight())) take_or_drop_snapshot();
        }
        rarely_compare(tx, now);
        if (one_in(4)) {
            if (one_in(2)) tx.rollback();
            return; // or by its destructor
        }
        tx.commit(one_in(30) ? quire::durability::full : quire::durability::none);
        committed_ = std::move(now);
    }

    // One change or lookup of a random kind.
    template <class Face>
    void change(Face& face, model& now) {
        ++done_;
        const key k = Records::template make_key<PageSize>(random_);
        const std::uint64_t kind = below(random_, 100);
        if (kind < (shrinking_ ? 30u : 6u)) {
            CHECK(face.erase(k) == now.erase(k));
        } else if (kind < (shrinking_ ? 38u : 8u)) {
            const auto it = face.lower_bound(k);
            const auto entry = now.lower_bound(k);
            REQUIRE((it == face.end()) == (entry == now.end()));
            if (entry == now.end()) return;
            const auto after = face.erase(it);
            CHECK(walk_once(face, after, now, now.erase(entry)));
        } else if (kind < 70) {
            const value v = Records::template make_value<PageSize>(random_);
            const bool there = now.contains(k);
            switch (kind % 4) {
            case 0: {
                const auto [it, fresh] = face.insert(k, v);
                CHECK(fresh == now.emplace(k, v).second);
                CHECK(walk_once(face, it, now, now.find(k)));
                break;
            }
            case 1:
                CHECK(face.try_emplace(k, v).second == now.emplace(k, v).second);
                break;
            default: {
                const auto [it, fresh] = face.insert_or_assign(k, v);
                now.insert_or_assign(k, v);
                CHECK(fresh == !there);
                CHECK(walk_once(face, it, now, now.find(k)));
            }
            }
        } else if (kind < 74) {
            const value v = Records::template make_value<PageSize>(random_);
            const auto entry = now.find(k);
            CHECK(face.update(k, [&](value& old) {
                CHECK(old == entry->second);
                old = v;
            }) == (entry != now.end()));
            if (entry != now.end()) entry->second = v;
        } else if (kind < 77) {
            CHECK(face.extract(k) == found_in(now, k));
            now.erase(k);
        } else if (kind < 98) {
            look(face, now, k);
        } else {
            change_many(face, now, k);
        }
    }

    template <class Face>
    void change_many(Face& face, model& now, const key& k) {
        const std::uint64_t kind = below(random_, 300);
        if (kind == 0) {
            face.clear();
            now.clear();
        } else if (kind < (shrinking_ ? 60u : 20u)) {
            if (!one_in(weight())) return;
            const std::uint64_t salt = below(random_, 5);
            std::uint64_t i = salt;
            std::uint64_t erased = 0;
            for (auto entry = now.begin(); entry != now.end();)
                if (++i % 5 == 0) entry = now.erase(entry), ++erased;
                else ++entry;
            i = salt;
            CHECK(face.erase_if([&](const auto&) { return ++i % 5 == 0; }) == erased);
        } else if (kind < 100) {
            std::vector<std::pair<key, value>> pairs;
            for (std::uint64_t n = below(random_, 30); n-- > 0;)
                pairs.emplace_back(Records::template make_key<PageSize>(random_),
                                   Records::template make_value<PageSize>(random_));
            if (kind % 2 == 0) face.insert_range(pairs);
            else face.insert(pairs.begin(), pairs.end());
            now.insert(pairs.begin(), pairs.end());
        } else {
            auto first = face.lower_bound(k);
            auto last = first;
            auto from = now.lower_bound(k);
            auto to = from;
            for (std::uint64_t n = below(random_, shrinking_ ? 60 : 20); n > 0 && to != now.end();
                 --n)
                ++last, ++to;
            first = face.erase(std::move(first), std::move(last));
            CHECK(walk_once(face, first, now, now.erase(from, to)));
        }
    }

    template <class Face>
    void look(const Face& face, const model& now, const key& k) {
        CHECK(face.get(k) == found_in(now, k));
        CHECK(face.contains(k) == now.contains(k));
        CHECK(walk_once(face, face.find(k), now, now.find(k)));
        CHECK(walk_once(face, face.upper_bound(k), now, now.upper_bound(k)));
        CHECK(face.size() == now.size());
        auto it = face.lower_bound(k);
        auto entry = now.lower_bound(k);
        const bool forward = one_in(2);
        for (std::uint64_t steps = below(random_, 12);; --steps) {
            REQUIRE(walk_once(face, it, now, entry));
            if (steps == 0 || (forward ? entry == now.end() : entry == now.begin())) break;
            if (forward) ++it, ++entry;
            else --it, --entry;
        }
    }

    template <class Face, class It, class Entry>
    [[nodiscard]] static bool walk_once(const Face& face, const It& it, const model& now,
                                        const Entry& entry) {
        const bool at_end = entry == now.end();
        return (it == face.end()) == at_end &&
               (at_end || ((*it).first == entry->first && (*it).second == entry->second));
    }
    [[nodiscard]] static std::optional<value> found_in(const model& m, const key& k) {
        const auto entry = m.find(k);
        return entry == m.end() ? std::nullopt : std::optional<value>(entry->second);
    }

    void take_or_drop_snapshot() {
        if constexpr (transactional<Map>) {
            if (snapshots_.size() < 3 && one_in(2)) {
                snapshots_.emplace_back(map_->snapshot(), committed_);
            } else if (!snapshots_.empty()) {
                const std::size_t i = below(random_, snapshots_.size());
                CHECK(difference(snapshots_[i].first, snapshots_[i].second) == "");
                snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
    }

    template <class Face>
    void rarely_compare(const Face& face, const model& now) {
        if (one_in(400 * weight())) REQUIRE(difference(face, now) == "");
    }
    void reopen() {
        if constexpr (transactional<Map>) {
            for (const auto& [snap, expected] : snapshots_) CHECK(difference(snap, expected) == "");
            snapshots_.clear();
        }
        map_.reopen();
        REQUIRE(difference_verified(*map_, committed_) == "");
    }
    void finish() {
        reopen();
        if constexpr (transactional<Map>) {
            auto tx = map_->transaction();
            for (int i = 0; i < 50; ++i) change(tx, committed_);
            tx.commit();
        }
        CHECK(difference_verified(*map_, committed_) == "");
        map_->erase(map_->begin(), map_->end());
        CHECK(difference_verified(*map_, model{}) == "");
    }
    // What looks at or copies all records is done the more rarely the more there are.
    [[nodiscard]] std::uint64_t weight() const { return 1 + committed_.size() / 4000; }
    [[nodiscard]] bool one_in(std::uint64_t n) { return below(random_, n) == 0; }

    struct no_snapshot {};
    template <class M>
    static auto snapshot_of() {
        if constexpr (transactional<M>) return static_cast<typename M::snapshot_type*>(nullptr);
        else return static_cast<no_snapshot*>(nullptr);
    }
    using snapshot = std::remove_pointer_t<decltype(snapshot_of<Map>())>;

    random_source random_;
    opened<Map> map_;
    model committed_;
    std::vector<std::pair<snapshot, model>> snapshots_; // gone before the map
    std::uint64_t done_ = 0;
    bool shrinking_ = true;
};

// One cell of the matrix. Seeds differ from cell to cell.
template <class Configuration, class Records, std::size_t PageSize>
void run_matrix_cell(std::uint64_t operations, std::uint64_t seed) {
    using map = typename Configuration::template map<typename Records::key, typename Records::value,
                                                     quire::page_size<PageSize>>;
    INFO("page size ", PageSize, ", seed ", seed, ", operations ", operations);
    // The smallest cache there is, so that pages leave it and come back all the time.
    matrix_run<map, Records, PageSize> cell(seed, 1);
    if (seed % 2 == 0) cell.load();
    cell.run(operations);
}

} // namespace quire_test

// The test cases of one storage, transaction policy and layout.
#define QUIRE_MATRIX(configuration, records)                                                       \
    TEST_CASE_TEMPLATE("random operations on " #configuration " with " #records, PageSize,         \
                       quire::page_size<512>, quire::page_size<4096>, quire::page_size<16384>) {   \
        for (std::uint64_t seed = 1; seed <= 2; ++seed)                                            \
            quire_test::run_matrix_cell<quire_test::configuration, quire_test::records,            \
                                        PageSize::bytes>(quire_test::matrix_operations(8000),      \
                                                         seed + PageSize::bytes);                  \
    }                                                                                              \
    TEST_SUITE("long") {                                                                           \
        TEST_CASE_TEMPLATE("many random operations on " #configuration " with " #records,          \
                           PageSize, quire::page_size<512>, quire::page_size<4096>,                \
                           quire::page_size<16384>) {                                              \
            for (std::uint64_t seed = 101; seed <= 104; ++seed)                                    \
                quire_test::run_matrix_cell<quire_test::configuration, quire_test::records,        \
                                            PageSize::bytes>(quire_test::matrix_operations(60000), \
                                                             seed + PageSize::bytes);              \
        }                                                                                          \
    }
