// Codecs of byte strings: std::string ("string") and std::vector<std::byte> ("bytes"). The encoding
// is the bytes themselves in both roles; the order is that of unsigned bytes, a prefix first, which
// is the order of std::string. Any byte may occur, zero as well. A view points into the page: it
// lives as long as the iterator or the callback that gave it.
#pragma once

#include <compare>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include <quire/codec/concepts.hpp>
#include <quire/codec/escape.hpp>
#include <quire/core/bytes.hpp>

namespace quire::codec {

template <role Role>
struct of<std::string, Role> {
    using value_type = std::string;
    using view_type = std::string_view;
    using arg_type = std::string_view;

    static constexpr std::string_view name = "string";
    static constexpr std::size_t fixed_size = variable;
    static constexpr bool ordered = Role == role::key;

    [[nodiscard]] static constexpr std::size_t size(std::string_view text) noexcept {
        return text.size();
    }
    static constexpr std::byte* encode(std::string_view text, std::byte* to) noexcept {
        if (std::is_constant_evaluated()) {
            for (const char c : text) *to++ = static_cast<std::byte>(c);
            return to;
        }
        if (!text.empty()) std::memcpy(to, text.data(), text.size());
        return to + text.size();
    }
    [[nodiscard]] static std::string_view decode(bytes_view from) noexcept {
        return {reinterpret_cast<const char*>(from.data()), from.size()};
    }
    [[nodiscard]] static constexpr std::size_t zeros(std::string_view text) noexcept {
        std::size_t count = 0;
        for (const char c : text) count += c == '\0' ? 1 : 0;
        return count;
    }
};

namespace detail {

template <class C>
concept byte_vector = vector_like<C> && std::is_same_v<typename C::value_type, std::byte>;

} // namespace detail

// What a stored std::vector<std::byte> looks like; becomes one by an explicit conversion.
class byte_string_view : public bytes_view {
public:
    using bytes_view::bytes_view;
    constexpr byte_string_view(bytes_view bytes) noexcept : bytes_view(bytes) {}

    template <detail::byte_vector C>
    [[nodiscard]] explicit operator C() const {
        return C(begin(), end());
    }

    [[nodiscard]] friend bool operator==(byte_string_view left, byte_string_view right) noexcept {
        return compare_bytes(left, right) == 0;
    }
    [[nodiscard]] friend std::strong_ordering operator<=>(byte_string_view left,
                                                          byte_string_view right) noexcept {
        return compare_bytes(left, right) <=> 0;
    }
};

template <detail::byte_vector C, role Role>
struct of<C, Role> {
    using value_type = C;
    using view_type = byte_string_view;
    using arg_type = bytes_view;

    static constexpr std::string_view name = "bytes";
    static constexpr std::size_t fixed_size = variable;
    static constexpr bool ordered = Role == role::key;

    [[nodiscard]] static constexpr std::size_t size(bytes_view bytes) noexcept {
        return bytes.size();
    }
    static constexpr std::byte* encode(bytes_view bytes, std::byte* to) noexcept {
        if (std::is_constant_evaluated()) {
            for (const std::byte byte : bytes) *to++ = byte;
            return to;
        }
        copy_bytes(to, bytes.data(), bytes.size());
        return to + bytes.size();
    }
    [[nodiscard]] static constexpr byte_string_view decode(bytes_view from) noexcept {
        return from;
    }
    [[nodiscard]] static constexpr std::size_t zeros(bytes_view bytes) noexcept {
        return detail::count_zeros(bytes.data(), bytes.size());
    }
};

} // namespace quire::codec
