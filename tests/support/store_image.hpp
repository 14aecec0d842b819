// The parts of a store's image in memory, for tests that look into it or change it.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>

#include "recorded_disk.hpp"

namespace quire_test {

[[nodiscard]] inline quire::format::parsed_slot slot_at(const bytes& image, std::size_t i) {
    namespace format = quire::format;
    return format::parse_slot(std::span<const std::byte, format::slot_size>(
        image.data() + format::slot_offsets[i], format::slot_size));
}
// Which of two valid slots is the newest.
[[nodiscard]] inline std::size_t newest(const bytes& image) {
    return slot_at(image, 0).slot.committed > slot_at(image, 1).slot.committed ? 0 : 1;
}
inline void put_slot(bytes& image, std::size_t i, const quire::format::header_slot& slot) {
    const auto encoded = quire::format::encode(slot);
    std::memcpy(image.data() + quire::format::slot_offsets[i], encoded.data(), encoded.size());
}
[[nodiscard]] inline std::byte* page_of(bytes& image, quire::page_id id, std::size_t page_size) {
    return image.data() + std::size_t{quire::to_integer(id)} * page_size;
}

} // namespace quire_test
