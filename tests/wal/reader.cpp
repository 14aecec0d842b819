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

#include "log_image.hpp"

using namespace log_image;

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

TEST_CASE("segments before the first one are not looked at") {
    image log = three();
    log.files["s.0000000000000001.wal"] = std::vector<std::byte>(500, std::byte{0xEE});
    log.files["s.000000000000000a.wal"] = {};
    CHECK(log.versions() == from_to(11, 19));
    log.first = version{14}; // as a later slot has it
    log.salt = three().now - 1001;
    CHECK(log.versions() == from_to(14, 19));
}

TEST_CASE("the first segment may follow another one that is gone") {
    image log = three();
    log.forge(0, [](std::byte* raw) { quire::store_le<std::uint64_t>(raw + 56, 999); });
    CHECK(log.versions() == from_to(11, 19));
    log.forge(0, [](std::byte* raw) { quire::store_le<std::uint64_t>(raw + 32, 9); });
    CHECK(log.damaged() == "base_version");
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
