// A log put together by hand, whose parts can be damaged.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/core/error.hpp>

#include "log_files.hpp"

namespace log_image {

using namespace quire_test;
using quire::version;
using quire::storage::disk_faults;
using quire::storage::simulated_disk;
using contents = simulated_disk::contents;
namespace format = quire::format;

// As a durable_lsn: up to where the group stands.
inline constexpr std::uint64_t everything = ~std::uint64_t{0};

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
inline image three() {
    image log;
    log.group(11).group(12).group(13).follow().group(14).group(15).group(16).follow();
    return log.group(17).group(18).group(19);
}
inline constexpr std::size_t header_size = format::segment_header_size;

} // namespace log_image
