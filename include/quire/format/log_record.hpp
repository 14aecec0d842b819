// The log: segment files that hold, in order, what transactions did since the state of the newest
// header slot. A segment is a header and then groups, back to back, each beginning at a multiple of
// eight bytes; what follows the last group is zeros, or bytes of an earlier use.
//
//   group of a transaction:   begin, then put, erase and clear in the order of the calls, commit
//   group of a checkpoint:    checkpoint: a version that holds what its base holds
//
// An LSN (log sequence number) is a position in the log in bytes, counted over all segments. Each
// record's checksum begins with the one of the record before it in its group, that of the first
// with the segment's salt: nothing of an earlier use of the same bytes can pass for a record, and
// no record for one behind another. Groups are tied together by their versions: each names the one
// it was built on. Nothing of a transaction is written before it commits, so that no record says
// that one was given up.
// Thread-safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/crc32c.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/field.hpp>

namespace quire::format {

inline constexpr std::size_t segment_header_size = 72;
inline constexpr std::uint16_t log_format_version = 1;
inline constexpr unsigned char log_magic[8]{'q', 'u', 'i', 'r', 'e', 'l', 'o', 'g'};

inline constexpr std::array<field, 9> segment_fields{{
    {"magic", 0, 8},
    {"format_version", 8, 2},
    {"reserved", 10, 6},
    {"database_id", 16, 16},
    {"base_version", 32, 8},
    {"first_lsn", 40, 8},
    {"salt", 48, 8},
    {"previous_salt", 56, 8},
    {"checksum", 64, 8},
}};
static_assert(tiles(segment_fields, segment_header_size));

inline constexpr std::size_t record_header_size = 16;
inline constexpr std::array<field, 5> record_fields{{
    {"checksum", 0, 4},
    {"body_size", 4, 4},
    {"type", 8, 1},
    {"reserved", 9, 3},
    {"tree_or_count", 12, 4},
}};
static_assert(tiles(record_fields, record_header_size));

enum class record_type : std::uint8_t {
    none = 0, // never valid
    begin = 1,
    put = 2,
    erase = 3,
    clear = 4,
    commit = 5,
    checkpoint = 6,
};

// Body of begin and checkpoint.
inline constexpr std::size_t begin_body_size = 32;
inline constexpr std::array<field, 4> begin_fields{{
    {"lsn", 0, 8},
    {"version", 8, 8},
    {"base_version", 16, 8},
    {"durable_lsn", 24, 8},
}};
static_assert(tiles(begin_fields, begin_body_size));

// Body of commit.
inline constexpr std::size_t commit_body_size = 16;
inline constexpr std::array<field, 2> commit_fields{{
    {"lsn", 0, 8},
    {"version", 8, 8},
}};
static_assert(tiles(commit_fields, commit_body_size));

inline constexpr std::size_t group_alignment = 8;
inline constexpr std::size_t begin_size = record_header_size + begin_body_size;
inline constexpr std::size_t commit_size = record_header_size + commit_body_size;
// A body is shorter than this: longer transactions reach the medium by a checkpoint.
inline constexpr std::size_t largest_body = std::size_t{1} << 31;

[[nodiscard]] constexpr std::size_t aligned_group(std::size_t bytes) noexcept {
    return (bytes + group_alignment - 1) / group_alignment * group_alignment;
}

// A segment's header, parsed.
struct segment_header {
    std::array<std::byte, 16> database_id{};
    version base{};                  // of the state that the first group is built on
    std::uint64_t first_lsn = 0;     // of the segment's first byte
    std::uint64_t salt = 0;          // drawn for each use of a segment; not 0
    std::uint64_t previous_salt = 0; // of the segment before; 0: the log begins here
};

[[nodiscard]] inline std::array<std::byte, segment_header_size>
encode(const segment_header& header) noexcept {
    std::array<std::byte, segment_header_size> bytes{};
    std::byte* const to = bytes.data();
    std::memcpy(to, log_magic, sizeof log_magic);
    store_le<std::uint16_t>(to + 8, log_format_version);
    std::memcpy(to + 16, header.database_id.data(), header.database_id.size());
    store_le<std::uint64_t>(to + 32, to_integer(header.base));
    store_le<std::uint64_t>(to + 40, header.first_lsn);
    store_le<std::uint64_t>(to + 48, header.salt);
    store_le<std::uint64_t>(to + 56, header.previous_salt);
    store_le<std::uint64_t>(to + 64, crc32c({to, 64}));
    return bytes;
}

enum class segment_state : std::uint8_t {
    valid,
    unused, // zeros or less than a header: made, and never used
    damaged,
    newer, // a format version we do not know
};

struct parsed_segment {
    segment_state state = segment_state::damaged;
    segment_header header;
};

// Requires: segment_header_size bytes.
[[nodiscard]] inline parsed_segment parse_segment(const std::byte* from) noexcept {
    parsed_segment parsed;
    bool zero = true;
    for (std::size_t i = 0; i < segment_header_size; ++i) zero = zero && from[i] == std::byte{0};
    if (zero) {
        parsed.state = segment_state::unused;
        return parsed;
    }
    if (std::memcmp(from, log_magic, sizeof log_magic) != 0 ||
        load_le<std::uint64_t>(from + 64) != crc32c({from, 64}))
        return parsed;
    if (load_le<std::uint16_t>(from + 8) != log_format_version) {
        parsed.state = segment_state::newer;
        return parsed;
    }
    std::memcpy(parsed.header.database_id.data(), from + 16, parsed.header.database_id.size());
    parsed.header.base = static_cast<version>(load_le<std::uint64_t>(from + 32));
    parsed.header.first_lsn = load_le<std::uint64_t>(from + 40);
    parsed.header.salt = load_le<std::uint64_t>(from + 48);
    parsed.header.previous_salt = load_le<std::uint64_t>(from + 56);
    if (parsed.header.salt != 0) parsed.state = segment_state::valid;
    return parsed;
}

// Where the checksums of a segment's groups begin.
[[nodiscard]] inline std::uint32_t seed_of(std::uint64_t salt) noexcept {
    std::byte bytes[8];
    store_le<std::uint64_t>(bytes, salt);
    return crc32c({bytes, sizeof bytes});
}

// Writes the header of a record whose body of `size` bytes stands behind it; gives its checksum.
inline std::uint32_t seal_record(std::byte* record, record_type type, std::uint32_t tree_or_count,
                                 std::size_t size, std::uint32_t seed) noexcept {
    store_le<std::uint32_t>(record + 4, static_cast<std::uint32_t>(size));
    store_le<std::uint32_t>(record + 8, static_cast<std::uint32_t>(type));
    store_le<std::uint32_t>(record + 12, tree_or_count);
    const std::uint32_t checksum = crc32c({record + 4, record_header_size - 4 + size}, seed);
    store_le<std::uint32_t>(record, checksum);
    return checksum;
}

// What begin and checkpoint say.
struct group_facts {
    std::uint64_t lsn = 0;
    version at{};
    version base{};
    std::uint64_t durable_lsn = 0; // the log was on the medium up to here when this was written
};

inline std::uint32_t write_begin(std::byte* to, record_type type, const group_facts& facts,
                                 std::uint32_t seed) noexcept {
    std::byte* const body = to + record_header_size;
    store_le<std::uint64_t>(body, facts.lsn);
    store_le<std::uint64_t>(body + 8, to_integer(facts.at));
    store_le<std::uint64_t>(body + 16, to_integer(facts.base));
    store_le<std::uint64_t>(body + 24, facts.durable_lsn);
    return seal_record(to, type, 0, begin_body_size, seed);
}
inline std::uint32_t write_commit(std::byte* to, std::uint64_t lsn, version at,
                                  std::uint32_t updates, std::uint32_t seed) noexcept {
    store_le<std::uint64_t>(to + record_header_size, lsn);
    store_le<std::uint64_t>(to + record_header_size + 8, to_integer(at));
    return seal_record(to, record_type::commit, updates, commit_body_size, seed);
}

// One update of a group. Keys are as the tree's layout compares them: an integer as its rank,
// little-endian; anything else as its codec writes it.
struct log_update {
    record_type type = record_type::none;
    tree_id tree{};
    bytes_view key;
    bytes_view value;
};

// Bytes of a put or an erase.
[[nodiscard]] constexpr std::size_t update_size(std::size_t key, std::size_t value) noexcept {
    return record_header_size + 4 + key + value;
}

// A group, checked from its first to its last byte.
struct log_group {
    group_facts facts;
    bool is_checkpoint = false;
    std::uint32_t updates = 0;
    bytes_view records;    // of its updates
    std::size_t bytes = 0; // of all, to the next multiple of the alignment
};

namespace detail {

struct raw_record {
    record_type type = record_type::none;
    std::uint32_t checksum = 0;
    std::uint32_t tree_or_count = 0;
    bytes_view body;
};

// The record at the front of `from`; of type none unless it is there whole.
[[nodiscard]] inline raw_record record_at(bytes_view from) noexcept {
    raw_record r;
    if (from.size() < record_header_size) return r;
    const std::size_t size = load_le<std::uint32_t>(from.data() + 4);
    const auto type = load_le<std::uint32_t>(from.data() + 8);
    if (type == 0 || type > static_cast<std::uint32_t>(record_type::checkpoint)) return r;
    if (size >= largest_body || size > from.size() - record_header_size) return r;
    r.checksum = load_le<std::uint32_t>(from.data());
    r.tree_or_count = load_le<std::uint32_t>(from.data() + 12);
    r.body = from.subspan(record_header_size, size);
    r.type = static_cast<record_type>(type);
    return r;
}
[[nodiscard]] inline bool is_sealed(bytes_view from, const raw_record& r,
                                    std::uint32_t seed) noexcept {
    return r.type != record_type::none &&
           crc32c(from.subspan(4, record_header_size - 4 + r.body.size()), seed) == r.checksum;
}
[[nodiscard]] inline log_update update_of(const raw_record& r) noexcept {
    log_update u{r.type, static_cast<tree_id>(r.tree_or_count), r.body, {}};
    if (r.type == record_type::clear && !r.body.empty()) return {};
    if (r.type == record_type::put) {
        const std::size_t key = r.body.size() < 4 ? 0 : load_le<std::uint32_t>(r.body.data());
        if (r.body.size() < 4 || key > r.body.size() - 4) return {};
        u.key = r.body.subspan(4, key);
        u.value = r.body.subspan(4 + key);
    }
    return u;
}

} // namespace detail

// Reads the group at the front of `from`, which is at that LSN; false unless it is whole.
[[nodiscard]] inline bool parse_group(bytes_view from, std::uint64_t lsn, std::uint32_t seed,
                                      log_group& group) noexcept {
    detail::raw_record r = detail::record_at(from);
    const bool alone = r.type == record_type::checkpoint;
    if ((r.type != record_type::begin && !alone) || r.body.size() != begin_body_size) return false;
    group.facts = {load_le<std::uint64_t>(r.body.data()),
                   static_cast<version>(load_le<std::uint64_t>(r.body.data() + 8)),
                   static_cast<version>(load_le<std::uint64_t>(r.body.data() + 16)),
                   load_le<std::uint64_t>(r.body.data() + 24)};
    if (group.facts.lsn != lsn || r.tree_or_count != 0 || !detail::is_sealed(from, r, seed))
        return false;
    if (group.facts.base >= group.facts.at || group.facts.durable_lsn > lsn) return false;
    group.is_checkpoint = alone;
    group.updates = 0;
    group.records = {};
    std::size_t at = begin_size;
    while (!alone) {
        seed = r.checksum;
        r = detail::record_at(from.subspan(at));
        if (!detail::is_sealed(from.subspan(at), r, seed)) return false;
        if (r.type == record_type::begin || r.type == record_type::checkpoint) return false;
        if (r.type == record_type::commit) break;
        if (detail::update_of(r).type == record_type::none) return false;
        at += record_header_size + r.body.size();
        ++group.updates;
    }
    if (!alone) {
        if (r.body.size() != commit_body_size || r.tree_or_count != group.updates ||
            load_le<std::uint64_t>(r.body.data()) != lsn + at ||
            load_le<std::uint64_t>(r.body.data() + 8) != to_integer(group.facts.at))
            return false;
        group.records = from.subspan(begin_size, at - begin_size);
        at += commit_size;
    }
    group.bytes = aligned_group(at);
    return group.bytes <= from.size();
}

// Calls visit(log_update) for every update of a parsed group.
template <class Visit>
void for_each_update(const log_group& group, Visit&& visit) {
    for (bytes_view left = group.records; !left.empty();) {
        const detail::raw_record r = detail::record_at(left);
        QUIRE_ASSERT(r.type != record_type::none, "the group was parsed");
        visit(detail::update_of(r));
        left = left.subspan(record_header_size + r.body.size());
    }
}

// "<store>.<16 hexadecimal digits>.wal": the log is in the segments of that store, in the order of
// their first versions.
inline void rename_segment(std::string& path, version first) noexcept {
    for (unsigned i = 0; i < 16; ++i)
        path[path.size() - 20 + i] = "0123456789abcdef"[to_integer(first) >> (60 - 4 * i) & 15];
}
[[nodiscard]] inline std::string segment_path(const std::string& store, version first) {
    std::string path = store + ".0000000000000000.wal";
    rename_segment(path, first);
    return path;
}
// The first version that a name stands for, without what comes before the dot; none if it is not a
// segment's.
[[nodiscard]] inline version segment_version(std::string_view behind_store) noexcept {
    if (behind_store.size() != 21 || behind_store[0] != '.' || behind_store.substr(17) != ".wal")
        return version::none;
    std::uint64_t number = 0;
    for (const char c : behind_store.substr(1, 16)) {
        const bool digit = c >= '0' && c <= '9';
        if (!digit && (c < 'a' || c > 'f')) return version::none;
        number = number << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
    }
    return static_cast<version>(number);
}

} // namespace quire::format
