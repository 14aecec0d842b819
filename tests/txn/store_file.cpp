// The file of a store by itself: its creation step by step, its two slots, and what it refuses.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/core/error.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/inspect/check.hpp>
#include <quire/txn/store_file.hpp>

#include "support/crash_images.hpp"
#include "support/faulty_device.hpp"
#include "support/recorded_disk.hpp"
#include "support/store_image.hpp"

namespace {

namespace format = quire::format;
using quire::storage::access;
using quire_test::bytes;
using quire_test::disk_event;
using quire_test::fault_plan;
using quire_test::recorded_disk;
using device = quire_test::faulty_device<quire_test::recorded_device<false>>;
using file_type = quire::txn::store_file<device, 512>;
constexpr file_type::opening for_writing{access::read_write, true};
constexpr file_type::opening existing{access::read_write, false};

format::schema schema() {
    format::schema s;
    s.tree = static_cast<quire::tree_id>(1);
    s.key_codec = "string";
    s.value_codec = "u32";
    s.value_size = 4;
    return s;
}
void clear() {
    recorded_disk::the().clear();
    device::plan = {};
}
bytes new_store() {
    clear();
    {
        file_type file;
        file.open("store", for_writing, schema());
    }
    return recorded_disk::the().get("store");
}
// What a later version of the library would write.
void make_newer(bytes& image, std::size_t i) {
    std::byte* const slot = image.data() + format::slot_offsets[i];
    quire::store_le<std::uint16_t>(slot + 8, 7);
    quire::store_le<std::uint32_t>(slot + 508, quire::crc32c({slot, 508}));
}
template <class Error>
Error refusal_of(const bytes& image) {
    recorded_disk::the().put("store", image);
    file_type file;
    try {
        file.open("store", existing, schema());
    } catch (const Error& e) {
        return e;
    }
    throw std::runtime_error("the file was accepted");
}

// The name is taken between the failed open and the rename.
struct late : quire_test::recorded_device<false> {
    quire::storage::status create(const std::string& path) noexcept {
        recorded_disk::the().put("store", *image);
        return recorded_device::create(path);
    }
    static inline const bytes* image = nullptr;
};

} // namespace

TEST_CASE("a new store is whole, closed, and has both slots") {
    const bytes image = new_store();
    CHECK(quire::inspect::check(quire_test::image_reader(image)).ok());
    for (std::size_t i = 0; i < 2; ++i) {
        const format::header_slot slot = quire_test::slot_at(image, i).slot;
        CHECK(slot.page_size == 512);
        CHECK((slot.flags & format::flag_clean) != 0);
        CHECK(slot.page_count * 512 == image.size());
        CHECK(slot.tree_count == 1);
        CHECK_FALSE(slot.roots[0].root);
    }
    CHECK(quire_test::slot_at(image, 0).slot.database_id ==
          quire_test::slot_at(image, 1).slot.database_id);
    CHECK(quire_test::slot_at(image, 0).slot.database_id !=
          quire_test::slot_at(new_store(), 0).slot.database_id);
    clear();
}

TEST_CASE("creation: a crash leaves no store or the whole one, under one name") {
    new_store();
    const std::vector<disk_event> trace = recorded_disk::the().trace;
    // Names and file by the rules of a file system: names reach the medium in order, at the sync of
    // their directory at the latest, and the content apart from them.
    std::mt19937_64 random(5);
    quire_test::crash_replay content;
    std::vector<const disk_event*> pending_names;
    bool durable_name = false;
    int whole = 0;
    int absent = 0;
    for (const disk_event& e : trace) {
        content.apply(e);
        if (e.what == disk_event::kind::create || e.what == disk_event::kind::rename)
            pending_names.push_back(&e);
        if (e.what == disk_event::kind::sync_directory) {
            durable_name = true;
            pending_names.clear();
        }
        for (std::size_t names = 0; names <= pending_names.size(); ++names) {
            std::string name = durable_name ? "store" : "";
            for (std::size_t n = 0; n < names; ++n)
                name = pending_names[n]->to.empty() ? pending_names[n]->name : pending_names[n]->to;
            content.for_each_image(random, true, 20, [&](const bytes& image) {
                if (name != "store") {
                    ++absent;
                    return;
                }
                ++whole;
                REQUIRE(quire::inspect::check(quire_test::image_reader(image)).ok());
            });
        }
    }
    CHECK(durable_name);
    CHECK(whole >= 2);
    CHECK(absent > 20);
    // After creating, nothing is left of the temporary name.
    CHECK(recorded_disk::the().names.size() == 1);
}

TEST_CASE("creation that fails leaves nothing behind") {
    for (const unsigned kind : {fault_plan::names, fault_plan::writes, fault_plan::syncs})
        for (std::uint64_t n = 0; n < 2; ++n)
            for (const int number : {EIO, ENOSPC, EROFS}) {
                clear();
                device::plan = {.kinds = kind, .after = n, .number = number};
                file_type file;
                bool failed = false;
                try {
                    file.open("store", for_writing, schema());
                } catch (const quire::storage_full& e) {
                    failed = true;
                    CHECK(number == ENOSPC);
                    CHECK(e.path() == "store");
                } catch (const quire::io_error& e) {
                    failed = true;
                    CHECK(e.number() == number);
                    CHECK(e.path() == "store");
                }
                CHECK(failed == (device::plan.fired != 0));
                if (failed) CHECK(recorded_disk::the().names.empty());
            }
    clear();
}

TEST_CASE("a store that appears meanwhile is opened, not replaced") {
    const bytes other = new_store();
    clear();
    late::image = &other;
    quire::txn::store_file<late, 512> file;
    file.open("store", {access::read_write, true}, schema());
    CHECK(file.slot().database_id == quire_test::slot_at(other, 0).slot.database_id);
    CHECK(recorded_disk::the().names.size() == 1);
}

TEST_CASE("the name of a store is durable before anything is built on it") {
    new_store(); // whoever did that may have ended before it synced the directory
    const auto& trace = recorded_disk::the().trace;
    const std::size_t before = trace.size();
    file_type{}.open("store", existing, schema());
    REQUIRE(trace.size() > before);
    CHECK(trace[before].what == disk_event::kind::sync_directory);
    // A failure of that is an error, and who only reads has nothing to make durable.
    device::plan = {.kinds = fault_plan::names, .number = EIO};
    CHECK_THROWS_AS(file_type{}.open("store", existing, schema()), quire::io_error);
    device::plan = {};
    const std::size_t reading = trace.size();
    file_type{}.open("store", {access::read_only, false}, schema());
    CHECK(trace.size() == reading);
}

TEST_CASE("slots alternate, and what was written is what is found") {
    new_store();
    std::uint64_t last = 0;
    {
        file_type file;
        file.open("store", existing, schema());
        recorded_disk::the().trace.clear();
        for (std::uint64_t n = 2; n < 12; ++n) {
            format::header_slot slot = file.slot();
            slot.flags = 0;
            slot.base = slot.committed;
            slot.committed = static_cast<quire::version>(n);
            REQUIRE(file.write_slot(slot).ok());
            file.accept(slot);
            const std::uint64_t here = recorded_disk::the().trace.back().offset;
            if (n > 2) CHECK(here != last);
            CHECK((here == format::slot_offsets[0] || here == format::slot_offsets[1]));
            last = here;
        }
        CHECK(file.slot().committed == quire::version{11});
    }
    file_type again;
    again.open("store", existing, schema());
    CHECK(again.slot().committed == quire::version{11});
    CHECK(again.slot().base == quire::version{10});
    // Never in the place of the newest, after falling back the place of what was fallen from.
    format::header_slot slot = again.slot();
    slot.committed = quire::version{12};
    slot.base = quire::version{11};
    REQUIRE(again.write_slot(slot).ok());
    CHECK(recorded_disk::the().trace.back().offset != last);
    static_cast<void>(again.device().close());
    file_type third;
    third.open("store", existing, schema());
    CHECK(third.slot().committed == quire::version{12});
    third.fall_back();
    CHECK(third.slot().committed == quire::version{11});
    REQUIRE(third.write_slot(slot).ok());
    CHECK(recorded_disk::the().trace.back().offset != last);
}

TEST_CASE("falling back needs the very slot that was built on") {
    bytes image = new_store();
    format::header_slot slot = quire_test::slot_at(image, 0).slot;
    slot.flags = 0;
    slot.committed = quire::version{9};
    slot.base = quire::version{7};
    quire_test::put_slot(image, 0, slot);
    slot.committed = quire::version{6};
    slot.base = quire::version{5};
    SUBCASE("another one") { quire_test::put_slot(image, 1, slot); }
    SUBCASE("none") { image[format::slot_offsets[1] + 100] ^= std::byte{1}; }
    SUBCASE("one of a longer file") {
        slot.committed = quire::version{7};
        slot.page_count += 5;
        quire_test::put_slot(image, 1, slot);
    }
    recorded_disk::the().put("store", image);
    file_type file;
    file.open("store", existing, schema());
    CHECK(file.slot().committed == quire::version{9});
    CHECK_THROWS_AS(file.fall_back(), quire::corruption);
}

TEST_CASE("the newer of two whole slots holds, and one whole slot is enough") {
    const bytes image = new_store();
    for (std::size_t newer = 0; newer < 2; ++newer) {
        bytes changed = image;
        format::header_slot slot = quire_test::slot_at(image, newer).slot;
        slot.committed = quire::version{5};
        quire_test::put_slot(changed, newer, slot);
        recorded_disk::the().put("store", changed);
        file_type file;
        file.open("store", existing, schema());
        CHECK(file.slot().committed == quire::version{5});
    }
    for (std::size_t lost = 0; lost < 2; ++lost) {
        bytes changed = image;
        changed[format::slot_offsets[lost] + 70] ^= std::byte{4};
        recorded_disk::the().put("store", changed);
        file_type file;
        CHECK_NOTHROW(file.open("store", existing, schema()));
    }
}

TEST_CASE("what is refused") {
    const bytes image = new_store();
    bytes changed = image;
    SUBCASE("two stores in one") {
        format::header_slot slot = quire_test::slot_at(image, 1).slot;
        slot.database_id[3] ^= std::byte{1};
        quire_test::put_slot(changed, 1, slot);
        CHECK(refusal_of<quire::corruption>(changed).field() == "database_id");
    }
    SUBCASE("no whole slot") {
        for (const std::uint64_t at : format::slot_offsets) changed[at + 80] ^= std::byte{1};
        const auto e = refusal_of<quire::corruption>(changed);
        CHECK(e.field() == "checksum");
        CHECK(e.found() != e.expected());
    }
    SUBCASE("a newer format") {
        for (std::size_t i = 0; i < 2; ++i) make_newer(changed, i);
        const auto e = refusal_of<quire::format_mismatch>(changed);
        CHECK(e.field() == "format_version");
        CHECK(e.found() == "7");
        CHECK(e.expected() == "1");
    }
    SUBCASE("a newer format beside an old slot") {
        make_newer(changed, 0);
        CHECK(refusal_of<quire::format_mismatch>(changed).found() == "7");
    }
    SUBCASE("another page size") {
        for (std::size_t i = 0; i < 2; ++i) {
            format::header_slot slot = quire_test::slot_at(image, i).slot;
            slot.page_size = 4096;
            quire_test::put_slot(changed, i, slot);
        }
        const auto e = refusal_of<quire::format_mismatch>(changed);
        CHECK(e.field() == "page_size");
        CHECK(e.found() == "4096");
        CHECK(e.expected() == "512");
    }
    SUBCASE("one byte more") {
        changed.push_back(std::byte{0});
        CHECK(refusal_of<quire::corruption>(changed).field() == "size");
    }
    SUBCASE("one byte less") {
        changed.pop_back();
        CHECK(refusal_of<quire::corruption>(changed).field() == "size");
    }
    SUBCASE("nothing") { CHECK(refusal_of<quire::format_mismatch>({}).found() == "0 bytes"); }
    SUBCASE("something else") {
        changed.assign(9000, std::byte{'x'});
        CHECK(refusal_of<quire::format_mismatch>(changed).field() == "magic");
    }
    // None of that changed the file, or holds it.
    CHECK(recorded_disk::the().names["store"]->writers == 0);
}
