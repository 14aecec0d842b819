// A store by itself, without a map on it: the writer's place, versions, and what is durable when.
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <quire/cache/replacement/clock.hpp>
#include <quire/format/schema.hpp>
#include <quire/storage/memory.hpp>
#include <quire/txn/store.hpp>

#include "support/death.hpp"
#include "support/faulty_device.hpp"
#include "support/recorded_disk.hpp"

namespace {

namespace format = quire::format;
using quire::durability;
using quire_test::fault_plan;
using quire_test::recorded_disk;
using device = quire_test::faulty_device<quire_test::recorded_device<false>>;
using clock_policy = quire::replacement::clock;
using shadow_store = quire::txn::store<device, clock_policy, quire::txn::shadow, 512>;
using none_store = quire::txn::store<device, clock_policy, quire::txn::none, 512>;
using memory_store =
    quire::txn::store<quire::storage::memory, clock_policy, quire::txn::shadow, 512>;
using scratch_store =
    quire::txn::store<quire::storage::memory, clock_policy, quire::txn::none, 512>;

format::schema schema() {
    format::schema s;
    s.tree = quire::tree_id{1};
    s.layout = format::layout_kind::fixed;
    s.order = format::key_order::unsigned_integer;
    s.key_size = 8;
    s.value_size = 8;
    s.key_codec = "u64";
    s.value_codec = "u64";
    return s;
}
quire::txn::store_options named(const char* path) {
    quire::txn::store_options options;
    options.path = path;
    return options;
}
void clear() {
    recorded_disk::the().clear();
    device::plan = {};
}

// A change of the first tree that needs no keys: a new root page, the old one given up.
template <class Store>
void change(Store& store) {
    store.changing(0, [&] {
        std::byte* const page =
            store.create({format::page_kind::fixed_leaf, 0, quire::tree_id{1}});
        quire::zero_bytes(page + format::page_header_size, 512 - format::page_header_size);
        format::root_record& root = store.root(0);
        const quire::page_ref before = root.root;
        root.root = format::ref_of(page);
        root.tree = quire::tree_id{1};
        ++root.entries;
        if (before) store.release_page(before);
        store.note_change();
    });
}
template <class Store>
std::uint64_t entries(Store& store) {
    return store.with_current(0, [](const format::root_record& root) { return root.entries; });
}

template <class Store>
std::vector<quire::version> open_versions(Store& store) {
    std::vector<quire::version> numbers;
    for (const quire::held_version& held : store.held_versions()) numbers.push_back(held.number);
    return numbers;
}

} // namespace

TEST_CASE("what a store is decides what is in it") {
    CHECK(shadow_store::on_device);
    CHECK(shadow_store::transactional);
    CHECK_FALSE(memory_store::on_device);
    CHECK_FALSE(scratch_store::transactional);
    // One thread and no device: no epochs.
    CHECK(std::is_same_v<scratch_store::epoch_type, quire::cache::null_epoch>);
    CHECK(std::is_same_v<memory_store::epoch_type, quire::cache::epoch>);
    CHECK(std::is_same_v<none_store::epoch_type, quire::cache::epoch>);
}

TEST_CASE("a transaction is seen when it is committed, and not when it is rolled back") {
    clear();
    shadow_store store(named("store"), schema());
    CHECK(store.path() == "store");
    CHECK(entries(store) == 0);
    store.begin();
    change(store);
    CHECK(entries(store) == 0);
    store.commit(durability::full);
    CHECK(entries(store) == 1);
    CHECK(store.durable_version() == store.committed_version());

    const quire::version before = store.committed_version();
    store.begin();
    change(store);
    store.roll_back();
    CHECK(entries(store) == 1);
    CHECK(store.committed_version() == before);

    store.begin();
    change(store);
    store.commit(durability::none);
    CHECK(entries(store) == 2);
    CHECK(store.committed_version() > before);
    CHECK(store.durable_version() == before);
    store.flush();
    CHECK(store.durable_version() == store.committed_version());
}

TEST_CASE("versions rise, and none is given out twice") {
    clear();
    shadow_store store(named("store"), schema());
    quire::version newest{};
    for (int i = 0; i < 50; ++i) {
        store.begin();
        CHECK(store.write_version() > newest);
        newest = store.write_version();
        change(store);
        const shadow_store::mark mark = store.set_mark();
        CHECK(store.write_version() > newest);
        newest = store.write_version();
        change(store);
        if (i % 3 == 0) {
            store.roll_back_to(mark);
            CHECK(store.write_version() > newest);
            newest = store.write_version();
        }
        if (i % 4 == 0) store.roll_back();
        else store.commit(durability::full);
    }
}

TEST_CASE("nor in a later session, however the one before ended") {
    clear();
    quire::version newest{};
    for (int session = 0; session < 6; ++session) {
        INFO("session ", session);
        auto store = std::make_unique<shadow_store>(named("store"), schema());
        // Of these some leave pages on the medium.
        for (int i = 0; i < 30; ++i) {
            store->begin();
            CHECK(store->write_version() > newest);
            change(*store);
            const std::vector<std::byte> value(2000);
            store->reserve_freed(1);
            static_cast<void>(store->write_run(value, quire::tree_id{1}));
            newest = store->write_version();
            store->roll_back();
        }
        if (session % 2 == 0) {
            store->begin();
            change(*store);
            newest = store->write_version();
            store->commit(durability::full);
        }
        // Closed in order, or not at all.
        if (session >= 3) recorded_disk::the().changes_left = 0;
        store.reset();
        recorded_disk::the().changes_left = recorded_disk::no_limit;
    }
}

TEST_CASE("a mark brings back the roots and the pages of its moment") {
    clear();
    shadow_store store(named("store"), schema());
    store.begin();
    change(store);
    const shadow_store::mark mark = store.set_mark();
    const std::uint64_t end = store.space().end();
    const quire::page_ref root = store.root(0).root;
    for (int i = 0; i < 20; ++i) change(store);
    CHECK(store.root(0).entries == 21);
    store.roll_back_to(mark);
    CHECK(store.root(0).entries == 1);
    CHECK(store.root(0).root == root);
    CHECK(store.space().end() == end);
    change(store);
    store.roll_back_to(mark); // again
    CHECK(store.root(0).root == root);
    store.commit(durability::full);
    CHECK(entries(store) == 1);
}

TEST_CASE("pages freed by a commit are handed out again only when it is durable") {
    clear();
    shadow_store store(named("store"), schema());
    store.begin();
    change(store);
    store.commit(durability::full);
    const quire::page_id durable_root =
        store.with_current(0, [](const format::root_record& root) { return root.root.id; });
    // Over any number of commits that are not durable the durable root's page stays.
    for (int i = 0; i < 30; ++i) {
        store.begin();
        change(store);
        CHECK(store.root(0).root.id != durable_root);
        store.commit(durability::none);
        CHECK_FALSE(store.space().free().contains(durable_root));
    }
    const std::uint64_t end = store.space().end();
    CHECK(end < 60); // but theirs are used again
    store.flush();
    store.begin();
    CHECK(store.space().free().contains(durable_root));
    store.roll_back();
}

TEST_CASE("pages that a snapshot sees stay, and only those") {
    clear();
    shadow_store store(named("store"), schema());
    store.begin();
    change(store);
    store.commit(durability::full);
    quire::txn::version_record* const held = store.share_current();
    const quire::page_id seen = held->roots[0].root.id;
    for (int i = 0; i < 50; ++i) {
        store.begin();
        CHECK_FALSE(store.space().free().contains(seen));
        change(store);
        store.commit(durability::full);
    }
    CHECK(open_versions(store) == std::vector<quire::version>{held->number});
    CHECK(store.space().end() < 40);
    held->unshare();
    CHECK(open_versions(store).empty());
    store.begin();
    CHECK(store.space().free().contains(seen));
    store.roll_back();
}

TEST_CASE("the writer's place is for one") {
    clear();
    shadow_store store(named("store"), schema());
    store.begin();
    CHECK_FALSE(store.try_begin(0));
    CHECK_FALSE(store.try_begin(1000));
    store.roll_back();
    CHECK(store.try_begin(0));
    store.roll_back();
    // Whoever waits gets it, and nobody at the same time.
    std::atomic<int> inside{0};
    std::atomic<int> wrong{0};
    std::vector<std::thread> writers;
    for (int t = 0; t < 3; ++t)
        writers.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                store.begin();
                if (++inside != 1) ++wrong;
                change(store);
                --inside;
                store.commit(durability::none);
            }
        });
    for (std::thread& writer : writers) writer.join();
    CHECK(wrong == 0);
    CHECK(entries(store) == 600);
}

TEST_CASE("a failed sync poisons, a full medium does not") {
    clear();
    shadow_store store(named("store"), schema());
    store.begin();
    change(store);
    store.commit(durability::full);

    device::plan = {.kinds = fault_plan::writes, .after = 0, .number = ENOSPC};
    store.begin();
    change(store);
    CHECK_THROWS_AS(store.commit(durability::full), quire::storage_full);
    CHECK_FALSE(store.poisoned());
    CHECK(entries(store) == 1);
    device::plan = {};
    store.begin(); // its place was given up
    change(store);
    store.commit(durability::full);
    CHECK(entries(store) == 2);

    device::plan = {.kinds = fault_plan::syncs, .after = 0, .number = EIO};
    store.begin();
    change(store);
    CHECK_THROWS_AS(store.commit(durability::full), quire::io_error);
    CHECK(store.poisoned());
    CHECK(entries(store) == 2);
    device::plan = {};
    CHECK_THROWS_AS(store.begin(), quire::poisoned);
    CHECK_THROWS_AS(static_cast<void>(store.try_begin(0)), quire::poisoned);
    CHECK_THROWS_AS(store.flush(), quire::poisoned);
    CHECK_THROWS_AS(store.require_writable(), quire::poisoned);
    CHECK(entries(store) == 2);
    // And closing it writes nothing.
    device::plan = {.kinds = fault_plan::changes};
}

TEST_CASE("a poisoned store is left alone by its destructor") {
    clear();
    {
        shadow_store store(named("store"), schema());
        device::plan = {.kinds = fault_plan::syncs, .after = 0, .number = EIO};
        store.begin();
        change(store);
        CHECK_THROWS_AS(store.commit(durability::full), quire::io_error);
        device::plan = {.kinds = fault_plan::changes};
    }
    CHECK(device::plan.calls == 0);
    device::plan = {};
}

TEST_CASE("under none a flush makes durable, and a close does") {
    clear();
    {
        none_store store(named("store"), schema());
        change(store);
        change(store);
        CHECK(entries(store) == 2); // one state for all
        CHECK(store.durable_version() < store.committed_version());
        store.flush();
        const quire::version durable = store.durable_version();
        store.flush();
        CHECK(store.durable_version() == durable); // nothing to do
        change(store);
    }
    none_store store(named("store"), schema());
    CHECK(entries(store) == 3);
}

TEST_CASE("a read-only store refuses, and writes nothing") {
    clear();
    {
        shadow_store store(named("store"), schema());
        store.begin();
        change(store);
        store.commit(durability::full);
    }
    const auto before = recorded_disk::the().get("store");
    recorded_disk::the().trace.clear();
    quire::txn::store_options options = named("store");
    options.read_only = true;
    {
        shadow_store one(options, schema());
        shadow_store two(options, schema());
        CHECK(one.read_only());
        CHECK(entries(one) == 1);
        CHECK(entries(two) == 1);
        CHECK_THROWS_AS(one.begin(), quire::read_only);
        CHECK_THROWS_AS(one.flush(), quire::read_only);
        CHECK_THROWS_AS(shadow_store(named("store"), schema()), quire::already_open);
    }
    CHECK(recorded_disk::the().trace.empty());
    CHECK(recorded_disk::the().get("store") == before);
}

TEST_CASE("in memory there is nothing to make durable") {
    memory_store store;
    CHECK(store.path().empty());
    CHECK(store.slot() == nullptr);
    for (int i = 0; i < 40; ++i) {
        store.begin();
        change(store);
        if (i % 2 == 0) store.commit(durability::full);
        else store.roll_back();
    }
    CHECK(entries(store) == 20);
    store.flush();
    CHECK(store.counters().syncs.value() == 0);
    CHECK(store.space().end() < 30);
    scratch_store scratch;
    for (int i = 0; i < 40; ++i) change(scratch);
    CHECK(entries(scratch) == 40);
}

TEST_CASE("the stores of all tests are watched: what is written, and which page is reused") {
    clear();
    shadow_store store(named("store"), schema());
    store.begin();
    change(store);
    store.commit(durability::full);
    const quire::page_id root = store.with_current(
        0, [](const format::root_record& found) { return found.root.id; });
    const auto written = quire_test::death_of([&] {
        const std::array<std::byte, 512> page{};
        const quire::bytes_view some{page};
        static_cast<void>(store.cache().write_run(root, {&some, 1}));
    });
    CHECK(written.says("no page of the durable root is overwritten"));
    const auto reused = quire_test::death_of([&] {
        auto& monitor = const_cast<quire::space::page_space&>(store.space()).monitor;
        monitor.freed({root, 1, store.durable_version()}, quire::next(store.durable_version()));
        monitor.reused(root, 1);
    });
    CHECK(reused.says("no page is reused that a version still reads"));
}
