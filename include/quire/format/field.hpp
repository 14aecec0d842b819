// How a structure on disk is written down: once, as a table of fields beside its accessors. The
// documentation of the format is compared with these tables by a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace quire::format {

// One field; offset and size in bytes.
struct field {
    const char* name;
    std::uint16_t offset;
    std::uint16_t size;
};

// Whether the fields stand in order, without a gap and without overlap, and fill `total` bytes.
[[nodiscard]] consteval bool tiles(std::span<const field> fields, std::size_t total) {
    std::size_t at = 0;
    for (const field& f : fields) {
        if (f.offset != at || f.size == 0) return false;
        at += f.size;
    }
    return at == total;
}

} // namespace quire::format
