// User code that throws - codecs, predicates, updates, iterators - leaves a map as it was,
// whichever of its calls it is.
#include <quire/btree_map.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/fuse.hpp"
#include "support/model.hpp"

namespace {

using namespace quire_test;

// std::string's codec with a fuse in every function.
template <quire::codec::role Role>
struct fused_codec {
    using plain = quire::codec::of<std::string, Role>;
    using value_type = std::string;
    using view_type = std::string_view;
    using arg_type = std::string_view;
    static constexpr std::string_view name = "test.fused";
    static constexpr std::size_t fixed_size = quire::codec::variable;
    static constexpr bool ordered = Role == quire::codec::role::key;
    static std::size_t size(std::string_view text) {
        fuse::pass();
        return plain::size(text);
    }
    static std::byte* encode(std::string_view text, std::byte* to) {
        fuse::pass();
        return plain::encode(text, to);
    }
    static std::string_view decode(quire::bytes_view bytes) {
        fuse::pass();
        return plain::decode(bytes);
    }
};
using fused_key = quire::codec::key<fused_codec<quire::codec::role::key>>;
using fused_value = quire::codec::value<fused_codec<quire::codec::role::value>>;

template <class C>
using fused_map = typename C::template map<std::string, std::string, quire::page_size<512>,
                                           fused_key, fused_value>;
template <class C>
using plain_map = typename C::template map<std::string, std::string, quire::page_size<512>>;

#define CONFIGURATIONS memory_none, memory_shadow, file_wal, mmap_shadow

TEST_CASE_TEMPLATE("codecs that throw", C, CONFIGURATIONS) {
    CHECK(check_every_change<blown, fused_map<C>>() > 100);
}

TEST_CASE_TEMPLATE("codecs that throw while the map is read", C, CONFIGURATIONS) {
    opened<fused_map<C>> map;
    const text_model records = fuse_records();
    map->insert_range(records);
    const auto fails = [&](auto&& operation) {
        CHECK(fail_until_done<blown>(
                  operation, [&] { return difference(*map, records); }, 40) > 0);
    };
    const std::string key = key_text(40);
    fails([&] { static_cast<void>(map->get(key)); });
    fails([&] { static_cast<void>(map->at(key)); });
    fails([&] { static_cast<void>(map->contains(key)); });
    fails([&] { static_cast<void>(map->find(key)); });
    fails([&] { static_cast<void>(map->lower_bound(key)); });
    fails([&] { static_cast<void>(map->upper_bound(key)); });
    fails([&] { static_cast<void>(map->equal_range(key)); });
    fails([&] { static_cast<void>(map->range(key, key_text(80))); });
    fails([&] { static_cast<void>(map->prefix(key)); });
    fails([&] {
        for (const auto& record : *map) static_cast<void>(record);
    });
    auto it = map->begin();
    fuse::left = 1;
    CHECK_THROWS_AS(static_cast<void>(*it), blown);
    fuse::left = 0;
    CHECK((*it).first == records.begin()->first);
    map->verify();
}

TEST_CASE_TEMPLATE("a predicate that throws", C, CONFIGURATIONS) {
    const all_or_nothing<blown, plain_map<C>> shown(
        "erase_if",
        [](auto& m) {
            m.erase_if([](const auto& record) {
                fuse::pass();
                return record.second.size() % 2 == 0;
            });
        },
        [](text_model& m) {
            std::erase_if(m, [](const auto& record) { return record.second.size() % 2 == 0; });
        });
    CHECK(shown.failures() > 100);
}

TEST_CASE_TEMPLATE("an update that throws", C, CONFIGURATIONS) {
    const all_or_nothing<blown, plain_map<C>> shown(
        "update",
        [](auto& m) {
            m.update(key_text(40), [](std::string& value) {
                value.clear();
                fuse::pass();
                value = text_of(2000, 1);
                fuse::pass();
            });
        },
        [](text_model& m) { m[key_text(40)] = text_of(2000, 1); });
    CHECK(shown.failures() >= 2);
}

TEST_CASE_TEMPLATE("a value whose constructor throws", C, CONFIGURATIONS) {
    opened<plain_map<C>> map;
    const text_model records = fuse_records();
    map->insert_range(records);
    CHECK_THROWS_AS(map->try_emplace("new", static_cast<std::size_t>(-1), 'x'), std::length_error);
    CHECK_THROWS_AS(map->emplace(std::piecewise_construct, std::forward_as_tuple("new"),
                                 std::forward_as_tuple(static_cast<std::size_t>(-1), 'x')),
                    std::length_error);
    CHECK(difference_verified(*map, records) == "");
    // Not called for a key that is there.
    CHECK_FALSE(map->try_emplace(key_text(40), static_cast<std::size_t>(-1), 'x').second);
    CHECK(difference_verified(*map, records) == "");
}

// An input iterator with a fuse in everything it does.
class fused_iterator {
public:
    using pairs = std::vector<std::pair<std::string, std::string>>;
    explicit fused_iterator(pairs::const_iterator at) : at_(at) {}
    const pairs::value_type& operator*() const {
        fuse::pass();
        return *at_;
    }
    fused_iterator& operator++() {
        fuse::pass();
        ++at_;
        return *this;
    }
    friend bool operator==(const fused_iterator& a, const fused_iterator& b) {
        fuse::pass();
        return a.at_ == b.at_;
    }

private:
    pairs::const_iterator at_;
};
struct fused_range {
    const fused_iterator::pairs* pairs;
    [[nodiscard]] fused_iterator begin() const { return fused_iterator(pairs->begin()); }
    [[nodiscard]] fused_iterator end() const { return fused_iterator(pairs->end()); }
};

TEST_CASE_TEMPLATE("a range whose iterators throw", C, CONFIGURATIONS) {
    fused_iterator::pairs pairs;
    for (std::uint64_t i = 0; i < 30; ++i)
        pairs.emplace_back(key_text(i * 33), text_of(i % 7 == 2 ? 800 : i, i));
    const auto effect = [&](text_model& m) { m.insert(pairs.begin(), pairs.end()); };
    const all_or_nothing<blown, plain_map<C>> one(
        "insert_range", [&](auto& m) { m.insert_range(fused_range{&pairs}); }, effect,
        when_it_fails::keeps_what_was_inserted);
    const all_or_nothing<blown, plain_map<C>> other(
        "insert of a range",
        [&](auto& m) { m.insert(fused_iterator(pairs.begin()), fused_iterator(pairs.end())); },
        effect, when_it_fails::keeps_what_was_inserted);
    CHECK(one.failures() > 90);
    CHECK(other.failures() > 90);
}

TEST_CASE_TEMPLATE("records that are too large in the middle of a range", C, CONFIGURATIONS) {
    opened<plain_map<C>> map;
    text_model records = fuse_records();
    map->insert_range(records);
    const std::vector<std::pair<std::string, std::string>> pairs{
        {"x", "1"}, {"y", text_of(5000, 1)}, {std::string(129, 'k'), ""}, {"z", "2"}};
    CHECK_THROWS_AS(map->insert_range(pairs), quire::key_too_large);
    CHECK(difference_verified(*map, records) == ""); // it was seen before the first is inserted
    if constexpr (transactional<plain_map<C>>) {
        auto tx = map->transaction();
        tx.insert("a", "1");
        CHECK_THROWS_AS(tx.insert(pairs.begin(), pairs.end()), quire::key_too_large);
        tx.commit();
        records.emplace("a", "1");
    }
    CHECK(difference_verified(*map, records) == "");
}

TEST_CASE_TEMPLATE("a transaction that ends by an exception", C, memory_shadow, file_wal) {
    opened<fused_map<C>> map;
    const text_model records = fuse_records();
    map->insert_range(records);
    CHECK(fail_until_done<blown>(
              [&] {
                  auto tx = map->transaction();
                  tx.insert_or_assign("a", text_of(2000, 1));
                  tx.erase(key_text(40));
                  const auto point = tx.savepoint();
                  tx.insert_or_assign("b", "2");
                  tx.rollback(point);
                  tx.update(key_text(600), [](std::string& value) { value += "!"; });
                  tx.rollback();
                  fuse::left = 0;
              },
              [&] { return difference_verified(*map, records); }) > 5);
    CHECK(difference_verified(*map, records) == "");
}

} // namespace
