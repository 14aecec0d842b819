// The rank of a native scalar: the unsigned integer of its size that is in its place in the order.
// Searches compare ranks only; a key's encoding is its rank, big-endian. Both directions are at
// most three instructions, and none for unsigned integers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <quire/codec/concepts.hpp>

namespace quire::codec {

template <std::size_t Bytes>
using unsigned_of_size = std::conditional_t<
    Bytes == 1, std::uint8_t,
    std::conditional_t<Bytes == 2, std::uint16_t,
                       std::conditional_t<Bytes == 4, std::uint32_t, std::uint64_t>>>;

// The unsigned integer that ranks a native type.
template <class Native>
using rank_type = unsigned_of_size<sizeof(Native)>;

template <native_order Order, class Native>
[[nodiscard]] constexpr rank_type<Native> to_rank(Native native) noexcept {
    using rank = rank_type<Native>;
    static_assert(sizeof(rank) == sizeof(Native));
    constexpr auto sign = static_cast<rank>(rank{1} << (8 * sizeof(rank) - 1));
    const auto bits = std::bit_cast<rank>(native);
    if constexpr (Order == native_order::unsigned_integer) return bits;
    else if constexpr (Order == native_order::signed_integer)
        return static_cast<rank>(bits ^ sign);
    else return static_cast<rank>((bits & sign) != 0 ? ~bits : bits | sign);
}

template <native_order Order, class Native>
[[nodiscard]] constexpr Native from_rank(rank_type<Native> rank) noexcept {
    using bits = rank_type<Native>;
    static_assert(sizeof(bits) == sizeof(Native));
    constexpr auto sign = static_cast<bits>(bits{1} << (8 * sizeof(bits) - 1));
    if constexpr (Order == native_order::unsigned_integer) return std::bit_cast<Native>(rank);
    else if constexpr (Order == native_order::signed_integer)
        return std::bit_cast<Native>(static_cast<bits>(rank ^ sign));
    else return std::bit_cast<Native>(static_cast<bits>((rank & sign) != 0 ? rank ^ sign : ~rank));
}

} // namespace quire::codec
