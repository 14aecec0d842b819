// Changes of every kind on a map or a transaction and its model, for tests of transactions.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>

#include <quire/btree_map.hpp>

#include "model.hpp"

namespace quire_test {

// A cache so small that pages are written and read again in the middle of a transaction.
inline constexpr quire::options tight{.cache_bytes = 1, .durability = quire::durability::none};

// Changes of every kind, mirrored in the model. Different for every seed.
template <class Face>
void change(Face& face, std::map<std::string, std::string>& expected, std::uint64_t seed,
            std::uint64_t records = 100) {
    for (std::uint64_t i = 0; i < records; ++i) {
        const std::string key = key_text((i * 37 + seed * 11) % 400);
        const std::string value = text_of(i % 23 == 0 ? 1500 + seed : i % 50, seed * 1000 + i);
        switch ((i + seed) % 5) {
        case 0:
            CHECK(face.insert(key, value).second == expected.emplace(key, value).second);
            break;
        case 1:
            CHECK(face.erase(key) == expected.erase(key));
            break;
        default:
            face.insert_or_assign(key, value);
            expected.insert_or_assign(key, value);
        }
    }
}

} // namespace quire_test
