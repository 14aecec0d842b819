// The two header slots at the front of a file: everything needed to find the newest committed
// state. Slots stand at byte 0 and byte 4096, in different blocks of the medium; each is 512 bytes.
// A commit writes the slot that does not hold the newest durable version, so that one stays whole.
// A clean close leaves the same state in both.
//
// The first pages of a file, `header_pages` of them, hold the slots; pages from there on are data.
// Everything in them but the slots is zero.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include <quire/core/bytes.hpp>
#include <quire/core/crc32c.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/core/result.hpp>
#include <quire/format/field.hpp>
#include <quire/format/page_header.hpp>

namespace quire::format {

inline constexpr std::size_t slot_size = 512;
inline constexpr std::uint64_t slot_offsets[2]{0, 4096};
inline constexpr std::size_t header_bytes = 8192;
inline constexpr std::uint16_t format_version = 1;
inline constexpr std::uint8_t checksum_crc32c = 1;
// "quire", then what a text-mode transfer would change.
inline constexpr unsigned char magic[8]{'q', 'u', 'i', 'r', 'e', '\r', '\n', 0x1A};

// Pages in front of the first data page.
[[nodiscard]] constexpr std::uint32_t header_pages(std::size_t page_size) noexcept {
    return static_cast<std::uint32_t>((header_bytes + page_size - 1) / page_size);
}

// Flags of a slot.
inline constexpr std::uint32_t flag_clean = 1; // the file is exactly page_count pages long

// Features that a reader must understand.
inline constexpr std::uint64_t feature_log = 1; // a log holds what came after this state

inline constexpr std::array<field, 23> slot_fields{{
    {"magic", 0, 8},
    {"format_version", 8, 2},
    {"page_size_log2", 10, 1},
    {"checksum_kind", 11, 1},
    {"flags", 12, 4},
    {"database_id", 16, 16},
    {"must_understand", 32, 8},
    {"may_ignore", 40, 8},
    {"version", 48, 8},
    {"base_version", 56, 8},
    {"page_count", 64, 8},
    {"free_map_root", 72, 8},
    {"free_map_level", 80, 4},
    {"tree_count", 84, 4},
    {"catalog_root", 88, 8},
    {"commit_pages", 96, 8},
    {"commit_digest", 104, 8},
    {"log_version", 112, 8},
    {"log_salt", 120, 8},
    {"roots", 128, 352},
    {"log_base", 480, 8},
    {"reserved", 488, 20},
    {"checksum", 508, 4},
}};
static_assert(tiles(slot_fields, slot_size));

// One tree's root in a slot.
inline constexpr std::size_t root_record_size = 32;
inline constexpr std::size_t roots_in_slot = 11;
inline constexpr std::array<field, 5> root_record_fields{{
    {"tree_id", 0, 4},
    {"level", 4, 4},
    {"root", 8, 8},
    {"entries", 16, 8},
    {"reserved", 24, 8},
}};
static_assert(tiles(root_record_fields, root_record_size));
static_assert(roots_in_slot * root_record_size == 352);

struct root_record {
    tree_id tree{};
    std::uint32_t level = 0;   // of the root page; 0 also when the tree is empty
    page_ref root;             // null when the tree is empty
    std::uint64_t entries = 0; // records in the tree

    friend bool operator==(const root_record&, const root_record&) noexcept = default;
};

// A slot, parsed.
struct header_slot {
    std::size_t page_size = 0;
    std::uint32_t flags = 0;
    std::array<std::byte, 16> database_id{};
    version committed{}; // field version: what this slot describes
    version base{};      // the committed version before it
    std::uint64_t page_count = 0;
    page_ref free_map_root; // null when no page is free
    std::uint32_t free_map_level = 0;
    page_ref catalog_root;
    std::uint64_t commit_pages = 0; // pages and runs to verify before trusting; 0: all are durable
    std::uint64_t commit_digest = 0;
    version log_version{};      // names the first segment of the log; with a log_salt of 0: no log
    std::uint64_t log_salt = 0; // of that segment
    version log_base{}; // what the log has up to this version is in the slot's state already
    std::uint32_t tree_count = 0;
    std::array<root_record, roots_in_slot> roots{};
};

// Order-independent digest of a commit: the sum over its pages of this mix.
[[nodiscard]] constexpr std::uint64_t digest_of(page_id id, std::uint32_t checksum) noexcept {
    std::uint64_t x = (std::uint64_t{to_integer(id)} << 32) | checksum;
    x = (x ^ (x >> 31)) * 0x7FB5D329728EA185U; // finaliser of the splitmix family
    x = (x ^ (x >> 27)) * 0x81DADEF4BC2DD44DU;
    return x ^ (x >> 33);
}

inline void store_ref(std::byte* to, page_ref ref) noexcept {
    store_le<std::uint32_t>(to, to_integer(ref.id));
    store_le<std::uint32_t>(to + 4, ref.birth);
}
[[nodiscard]] inline page_ref load_ref(const std::byte* from) noexcept {
    return {static_cast<page_id>(load_le<std::uint32_t>(from)), load_le<std::uint32_t>(from + 4)};
}

// The slot's 512 bytes.
[[nodiscard]] inline std::array<std::byte, slot_size> encode(const header_slot& slot) noexcept {
    std::array<std::byte, slot_size> bytes{};
    std::byte* const to = bytes.data();
    std::memcpy(to, magic, sizeof magic);
    store_le<std::uint16_t>(to + 8, format_version);
    to[10] = static_cast<std::byte>(std::countr_zero(slot.page_size));
    to[11] = static_cast<std::byte>(checksum_crc32c);
    store_le<std::uint32_t>(to + 12, slot.flags);
    std::memcpy(to + 16, slot.database_id.data(), slot.database_id.size());
    store_le<std::uint64_t>(to + 32, slot.log_salt != 0 ? feature_log : 0);
    store_le<std::uint64_t>(to + 48, to_integer(slot.committed));
    store_le<std::uint64_t>(to + 56, to_integer(slot.base));
    store_le<std::uint64_t>(to + 64, slot.page_count);
    store_ref(to + 72, slot.free_map_root);
    store_le<std::uint32_t>(to + 80, slot.free_map_level);
    store_le<std::uint32_t>(to + 84, slot.tree_count);
    store_ref(to + 88, slot.catalog_root);
    store_le<std::uint64_t>(to + 96, slot.commit_pages);
    store_le<std::uint64_t>(to + 104, slot.commit_digest);
    store_le<std::uint64_t>(to + 112, to_integer(slot.log_version));
    store_le<std::uint64_t>(to + 120, slot.log_salt);
    for (std::size_t i = 0; i < slot.tree_count; ++i) {
        std::byte* const record = to + 128 + i * root_record_size;
        store_le<std::uint32_t>(record, to_integer(slot.roots[i].tree));
        store_le<std::uint32_t>(record + 4, slot.roots[i].level);
        store_ref(record + 8, slot.roots[i].root);
        store_le<std::uint64_t>(record + 16, slot.roots[i].entries);
    }
    store_le<std::uint64_t>(to + 480, to_integer(slot.log_base));
    store_le<std::uint32_t>(to + 508, crc32c({to, 508}));
    return bytes;
}

// What a slot's bytes turned out to be.
enum class slot_state : std::uint8_t {
    valid,
    foreign, // no magic: not ours, or never written
    newer,   // our magic, a format version or feature we do not know
    damaged, // our magic, but the checksum or a field is wrong
};

struct parsed_slot {
    slot_state state = slot_state::foreign;
    header_slot slot;
    fault why; // of a slot that is not valid
};

namespace detail {

inline void parse_slot(const std::byte* from, parsed_slot& parsed) {
    const auto fails = [&](slot_state state, const char* name, quire::detail::said found,
                           quire::detail::said expected) {
        parsed.state = state;
        parsed.why = quire::detail::fault_of(name, found, expected);
    };
    if (std::memcmp(from, magic, sizeof magic) != 0)
        return fails(slot_state::foreign, "magic", "other bytes", "the mark of a quire file");
    // Every format keeps magic, version and checksum where they are, so that a damaged version is
    // not taken for a newer one.
    const auto stored_version = load_le<std::uint16_t>(from + 8);
    const auto checksum = load_le<std::uint32_t>(from + 508);
    const bool intact = checksum == crc32c({from, 508});
    if (!intact) return fails(slot_state::damaged, "checksum", checksum, crc32c({from, 508}));
    if (stored_version != format_version)
        return fails(slot_state::newer, "format_version", stored_version, format_version);
    const auto page_size_log2 = static_cast<unsigned>(from[10]);
    if (page_size_log2 < 9 || page_size_log2 > 16)
        return fails(slot_state::damaged, "page_size_log2", page_size_log2, "9 to 16");
    if (static_cast<std::uint8_t>(from[11]) != checksum_crc32c)
        return fails(slot_state::newer, "checksum_kind", static_cast<unsigned>(from[11]),
                     "1 (CRC32C)");
    const auto features = load_le<std::uint64_t>(from + 32);
    if ((features & ~feature_log) != 0)
        return fails(slot_state::newer, "must_understand", features, {"at most ", feature_log});
    header_slot& slot = parsed.slot;
    slot.page_size = std::size_t{1} << page_size_log2;
    slot.flags = load_le<std::uint32_t>(from + 12);
    std::memcpy(slot.database_id.data(), from + 16, slot.database_id.size());
    slot.committed = static_cast<version>(load_le<std::uint64_t>(from + 48));
    slot.base = static_cast<version>(load_le<std::uint64_t>(from + 56));
    slot.page_count = load_le<std::uint64_t>(from + 64);
    slot.free_map_root = load_ref(from + 72);
    slot.free_map_level = load_le<std::uint32_t>(from + 80);
    slot.tree_count = load_le<std::uint32_t>(from + 84);
    slot.catalog_root = load_ref(from + 88);
    slot.commit_pages = load_le<std::uint64_t>(from + 96);
    slot.commit_digest = load_le<std::uint64_t>(from + 104);
    slot.log_version = static_cast<version>(load_le<std::uint64_t>(from + 112));
    slot.log_salt = load_le<std::uint64_t>(from + 120);
    slot.log_base = static_cast<version>(load_le<std::uint64_t>(from + 480));
    if (((features & feature_log) != 0) != (slot.log_salt != 0))
        return fails(slot_state::damaged, "log_salt", slot.log_salt,
                     "0 where must_understand names no log, and no other");
    if (slot.log_base > slot.committed || (slot.log_salt == 0 && slot.log_base != version::none))
        return fails(slot_state::damaged, "log_base", to_integer(slot.log_base),
                     {"0, or with a log at most the slot's version ", to_integer(slot.committed)});
    if (slot.base > slot.committed)
        return fails(slot_state::damaged, "base_version", to_integer(slot.base),
                     {"at most the slot's version ", to_integer(slot.committed)});
    if (slot.page_count < header_pages(slot.page_size) || slot.page_count > 0xFFFFFFFFU)
        return fails(slot_state::damaged, "page_count", slot.page_count,
                     {header_pages(slot.page_size), " to 2^32 - 1"});
    if (slot.commit_pages > slot.page_count)
        return fails(slot_state::damaged, "commit_pages", slot.commit_pages,
                     {"at most the page_count ", slot.page_count});
    if (slot.tree_count > roots_in_slot)
        return fails(slot_state::damaged, "tree_count", slot.tree_count,
                     {"at most ", roots_in_slot});
    if (slot.free_map_level > 4)
        return fails(slot_state::damaged, "free_map_level", slot.free_map_level, "at most 4");
    for (std::size_t i = 0; i < slot.tree_count; ++i) {
        const std::byte* const record = from + 128 + i * root_record_size;
        root_record& root = slot.roots[i];
        root.tree = static_cast<tree_id>(load_le<std::uint32_t>(record));
        root.level = load_le<std::uint32_t>(record + 4);
        root.root = load_ref(record + 8);
        root.entries = load_le<std::uint64_t>(record + 16);
        if (root.level > 255) return fails(slot_state::damaged, "level", root.level, "at most 255");
    }
    parsed.state = slot_state::valid;
}

} // namespace detail

// Never reads outside the 512 bytes; every field of a valid slot is within the format's limits.
[[nodiscard]] inline parsed_slot parse_slot(std::span<const std::byte, slot_size> bytes) {
    parsed_slot parsed;
    detail::parse_slot(bytes.data(), parsed);
    return parsed;
}

// Slots in the order in which to trust them; both, one or none is valid.
[[nodiscard]] inline const parsed_slot& newer_slot(const parsed_slot& a,
                                                   const parsed_slot& b) noexcept {
    if (a.state != slot_state::valid) return b;
    if (b.state != slot_state::valid) return a;
    return a.slot.committed > b.slot.committed ? a : b;
}

} // namespace quire::format
