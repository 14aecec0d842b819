#include <quire/format/log_record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

namespace format = quire::format;
using format::record_type;
using format::segment_state;
using quire::tree_id;
using quire::version;
using bytes = std::vector<std::byte>;
using header_bytes = std::array<std::byte, format::segment_header_size>;

constexpr std::uint64_t salt = 0x1234'5678'9ABC'DEF1;
constexpr std::uint64_t lsn = 0x1'0000'0048;

struct update {
    record_type type = record_type::none;
    std::uint32_t tree = 0;
    std::string key;
    std::string value;
    friend bool operator==(const update&, const update&) = default;
};

format::segment_header sample_header() {
    format::segment_header header;
    for (std::size_t i = 0; i < header.database_id.size(); ++i)
        header.database_id[i] = static_cast<std::byte>(0xA0 + i);
    header.base = version{0x1'0000'0007};
    header.first_lsn = 0x2'0000'0000;
    header.salt = salt;
    header.previous_salt = 0xFEDC'BA98'7654'3211;
    return header;
}
segment_state state_of(const header_bytes& header) {
    return format::parse_segment(header.data()).state;
}
void seal(header_bytes& header) {
    quire::store_le<std::uint64_t>(header.data() + 64,
                                   quire::crc32c(std::span{header}.first(64)));
}

// Puts groups together from the tables of the documentation alone.
class hand_made {
public:
    explicit hand_made(std::uint64_t salt_) {
        std::byte raw[8];
        quire::store_le<std::uint64_t>(raw, salt_);
        seed_ = quire::crc32c({raw, sizeof raw});
    }
    hand_made& record(unsigned type, std::uint32_t tree_or_count, const bytes& body) {
        bytes made(16);
        quire::store_le<std::uint32_t>(made.data() + 4, static_cast<std::uint32_t>(body.size()));
        made[8] = static_cast<std::byte>(type);
        quire::store_le<std::uint32_t>(made.data() + 12, tree_or_count);
        made.insert(made.end(), body.begin(), body.end());
        seed_ = quire::crc32c(std::span{made}.subspan(4), seed_);
        quire::store_le<std::uint32_t>(made.data(), seed_);
        all_.insert(all_.end(), made.begin(), made.end());
        return *this;
    }
    hand_made& begin(unsigned type, std::uint64_t at, std::uint64_t v, std::uint64_t base,
                     std::uint64_t durable) {
        return record(type, 0, numbers({at, v, base, durable}));
    }
    hand_made& put(std::uint32_t tree, std::string_view key, std::string_view value) {
        bytes body(4);
        quire::store_le<std::uint32_t>(body.data(), static_cast<std::uint32_t>(key.size()));
        for (const char c : key) body.push_back(static_cast<std::byte>(c));
        for (const char c : value) body.push_back(static_cast<std::byte>(c));
        return record(2, tree, body);
    }
    hand_made& erase(std::uint32_t tree, std::string_view key) {
        bytes body;
        for (const char c : key) body.push_back(static_cast<std::byte>(c));
        return record(3, tree, body);
    }
    hand_made& commit(std::uint32_t count, std::uint64_t v) {
        return commit(count, v, lsn + all_.size());
    }
    hand_made& commit(std::uint32_t count, std::uint64_t v, std::uint64_t at) {
        return record(5, count, numbers({at, v}));
    }
    [[nodiscard]] bytes aligned() const {
        bytes padded = all_;
        padded.resize((padded.size() + 7) / 8 * 8);
        return padded;
    }
    [[nodiscard]] std::size_t size() const { return all_.size(); }

private:
    static bytes numbers(std::initializer_list<std::uint64_t> of) {
        bytes body(8 * of.size());
        std::size_t at = 0;
        for (const std::uint64_t n : of) {
            quire::store_le<std::uint64_t>(body.data() + at, n);
            at += 8;
        }
        return body;
    }

    bytes all_;
    std::uint32_t seed_ = 0;
};

bool is_group(const bytes& from, std::uint64_t at = lsn, std::uint64_t of_salt = salt) {
    format::log_group group;
    return format::parse_group(from, at, format::seed_of(of_salt), group);
}
std::string text(quire::bytes_view of) {
    std::string out;
    for (const std::byte b : of) out += static_cast<char>(b);
    return out;
}
std::vector<update> updates_of(const format::log_group& group) {
    std::vector<update> all;
    format::for_each_update(group, [&](const format::log_update& u) {
        all.push_back({u.type, to_integer(u.tree), text(u.key), text(u.value)});
    });
    return all;
}

// A group of each kind of update, which ends three bytes before a multiple of eight.
hand_made sample_group() {
    hand_made group(salt);
    group.begin(1, lsn, 9, 7, lsn - 8).put(3, "key", "value").erase(4, "gone!").record(4, 5, {});
    group.put(3, "", "").commit(4, 9);
    return group;
}

} // namespace

TEST_CASE("a segment's header comes back as it went") {
    const auto header = sample_header();
    const auto raw = format::encode(header);
    const auto parsed = format::parse_segment(raw.data());
    REQUIRE(parsed.state == segment_state::valid);
    CHECK(parsed.header.database_id == header.database_id);
    CHECK(parsed.header.base == header.base);
    CHECK(parsed.header.first_lsn == header.first_lsn);
    CHECK(parsed.header.salt == header.salt);
    CHECK(parsed.header.previous_salt == header.previous_salt);
    CHECK(std::memcmp(raw.data(), "quirelog\1\0\0\0\0\0\0\0", 16) == 0);
    CHECK(quire::load_le<std::uint64_t>(raw.data() + 32) == 0x1'0000'0007);
    CHECK(quire::load_le<std::uint64_t>(raw.data() + 40) == 0x2'0000'0000);
    CHECK(quire::load_le<std::uint64_t>(raw.data() + 48) == salt);
    CHECK(quire::load_le<std::uint64_t>(raw.data() + 56) == 0xFEDC'BA98'7654'3211);
}

TEST_CASE("no single flipped bit leaves a segment's header valid") {
    auto raw = format::encode(sample_header());
    for (std::size_t bit = 0; bit < raw.size() * 8; ++bit) {
        CAPTURE(bit);
        raw[bit / 8] ^= std::byte{1} << (bit % 8);
        REQUIRE(state_of(raw) == segment_state::damaged);
        raw[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    CHECK(state_of(raw) == segment_state::valid);
}

TEST_CASE("zeros are a segment that was not used, and a piece of a header is not one") {
    const auto whole = format::encode(sample_header());
    for (std::size_t n = 0; n < whole.size(); ++n) {
        CAPTURE(n);
        header_bytes torn{};
        std::memcpy(torn.data(), whole.data(), n);
        // The last bytes are zeros: half a checksum of 64 bits is.
        const bool same = torn == whole;
        REQUIRE(state_of(torn) == (n == 0 ? segment_state::unused
                                   : same ? segment_state::valid
                                          : segment_state::damaged));
    }
}

TEST_CASE("a header of another format version is newer, one without a salt is damaged") {
    auto raw = format::encode(sample_header());
    for (const unsigned v : {0U, 2U, 0xFFFFU}) {
        quire::store_le<std::uint16_t>(raw.data() + 8, static_cast<std::uint16_t>(v));
        CHECK(state_of(raw) == segment_state::damaged);
        seal(raw);
        CHECK(state_of(raw) == segment_state::newer);
    }
    auto saltless = sample_header();
    saltless.salt = 0;
    CHECK(state_of(format::encode(saltless)) == segment_state::damaged);
}

TEST_CASE("the reserved bytes of a segment's header are not looked at") {
    auto raw = format::encode(sample_header());
    raw[10] = raw[15] = std::byte{0xFF};
    seal(raw);
    CHECK(state_of(raw) == segment_state::valid);
}

TEST_CASE("a first segment has no salt before it") {
    auto header = sample_header();
    header.previous_salt = 0;
    const auto raw = format::encode(header);
    const auto parsed = format::parse_segment(raw.data());
    CHECK(parsed.state == segment_state::valid);
    CHECK(parsed.header.previous_salt == 0);
}

TEST_CASE("a group as it is documented is read, update by update") {
    const hand_made made = sample_group();
    CHECK(made.size() % 8 != 0);
    const bytes raw = made.aligned();
    format::log_group group;
    REQUIRE(format::parse_group(raw, lsn, format::seed_of(salt), group));
    CHECK(group.facts.lsn == lsn);
    CHECK(group.facts.at == version{9});
    CHECK(group.facts.base == version{7});
    CHECK(group.facts.durable_lsn == lsn - 8);
    CHECK_FALSE(group.is_checkpoint);
    CHECK(group.updates == 4);
    CHECK(group.bytes == raw.size());
    CHECK(updates_of(group) == std::vector<update>{{record_type::put, 3, "key", "value"},
                                                   {record_type::erase, 4, "gone!", ""},
                                                   {record_type::clear, 5, "", ""},
                                                   {record_type::put, 3, "", ""}});
}

TEST_CASE("what stands behind a group is not part of it") {
    bytes raw = sample_group().aligned();
    const std::size_t size = raw.size();
    raw.insert(raw.end(), 100, std::byte{0xEE});
    format::log_group group;
    REQUIRE(format::parse_group(raw, lsn, format::seed_of(salt), group));
    CHECK(group.bytes == size);
}

TEST_CASE("records written piece by piece are the documented ones") {
    const hand_made made = sample_group();
    bytes raw(made.aligned().size());
    std::uint32_t seed = format::write_begin(raw.data(), record_type::begin,
                                             {lsn, version{9}, version{7}, lsn - 8},
                                             format::seed_of(salt));
    std::size_t at = format::begin_size;
    const auto add = [&](record_type type, std::uint32_t tree, const std::string& body) {
        std::memcpy(raw.data() + at + format::record_header_size, body.data(), body.size());
        seed = format::seal_record(raw.data() + at, type, tree, body.size(), seed);
        at += format::record_header_size + body.size();
    };
    add(record_type::put, 3, std::string("\3\0\0\0", 4) + "keyvalue");
    add(record_type::erase, 4, "gone!");
    add(record_type::clear, 5, "");
    add(record_type::put, 3, std::string(4, '\0'));
    static_cast<void>(format::write_commit(raw.data() + at, lsn + at, version{9}, 4, seed));
    CHECK(at + format::commit_size == made.size());
    CHECK(raw == made.aligned());
    CHECK(format::update_size(3, 5) == 16 + 4 + 8);
}

TEST_CASE("a transaction of no updates is a group") {
    format::log_group group;
    const bytes raw = hand_made(salt).begin(1, lsn, 8, 7, 0).commit(0, 8).aligned();
    REQUIRE(format::parse_group(raw, lsn, format::seed_of(salt), group));
    CHECK(group.updates == 0);
    CHECK(updates_of(group).empty());
    CHECK(group.bytes == format::begin_size + format::commit_size);
}

TEST_CASE("no single flipped bit leaves a group whole") {
    const hand_made made = sample_group();
    bytes raw = made.aligned();
    for (std::size_t bit = 0; bit < made.size() * 8; ++bit) {
        CAPTURE(bit);
        raw[bit / 8] ^= std::byte{1} << (bit % 8);
        REQUIRE_FALSE(is_group(raw));
        raw[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    REQUIRE(is_group(raw));
    for (std::size_t i = made.size(); i < raw.size(); ++i) raw[i] = std::byte{0xFF};
    CHECK(is_group(raw)); // what fills it up is no part of a record
}

TEST_CASE("no piece of a group is a group") {
    const bytes raw = sample_group().aligned();
    for (std::size_t n = 0; n < raw.size(); ++n) {
        CAPTURE(n);
        REQUIRE_FALSE(is_group({raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(n)}));
        bytes torn(raw.size());
        std::memcpy(torn.data(), raw.data(), n);
        REQUIRE(is_group(torn) == (torn == raw)); // the last bytes are zeros
    }
}

TEST_CASE("a group is whole only at its place and in its segment") {
    const bytes raw = sample_group().aligned();
    CHECK(is_group(raw));
    CHECK_FALSE(is_group(raw, lsn + 8));
    CHECK_FALSE(is_group(raw, 0));
    CHECK_FALSE(is_group(raw, lsn, salt + 2));
    // Its begin and its commit must both say so.
    CHECK_FALSE(is_group(hand_made(salt).begin(1, lsn + 8, 9, 7, 0).commit(0, 9).aligned()));
    CHECK_FALSE(is_group(hand_made(salt).begin(1, lsn, 9, 7, 0).commit(0, 9, lsn + 8).aligned()));
    CHECK_FALSE(is_group(hand_made(salt).begin(6, lsn + 8, 9, 7, 0).aligned()));
    CHECK(is_group(hand_made(salt).begin(6, lsn, 9, 7, 0).aligned()));
    CHECK_FALSE(is_group(bytes(4096)));
    CHECK_FALSE(is_group({}));
}

TEST_CASE("a group is refused when what it says does not fit, whatever the checksums say") {
    const auto is_whole = [](hand_made made) { return is_group(made.aligned()); };
    const auto begun = [](std::uint64_t v, std::uint64_t base, std::uint64_t durable) {
        return hand_made(salt).begin(1, lsn, v, base, durable).put(1, "a", "b");
    };
    REQUIRE(is_whole(begun(9, 7, lsn).commit(1, 9)));
    CHECK_FALSE(is_whole(begun(7, 7, lsn).commit(1, 7)));     // the version is its base
    CHECK_FALSE(is_whole(begun(6, 7, lsn).commit(1, 6)));     // or before it
    CHECK_FALSE(is_whole(begun(9, 7, lsn + 1).commit(1, 9))); // durable before it was written
    CHECK_FALSE(is_whole(begun(9, 7, lsn).commit(0, 9)));     // counts
    CHECK_FALSE(is_whole(begun(9, 7, lsn).commit(2, 9)));
    CHECK_FALSE(is_whole(begun(9, 7, lsn).commit(1, 8))); // a commit of another version
    CHECK_FALSE(is_whole(begun(9, 7, lsn).commit(1, 9, lsn)));
    CHECK_FALSE(is_whole(begun(9, 7, lsn)));
    CHECK_FALSE(is_whole(begun(9, 7, lsn).begin(1, lsn, 9, 7, 0).commit(2, 9)));
    CHECK_FALSE(is_whole(begun(9, 7, lsn).begin(6, lsn, 9, 7, 0).commit(2, 9)));
    CHECK_FALSE(is_whole(begun(9, 7, lsn).record(0, 1, {}).commit(2, 9)));
    CHECK_FALSE(is_whole(begun(9, 7, lsn).record(7, 1, {}).commit(2, 9)));
    CHECK_FALSE(is_whole(hand_made(salt).put(1, "a", "b").commit(1, 9)));
    CHECK_FALSE(is_whole(hand_made(salt).commit(0, 9)));
    // Bodies of a wrong size.
    CHECK_FALSE(is_whole(begun(9, 7, lsn).record(2, 1, bytes(3)).commit(2, 9)));
    const bytes key_of_five{std::byte{5}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{7}};
    CHECK_FALSE(is_whole(begun(9, 7, lsn).record(2, 1, key_of_five).commit(2, 9)));
    CHECK_FALSE(is_whole(hand_made(salt).record(1, 0, bytes(31)).commit(0, 9)));
    CHECK_FALSE(is_whole(begun(9, 7, lsn).record(5, 1, bytes(24))));
}

TEST_CASE("bodies of two gigabytes and more are refused before they are read") {
    for (const std::uint32_t size : {0x8000'0000U, 0xFFFF'FFFFU, 0x7FFF'FFFFU, 0xFFFF'FFF0U}) {
        CAPTURE(size);
        bytes raw = sample_group().aligned();
        quire::store_le<std::uint32_t>(raw.data() + format::begin_size + 4, size);
        CHECK_FALSE(is_group(raw));
        quire::store_le<std::uint32_t>(raw.data() + 4, size);
        CHECK_FALSE(is_group(raw));
    }
}

TEST_CASE("a checkpoint is a group of one record") {
    const hand_made made = hand_made(salt).begin(6, lsn, 12, 11, lsn);
    bytes written(format::begin_size);
    static_cast<void>(format::write_begin(written.data(), record_type::checkpoint,
                                          {lsn, version{12}, version{11}, lsn},
                                          format::seed_of(salt)));
    CHECK(written == made.aligned());
    format::log_group group;
    REQUIRE(format::parse_group(written, lsn, format::seed_of(salt), group));
    CHECK(group.is_checkpoint);
    CHECK(group.updates == 0);
    CHECK(group.facts.at == version{12});
    CHECK(group.bytes == format::begin_size);
    CHECK(updates_of(group).empty());
    for (std::size_t bit = 0; bit < written.size() * 8; ++bit) {
        CAPTURE(bit);
        written[bit / 8] ^= std::byte{1} << (bit % 8);
        REQUIRE_FALSE(is_group(written));
        written[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    written.pop_back();
    CHECK_FALSE(is_group(written));
}

TEST_CASE("a group parsed into one of before has nothing of that") {
    format::log_group group;
    REQUIRE(format::parse_group(sample_group().aligned(), lsn, format::seed_of(salt), group));
    const bytes checkpoint = hand_made(salt).begin(6, lsn, 12, 11, 0).aligned();
    REQUIRE(format::parse_group(checkpoint, lsn, format::seed_of(salt), group));
    CHECK(group.updates == 0);
    CHECK(updates_of(group).empty());
}

TEST_CASE("groups begin at multiples of eight") {
    static_assert(format::aligned_group(0) == 0);
    static_assert(format::aligned_group(1) == 8);
    static_assert(format::aligned_group(8) == 8);
    static_assert(format::aligned_group(9) == 16);
    for (std::size_t n = 0; n < 20; ++n) {
        const hand_made made =
            hand_made(salt).begin(1, lsn, 8, 7, 0).put(1, "", std::string(n, 'x')).commit(1, 8);
        format::log_group group;
        REQUIRE(format::parse_group(made.aligned(), lsn, format::seed_of(salt), group));
        CHECK(group.bytes % 8 == 0);
        CHECK(group.bytes >= made.size());
        CHECK(group.bytes < made.size() + 8);
    }
}

TEST_CASE("a segment is named by its first version, in sixteen digits") {
    CHECK(format::segment_path("orders.quire", version{0x2A}) ==
          "orders.quire.000000000000002a.wal");
    CHECK(format::segment_path("d/s", version{0xFEDC'BA98'7654'3210}) ==
          "d/s.fedcba9876543210.wal");
    for (const std::uint64_t v : {std::uint64_t{1}, std::uint64_t{0xABCDEF}, ~std::uint64_t{0}}) {
        const std::string path = format::segment_path("s", static_cast<version>(v));
        CHECK(format::segment_version(std::string_view(path).substr(1)) ==
              static_cast<version>(v));
    }
}

TEST_CASE("other names are no segment's") {
    CHECK(format::segment_version(".000000000000002a.wal") == version{0x2A});
    for (const char* const name :
         {"", ".wal", ".", ".00000000000002a.wal", ".0000000000000002a.wal",
          ".000000000000002A.wal", ".000000000000002g.wal", "-000000000000002a.wal",
          ".000000000000002a.wap", ".000000000000002a-wal", ".000000000000002a.wal ",
          ".+00000000000002a.wal", ".0x0000000000002a.wal", ".000000000000002a.wal.tmp",
          "x.000000000000002a.wal", ".0000000000000000.wal", ".00000000000000:a.wal",
          ".00000000000000/a.wal", ".00000000000000`a.wal"}) {
        CAPTURE(name);
        CHECK(format::segment_version(name) == version::none);
    }
}
