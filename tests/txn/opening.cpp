// Opening a store: which commit is found, what is refused, and that nothing read from the file is
// trusted because its checksums are right.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/inspect/check.hpp>
#include <quire/txn/opening.hpp>

#include "support/recorded_disk.hpp"
#include "support/store_image.hpp"

namespace {

namespace format = quire::format;
using quire_test::bytes;
using quire_test::newest;
using quire_test::put_slot;
using quire_test::recorded_device;
using quire_test::recorded_disk;
using quire_test::slot_at;

constexpr std::size_t page_size = 512;
using words =
    quire::btree_map<std::string, std::string, recorded_device<false>, quire::txn::shadow,
                     quire::page_size<page_size>>;
using numbers = quire::btree_map<std::uint64_t, std::uint64_t, recorded_device<false>,
                                 quire::page_size<page_size>,
                                 quire::txn::shadow>;

// The image of a store in the middle of a session, its last commit vouched for by its slot.
bytes open_image(int records) {
    recorded_disk::the().clear();
    words map("store");
    {
        auto tx = map.transaction();
        for (int i = 0; i < records; ++i)
            tx.insert_or_assign("key " + std::to_string(i), "value " + std::to_string(i));
        tx.commit();
    }
    map.insert_or_assign("key 0", "the last commit");
    return recorded_disk::the().get("store");
}

std::byte* page_of(bytes& image, quire::page_id id) {
    return quire_test::page_of(image, id, page_size);
}

// Changes a page of the newest commit and makes its checksum and the commit's digest right again.
void forge(bytes& image, quire::page_id id, const std::function<void(std::byte*)>& change) {
    const std::size_t i = newest(image);
    format::header_slot slot = slot_at(image, i).slot;
    std::byte* const page = page_of(image, id);
    slot.commit_digest -= format::digest_of(id, format::stored_checksum(page));
    change(page);
    slot.commit_digest += format::digest_of(id, format::seal({page, page_size}));
    put_slot(image, i, slot);
}

// "content", or the error's code.
std::string outcome_of(const bytes& image, std::map<std::string, std::string>* content = nullptr) {
    recorded_disk::the().clear();
    recorded_disk::the().put("store", image);
    try {
        words map("store");
        std::map<std::string, std::string> found(map.begin(), map.end());
        for (const auto& [k, v] : found)
            if (map.get(k) != v) return "two contents";
        map.insert_or_assign("new", "value");
        map.verify();
        if (content != nullptr) *content = std::move(found);
        return "content";
    } catch (const quire::corruption& e) {
        CHECK(e.path() == "store");
        return "corruption";
    } catch (const quire::error& e) {
        return e.what();
    }
}

} // namespace

TEST_CASE("the newest commit is taken when its pages are whole, else the one before it") {
    const bytes image = open_image(40);
    const std::size_t i = newest(image);
    const format::header_slot slot = slot_at(image, i).slot;
    REQUIRE(slot.commit_pages > 0);
    std::map<std::string, std::string> content;
    CHECK(outcome_of(image, &content) == "content");
    CHECK(content.at("key 0") == "the last commit");
    const auto falls_back = [&](const bytes& changed) {
        CHECK(outcome_of(changed, &content) == "content");
        CHECK(content.size() == 40);
        CHECK(content.at("key 0") == "value 0");
    };
    SUBCASE("a page is missing") {
        bytes changed = image;
        std::memset(page_of(changed, slot.roots[0].root.id), 0, page_size);
        falls_back(changed);
    }
    SUBCASE("a bit of a page is missing") {
        bytes changed = image;
        page_of(changed, slot.roots[0].root.id)[400] ^= std::byte{2};
        falls_back(changed);
    }
    SUBCASE("a page is another whole one") {
        bytes changed = image;
        std::byte* const page = page_of(changed, slot.roots[0].root.id);
        page[500] ^= std::byte{1};
        format::seal({page, page_size});
        falls_back(changed);
    }
    SUBCASE("the slot counts other pages") {
        for (const std::uint64_t pages : {slot.commit_pages + 1, slot.commit_pages - 1}) {
            bytes changed = image;
            format::header_slot wrong = slot;
            wrong.commit_pages = pages;
            if (pages == 0) continue; // that says that nothing is to be verified
            put_slot(changed, i, wrong);
            falls_back(changed);
        }
    }
    SUBCASE("its growth is missing") {
        bytes changed = image;
        format::header_slot longer = slot;
        longer.page_count = image.size() / page_size + 1;
        put_slot(changed, i, longer);
        falls_back(changed);
    }
    SUBCASE("and the slot is torn") {
        bytes changed = image;
        changed[format::slot_offsets[i] + 300] ^= std::byte{1};
        falls_back(changed);
    }
}

TEST_CASE("a commit that is not whole and has no state before it is corruption") {
    bytes image = open_image(40);
    const std::size_t i = newest(image);
    const format::header_slot slot = slot_at(image, i).slot;
    page_of(image, slot.roots[0].root.id)[400] ^= std::byte{2};
    std::memset(image.data() + format::slot_offsets[1 - i], 0, format::slot_size);
    CHECK(outcome_of(image) == "corruption");
}

TEST_CASE("falling back changes nothing in the file of a reader") {
    bytes image = open_image(40);
    page_of(image, slot_at(image, newest(image)).slot.roots[0].root.id)[400] ^= std::byte{2};
    recorded_disk::the().clear();
    recorded_disk::the().put("store", image);
    {
        words map("store", {.read_only = true});
        CHECK(map.at("key 0") == "value 0");
        CHECK_THROWS_AS(map.insert("a", "b"), quire::read_only);
    }
    CHECK(recorded_disk::the().get("store") == image);
    CHECK(recorded_disk::the().trace.empty());
}

TEST_CASE("pages of the newest commit are judged like all others, digest or not") {
    const bytes image = open_image(40);
    const format::header_slot slot = slot_at(image, newest(image)).slot;
    // Pages born in the newest commit: the path to the record that it changed.
    std::vector<quire::page_id> path;
    for (std::uint64_t n = format::header_pages(page_size); n < slot.page_count; ++n) {
        bytes copy = image;
        const auto id = static_cast<quire::page_id>(n);
        if (format::birth_of(page_of(copy, id)) == slot.committed &&
            format::tree_of(page_of(copy, id)) == quire::tree_id{1})
            path.push_back(id);
    }
    REQUIRE(path.size() == 2); // root and leaf
    for (const quire::page_id id : path)
        for (std::size_t at = 4; at < page_size; ++at)
            for (const unsigned value : {0xFFU, 0x80U, 0x7FU, 0x01U}) {
                if (at >= 8 && at < 24) continue; // who the page is
                bytes changed = image;
                forge(changed, id, [&](std::byte* page) { page[at] = std::byte(value); });
                const std::string how = outcome_of(changed);
                // Keys out of order lead anywhere, but never out of the page.
                if (how != "content" && how != "corruption" && how != "two contents")
                    FAIL("page ", to_integer(id), ", byte ", at, " = ", value, ": ", how);
            }
    // A page that cannot be is corruption, or the commit it is of has never happened.
    const auto refused = [&](quire::page_id id, const std::function<void(std::byte*)>& change) {
        bytes changed = image;
        forge(changed, id, change);
        std::map<std::string, std::string> content;
        const std::string how = outcome_of(changed, &content);
        return how == "corruption" || (how == "content" && content.at("key 0") == "value 0");
    };
    for (const quire::page_id id : path) {
        CHECK(refused(id, [](std::byte* page) { format::set_count(page, 0xFFFF); }));
        CHECK(refused(id, [](std::byte* page) { page[4] = std::byte{0xFF}; })); // its kind
    }
}

TEST_CASE("a page has one use: the catalog is no leaf of the map, a free-map page is none") {
    recorded_disk::the().clear();
    {
        numbers map("store");
        auto tx = map.transaction();
        for (std::uint64_t i = 0; i < 2000; ++i) tx.insert(i, i);
        tx.commit();
        auto erase = map.transaction();
        for (std::uint64_t i = 0; i < 1000; ++i) erase.erase(i);
        erase.commit();
    }
    const bytes image = recorded_disk::the().get("store");
    const format::header_slot slot = slot_at(image, newest(image)).slot;
    REQUIRE(slot.free_map_root);
    for (const quire::page_ref wrong : {slot.catalog_root, slot.free_map_root}) {
        bytes changed = image;
        std::byte* const page = page_of(changed, wrong.id);
        if (wrong == slot.free_map_root) format::set_count(page, 0xFFFF);
        format::seal({page, page_size});
        for (std::size_t i = 0; i < 2; ++i) {
            format::header_slot forged = slot_at(image, i).slot;
            forged.roots[0].root = wrong;
            forged.roots[0].level = 0;
            put_slot(changed, i, forged);
        }
        recorded_disk::the().put("store", changed);
        numbers map("store", {.read_only = true});
        CHECK_THROWS_AS(static_cast<void>(map.contains(1)), quire::corruption);
        CHECK_THROWS_AS(static_cast<void>(map.begin()), quire::corruption);
    }
}

TEST_CASE("other types than the store's are refused, and what differs is told") {
    recorded_disk::the().clear();
    { words map("store"); }
    const auto refusal = [](auto make) {
        try {
            make();
        } catch (const quire::schema_mismatch& e) {
            CHECK(e.path() == "store");
            return e.field() + ": " + e.found() + ", " + e.expected();
        }
        return std::string("accepted");
    };
    using device = recorded_device<false>;
    using size = quire::page_size<page_size>;
    using shadow = quire::txn::shadow;
    CHECK(refusal([] { numbers("store"); }) == "key codec: string, u64");
    using other = quire::btree_map<std::string, std::uint32_t, device, size, shadow>;
    CHECK(refusal([] { other("store"); }) == "value codec: string, u32");
    CHECK(refusal([] { words("store"); }) == "accepted");
    CHECK(refusal([] { words("store", {.read_only = true}); }) == "accepted");
}

TEST_CASE("a full check on opening finds what reading has not met yet") {
    bytes image = open_image(400);
    const format::header_slot slot = slot_at(image, newest(image)).slot;
    recorded_disk::the().clear();
    recorded_disk::the().put("store", image);
    CHECK_NOTHROW(words("store", {.untrusted = true}));
    // A page of an older commit.
    bool damaged = false;
    for (std::uint64_t n = format::header_pages(page_size); n < slot.page_count && !damaged; ++n) {
        std::byte* const page = page_of(image, static_cast<quire::page_id>(n));
        if (format::kind_of(page) != format::page_kind::slotted_leaf ||
            format::tree_of(page) != quire::tree_id{1} || format::birth_of(page) == slot.committed)
            continue;
        page[300] ^= std::byte{1};
        recorded_disk::the().put("store", image);
        try {
            words("store", {.read_only = true, .untrusted = true});
        } catch (const quire::corruption& e) {
            damaged = true;
            CHECK(e.path() == "store");
            CHECK(e.page() == static_cast<quire::page_id>(n));
            CHECK(e.field() == "checksum");
        }
        if (!damaged) page[300] ^= std::byte{1}; // that page was free
    }
    CHECK(damaged);
}

TEST_CASE("what an unclean store's newest commit wrote is made durable before anything else") {
    for (const int records : {0, 40, 400}) {
        const bytes image = open_image(records);
        const std::size_t at = newest(image);
        const format::header_slot slot = slot_at(image, at).slot;
        REQUIRE(slot.commit_pages != 0);
        auto& disk = recorded_disk::the();
        disk.clear();
        disk.put("store", image);
        {
            words map("store");
            std::uint64_t pages = 0;
            bool slot_again = false;
            std::size_t n = 0;
            using kind = quire_test::disk_event::kind;
            for (; n < disk.trace.size() && disk.trace[n].what != kind::sync; ++n) {
                const quire_test::disk_event& e = disk.trace[n];
                if (e.what != kind::write) continue;
                // The same bytes to the same place, whatever it is.
                REQUIRE(e.offset + e.content.size() <= image.size());
                REQUIRE(std::memcmp(e.content.data(), image.data() + e.offset, e.content.size()) ==
                        0);
                if (e.offset == format::slot_offsets[at]) slot_again = true;
                else ++pages;
            }
            CHECK(slot_again);
            CHECK(pages == slot.commit_pages);
            CHECK(n < disk.trace.size());
            CHECK(map.get("key 0") == "the last commit");
        }
        // A clean store is not written when it is opened.
        disk.trace.clear();
        const words map("store");
        for (const quire_test::disk_event& e : disk.trace)
            CHECK(e.what != quire_test::disk_event::kind::write);
    }
}

TEST_CASE("a slot that vouches for more pages than there are is damaged") {
    bytes image = open_image(200);
    const std::size_t at = newest(image);
    format::header_slot slot = slot_at(image, at).slot;
    slot.commit_pages = ~std::uint64_t{0};
    put_slot(image, at, slot);
    CHECK(slot_at(image, at).state == format::slot_state::damaged);
    recorded_disk::the().clear();
    recorded_disk::the().put("store", image);
    words map("store"); // the other slot holds
    CHECK(map.get("key 0") == "value 0");
    map.verify();
}

TEST_CASE("a catalog that is an inner page is not searched as a leaf") {
    bytes image = open_image(200);
    const std::size_t at = newest(image);
    const quire::page_id id = slot_at(image, at).slot.catalog_root.id;
    std::byte* const page = page_of(image, id);
    quire::format::page_facts facts{format::page_kind::slotted_inner, 1, quire::tree_id::catalog};
    const quire::version birth = format::birth_of(page);
    format::start_page(page, facts, id, birth);
    quire::node::slotted<page_size>::start_inner(page, {quire::page_id{65000}, 4});
    format::seal({page, page_size});
    recorded_disk::the().clear();
    recorded_disk::the().put("store", image);
    CHECK_THROWS_AS(words("store"), quire::schema_mismatch);
}
