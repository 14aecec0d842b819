#include "fuzz/targets.hpp"

#include <utility>

#include <quire/core/crc32c.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>

namespace fuzz {
namespace {

namespace format = quire::format;
using words = map_of<std::string, std::string, quire::txn::shadow>;
using numbers = map_of<std::uint64_t, std::uint64_t, quire::txn::shadow>;
using mapped_words =
    map_of<std::string, std::string, quire::txn::shadow, quire::storage::simulated_mmap>;

template <class Fill>
[[nodiscard]] bytes closed(Fill&& fill) {
    simulated_disk disk;
    fill(disk.path("map"));
    return disk.files().at("map");
}
// Of several levels, with free pages; one has a long value.
[[nodiscard]] const bytes& words_image() {
    static const bytes image = closed([](const std::string& path) {
        words map{path, small};
        for (int i = 0; i < 300; ++i)
            map.insert("key " + std::to_string(i), std::string(i == 7 ? 900 : 20, 'v'));
        for (int i = 20; i < 60; ++i) map.erase("key " + std::to_string(i));
    });
    return image;
}
[[nodiscard]] const bytes& numbers_image() {
    static const bytes image = closed([](const std::string& path) {
        numbers map{path, small};
        for (std::uint64_t i = 0; i < 600; ++i) map.insert(i * i, i);
        for (std::uint64_t i = 50; i < 120; ++i) map.erase(i * i);
    });
    return image;
}
// Makes the checksums of slots and pages right; of runs it leaves them.
void seal_all(bytes& image) {
    for (const std::uint64_t offset : format::slot_offsets) {
        std::byte* const slot = image.data() + offset;
        quire::store_le<std::uint32_t>(slot + 508, quire::crc32c({slot, 508}));
    }
    const std::size_t first = format::header_pages(page_size) * page_size;
    for (std::size_t at = first; at + page_size <= image.size(); at += page_size)
        if (format::kind_of(image.data() + at) != format::page_kind::overflow)
            format::seal({image.data() + at, page_size});
}

} // namespace

void file(input given) {
    script in(given);
    const unsigned how = in.byte();
    bytes image = how % 2 == 0 ? words_image() : numbers_image();
    edit(in, image);
    seal_all(image);
    // All of it, or some of its first 128 parts.
    if (how >= 128) image.resize(image.size() / 128 * (256 - how));
    const contents files{{"map", std::move(image)}};
    const std::string key = "new";
    const std::string value(30, 'n');
    if (how % 2 == 1) use<numbers>(files, std::uint64_t{77}, std::uint64_t{1}, order::damaged);
    else if (how % 4 == 0) use<words>(files, key, value, order::damaged);
    else use<mapped_words>(files, key, value, order::damaged);
}

} // namespace fuzz
