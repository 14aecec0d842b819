// A store written from its first page to its last: whole under its name, or not there.
// tests/txn/store_file.cpp creates empty ones step by step.
#include <quire/txn/new_store.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/core/error.hpp>
#include <quire/inspect/check.hpp>
#include <quire/node/slotted.hpp>
#include <quire/tree/overflow.hpp>

#include "support/faulty_device.hpp"
#include "support/recorded_disk.hpp"
#include "support/store_image.hpp"

namespace {

namespace format = quire::format;
using quire_test::bytes;
using quire_test::disk_event;
using quire_test::fault_plan;
using quire_test::recorded_disk;
using device = quire_test::faulty_device<quire_test::recorded_device<false>>;
using new_store = quire::txn::new_store<device, 512>;
using layout = quire::node::slotted<512>;
constexpr auto tree = static_cast<quire::tree_id>(1);

struct clean_disk {
    clean_disk() { clear(); }
    ~clean_disk() { clear(); }
    static void clear() {
        recorded_disk::the().clear();
        device::plan = {};
    }
};

format::schema schema() {
    format::schema s;
    s.tree = tree;
    s.key_codec = "string";
    s.value_codec = "string";
    return s;
}
quire::bytes_view view(const std::string& s) {
    return {reinterpret_cast<const std::byte*>(s.data()), s.size()};
}

// One leaf, with one value of the given size in pages of its own, behind so many leaves that
// nothing names.
format::root_record fill(new_store& to, std::size_t value, unsigned before) {
    for (unsigned i = 0; i < before; ++i) {
        to.make_room(1);
        layout::insert(to.create({layout::leaf_kind, 0, tree}), 0, view("k"), {view("v"), false});
    }
    const quire::page_ref first =
        to.write_run(static_cast<std::uint32_t>(value), tree, [&](quire::mutable_bytes into) {
            CHECK(into.size() == value);
            for (std::size_t i = 0; i < into.size(); ++i) into[i] = static_cast<std::byte>(i % 251);
        });
    const auto reference =
        quire::tree::encode(quire::tree::run_ref{first, static_cast<std::uint32_t>(value)});
    to.make_room(1);
    std::byte* const leaf = to.create({layout::leaf_kind, 0, tree});
    layout::insert(leaf, 0, view("key"), {reference, true});
    format::root_record root;
    root.tree = tree;
    root.root = format::ref_of(leaf);
    root.entries = 1;
    return root;
}

TEST_CASE("what is written through small and large buffers is a store") {
    for (const std::uint32_t buffer : {1U, 3U, 100U})
        for (const std::size_t value : {std::size_t{1}, std::size_t{479}, std::size_t{480},
                                        std::size_t{481}, std::size_t{5000}}) {
            CAPTURE(buffer);
            CAPTURE(value);
            const clean_disk disk;
            std::uint64_t pages = 0;
            {
                new_store fresh("store", buffer);
                const format::root_record root = fill(fresh, value, 0);
                REQUIRE(fresh.finish(schema(), root));
                pages = fresh.pages();
            }
            const bytes image = recorded_disk::the().get("store");
            CHECK(image.size() == pages * 512);
            const quire::inspect::report found =
                quire::inspect::check(quire_test::image_reader(image));
            CHECK(found.ok());
            CHECK(recorded_disk::the().names.size() == 1);
        }
}

TEST_CASE("pages that nothing names are found out") { // the check above looks at all pages
    const clean_disk disk;
    {
        new_store fresh("store", 4);
        REQUIRE(fresh.finish(schema(), fill(fresh, 10, 9)));
    }
    CHECK_FALSE(
        quire::inspect::check(quire_test::image_reader(recorded_disk::the().get("store"))).ok());
}

TEST_CASE("it has its name when everything is durable") {
    const clean_disk disk;
    new_store fresh("store", 2);
    REQUIRE(fresh.finish(schema(), fill(fresh, 3000, 0)));
    std::uint64_t unsynced = 0;
    bool named = false;
    for (const disk_event& e : recorded_disk::the().trace) {
        if (e.what == disk_event::kind::write) ++unsynced;
        if (e.what == disk_event::kind::sync) unsynced = 0;
        if (e.what == disk_event::kind::rename) {
            CHECK(unsynced == 0);
            named = true;
        }
        if (named) CHECK(e.what != disk_event::kind::write);
    }
    CHECK(named);
    CHECK(recorded_disk::the().trace.back().what == disk_event::kind::sync_directory);
}

TEST_CASE("given up, it is gone") {
    const clean_disk disk;
    {
        new_store fresh("store", 2);
        static_cast<void>(fill(fresh, 3000, 3));
        CHECK(recorded_disk::the().names.size() == 1);
    }
    CHECK(recorded_disk::the().names.empty());
}

TEST_CASE("another file is never replaced") {
    const clean_disk disk;
    {
        new_store first("store");
        new_store second("store");
        REQUIRE(first.finish(schema(), {}));
        CHECK_FALSE(second.finish(schema(), {}));
        CHECK(recorded_disk::the().names.size() == 1);
    }
    CHECK(recorded_disk::the().names.size() == 1);
}

TEST_CASE("whatever fails, nothing is left") {
    for (const unsigned kind : {fault_plan::names, fault_plan::writes, fault_plan::syncs}) {
        std::uint64_t calls = 1;
        for (std::uint64_t n = 0; n < calls; ++n) {
            const clean_disk disk;
            CAPTURE(kind);
            CAPTURE(n);
            device::plan = {.kinds = kind, .after = n, .number = EIO};
            bool threw = false;
            try {
                new_store fresh("store", 2);
                static_cast<void>(fresh.finish(schema(), fill(fresh, 5000, 0)));
            } catch (const quire::io_error& e) {
                threw = true;
                CHECK(e.path() == "store");
            }
            CHECK(threw == (device::plan.fired != 0));
            if (threw) {
                calls = n + 2;
                const bool was_named = kind == fault_plan::names && n == 2;
                CHECK(recorded_disk::the().names.size() == (was_named ? 1 : 0));
            }
        }
        CHECK(calls > 1);
    }
}

} // namespace
