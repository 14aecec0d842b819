// Reading a trace of page requests as quire::replacement::trace writes it: the 8 bytes "quiretrc",
// then page ids of 32 bits, little-endian. What is wrong with a file is one sentence.
// Thread-safety: a pure function.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <quire/cache/replacement/recording.hpp>
#include <quire/core/bytes.hpp>

#include "support/scratch.hpp"

namespace bench {

// Throws std::runtime_error.
[[nodiscard]] inline std::vector<std::uint32_t> read_trace(const std::string& path) {
    constexpr std::string_view magic = quire::replacement::trace::magic;
    const descriptor file(path, O_RDONLY | O_CLOEXEC);
    std::string bytes;
    for (std::string part(std::size_t{1} << 20, '\0');;) {
        const ssize_t got = ::read(file.number(), part.data(), part.size());
        if (got < 0) fail("read " + path);
        if (got == 0) break;
        bytes.append(part, 0, static_cast<std::size_t>(got));
    }
    if (bytes.empty()) throw std::runtime_error(path + " is empty");
    if (bytes.size() < magic.size() && magic.compare(0, bytes.size(), bytes) == 0)
        throw std::runtime_error(path + " is truncated: it ends inside its first eight bytes");
    if (bytes.compare(0, magic.size(), magic) != 0)
        throw std::runtime_error(path + " is not a trace: it does not begin with 'quiretrc'");
    const std::size_t rest = bytes.size() - magic.size();
    if (rest == 0) throw std::runtime_error(path + " is a trace without any request");
    if (rest % sizeof(std::uint32_t) != 0)
        throw std::runtime_error(path + " is truncated: it ends inside a page id");
    std::vector<std::uint32_t> pages(rest / sizeof(std::uint32_t));
    const auto* from = reinterpret_cast<const std::byte*>(bytes.data()) + magic.size();
    for (std::size_t i = 0; i < pages.size(); ++i)
        pages[i] = quire::load_le<std::uint32_t>(from + i * sizeof(std::uint32_t));
    return pages;
}

} // namespace bench
