#include <quire/wal/reader.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/core/error.hpp>

#include "log_files.hpp"

namespace {

using namespace quire_test;
using quire::version;
using quire::storage::disk_faults;
using quire::storage::simulated_disk;
using contents = simulated_disk::contents;
namespace format = quire::format;

constexpr std::uint64_t everything = ~std::uint64_t{0}; // durable_lsn: up to where the group stands

// A log put together by hand, whose parts can be damaged.
struct image {
    struct place {
        std::string file;
        std::size_t at;
        std::size_t bytes;   // to the next group
        std::size_t records; // without what fills it up
    };
    contents files;
    std::vector<std::string> names;
    std::vector<place> groups;
    version first{};
    std::uint64_t salt = 0; // of the first segment
    std::uint64_t now = 0;  // of the newest
    std::uint64_t newest = 0;
    std::uint64_t first_lsn = 0;
    std::size_t at = 0;

    explicit image(std::uint64_t base = 10) {
        newest = base;
        begin(0);
        first = version_of(base + 1);
        salt = now;
    }
    // The next segment.
    image& begin(std::uint64_t previous, std::size_t size = 4096, std::byte of = {}) {
        if (!names.empty()) first_lsn += files.at(names.back()).size();
        format::segment_header header{log_id, version_of(newest), first_lsn, now + 1001, previous};
        now = header.salt;
        const auto raw = format::encode(header);
        std::vector<std::byte> bytes(size, of);
        std::copy(raw.begin(), raw.end(), bytes.begin());
        names.push_back(format::segment_path("s", version_of(newest + 1)));
        files[names.back()] = bytes;
        at = format::segment_header_size;
        return *this;
    }
    image& follow() { return begin(now); }
    // A transaction's group; the log was durable up to group number `durable` when it was written.
    image& group(std::uint64_t v, std::size_t durable = everything, std::size_t size = 21) {
        quire::wal::records r;
        fill(r, v, size);
        return add(r.seal(facts(v, durable), format::seed_of(now)), v,
                   format::begin_size + format::update_size(8, size) + format::commit_size);
    }
    image& checkpoint(std::uint64_t v) {
        std::byte raw[format::begin_size];
        static_cast<void>(format::write_begin(raw, format::record_type::checkpoint,
                                              facts(v, everything), format::seed_of(now)));
        return add(raw, v, sizeof raw);
    }
    format::group_facts facts(std::uint64_t v, std::size_t durable) const {
        const std::uint64_t here = first_lsn + at;
        const std::uint64_t until =
            durable >= groups.size() ? here : first_lsn + groups.at(durable).at;
        return {here, version_of(v), version_of(newest), until};
    }
    image& add(quire::bytes_view raw, std::uint64_t v, std::size_t records) {
        auto& bytes = files.at(names.back());
        REQUIRE(at + raw.size() <= bytes.size());
        std::copy(raw.begin(), raw.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
        groups.push_back({names.back(), at, raw.size(), records});
        at += raw.size();
        newest = v;
        return *this;
    }
    std::byte& byte_of(std::size_t segment, std::size_t offset) {
        return files.at(names.at(segment)).at(offset);
    }
    std::byte& byte_of_group(std::size_t n, std::size_t offset) {
        return files.at(groups.at(n).file).at(groups.at(n).at + offset);
    }
    // Changes a header; its checksum is right again.
    void forge(std::size_t segment, const std::function<void(std::byte*)>& change) {
        std::byte* const raw = files.at(names.at(segment)).data();
        change(raw);
        quire::store_le<std::uint64_t>(raw + 64, quire::crc32c({raw, 64}));
    }
    [[nodiscard]] log_read read(std::uint64_t beyond = 1000) const {
        const simulated_disk disk(files);
        return read_log(disk.path("s"), first, salt, beyond);
    }
    [[nodiscard]] std::vector<std::uint64_t> versions() const { return read().versions; }
    // The field that corruption names.
    [[nodiscard]] std::string damaged(std::uint64_t beyond = 1000) const {
        try {
            static_cast<void>(read(beyond));
        } catch (const quire::corruption& e) {
            CHECK_FALSE(e.path().empty());
            return e.field();
        }
        return "nothing";
    }
};

// Three segments: versions 11 to 13, 14 to 16 and 17 to 19, in groups 0 to 8.
image three() {
    image log;
    log.group(11).group(12).group(13).follow().group(14).group(15).group(16).follow();
    return log.group(17).group(18).group(19);
}
constexpr std::size_t header_size = format::segment_header_size;

} // namespace

TEST_CASE("what a writer wrote is read back, over several segments") {
    log_fixture f;
    std::uint64_t v = 11;
    for (; v <= 300; ++v) REQUIRE(append(f.log, v, (v * 37) % 3000).ok());
    REQUIRE(f.log.reserve(log_writer::checkpoint_bytes).ok());
    f.log.append_checkpoint(version_of(v));
    REQUIRE(f.log.rotate().ok());
    REQUIRE(append(f.log, v + 1).ok());
    REQUIRE(make_durable(f.log));
    const log_read all = f.read();
    std::vector<std::uint64_t> expected = from_to(11, 300);
    expected.push_back(302);
    CHECK(all.versions == expected);
    CHECK(all.checkpoints == from_to(301, 301));
    CHECK(all.discarded == 0);
    std::uint64_t bytes = 0;
    for (const auto& [name, content] : f.disk.files()) bytes += content.size();
    CHECK(all.bytes_total == bytes);
    CHECK(all.bytes_done > 290 * 1000);
    CHECK(all.bytes_done < bytes);
    CHECK(f.headers().size() >= 4);
    // From the newest segment alone, as a slot behind the checkpoint has it.
    f.name();
    CHECK(f.read().versions == from_to(302, 302));
}

TEST_CASE("segments are found in the order of their versions, whatever else is there") {
    contents files;
    for (const char* const name :
         {"s.00000000000000ff.wal", "s.0000000000000100.wal", "s.0000000000000002.wal", "s",
          "s.wal", "s.2.wal", "t.0000000000000003.wal", "s.0000000000000004.walx",
          "s.0000000000000005.tmp", "ss.0000000000000006.wal", "s.0000000000000000.wal"})
        files[name] = {};
    const simulated_disk disk(files);
    const auto found = quire::wal::list_segments<log_device>(disk.path("s"));
    CHECK(std::vector<std::uint64_t>(found.begin(), found.end()) ==
          std::vector<std::uint64_t>{2, 0xFF, 0x100});
    CHECK(quire::wal::list_segments<log_device>(disk.path("u")).empty());
    CHECK_THROWS_AS(static_cast<void>(quire::wal::list_segments<log_device>("no-disk/s")),
                    quire::io_error);
}

TEST_CASE("a log by the documentation is read, also with files beside it that are none of it") {
    image log = three();
    CHECK(log.versions() == from_to(11, 19));
    CHECK(log.damaged() == "nothing");
    log.files["s"] = log.files["s.wal"] = log.files["s.0000000000000020.wal.old"] = {};
    log.files["t.0000000000000012.wal"] = std::vector<std::byte>(100, std::byte{1});
    CHECK(log.versions() == from_to(11, 19));
    CHECK(log.read().bytes_total == 3 * 4096);
    std::uint64_t bytes = 0;
    for (const auto& group : log.groups) bytes += group.bytes;
    CHECK(log.read().bytes_done == bytes);
}

TEST_CASE("a log whose first segment is not there is damaged") {
    image log = three();
    log.files.erase(log.names[0]);
    CHECK(log.damaged() == "segment");
    log.files.clear();
    CHECK(log.damaged() == "segment");
    const simulated_disk disk;
    const std::string store = disk.path("s");
    CHECK_THROWS_AS(log_reader(store, log_id, version{11}, 7, version{100}), quire::corruption);
}

TEST_CASE("segments before the first one are not looked at") {
    image log = three();
    log.files["s.0000000000000001.wal"] = std::vector<std::byte>(500, std::byte{0xEE});
    log.files["s.000000000000000a.wal"] = {};
    CHECK(log.versions() == from_to(11, 19));
    log.first = version{14}; // as a later slot has it
    log.salt = three().now - 1001;
    CHECK(log.versions() == from_to(14, 19));
}

TEST_CASE("a log with another salt than the store names is damaged") {
    image log = three();
    log.salt ^= 2;
    CHECK(log.damaged() == "salt");
}

TEST_CASE("a segment that is missing in the middle is damage") {
    image log = three();
    log.files.erase(log.names[1]);
    CHECK(log.damaged() == "previous_salt");
}

TEST_CASE("a log of another store is a mismatch, wherever it begins") {
    for (std::size_t segment = 0; segment < 3; ++segment) {
        image log = three();
        log.forge(segment, [](std::byte* raw) { raw[20] ^= std::byte{1}; });
        CHECK_THROWS_AS(static_cast<void>(log.read()), quire::format_mismatch);
    }
    image log = three().begin(0); // the beginning of a log of another store
    log.forge(3, [](std::byte* raw) { raw[20] ^= std::byte{1}; });
    CHECK_THROWS_AS(static_cast<void>(log.read()), quire::format_mismatch);
}

TEST_CASE("a segment of another format version is a mismatch") {
    for (std::size_t segment = 0; segment < 3; ++segment) {
        image log = three();
        log.forge(segment, [](std::byte* raw) { raw[8] = std::byte{2}; });
        CHECK_THROWS_AS(static_cast<void>(log.read()), quire::format_mismatch);
    }
}

TEST_CASE("a damaged header with a segment behind it is damage") {
    for (std::size_t segment = 0; segment < 2; ++segment)
        for (std::size_t i = 0; i < header_size; ++i) {
            image log = three();
            log.byte_of(segment, i) ^= std::byte{0x10};
            CAPTURE(i);
            REQUIRE(log.damaged() != "nothing");
        }
    for (const std::size_t size : {std::size_t{0}, std::size_t{71}}) {
        image log = three();
        log.files[log.names[0]].resize(size);
        CHECK(log.damaged() != "nothing");
        log = three();
        log.files[log.names[1]].resize(size);
        CHECK(log.damaged() != "nothing");
    }
}

TEST_CASE("a damaged header of the last segment is damage when something was committed in it") {
    unsigned unseen = 0;
    for (std::size_t i = 0; i < header_size; ++i) {
        image log = three();
        log.byte_of(2, i) ^= std::byte{0x10};
        unseen += log.damaged() == "nothing";
    }
    CHECK(unseen == 0);
    image log = three();
    for (std::size_t i = 0; i < header_size; ++i) log.byte_of(2, i) = std::byte{0};
    CHECK(log.damaged() != "nothing");
}

TEST_CASE("headers that do not fit to the segment before are damage") {
    const auto forged = [](std::size_t offset, std::uint64_t value) {
        image log = three();
        log.forge(1, [&](std::byte* raw) { quire::store_le<std::uint64_t>(raw + offset, value); });
        return log.damaged();
    };
    CHECK(forged(32, 12) == "base_version");
    CHECK(forged(32, 14) == "base_version");
    CHECK(forged(40, 4088) == "first_lsn");
    CHECK(forged(40, 0) == "first_lsn");
    CHECK(forged(56, 12345) == "previous_salt");
    // Under another name.
    image log = three();
    log.files["s.000000000000000f.wal"] = log.files[log.names[1]];
    log.files.erase(log.names[1]);
    CHECK(log.damaged() == "base_version");
    // Of another size.
    log = three();
    log.files[log.names[0]].resize(4088);
    CHECK(log.damaged() == "first_lsn");
    log = three();
    log.files[log.names[0]].resize(8192);
    CHECK(log.damaged() == "first_lsn");
}

TEST_CASE("the first segment may follow another one that is gone") {
    image log = three();
    log.forge(0, [](std::byte* raw) { quire::store_le<std::uint64_t>(raw + 56, 999); });
    CHECK(log.versions() == from_to(11, 19));
    log.forge(0, [](std::byte* raw) { quire::store_le<std::uint64_t>(raw + 32, 9); });
    CHECK(log.damaged() == "base_version");
}

TEST_CASE("any flipped bit of a group is damage when a segment follows") {
    for (std::size_t n = 0; n < 6; ++n) {
        image log = three();
        for (std::size_t bit = 0; bit < log.groups[n].records * 8; bit += n == 2 ? 1 : 23) {
            CAPTURE(n);
            CAPTURE(bit);
            log.byte_of_group(n, bit / 8) ^= std::byte{1} << (bit % 8);
            REQUIRE(log.damaged() != "nothing");
            log.byte_of_group(n, bit / 8) ^= std::byte{1} << (bit % 8);
        }
        CHECK(log.damaged() == "nothing");
    }
    image log;
    log.group(11).checkpoint(12).follow().group(13);
    CHECK(log.versions() == std::vector<std::uint64_t>{11, 13});
    log.byte_of_group(1, 30) ^= std::byte{1};
    CHECK(log.damaged() == "base_version");
    image empty = three().follow(); // a segment with nothing in it says so, too
    empty.byte_of_group(8, 30) ^= std::byte{1};
    CHECK(empty.damaged() == "base_version");
}

TEST_CASE("a damaged group is damage when a group behind it says that the log was durable there") {
    for (std::size_t n = 6; n < 8; ++n) { // each group of three() knows all before it as durable
        image log = three();
        for (std::size_t bit = 0; bit < log.groups[n].records * 8; ++bit) {
            CAPTURE(n);
            CAPTURE(bit);
            log.byte_of_group(n, bit / 8) ^= std::byte{1} << (bit % 8);
            REQUIRE(log.damaged() == "group");
            log.byte_of_group(n, bit / 8) ^= std::byte{1} << (bit % 8);
        }
    }
    // Also when the one that knows it stands behind others that do not, or is a checkpoint.
    image log;
    log.group(11).group(12, 1).group(13, 1).group(14, 1).group(15, 2);
    log.byte_of_group(1, 60) ^= std::byte{1};
    CHECK(log.damaged() == "group");
    image other;
    other.group(11).group(12, 1).checkpoint(13);
    other.byte_of_group(1, 60) ^= std::byte{1};
    CHECK(other.damaged() == "group");
}

TEST_CASE("a damaged group that nobody can know to have been kept ends the log") {
    image log;
    log.group(11).group(12, 1).group(13, 1).group(14, 1);
    for (std::size_t bit = 0; bit < log.groups[1].records * 8; ++bit) {
        CAPTURE(bit);
        log.byte_of_group(1, bit / 8) ^= std::byte{1} << (bit % 8);
        const log_read all = log.read();
        REQUIRE(all.versions == from_to(11, 11));
        REQUIRE(all.discarded >= 2); // those behind it, and itself where it can be seen
        REQUIRE(all.discarded <= 3);
        log.byte_of_group(1, bit / 8) ^= std::byte{1} << (bit % 8);
    }
    // What had been kept stays so.
    log.byte_of_group(0, 60) ^= std::byte{1};
    CHECK(log.damaged() == "group");
    // A last one is as one that was torn.
    image last = three();
    last.byte_of_group(8, 60) ^= std::byte{1};
    CHECK(last.versions() == from_to(11, 18));
    CHECK(last.read().discarded == 1);
}

TEST_CASE("a tail that is torn at any byte ends the log") {
    const image whole = three();
    const auto& last = whole.groups.back();
    for (std::size_t n = 0; n < last.records; ++n) {
        CAPTURE(n);
        image log = whole;
        for (std::size_t i = n; i < last.bytes; ++i) log.byte_of_group(8, i) = std::byte{0};
        // Its last bytes are zeros of a version's.
        const bool same = log.files == whole.files;
        REQUIRE(log.versions() == from_to(11, same ? 19 : 18));
        if (n == 0) CHECK(log.read().discarded == 0);
        if (n == 60) CHECK(log.read().discarded == 1);
        // The file may end there, too.
        log.files[last.file].resize(last.at + n);
        REQUIRE(log.versions() == from_to(11, 18));
    }
}

TEST_CASE("what an earlier use of a segment left behind is not read") {
    image log;
    log.group(11);
    auto& bytes = log.files[log.names[0]];
    const auto behind = [&](const image& of, std::size_t moved) {
        const auto& old = of.files.at(of.names[0]);
        std::copy(old.begin() + static_cast<std::ptrdiff_t>(log.at - moved),
                  old.end() - static_cast<std::ptrdiff_t>(moved),
                  bytes.begin() + static_cast<std::ptrdiff_t>(log.at));
    };
    image same;
    for (std::uint64_t v = 11; v < 30; ++v) same.group(v);
    behind(same, 0);
    CHECK(log.versions() == from_to(11, 29)); // with its salt, at its place: its own
    behind(same, 8);
    CHECK(log.versions() == from_to(11, 11));
    CHECK(log.read().discarded == 0);
    image other;
    other.now += 5; // groups are sealed with another salt than the header's
    for (std::uint64_t v = 11; v < 30; ++v) other.group(v);
    behind(other, 0);
    CHECK(log.versions() == from_to(11, 11));
}

TEST_CASE("a last segment that was never used ends the log") {
    const auto with_last = [](std::vector<std::byte> bytes, unsigned more) {
        image log = three();
        log.files["s.0000000000000014.wal"] = bytes;
        if (more != 0) log.files["s.0000000000000015.wal"] = bytes;
        return log;
    };
    image full = three().follow();
    const auto header = full.files[full.names[3]];
    CHECK(full.versions() == from_to(11, 19)); // whole, and empty
    for (unsigned more = 0; more < 2; ++more) {
        CHECK(with_last({}, more).versions() == from_to(11, 19));
        CHECK(with_last(std::vector<std::byte>(71), more).versions() == from_to(11, 19));
        CHECK(with_last(std::vector<std::byte>(4096), more).versions() == from_to(11, 19));
        for (std::size_t n = 0; n < 68; ++n) {
            std::vector<std::byte> torn(4096);
            std::copy_n(header.begin(), n, torn.begin());
            CAPTURE(n);
            REQUIRE(with_last(torn, more).versions() == from_to(11, 19));
        }
    }
    // One that was used behind one that was not.
    image log = three();
    const std::size_t hole = log.names.size();
    log.follow();
    ++log.newest;
    log.follow().group(21);
    std::fill_n(log.files[log.names[hole]].begin(), header_size, std::byte{0});
    CHECK(log.damaged() == "previous_salt");
}

TEST_CASE("the beginning of another log ends this one, unless something was committed in it") {
    image log = three();
    log.newest = 1000; // versions of a later session
    log.begin(0);
    CHECK(log.versions() == from_to(11, 19));
    log.files["s.0000000000001000.wal"] = {};
    CHECK(log.versions() == from_to(11, 19));
    image used = log;
    used.group(1002);
    CHECK(used.damaged(5000) == "previous_salt");
    image followed = log;
    followed.newest = 1010;
    followed.follow();
    CHECK(followed.damaged(5000) == "previous_salt");
    image twice = log;
    twice.newest = 1020;
    twice.begin(0);
    CHECK(twice.versions() == from_to(11, 19));
    twice.group(1022);
    CHECK(twice.damaged(5000) == "previous_salt");
}

TEST_CASE("versions beyond what the store gave out are damage") {
    const image log = three();
    CHECK(log.damaged(20) == "nothing");
    CHECK(log.damaged(19) == "version");
    CHECK(log.damaged(12) == "version");
    CHECK(log.damaged(11) == "version");
}

TEST_CASE("a group that is built on another version than the one before it is damage") {
    image log;
    log.group(11);
    log.newest = 12;
    log.group(13).group(14);
    CHECK(log.damaged() == "base_version");
    image back;
    back.group(11).group(12);
    back.newest = 11;
    back.group(13);
    CHECK(back.damaged() == "base_version");
    image gaps; // versions that were given out and not used
    gaps.group(12).group(20).group(21);
    CHECK(gaps.versions() == std::vector<std::uint64_t>{12, 20, 21});
}

TEST_CASE("a medium that cannot be read is an I/O error, at whatever read") {
    const image log = three();
    for (std::uint64_t call = 0; call < 3; ++call) {
        simulated_disk disk(log.files);
        disk.set_faults({.kinds = disk_faults::reads, .after = call, .number = EIO,
                         .forever = false, .half = false});
        try {
            static_cast<void>(read_log(disk.path("s"), log.first, log.salt));
            FAIL("it was read");
        } catch (const quire::io_error& e) {
            CHECK(e.number() == EIO);
            CHECK(e.path() == disk.path(log.names[call]));
        }
    }
}

TEST_CASE("what one segment holds can be asked of it") {
    image log = three().follow();
    log.files["s.0000000000000015.wal"] = std::vector<std::byte>(100);
    const simulated_disk disk(log.files);
    using content = quire::wal::segment_content<log_device>;
    const content first(disk.path("s"), 11);
    CHECK(first.valid());
    CHECK(first.has_group());
    CHECK(first.header().base == version{10});
    CHECK(first.bytes().size() == 4096);
    CHECK(first.path() == disk.path(log.names[0]));
    CHECK_NOTHROW(first.check_id(log_id));
    CHECK_THROWS_AS(first.check_id({}), quire::format_mismatch);
    const content empty(disk.path("s"), 20);
    CHECK(empty.valid());
    CHECK_FALSE(empty.has_group());
    const content unused(disk.path("s"), 21);
    CHECK_FALSE(unused.valid());
    CHECK_FALSE(unused.has_group());
    CHECK_NOTHROW(unused.check_id({}));
    CHECK(unused.header().base == version::none);
    CHECK_THROWS_AS(content(disk.path("s"), 22), quire::io_error);
}
