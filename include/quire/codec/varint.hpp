// Lengths inside composite values: LEB128, seven bits a byte, the lowest first, the high bit says
// that more follow. Only the shortest form is an encoding.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/codec/malformed.hpp>
#include <quire/core/bytes.hpp>

namespace quire::codec {

[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t number) noexcept {
    std::size_t bytes = 1;
    for (; number >= 0x80; number >>= 7) ++bytes;
    return bytes;
}

// Writes varint_size(number) bytes, returns their end.
constexpr std::byte* put_varint(std::byte* to, std::uint64_t number) noexcept {
    for (; number >= 0x80; number >>= 7) *to++ = static_cast<std::byte>((number & 0x7F) | 0x80);
    *to++ = static_cast<std::byte>(number);
    return to;
}

// Reads one from the front of `from` and removes it there.
[[nodiscard]] constexpr std::uint64_t take_varint(role where, bytes_view& from) {
    std::uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (from.empty()) malformed(where, "the end of its bytes", "a length");
        const auto byte = static_cast<std::uint64_t>(from.front());
        from = from.subspan(1);
        if (shift == 63 && byte > 1) malformed(where, "a length beyond 64 bits", "a length");
        number |= (byte & 0x7F) << shift;
        if (byte < 0x80) {
            if (byte == 0 && shift != 0)
                malformed(where, "a length with leading zeros", "its shortest form");
            return number;
        }
    }
}

} // namespace quire::codec
