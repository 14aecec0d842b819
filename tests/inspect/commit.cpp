// Which slot holds: commits that are whole, torn, lost, and slots that rotted.
#include <quire/inspect/commit.hpp>

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/inspect/check.hpp>

#include "small_file.hpp"

namespace {

using namespace small_file;
using quire::inspect::cause;
using quire::inspect::check;
using quire::inspect::header;
using quire::inspect::report;

// Version 4 is full_store's; version 7 (6 was a savepoint) wrote anew what one change at each end
// takes: 17, 18, 20 to 40, 41, 42 in tree 1; 24, 27 and a run to 43, 44, 45 in tree 2; a free map.
class two_commits : public full_store {
public:
    identity new_root1{40, 1, 7}, new_left1{41, 1, 6}, new_leaf20{42, 1, 6}, new_root2{43, 2, 7},
        new_leaf27{44, 2, 7}, new_run{45, 2, 5}, new_map{46, 0, 7};
    std::vector<std::uint32_t> written{40, 41, 42, 43, 44, 45, 46};

    quire::format::header_slot before; // of version 4

    two_commits() {
        now.committed = version{4};
        now.base = version{3};
        now.flags = 0;
        slot(now);
        before = now;
        file.bytes.resize(512 * 47);
        fixed_inner(new_root1, 2, {300}, {new_left1, right1});
        fixed_inner(new_left1, 1, {200}, {new_leaf20, leaf21});
        fixed_leaf(new_leaf20, {1, 2});
        slotted_inner(new_root2, 1, "", leaf25, {{"k", leaf26}, {"pre", new_leaf27}});
        slotted_leaf(new_leaf27, "prefix-",
                     {{"prefix-1", run(new_run, std::string(100, 'x'))}, {"prefix-2", {""}}});
        std::vector<std::uint32_t> free{17, 18, 20, 24, 27, 30, 31};
        for (std::uint32_t i = 32; i < 40; ++i) free.push_back(i);
        bitmap(new_map, 0, free);
        now.committed = version{7};
        now.base = version{4};
        now.page_count = 47;
        now.free_map_root = new_map.ref();
        now.roots[0] = {tree_id{1}, 2, new_root1.ref(), 8};
        now.roots[1] = {tree_id{2}, 1, new_root2.ref(), 7};
        now.commit_pages = written.size();
        now.commit_digest = digest(written);
        slot(now);
    }
};

} // namespace

TEST_CASE("a commit whose pages are all there holds") {
    two_commits store;
    const report r = check(store.file);
    INFO(text_of(r));
    CHECK(r.ok());
    CHECK(r.header.chosen == 1);
    CHECK(to_integer(r.header.current().committed) == 7);
    CHECK(header(store.file).chosen == 1);
}

TEST_CASE("a commit with a page that is missing never happened") {
    for (const std::uint32_t id : two_commits().written) {
        CAPTURE(id);
        for (int way = 0; way < 3; ++way) {
            two_commits store;
            if (way == 0) std::memset(store.page(id), 0, 512);
            else if (way == 1) std::memcpy(store.page(id), store.page(21), 512);
            else store.page(id)[100] ^= std::byte{1};
            const report r = check(store.file);
            INFO(text_of(r));
            REQUIRE(r.findings.size() == 1);
            CHECK(to_integer(r.findings[0].page) == id);
            CHECK(r.findings[0].from == cause::crash);
            CHECK(r.findings[0].field.find("slot 1 commit: ") == 0);
            CHECK(r.sound());
            CHECK_FALSE(r.ok());
            CHECK(r.header.chosen == 0);
            CHECK(r.trees.at(1).records == 9);
            CHECK(r.tail_bytes == 13 * 512);
        }
    }
    two_commits cut;
    cut.file.bytes.resize(512 * 45);
    const report r = check(cut.file);
    CHECK(r.header.chosen == 0);
    CHECK(r.sound());
}

TEST_CASE("pages that are whole but not the ones that were summed up do not hold either") {
    two_commits other; // 42 as an earlier attempt at the same version might have left it
    other.fixed_leaf(other.new_leaf20, {1, 3});
    const report r = check(other.file);
    REQUIRE(r.findings.size() == 1);
    CHECK(r.findings[0].field == "slot 1 commit: commit_digest");
    CHECK(r.header.chosen == 0);
    CHECK(r.sound());

    two_commits more;
    more.now.commit_pages = 8;
    more.slot(more.now);
    CHECK(check(more.file).findings.at(0).field == "slot 1 commit: commit_pages");
}

TEST_CASE("a broken rule does not pass for a crash") {
    two_commits store;
    store.page(40)[6] = std::byte{200}; // a count that no page holds, under a good checksum
    store.seal(40);
    store.now.commit_digest = store.digest(store.written);
    store.slot(store.now);
    const report r = check(store.file);
    CHECK(r.header.chosen == 1);
    REQUIRE(r.findings.size() == 1);
    CHECK(r.findings[0].field == "count");
    CHECK(r.findings[0].from == cause::writer);
    CHECK_FALSE(r.sound());
}

TEST_CASE("a commit that was closed in order, or has no slot to fall back on, is damage") {
    two_commits closed;
    closed.now.flags = quire::format::flag_clean;
    closed.slot(closed.now);
    CHECK(check(closed.file).ok());
    closed.page(42)[100] ^= std::byte{1};
    const report r = check(closed.file);
    CHECK(r.header.chosen == 0);
    CHECK_FALSE(r.sound());

    two_commits alone;
    std::memset(alone.file.bytes.data(), 0, 512);
    CHECK(check(alone.file).ok());
    alone.page(42)[100] ^= std::byte{1};
    const report lost = check(alone.file);
    CHECK(lost.header.chosen == 1);
    REQUIRE(lost.findings.size() == 2); // the commit, and the page when the state is walked
    CHECK(lost.findings[0].from == cause::medium);
    CHECK(lost.findings[1].field == "checksum");
}

TEST_CASE("pages of versions whose low halves wrapped belong to the commit") {
    two_commits store;
    const std::uint64_t base = (std::uint64_t{1} << 32) - 2; // the commit is base + 3
    const auto reborn = [&](identity& who, std::uint64_t birth) {
        who.birth = birth;
        quire::store_le<std::uint64_t>(store.page(who.page) + 16, birth);
    };
    reborn(store.new_map, base + 3);
    store.seal(46);
    store.new_root1.birth = base + 3;
    store.new_left1.birth = base + 1;
    store.new_leaf20.birth = base + 1;
    store.fixed_inner(store.new_root1, 2, {300}, {store.new_left1, store.right1});
    store.fixed_inner(store.new_left1, 1, {200}, {store.new_leaf20, store.leaf21});
    store.fixed_leaf(store.new_leaf20, {1, 2});
    store.new_root2.birth = base + 3;
    store.new_leaf27.birth = base + 2;
    store.new_run.birth = base + 2;
    store.slotted_inner(store.new_root2, 1, "", store.leaf25,
                        {{"k", store.leaf26}, {"pre", store.new_leaf27}});
    store.slotted_leaf(
        store.new_leaf27, "prefix-",
        {{"prefix-1", store.run(store.new_run, std::string(100, 'x'))}, {"prefix-2", {""}}});
    store.before.committed = version{base};
    store.before.base = version{4};
    store.slot_at(0, store.before);
    store.now.base = version{base};
    store.now.committed = version{base + 3};
    store.now.free_map_root = store.new_map.ref();
    store.now.roots[0].root = store.new_root1.ref();
    store.now.roots[1].root = store.new_root2.ref();
    store.now.commit_digest = store.digest(store.written);
    store.slot(store.now);
    const report r = check(store.file);
    INFO(text_of(r));
    CHECK(r.ok());
    CHECK(to_integer(r.header.current().committed) == base + 3);
    store.page(42)[100] ^= std::byte{1};
    CHECK(check(store.file).header.chosen == 0);
}

TEST_CASE("slots that are not whole") {
    full_store torn; // the newer slot half written
    torn.file.bytes[4096 + 300] ^= std::byte{1};
    report r = check(torn.file);
    CHECK(r.header.chosen == 0);
    REQUIRE(r.findings.size() == 1);
    CHECK(r.findings[0].field == "slot 1 checksum");
    CHECK(r.sound());

    full_store newer; // whole, but of a format to come
    newer.file.bytes[32] = std::byte{2};
    quire::store_le<std::uint32_t>(newer.file.bytes.data() + 508,
                                   quire::crc32c({newer.file.bytes.data(), 508}));
    r = check(newer.file);
    REQUIRE(r.findings.size() == 1);
    CHECK(r.findings[0].field == "slot 0 must_understand");
    CHECK(r.findings[0].from == cause::writer);

    full_store twice; // a new store has its one slot in both places
    std::memcpy(twice.file.bytes.data(), twice.file.bytes.data() + 4096, 512);
    CHECK(check(twice.file).ok());
    twice.now.roots[0].entries = 8;
    twice.slot_at(0, twice.now);
    r = check(twice.file);
    REQUIRE(r.findings.size() == 2); // slot 0 is taken, and its count is wrong too
    CHECK(r.findings[0].field == "slot 1 version");

    full_store sizes;
    sizes.now.committed = version{4};
    sizes.now.page_size = 1024;
    sizes.slot(sizes.now);
    r = check(sizes.file);
    REQUIRE(r.findings.size() == 1);
    CHECK(r.findings[0].field == "slot 1 page_size");

    full_store stranger;
    stranger.now.committed = version{4};
    stranger.now.base = version{3};
    stranger.now.flags = 0;
    stranger.now.database_id[3] = std::byte{99};
    stranger.slot(stranger.now);
    r = check(stranger.file);
    REQUIRE(r.findings.size() == 1);
    CHECK(r.findings[0].field == "slot 1 database_id");

    full_store fresh; // one slot never written
    std::memset(fresh.file.bytes.data(), 0, 512);
    CHECK(check(fresh.file).ok());

    full_store neither;
    std::memset(neither.file.bytes.data(), 'x', 512);
    std::memset(neither.file.bytes.data() + 4096, 'x', 512);
    r = check(neither.file);
    CHECK(r.header.chosen == -1);
    CHECK(r.findings.size() == 2);
    CHECK_FALSE(r.sound());

    device text;
    for (const char c : std::string("this is not a store\n"))
        text.bytes.push_back(static_cast<std::byte>(c));
    CHECK_FALSE(check(text).ok());
    CHECK_FALSE(check(device{}).ok());
}

TEST_CASE("a slot falls back only on the state it was built on") {
    two_commits store; // version 5 was there, and its slot write was lost
    store.now.base = version{5};
    quire::store_le<std::uint64_t>(store.page(45) + 16, 6);
    const slotted_value value = store.run({45, 2, 6}, std::string(100, 'x'));
    store.slotted_leaf(store.new_leaf27, "prefix-", {{"prefix-1", value}, {"prefix-2", {""}}});
    store.now.commit_digest = store.digest(store.written);
    store.slot(store.now);
    CHECK(check(store.file).ok());
    store.page(42)[100] ^= std::byte{1};
    const report r = check(store.file);
    CHECK(r.header.chosen == 1);
    REQUIRE(r.findings.size() == 2);
    CHECK(r.findings[0].from == cause::medium);
    CHECK_FALSE(r.sound());
}

TEST_CASE("a file that lost its growth lost its commit") {
    two_commits store; // page 46 is the last one; a free page behind it was never written
    store.now.page_count = 48;
    std::vector<std::uint32_t> free{17, 18, 20, 24, 27, 30, 31, 47};
    for (std::uint32_t i = 32; i < 40; ++i) free.push_back(i);
    store.bitmap(store.new_map, 0, free);
    store.now.commit_digest = store.digest(store.written);
    store.slot(store.now);
    report r = check(store.file);
    CHECK(r.header.chosen == 0);
    REQUIRE(r.findings.size() == 1);
    CHECK(r.findings[0].field == "slot 1 commit: file size");
    CHECK(r.sound());
    store.file.bytes.resize(48 * 512);
    CHECK(check(store.file).ok());
}
