#include <quire/format/header_slot.hpp>

#include <span>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace format = quire::format;
using format::slot_state;
using quire::page_id;
using quire::page_ref;
using quire::version;
using slot_bytes = std::array<std::byte, format::slot_size>;

namespace {

format::header_slot sample_slot() {
    format::header_slot slot;
    slot.page_size = 4096;
    slot.flags = format::flag_clean;
    for (std::size_t i = 0; i < slot.database_id.size(); ++i)
        slot.database_id[i] = static_cast<std::byte>(0xA0 + i);
    slot.committed = version{0x1'0000'0007};
    slot.base = version{0x1'0000'0005};
    slot.page_count = 1234;
    slot.free_map_root = {page_id{77}, 3};
    slot.free_map_level = 1;
    slot.catalog_root = {page_id{2}, 4};
    slot.commit_pages = 5;
    slot.commit_digest = 0xFEDCBA9876543210;
    slot.tree_count = 2;
    slot.roots[0] = {quire::tree_id{1}, 2, {page_id{9}, 7}, 100'000'000'000};
    slot.roots[1] = {quire::tree_id{4}, 0, {}, 0};
    return slot;
}

// Changes one field to a value of the right size and makes the checksum right again.
slot_bytes forged(slot_bytes bytes, std::string_view name, std::uint64_t value) {
    bool found = false;
    for (const format::field& field : format::slot_fields)
        if (field.name == name) {
            found = true;
            for (std::size_t i = 0; i < field.size && i < 8; ++i)
                bytes[field.offset + i] = static_cast<std::byte>((value >> (8 * i)) & 0xFF);
        }
    REQUIRE(found);
    quire::store_le<std::uint32_t>(bytes.data() + 508, quire::crc32c(std::span{bytes}.first(508)));
    return bytes;
}

void check_refused(const slot_bytes& bytes, slot_state state, const std::string& field) {
    CAPTURE(field);
    const auto parsed = format::parse_slot(bytes);
    CHECK(parsed.state == state);
    CHECK(parsed.why.field == field);
    CHECK_FALSE(parsed.why.found.empty());
    CHECK_FALSE(parsed.why.expected.empty());
}

} // namespace

TEST_CASE("a slot comes back as it went") {
    const format::header_slot slot = sample_slot();
    const auto parsed = format::parse_slot(format::encode(slot));
    REQUIRE(parsed.state == slot_state::valid);
    CHECK(parsed.slot.page_size == slot.page_size);
    CHECK(parsed.slot.flags == slot.flags);
    CHECK(parsed.slot.database_id == slot.database_id);
    CHECK(parsed.slot.committed == slot.committed);
    CHECK(parsed.slot.base == slot.base);
    CHECK(parsed.slot.page_count == slot.page_count);
    CHECK(parsed.slot.free_map_root == slot.free_map_root);
    CHECK(parsed.slot.free_map_level == slot.free_map_level);
    CHECK(parsed.slot.catalog_root == slot.catalog_root);
    CHECK(parsed.slot.commit_pages == slot.commit_pages);
    CHECK(parsed.slot.commit_digest == slot.commit_digest);
    CHECK(parsed.slot.tree_count == slot.tree_count);
    CHECK(parsed.slot.roots == slot.roots);
}

TEST_CASE("every page size and a full set of roots come back") {
    for (std::size_t size = format::smallest_page; size <= format::largest_page; size *= 2) {
        CAPTURE(size);
        auto slot = sample_slot();
        slot.page_size = size;
        slot.tree_count = format::roots_in_slot;
        for (std::uint32_t i = 0; i < format::roots_in_slot; ++i)
            slot.roots[i] = {quire::tree_id{i + 1}, i, {page_id{i + 20}, i}, i};
        const auto parsed = format::parse_slot(format::encode(slot));
        REQUIRE(parsed.state == slot_state::valid);
        CHECK(parsed.slot.page_size == size);
        CHECK(parsed.slot.roots == slot.roots);
    }
}

TEST_CASE("no single flipped bit leaves a slot valid") {
    slot_bytes bytes = format::encode(sample_slot());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        const slot_state state = format::parse_slot(bytes).state;
        CAPTURE(bit);
        if (bit < 64) REQUIRE(state == slot_state::foreign);
        else REQUIRE(state == slot_state::damaged);
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
}

TEST_CASE("bytes of something else are foreign") {
    slot_bytes zeros{};
    check_refused(zeros, slot_state::foreign, "magic");
    slot_bytes text{};
    text.fill(std::byte{'a'});
    check_refused(text, slot_state::foreign, "magic");
}

TEST_CASE("what a later version may write is refused as newer, not as damage") {
    const slot_bytes bytes = format::encode(sample_slot());
    check_refused(forged(bytes, "format_version", 2), slot_state::newer, "format_version");
    check_refused(forged(bytes, "checksum_kind", 2), slot_state::newer, "checksum_kind");
    check_refused(forged(bytes, "must_understand", 2), slot_state::newer, "must_understand");
    check_refused(forged(bytes, "must_understand", 1), slot_state::damaged, "log_salt");
    check_refused(forged(bytes, "log_salt", 7), slot_state::damaged, "log_salt");
    CHECK(format::parse_slot(forged(bytes, "may_ignore", ~std::uint64_t{0})).state ==
          slot_state::valid);
}

TEST_CASE("fields beyond the limits of the format are damage, whatever the checksum says") {
    const slot_bytes bytes = format::encode(sample_slot());
    REQUIRE(format::parse_slot(forged(bytes, "flags", 0)).state == slot_state::valid);
    check_refused(forged(bytes, "page_size_log2", 8), slot_state::damaged, "page_size_log2");
    check_refused(forged(bytes, "page_size_log2", 17), slot_state::damaged, "page_size_log2");
    check_refused(forged(bytes, "page_size_log2", 255), slot_state::damaged, "page_size_log2");
    check_refused(forged(bytes, "base_version", ~std::uint64_t{0}), slot_state::damaged,
                  "base_version");
    check_refused(forged(bytes, "log_base", 1), slot_state::damaged, "log_base");
    format::header_slot with_log = sample_slot();
    with_log.log_version = version{3};
    with_log.log_salt = 5;
    with_log.log_base = with_log.committed;
    const slot_bytes logged = format::encode(with_log);
    REQUIRE(format::parse_slot(logged).state == slot_state::valid);
    CHECK(format::parse_slot(logged).slot.log_base == with_log.committed);
    CHECK(format::parse_slot(logged).slot.log_version == with_log.log_version);
    CHECK(format::parse_slot(logged).slot.log_salt == with_log.log_salt);
    check_refused(forged(logged, "log_base", quire::to_integer(with_log.committed) + 1),
                  slot_state::damaged, "log_base");
    check_refused(forged(bytes, "page_count", 1), slot_state::damaged, "page_count");
    check_refused(forged(bytes, "page_count", std::uint64_t{1} << 32), slot_state::damaged,
                  "page_count");
    check_refused(forged(bytes, "tree_count", 12), slot_state::damaged, "tree_count");
    check_refused(forged(bytes, "tree_count", 0xFFFFFFFF), slot_state::damaged, "tree_count");
    check_refused(forged(bytes, "free_map_level", 5), slot_state::damaged, "free_map_level");
    // The first root's level: the second four of the bytes called roots.
    check_refused(forged(bytes, "roots", (std::uint64_t{256} << 32) | 1), slot_state::damaged,
                  "level");
}

TEST_CASE("of two slots the newer valid one is trusted") {
    auto slot = sample_slot();
    const auto older = format::parse_slot(format::encode(slot));
    slot.committed = next(slot.committed);
    const auto newer = format::parse_slot(format::encode(slot));
    const auto damaged = format::parse_slot(slot_bytes{});
    CHECK(&format::newer_slot(older, newer) == &newer);
    CHECK(&format::newer_slot(newer, older) == &newer);
    CHECK(&format::newer_slot(damaged, older) == &older);
    CHECK(&format::newer_slot(older, damaged) == &older);
    CHECK(format::newer_slot(damaged, damaged).state == slot_state::foreign);
}

TEST_CASE("slots and header pages do not overlap at any page size") {
    CHECK(format::header_pages(512) == 16);
    CHECK(format::header_pages(4096) == 2);
    CHECK(format::header_pages(8192) == 1);
    CHECK(format::header_pages(65536) == 1);
    static_assert(format::slot_offsets[0] + format::slot_size <= format::slot_offsets[1]);
    static_assert(format::slot_offsets[1] + format::slot_size <= format::header_bytes);
}

TEST_CASE("the digest of a commit tells pages and checksums apart") {
    static_assert(format::digest_of(page_id{1}, 2) != format::digest_of(page_id{2}, 1));
    // Two pages that swap their contents, or their last bits, have another sum.
    CHECK(format::digest_of(page_id{1}, 10) + format::digest_of(page_id{2}, 20) !=
          format::digest_of(page_id{1}, 20) + format::digest_of(page_id{2}, 10));
    CHECK(format::digest_of(page_id{1}, 10) + format::digest_of(page_id{2}, 21) !=
          format::digest_of(page_id{1}, 11) + format::digest_of(page_id{2}, 20));
}

TEST_CASE("a reference is its page id and its birth, 8 bytes little-endian") {
    std::array<std::byte, 8> bytes{};
    format::store_ref(bytes.data(), {page_id{0x01020304}, 0x05060708});
    CHECK(bytes[0] == std::byte{4});
    CHECK(bytes[7] == std::byte{5});
    CHECK(format::load_ref(bytes.data()) == page_ref{page_id{0x01020304}, 0x05060708});
}
