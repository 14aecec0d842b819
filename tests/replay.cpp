// What a log says is done again in the order of keys: the same as in the order of the log.
#include <quire/replay.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/storage/simulated.hpp>

namespace {

using quire::storage::simulated;
using quire::storage::simulated_disk;

template <class Key, class Value>
using map_of = quire::btree_map<Key, Value, simulated, quire::page_size<512>>;

// The smallest window is filled several times by a log of that limit.
constexpr quire::options small{.cache_bytes = 1, .wal_limit_bytes = std::uint64_t{1} << 20};

// Runs work(map, model), takes the disk as it is before the map is closed, and opens it again.
template <class Key, class Value, class Work>
quire::recovery_report after(Work&& work, const quire::options& how = small) {
    using map_type = map_of<Key, Value>;
    std::map<Key, Value> model;
    simulated_disk disk;
    simulated_disk::contents left;
    {
        map_type map(disk.path("s"), how);
        work(map, model);
        map.flush();
        left = disk.files();
    }
    const simulated_disk again(left);
    map_type map(again.path("s"), how);
    const auto report = map.stats().recovery;
    CHECK(std::map<Key, Value>(map.begin(), map.end()) == model);
    CHECK_NOTHROW(map.verify());
    return report;
}
template <class Key, class Value, class NewKey>
void churn(map_of<Key, Value>& map, std::map<Key, Value>& model, std::mt19937_64& random,
           int operations, NewKey&& new_key) {
    for (int i = 0; i < operations; ++i) {
        const Key key = new_key();
        if (random() % 3 == 0) {
            map.erase(key);
            model.erase(key);
        } else {
            Value value{};
            if constexpr (std::is_same_v<Value, std::string>) value.assign(random() % 60, 'v');
            else value = static_cast<Value>(random());
            map.insert_or_assign(key, value);
            model[key] = value;
        }
    }
}

} // namespace

TEST_CASE("numbers, also negative ones") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        const auto report = after<std::int64_t, std::uint32_t>([&](auto& map, auto& model) {
            churn<std::int64_t, std::uint32_t>(map, model, random, 6000, [&] {
                switch (random() % 50) {
                case 0:
                    return std::numeric_limits<std::int64_t>::min();
                case 1:
                    return std::numeric_limits<std::int64_t>::max();
                default:
                    return static_cast<std::int64_t>(random() % 2000) - 1000;
                }
            });
        });
        CHECK(report.transactions > 3000); // what erased nothing is none
        CHECK(report.operations == report.transactions);
    }
}

TEST_CASE("strings that differ in their first bytes, behind them, and in their length alone") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        static_cast<void>(after<std::string, std::string>([&](auto& map, auto& model) {
            churn<std::string, std::string>(map, model, random, 4000, [&] {
                const std::string tail = std::to_string(random() % 300);
                switch (random() % 4) {
                case 0:
                    return tail;
                case 1:
                    return "customers/orders/" + tail;
                case 2:
                    return std::string(random() % 40, '\0');
                default:
                    return std::string(random() % 40, '\xFF') + tail;
                }
            });
        }));
    }
}

TEST_CASE("a log that clears the map, first, in between and at its end") {
    using map_type = map_of<std::uint64_t, std::uint64_t>;
    using model_type = std::map<std::uint64_t, std::uint64_t>;
    const auto put = [](map_type& map, model_type& model, std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t i = from; i < to; ++i) {
            map.insert_or_assign(i, i * from);
            model[i] = i * from;
        }
    };
    for (int clears = 0; clears < 8; ++clears) {
        CAPTURE(clears);
        static_cast<void>(after<std::uint64_t, std::uint64_t>([&](auto& map, auto& model) {
            put(map, model, 1, 300);
            map.checkpoint();
            const auto clear = [&](int bit) {
                if ((clears >> bit & 1) == 0) return;
                map.clear();
                model.clear();
            };
            clear(0);
            put(map, model, 200, 400);
            map.erase(250);
            model.erase(250);
            clear(1);
            put(map, model, 350, 500);
            clear(2);
        }));
    }
}

TEST_CASE("one key, written again and again, and values that are larger than a window") {
    // A window of 64 KiB, and a log that takes transactions of twice that.
    constexpr quire::options how{.cache_bytes = std::uint64_t{1} << 20,
                                 .wal_limit_bytes = std::uint64_t{8} << 20};
    const auto report = after<std::string, std::string>(
        [](auto& map, auto& model) {
            for (int i = 0; i <= 500; ++i) {
                map.insert_or_assign("key", std::to_string(i));
                if (i % 7 == 0) map.erase("key");
                if (i % 20 != 0) continue;
                const std::string key = "large " + std::to_string(i % 3);
                const std::string value(66'000 + static_cast<std::size_t>(i) * 100, 'x');
                map.insert_or_assign(key, value);
                model[key] = value;
                if (i == 300) { // in the window before the large value that follows
                    map.erase("large 2");
                    model.erase("large 2");
                }
            }
            model["key"] = "500";
        },
        how);
    CHECK(report.operations == 501 + 72 + 26 + 1);
}

TEST_CASE("bytes of one size, numbers with fractions, and transactions of many operations") {
    std::mt19937_64 random(9);
    using bytes = std::array<std::uint8_t, 5>;
    static_cast<void>(after<bytes, double>([&](auto& map, auto& model) {
        for (int i = 0; i < 200; ++i) {
            auto changed = model;
            auto transaction = map.transaction();
            for (int n = 0; n < 20; ++n) {
                bytes key{};
                for (auto& each : key) each = static_cast<std::uint8_t>(random() % 3 * 127);
                transaction.insert_or_assign(key, i + n / 100.0);
                changed[key] = i + n / 100.0;
            }
            if (random() % 4 == 0) continue; // rolled back
            transaction.commit();
            model = changed;
        }
    }));
    static_cast<void>(after<double, std::uint16_t>([&](auto& map, auto& model) {
        churn<double, std::uint16_t>(map, model, random, 2000,
                                     [&] { return static_cast<double>(random() % 200) / 7 - 14; });
    }));
}

TEST_CASE("operations without bytes fill a window too") {
    const auto report = after<std::string, std::string>([](auto& map, auto& model) {
        for (int i = 0; i < 3000; ++i) {
            map.insert_or_assign("", "");
            map.erase("");
        }
        map.insert_or_assign("", "");
        model[""] = "";
    });
    CHECK(report.operations == 6001);
}
