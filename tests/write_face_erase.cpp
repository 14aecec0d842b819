// Erasing, extracting and clearing, in the map and in a transaction, which share one face.
#include <quire/write_face.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include <quire/btree_map.hpp>

#include "support/faces.hpp"
#include "support/model.hpp"

namespace {

using namespace quire_test;

using model = std::map<std::string, std::string>;

#define CONFIGURATIONS memory_none, memory_shadow, file_shadow, mmap_shadow, file_none

TEST_CASE_TEMPLATE("erasing a key, a record, a range", C, CONFIGURATIONS) {
    on_every_face<C>([](auto& face) {
        model expected;
        for (std::uint64_t i = 0; i < 600; ++i)
            expected.emplace(key_text(i), text_of(i % 50 == 3 ? 900 : i % 20, i));
        face.insert_range(expected);
        CHECK(face.erase("nobody") == 0);
        CHECK(face.erase(key_text(100)) == 1);
        CHECK(face.erase(key_text(100)) == 0);
        expected.erase(key_text(100));

        auto next = face.erase(face.find(key_text(200)));
        CHECK((*next).first == key_text(201));
        next = face.erase(next);
        CHECK((*next).first == key_text(202));
        CHECK((*--next).first == key_text(199));
        expected.erase(key_text(200));
        expected.erase(key_text(201));
        CHECK(face.erase(face.find(key_text(599))) == face.end());
        expected.erase(key_text(599));
        CHECK(difference(face, expected) == "");

        const auto at = face.find(key_text(300));
        CHECK((*face.erase(at, at)).first == key_text(300));
        CHECK((*face.erase(face.find(key_text(300)), face.find(key_text(450)))).first ==
              key_text(450));
        expected.erase(expected.find(key_text(300)), expected.find(key_text(450)));
        CHECK(difference(face, expected) == "");
        CHECK((*face.erase(face.begin(), face.find(key_text(10)))).first == key_text(10));
        expected.erase(expected.begin(), expected.find(key_text(10)));
        CHECK(face.erase(face.find(key_text(500)), face.end()) == face.end());
        expected.erase(expected.find(key_text(500)), expected.end());
        CHECK(difference(face, expected) == "");
        CHECK(face.erase(face.end(), face.end()) == face.end());
        CHECK(face.erase(face.begin(), face.end()) == face.end());
        CHECK(difference(face, model{}) == "");
    });
}

TEST_CASE_TEMPLATE("erase_if asks for every record once and erases what it should", C,
                   CONFIGURATIONS) {
    on_every_face<C>([](auto& face) {
        model expected;
        for (std::uint64_t i = 0; i < 500; ++i)
            expected.emplace(key_text(i), text_of(i % 40 == 0 ? 1000 : i % 20, i));
        face.insert_range(expected);
        std::uint64_t asked = 0;
        std::string last;
        const auto odd = [&](const auto& record) {
            ++asked;
            CHECK(std::string(record.first) > last);
            last = record.first;
            return (record.first.back() - '0') % 2 == 1 && record.second.size() < 900;
        };
        std::uint64_t erased = 0;
        for (auto it = expected.begin(); it != expected.end();) {
            const bool gone = (it->first.back() - '0') % 2 == 1 && it->second.size() < 900;
            erased += gone;
            it = gone ? expected.erase(it) : std::next(it);
        }
        CHECK(face.erase_if(odd) == erased);
        CHECK(asked == 500);
        CHECK(difference(face, expected) == "");
        CHECK(face.erase_if([](const auto&) { return false; }) == 0);
        CHECK(face.erase_if([](const auto&) { return true; }) == expected.size());
        CHECK(face.empty());
        CHECK(face.erase_if([](const auto&) { return true; }) == 0);
    });
}

TEST_CASE_TEMPLATE("extract takes the record out", C, CONFIGURATIONS) {
    on_every_face<C>([](auto& face) {
        face.insert_range(model{{"a", "1"}, {"b", text_of(5000, 2)}, {"c", ""}});
        CHECK(face.extract("nobody") == std::nullopt);
        CHECK(face.extract("b") == text_of(5000, 2));
        CHECK(face.extract("b") == std::nullopt);
        CHECK(face.extract("c") == "");
        CHECK(difference(face, model{{"a", "1"}}) == "");
        CHECK(face.extract("a") == "1");
        CHECK(face.empty());
    });
}

TEST_CASE_TEMPLATE("clear empties, and the map goes on", C, CONFIGURATIONS) {
    on_every_face<C>([](auto& face) {
        for (std::uint64_t round = 0; round < 3; ++round) {
            model expected;
            for (std::uint64_t i = 0; i < 300; ++i)
                expected.emplace(key_text(i), text_of(i % 30 == 1 ? 2000 : 10, i + round));
            face.insert_range(expected);
            CHECK(difference(face, expected) == "");
            face.clear();
            CHECK(difference(face, model{}) == "");
            face.clear();
        }
    });
}

TEST_CASE_TEMPLATE("ascending, descending and shuffled loads", C, CONFIGURATIONS) {
    opened<small_page_map<C>> map;
    for (const std::uint64_t step : {1u, 1999u, 769u}) { // of 2000: up, down, shuffled
        CAPTURE(step);
        model expected;
        const auto load = [&](auto& face) {
            for (std::uint64_t i = 0; i < 2000; ++i) {
                const std::string key = key_text((i + 1) * step % 2000);
                face.insert(key, text_of(i % 24, i));
                expected.emplace(key, text_of(i % 24, i));
            }
        };
        if constexpr (transactional<small_page_map<C>>) {
            auto tx = map->transaction();
            load(tx);
            tx.commit();
        } else {
            load(*map);
        }
        CHECK(difference_verified(*map, expected) == "");
        for (std::uint64_t i = 0; i < 2000; ++i)
            if (i % 10 != 0) {
                map->erase(key_text((i * step + 7) % 2000));
                expected.erase(key_text((i * step + 7) % 2000));
            }
        CHECK(difference_verified(*map, expected) == "");
        map->clear();
    }
}

} // namespace
