// Runs one check on every face that can change things: the map, and a transaction of it.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>

#include <quire/btree_map.hpp>

#include "model.hpp"

namespace quire_test {

template <class C>
using small_page_map = typename C::template map<std::string, std::string, quire::page_size<512>>;

// Runs a check on a map, and where there are transactions in one too, committed and rolled back.
template <class C, class Check>
void on_every_face(Check check) {
    using model = std::map<std::string, std::string>;
    opened<small_page_map<C>> map;
    check(*map);
    map->verify();
    if constexpr (transactional<small_page_map<C>>) {
        model before;
        for (const auto& [key, value] : *map) before.emplace(key, value);
        {
            auto tx = map->transaction();
            tx.clear();
            check(tx);
        }
        CHECK(difference_verified(*map, before) == "");
        map->clear();
        auto tx = map->transaction();
        check(tx);
        model after;
        for (const auto& [key, value] : tx) after.emplace(key, value);
        tx.commit();
        CHECK(difference_verified(*map, after) == "");
    }
}

} // namespace quire_test
