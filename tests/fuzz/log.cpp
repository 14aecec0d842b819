#include "fuzz/targets.hpp"

#include <utility>

#include <quire/core/crc32c.hpp>
#include <quire/format/log_record.hpp>

namespace fuzz {
namespace {

namespace format = quire::format;
using words = map_of<std::string, std::string, quire::txn::wal>;

// What a killed process left: some records in the file, eight transactions in the log.
[[nodiscard]] const contents& left() {
    static const contents files = [] {
        simulated_disk disk;
        {
            words map{disk.path("map"), small};
            for (int i = 0; i < 60; ++i) map.insert("key " + std::to_string(i), "value");
        }
        words map{disk.path("map"), small};
        for (int i = 0; i < 8; ++i) {
            auto transaction = map.transaction();
            transaction.insert_or_assign("key " + std::to_string(3 * i), std::string(20, 'a'));
            transaction.erase("key " + std::to_string(i));
            if (i == 4) transaction.clear();
            if (i == 6) transaction.insert("long", std::string(1000, 'l'));
            transaction.commit();
        }
        return disk.files();
    }();
    return files;
}
// Chains all records again, as far as their sizes lead.
void seal_all(bytes& segment) {
    std::byte* const header = segment.data();
    quire::store_le<std::uint64_t>(header + 64, quire::crc32c({header, 64}));
    const std::uint32_t first = format::seed_of(format::parse_segment(header).header.salt);
    std::uint32_t seed = first;
    for (std::size_t at = format::segment_header_size;
         at + format::record_header_size <= segment.size();) {
        std::byte* const record = segment.data() + at;
        const std::size_t size = quire::load_le<std::uint32_t>(record + 4);
        const auto type =
            static_cast<format::record_type>(quire::load_le<std::uint32_t>(record + 8));
        if (type == format::record_type::none ||
            size > segment.size() - at - format::record_header_size)
            return;
        const bool begins = type == format::record_type::begin;
        const bool alone = type == format::record_type::checkpoint;
        seed = quire::crc32c({record + 4, format::record_header_size - 4 + size},
                             begins || alone ? first : seed);
        quire::store_le<std::uint32_t>(record, seed);
        at += format::record_header_size + size;
        if (type == format::record_type::commit || alone)
            at = format::aligned_group(at);
    }
}

} // namespace

void log(input given) {
    script in(given);
    contents files = left();
    bytes& segment = files.rbegin()->second;
    const std::size_t whole = segment.size();
    const unsigned how = in.byte();
    segment.resize(4096); // what the groups take, so that most places matter
    edit(in, segment);
    if (how % 4 != 3) seal_all(segment);
    segment.resize(how >= 128 ? (how - 127) * std::size_t{40} : whole);
    use<words>(files, std::string("new"), std::string(30, 'n'), order::kept);
}

} // namespace fuzz
