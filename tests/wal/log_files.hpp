// What the tests of the log share: groups to be appended, and what is read back of a log.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/core/counters.hpp>
#include <quire/format/log_record.hpp>
#include <quire/storage/crash_states.hpp>
#include <quire/storage/simulated.hpp>
#include <quire/wal/reader.hpp>
#include <quire/wal/records.hpp>
#include <quire/wal/sync.hpp>
#include <quire/wal/writer.hpp>

namespace quire_test {

using log_device = quire::storage::simulated;
using log_writer = quire::wal::writer<log_device, quire::wal::data>;
using log_reader = quire::wal::reader<log_device>;
using disk_kind = quire::storage::disk_change::kind;

inline constexpr std::array<std::byte, 16> log_id{std::byte{1}, std::byte{2}, std::byte{3}};
inline constexpr std::uint64_t log_limit = std::uint64_t{4} << 20;

inline quire::version version_of(std::uint64_t n) { return static_cast<quire::version>(n); }

inline std::size_t count(const quire::storage::simulated_disk& disk, disk_kind kind) {
    std::size_t n = 0;
    for (const auto& change : disk.trace()) n += change.what == kind;
    return n;
}

// A transaction of one put, whose group is of about so many bytes.
inline void fill(quire::wal::records& r, std::uint64_t v, std::size_t bytes = 0) {
    r.start(std::uint64_t{1} << 30);
    std::byte key[8];
    quire::store_le<std::uint64_t>(key, v);
    const std::vector<std::byte> value(bytes, static_cast<std::byte>(v));
    r.reserve(sizeof key, value.size());
    r.put(quire::tree_id{1}, key, value);
}
// Appends such a transaction; version v is built on the newest one.
template <class Writer>
quire::storage::status append(Writer& log, std::uint64_t v, std::size_t bytes = 0) {
    quire::wal::records r;
    fill(r, v, bytes);
    const auto status = log.reserve(r.group_bytes());
    if (status.ok()) log.append(r, version_of(v));
    return status;
}
template <class Writer>
bool make_durable(Writer& log) {
    return log.wait({log.appended(), log.appended()});
}

// What a reader finds: versions, those of checkpoints too, each with the key that fill() gave it.
struct log_read {
    std::vector<std::uint64_t> versions;
    std::vector<std::uint64_t> checkpoints;
    std::uint64_t discarded = 0;
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_total = 0;
};

inline log_read read_log(const std::string& store, quire::version first, std::uint64_t salt,
                         std::uint64_t beyond = 1'000'000'000,
                         const std::array<std::byte, 16>& id = log_id) {
    log_reader reader(store, id, first, salt, version_of(beyond));
    log_read all;
    quire::format::log_group group;
    while (reader.next(group)) {
        const std::uint64_t v = to_integer(group.facts.at);
        (group.is_checkpoint ? all.checkpoints : all.versions).push_back(v);
        quire::format::for_each_update(group, [&](const quire::format::log_update& u) {
            REQUIRE(u.type == quire::format::record_type::put);
            REQUIRE(u.key.size() == 8);
            CHECK(quire::load_le<std::uint64_t>(u.key.data()) == v);
            for (const std::byte b : u.value)
                if (b != static_cast<std::byte>(v)) FAIL("a value of version ", v);
        });
    }
    CHECK_FALSE(reader.next(group)); // it has ended
    all.discarded = reader.discarded();
    all.bytes_done = reader.bytes_done();
    all.bytes_total = reader.bytes_total();
    return all;
}
inline std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> all;
    for (; first <= last; ++first) all.push_back(first);
    return all;
}

// A log on a disk of its own, and where it begins.
struct log_fixture {
    quire::storage::simulated_disk disk;
    std::string store = disk.path("s");
    quire::io_counters counters;
    log_writer log{counters};
    quire::version first{};
    std::uint64_t salt = 0;

    explicit log_fixture(std::uint64_t base = 10, std::uint64_t limit = log_limit) {
        log.attach(store, log_id, limit);
        if (base == 0) return; // not to be started
        REQUIRE(log.start(version_of(base)).ok());
        name();
    }
    void name() {
        first = log.first_version();
        salt = log.salt();
    }
    [[nodiscard]] log_read read() const { return read_log(store, first, salt); }
    // What a crash leaves at the least: what was not synced is gone.
    [[nodiscard]] quire::storage::simulated_disk::contents durable() const {
        quire::storage::crash_states states;
        for (const quire::storage::disk_change& change : disk.trace()) states.apply(change);
        quire::storage::simulated_disk::contents least;
        std::mt19937_64 random(1);
        states.for_each(random, {}, [&](const quire::storage::simulated_disk::contents& state) {
            least = state; // the first one is that
            return false;
        });
        return least;
    }
    // The versions that a crash leaves at the least.
    [[nodiscard]] std::vector<std::uint64_t> durable_versions() const {
        const quire::storage::simulated_disk after(durable());
        return read_log(after.path("s"), first, salt).versions;
    }
    // Headers of the segments that are there, by first version.
    [[nodiscard]] std::vector<quire::format::segment_header> headers() const {
        std::vector<quire::format::segment_header> all;
        for (const auto& [name, bytes] : disk.files()) {
            const auto parsed = quire::format::parse_segment(bytes.data());
            REQUIRE(parsed.state == quire::format::segment_state::valid);
            CHECK(name == quire::format::segment_path("s", next(parsed.header.base)));
            all.push_back(parsed.header);
        }
        return all;
    }
    [[nodiscard]] std::size_t size_of(quire::version segment) const {
        return disk.files().at(quire::format::segment_path("s", segment)).size();
    }
};

} // namespace quire_test
