// Memory that runs out at the Nth allocation, for every N and every operation: the map is as it
// was. This program replaces operator new, so it stands alone.
#include <cstdlib>

// Arrays of plain values grow by std::realloc; here that can fail as well.
namespace std {
void* failing_realloc(void* old, std::size_t bytes) noexcept;
} // namespace std
#define realloc failing_realloc
#include <quire/core/growing_array.hpp>
#undef realloc

#include <quire/btree_map.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/fuse.hpp"
#include "support/model.hpp"

namespace {

// Not inlined, so that no compiler takes malloc and delete for a pair that does not match.
[[gnu::noinline]] void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (quire_test::fuse::blows()) return nullptr;
    if (bytes == 0) bytes = 1;
    return alignment <= alignof(std::max_align_t)
               ? std::malloc(bytes)
               : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}
void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
    void* const memory = allocate(bytes, alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
[[gnu::noinline]] void give_back(void* memory) noexcept { std::free(memory); }

} // namespace

void* std::failing_realloc(void* old, std::size_t bytes) noexcept {
    return quire_test::fuse::blows() ? nullptr : std::realloc(old, bytes);
}
void* operator new(std::size_t n) { return allocate_or_throw(n, 1); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) {
    return allocate_or_throw(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
    return allocate_or_throw(n, static_cast<std::size_t>(a));
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, 1); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, 1); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { give_back(p); }
void operator delete[](void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }

namespace {

using namespace quire_test;

template <class C>
using map_of = typename C::template map<std::string, std::string, quire::page_size<512>>;

#define CONFIGURATIONS memory_none, memory_shadow, file_wal, file_none

TEST_CASE_TEMPLATE("changes without memory", C, CONFIGURATIONS) {
    CHECK(check_every_change<std::bad_alloc, map_of<C>>() > 10);
}

TEST_CASE_TEMPLATE("clearing without memory", C, CONFIGURATIONS) {
    const all_or_nothing<std::bad_alloc, map_of<C>> shown(
        "clear", [](auto& m) { m.clear(); }, [](text_model& m) { m.clear(); });
    CHECK(shown.failures() > 0);
}

TEST_CASE_TEMPLATE("growing from nothing without memory", C, CONFIGURATIONS) {
    opened<map_of<C>> map;
    text_model expected;
    for (std::uint64_t i = 0; i < 150; ++i) {
        const std::string key = key_text(i * 7919 % 500);
        const std::string value = text_of(i % 20 == 3 ? 1500 : i % 60, i);
        static_cast<void>(fail_until_done<std::bad_alloc>(
            [&] { map->insert(key, value); }, [&] { return difference_verified(*map, expected); }));
        expected.emplace(key, value);
    }
    CHECK(difference_verified(*map, expected) == "");
    while (!expected.empty()) {
        const std::string key =
            std::next(expected.begin(), static_cast<std::ptrdiff_t>(expected.size() / 2))->first;
        static_cast<void>(fail_until_done<std::bad_alloc>(
            [&] { map->erase(key); }, [&] { return difference_verified(*map, expected); }));
        expected.erase(key);
    }
    CHECK(difference_verified(*map, expected) == "");
}

TEST_CASE_TEMPLATE("reading and care without memory", C, CONFIGURATIONS) {
    opened<map_of<C>> map;
    const text_model records = fuse_records();
    map->insert_range(records);
    const auto survives = [&](auto&& operation) {
        static_cast<void>(fail_until_done<std::bad_alloc>(
            operation, [&] { return difference_verified(*map, records); }));
    };
    survives([&] { static_cast<void>(map->get(key_text(40))); });
    survives([&] { static_cast<void>(map->contains(key_text(40))); });
    survives([&] { static_cast<void>(map->find(key_text(40))); });
    survives([&] { static_cast<void>(map->range(key_text(40), key_text(80))); });
    survives([&] {
        for (const auto& record : *map) static_cast<void>(record);
    });
    survives([&] {
        auto it = map->find(key_text(40));
        const auto copy = it;
        static_cast<void>((*it).second);
        ++it;
        it = copy;
        static_cast<void>((*it).second);
    });
    survives([&] { map->flush(); });
    survives([&] { map->verify(); });
    survives([&] { static_cast<void>(map->stats()); });
    std::vector<std::string> keys{key_text(40), "nobody", key_text(50)};
    std::vector<std::optional<std::string>> values(3);
    survives([&] { map->multi_get(keys, values); });
    CHECK(values[0] == records.at(key_text(40)));
    std::uint64_t failures = 0;
    if constexpr (on_device<map_of<C>>) {
        map.close();
        failures = fail_until_done<std::bad_alloc>([&] { map.open(); },
                                                   [&] {
                                                       map.open();
                                                       std::string what =
                                                           difference_verified(*map, records);
                                                       map.close();
                                                       return what;
                                                   });
    } else {
        failures = fail_until_done<std::bad_alloc>([] { const map_of<C> empty; },
                                                   [] { return std::string(); });
    }
    CHECK(failures > 0);
    CHECK(difference_verified(*map, records) == "");
}

TEST_CASE_TEMPLATE("a commit for which memory runs out and stays out", C, file_wal, file_none) {
    using map_type = map_of<C>;
    bool done = false;
    for (std::uint64_t n = 1; !done; ++n) {
        CAPTURE(n);
        REQUIRE(n < 200);
        text_model records;
        opened<map_type> map;
        for (std::uint64_t i = 0; i < 1500; ++i) records.emplace(key_text(i), text_of(60, i));
        map->insert_range(records);
        map->flush();
        const auto change = [&](auto& what) {
            for (std::uint64_t i = 0; i < 1500; i += 2) what.erase(key_text(i));
        };
        if constexpr (transactional<map_type>) {
            auto tx = map->transaction();
            change(tx);
            fuse::left = n;
            fuse::stays = true;
            try {
                tx.commit();
                done = true;
            } catch (const std::bad_alloc&) {
            }
        } else {
            change(*map);
            fuse::left = n;
            fuse::stays = true;
            try {
                map->flush();
                done = true;
            } catch (const std::bad_alloc&) {
            }
        }
        fuse::mend();
        if (done || !transactional<map_type>)
            for (std::uint64_t i = 0; i < 1500; i += 2) records.erase(key_text(i));
        CHECK(difference_verified(*map, records) == "");
        map->insert("afterwards", "it goes on");
        map->verify();
    }
}

TEST_CASE_TEMPLATE("transactions and snapshots without memory", C, memory_shadow, file_wal) {
    using map_type = map_of<C>;
    opened<map_type> map;
    text_model records = fuse_records();
    map->insert_range(records);
    // All of it, or nothing of it.
    text_model after = records;
    for (std::uint64_t i = 0; i < 30; ++i) after[key_text(i * 33)] = text_of(i * 20, i);
    after.erase(key_text(40));
    CHECK(fail_until_done<std::bad_alloc>(
              [&] {
                  auto tx = map->transaction();
                  for (std::uint64_t i = 0; i < 30; ++i)
                      tx.insert_or_assign(key_text(i * 33), text_of(i * 20, i));
                  const auto point = tx.savepoint();
                  tx.erase_if([](const auto&) { return true; });
                  tx.rollback(point);
                  tx.erase(key_text(40));
                  tx.commit();
              },
              [&] { return difference_verified(*map, records); }) > 0);
    CHECK(difference_verified(*map, after) == "");
    records = after;

    // Each step by itself; after a failed one the transaction goes on.
    for (int round = 0; round < 3; ++round) {
        std::optional<typename map_type::transaction_type> tx;
        static_cast<void>(
            fail_until_done<std::bad_alloc>([&] { tx.emplace(map->transaction()); },
                                            [&] { return difference_verified(*map, records); }));
        const auto same = [&] { return difference(*tx, after); };
        const std::string key = "round" + std::to_string(round);
        static_cast<void>(
            fail_until_done<std::bad_alloc>([&] { tx->insert(key, text_of(900, 1)); }, same));
        after.emplace(key, text_of(900, 1));
        std::optional<typename map_type::transaction_type::savepoint_type> point;
        static_cast<void>(
            fail_until_done<std::bad_alloc>([&] { point.emplace(tx->savepoint()); }, same));
        static_cast<void>(fail_until_done<std::bad_alloc>([&] { tx->erase(key_text(600)); }, same));
        tx->rollback(*point);
        CHECK(same() == "");
        static_cast<void>(fail_until_done<std::bad_alloc>([&] { tx->clear(); },
                                                          [&] { return difference(*tx, after); }));
        tx->rollback(*point);
        CHECK(same() == "");
        // A commit that fails ends the transaction without a trace.
        bool failed = true;
        for (std::uint64_t n = 1; failed; ++n) {
            fuse::left = n;
            try {
                tx->commit();
                failed = false;
            } catch (const std::bad_alloc&) {
            }
            fuse::left = 0;
            if (!failed) break;
            CAPTURE(n);
            CHECK_FALSE(tx->active());
            tx.reset();
            REQUIRE(difference_verified(*map, records) == "");
            tx.emplace(map->transaction());
            tx->insert(key, text_of(900, 1));
        }
        records = after;
        CHECK(difference_verified(*map, records) == "");

        std::optional<typename map_type::snapshot_type> snap;
        static_cast<void>(
            fail_until_done<std::bad_alloc>([&] { snap.emplace(map->snapshot()); },
                                            [&] { return difference_verified(*map, records); }));
        static_cast<void>(fail_until_done<std::bad_alloc>(
            [&] {
                for (const auto& record : *snap) static_cast<void>(record);
            },
            [&] { return difference(*snap, records); }));
        map->clear();
        CHECK(difference(*snap, records) == "");
        snap.reset();
        map->insert_range(records);
    }
    map.reopen();
    CHECK(difference_verified(*map, records) == "");
}

} // namespace
