// How a key of variable size is made to end before what follows it: 00 becomes 00 01, and 00 00 is
// the end. Terminated byte strings are in the order of the bare ones, and none is a prefix of
// another, so anything may follow.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include <quire/codec/concepts.hpp>
#include <quire/codec/malformed.hpp>
#include <quire/core/bytes.hpp>

namespace quire::codec::detail {

// Bytes for the length of one call: on the stack while they fit.
class scratch {
public:
    constexpr scratch() noexcept {} // leaves the bytes as they are
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    constexpr ~scratch() { delete[] heap_; }

    // The bytes given last are gone with the next call.
    [[nodiscard]] constexpr std::byte* take(std::size_t size) {
        if (size <= sizeof inline_) return inline_;
        delete[] heap_;
        heap_ = nullptr;
        heap_ = new std::byte[size];
        return heap_;
    }

private:
    std::byte* heap_ = nullptr;
    std::byte inline_[256];
};

[[nodiscard]] constexpr std::size_t count_zeros(const std::byte* from, std::size_t size) noexcept {
    std::size_t zeros = 0;
    for (std::size_t i = 0; i < size; ++i) zeros += from[i] == std::byte{0} ? 1 : 0;
    return zeros;
}

// Bytes of argument's encoding once it is terminated. A codec that knows the number of zero bytes
// of an encoding says so by zeros(argument); for others it is made and looked at.
template <key_codec C>
[[nodiscard]] constexpr std::size_t terminated_size(typename C::arg_type argument) {
    const std::size_t bare = C::size(argument);
    if constexpr (requires { C::zeros(argument); }) return bare + C::zeros(argument) + 2;
    else {
        scratch copy;
        std::byte* const begin = copy.take(bare);
        C::encode(argument, begin);
        return bare + count_zeros(begin, bare) + 2;
    }
}

// Terminates the encoding [begin, end) where it stands; returns the new end.
constexpr std::byte* terminate(std::byte* begin, std::byte* end) noexcept {
    std::byte* to = end + count_zeros(begin, static_cast<std::size_t>(end - begin));
    std::byte* const after = to + 2;
    to[0] = to[1] = std::byte{0};
    while (to != end) {
        const std::byte byte = *--end;
        if (byte == std::byte{0}) *--to = std::byte{1};
        *--to = byte;
    }
    return after;
}

[[nodiscard]] constexpr std::size_t find_zero(bytes_view from) noexcept {
    if (std::is_constant_evaluated()) {
        std::size_t at = 0;
        while (at < from.size() && from[at] != std::byte{0}) ++at;
        return at;
    }
    const void* const at = from.empty() ? nullptr : std::memchr(from.data(), 0, from.size());
    return at == nullptr
               ? from.size()
               : static_cast<std::size_t>(static_cast<const std::byte*>(at) - from.data());
}

// Removes one terminated encoding from the front of `from` and gives it bare: as it stands there if
// it has no zeros, else from `copy`.
[[nodiscard]] constexpr bytes_view take_terminated(bytes_view& from, scratch& copy) {
    std::size_t end = 0;
    std::size_t zeros = 0;
    for (;; end += 2, ++zeros) {
        end += find_zero(from.subspan(end));
        if (from.size() - end < 2)
            malformed(role::key, "the end of its bytes", "an end mark (00 00)");
        if (from[end + 1] == std::byte{0}) break;
        if (from[end + 1] != std::byte{1})
            malformed(role::key, "a zero that is neither escaped nor an end", "00 01 or 00 00");
    }
    bytes_view bare = from.first(end);
    if (zeros != 0) {
        std::byte* const begin = copy.take(end - zeros);
        std::byte* to = begin;
        for (std::size_t i = 0; i < end; i += from[i] == std::byte{0} ? 2 : 1) *to++ = from[i];
        bare = bytes_view(begin, end - zeros);
    }
    from = from.subspan(end + 2);
    return bare;
}

} // namespace quire::codec::detail
