// Names of codecs, put together at compile time: "tuple<u32,string>", "array<u8,24>".
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace quire::codec::detail {

// Open, then the parts with commas between them, then Close.
template <const std::string_view& Open, const std::string_view& Close,
          const std::string_view&... Parts>
struct list_name {
    static constexpr std::size_t size = Open.size() + Close.size() +
                                        (std::size_t{0} + ... + Parts.size()) +
                                        (sizeof...(Parts) > 1 ? sizeof...(Parts) - 1 : 0);

    static constexpr std::array<char, size> characters = [] {
        std::array<char, size> to{};
        std::size_t at = 0;
        const auto put = [&](std::string_view text) {
            for (const char c : text) to[at++] = c;
        };
        put(Open);
        [[maybe_unused]] std::size_t part = 0;
        ((put(part++ == 0 ? "" : ","), put(Parts)), ...);
        put(Close);
        return to;
    }();

    static constexpr std::string_view value{characters.data(), size};
};

template <std::size_t N>
struct decimal {
    static constexpr std::size_t size = [] {
        std::size_t digits = 1;
        for (std::size_t rest = N; rest >= 10; rest /= 10) ++digits;
        return digits;
    }();

    static constexpr std::array<char, size> characters = [] {
        std::array<char, size> to{};
        std::size_t rest = N;
        for (std::size_t i = size; i-- > 0; rest /= 10) to[i] = static_cast<char>('0' + rest % 10);
        return to;
    }();

    static constexpr std::string_view value{characters.data(), size};
};

inline constexpr std::string_view angle_close = ">";

} // namespace quire::codec::detail
