// The check of one pair of key and value types: order, lookups, changes, reopening.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

#include "model.hpp"

namespace quire_test {

// Records in their order go in shuffled, come out in order, and are found after reopening.
template <class K, class V, class... Policies>
void check_types(const std::vector<std::pair<K, V>>& records) {
    using map_type = file_shadow::map<K, V, quire::page_size<1024>, Policies...>;
    // Only equality of keys is needed: the order is that of the vector.
    struct in_order {
        const std::vector<std::pair<K, V>>* records;
        [[nodiscard]] std::size_t size() const { return records->size(); }
        [[nodiscard]] bool empty() const { return records->empty(); }
        [[nodiscard]] auto begin() const { return records->begin(); }
        [[nodiscard]] auto end() const { return records->end(); }
        [[nodiscard]] auto rbegin() const { return records->rbegin(); }
        [[nodiscard]] auto rend() const { return records->rend(); }
    };
    const in_order expected{&records};
    opened<map_type> map;
    std::size_t step = 7;
    while (std::gcd(step, records.size()) != 1) ++step;
    for (std::size_t i = 0; i < records.size(); ++i) {
        const auto& [key, value] = records[(i + 1) * step % records.size()];
        CHECK(map->insert(key, value).second);
        CHECK_FALSE(map->insert(key, V{}).second);
    }
    CHECK(difference_verified(*map, expected) == "");
    map.reopen();
    CHECK(difference_verified(*map, expected) == "");
    for (std::size_t i = 0; i < records.size(); ++i) {
        CAPTURE(i);
        const auto& [key, value] = records[i];
        REQUIRE(map->contains(key));
        CHECK(*map->get(key) == value);
        CHECK(map->at(key) == value);
        CHECK(static_cast<K>((*map->find(key)).first) == key);
        CHECK(static_cast<K>((*map->lower_bound(key)).first) == key);
        const auto after = map->upper_bound(key);
        if (i + 1 == records.size()) CHECK(after == map->end());
        else CHECK(static_cast<K>((*after).first) == records[i + 1].first);
    }
    CHECK(map->update(records.front().first, [&](V& value) { value = records.back().second; }));
    CHECK(map->extract(records.front().first) == records.back().second);
    for (const auto& [key, value] : records) map->insert_or_assign(key, value);
    CHECK(difference(*map, expected) == "");
    for (const auto& [key, value] : records) CHECK(map->erase(key) == 1);
    CHECK(map->empty());
    map->verify();
}

template <class K>
[[nodiscard]] std::vector<std::pair<K, std::string>> numbered(const std::vector<K>& keys) {
    std::vector<std::pair<K, std::string>> records;
    for (const K& key : keys) records.emplace_back(key, "value " + std::to_string(records.size()));
    return records;
}

} // namespace quire_test
