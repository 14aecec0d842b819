// CRC32C (Castagnoli polynomial 0x1EDC6F41, reflected), the checksum of every page and slot.
// Uses the processor's instruction where it has one (SSE4.2, checked once at run time; ARMv8 CRC,
// checked at compile time) on three interleaved streams, else eight tables of 256 entries.
// Source of the interleaving: V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using
// CRC32 Instruction", Intel 2011. Thread-safety: pure functions; tables are made on first use.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/core/bytes.hpp>

#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace quire {
namespace detail {

struct crc32c_tables {
    static constexpr std::size_t stride = 256; // bytes of one interleaved stream

    std::uint32_t slice[8][256]{};
    std::uint32_t shift[4][256]{};       // past one stride of zeros
    std::uint32_t shift_twice[4][256]{}; // past two strides of zeros

    crc32c_tables() noexcept {
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t crc = i;
            for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82F63B78U & (0U - (crc & 1U)));
            slice[0][i] = crc;
        }
        for (std::size_t k = 1; k < 8; ++k)
            for (std::size_t i = 0; i < 256; ++i)
                slice[k][i] = (slice[k - 1][i] >> 8) ^ slice[0][slice[k - 1][i] & 0xFF];
        for (std::size_t lane = 0; lane < 4; ++lane)
            for (std::uint32_t i = 0; i < 256; ++i) {
                const std::uint32_t once = past_zeros(i << (8 * lane));
                shift[lane][i] = once;
                shift_twice[lane][i] = past_zeros(once);
            }
    }

    [[nodiscard]] std::uint32_t past_zeros(std::uint32_t crc) const noexcept {
        for (std::size_t i = 0; i < stride; ++i) crc = (crc >> 8) ^ slice[0][crc & 0xFF];
        return crc;
    }

    [[nodiscard]] static std::uint32_t shifted(const std::uint32_t (&by)[4][256],
                                               std::uint32_t crc) noexcept {
        return by[0][crc & 0xFF] ^ by[1][(crc >> 8) & 0xFF] ^ by[2][(crc >> 16) & 0xFF] ^
               by[3][crc >> 24];
    }

    [[nodiscard]] static const crc32c_tables& get() noexcept {
        static const crc32c_tables tables;
        return tables;
    }
};

[[nodiscard]] inline std::uint32_t crc32c_software(std::uint32_t crc, const std::byte* data,
                                                   std::size_t size) noexcept {
    const auto& slice = crc32c_tables::get().slice;
    for (; size >= 8; data += 8, size -= 8) {
        const std::uint64_t word = load_le<std::uint64_t>(data) ^ crc;
        crc = slice[7][word & 0xFF] ^ slice[6][(word >> 8) & 0xFF] ^ slice[5][(word >> 16) & 0xFF] ^
              slice[4][(word >> 24) & 0xFF] ^ slice[3][(word >> 32) & 0xFF] ^
              slice[2][(word >> 40) & 0xFF] ^ slice[1][(word >> 48) & 0xFF] ^ slice[0][word >> 56];
    }
    for (; size != 0; ++data, --size)
        crc = (crc >> 8) ^ slice[0][(crc ^ static_cast<std::uint32_t>(*data)) & 0xFF];
    return crc;
}

#if defined(__x86_64__) || (defined(__aarch64__) && defined(__ARM_FEATURE_CRC32))
#define QUIRE_CRC32C_HARDWARE 1
#if defined(__x86_64__)
#define QUIRE_CRC32C_TARGET [[gnu::target("sse4.2")]]
QUIRE_CRC32C_TARGET [[nodiscard]] inline std::uint32_t crc32c_word(std::uint32_t crc,
                                                                   std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(__builtin_ia32_crc32di(crc, word));
}
QUIRE_CRC32C_TARGET [[nodiscard]] inline std::uint32_t crc32c_byte(std::uint32_t crc,
                                                                   std::uint8_t byte) noexcept {
    return __builtin_ia32_crc32qi(crc, byte);
}
[[nodiscard]] inline bool crc32c_available() noexcept {
    static const bool available = __builtin_cpu_supports("sse4.2") != 0;
    return available;
}
#else
#define QUIRE_CRC32C_TARGET
[[nodiscard]] inline std::uint32_t crc32c_word(std::uint32_t crc, std::uint64_t word) noexcept {
    return __crc32cd(crc, word);
}
[[nodiscard]] inline std::uint32_t crc32c_byte(std::uint32_t crc, std::uint8_t byte) noexcept {
    return __crc32cb(crc, byte);
}
[[nodiscard]] inline bool crc32c_available() noexcept { return true; }
#endif

QUIRE_CRC32C_TARGET [[nodiscard]] inline std::uint32_t
crc32c_hardware(std::uint32_t crc, const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t stride = crc32c_tables::stride;
    if (size >= 3 * stride) {
        const auto& tables = crc32c_tables::get();
        for (; size >= 3 * stride; data += 3 * stride, size -= 3 * stride) {
            std::uint32_t second = 0;
            std::uint32_t third = 0;
            for (std::size_t i = 0; i < stride; i += 8) {
                crc = crc32c_word(crc, load_le<std::uint64_t>(data + i));
                second = crc32c_word(second, load_le<std::uint64_t>(data + stride + i));
                third = crc32c_word(third, load_le<std::uint64_t>(data + 2 * stride + i));
            }
            crc = crc32c_tables::shifted(tables.shift_twice, crc) ^
                  crc32c_tables::shifted(tables.shift, second) ^ third;
        }
    }
    for (; size >= 8; data += 8, size -= 8) crc = crc32c_word(crc, load_le<std::uint64_t>(data));
    for (; size != 0; ++data, --size) crc = crc32c_byte(crc, static_cast<std::uint8_t>(*data));
    return crc;
}
#endif

} // namespace detail

// Checksum of the bytes; pass an earlier result as `before` to continue it over more bytes.
// Cost: about 0.2 us for 4 KiB with the instruction, 2 us without.
[[nodiscard]] inline std::uint32_t crc32c(bytes_view data, std::uint32_t before = 0) noexcept {
#if defined(QUIRE_CRC32C_HARDWARE)
    if (detail::crc32c_available())
        return ~detail::crc32c_hardware(~before, data.data(), data.size());
#endif
    return ~detail::crc32c_software(~before, data.data(), data.size());
}

} // namespace quire
