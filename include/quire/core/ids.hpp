// Strong types for what would otherwise be bare integers: page ids, versions, references.
// Thread-safety: plain values.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/core/config.hpp>

namespace quire {

// Position of a page in its file, in pages. Page 0 holds header slots, so 0 also means "no page".
enum class page_id : std::uint32_t { none = 0 };

[[nodiscard]] QUIRE_TRIVIAL constexpr std::uint32_t to_integer(page_id id) noexcept {
    return static_cast<std::uint32_t>(id);
}
[[nodiscard]] QUIRE_TRIVIAL constexpr page_id operator+(page_id id, std::uint32_t pages) noexcept {
    return static_cast<page_id>(static_cast<std::uint32_t>(id) + pages);
}

// Counts committed states of a store. Advanced by every write transaction and every savepoint;
// never reused, never wraps in practice (2^64).
enum class version : std::uint64_t { none = 0 };

[[nodiscard]] QUIRE_TRIVIAL constexpr std::uint64_t to_integer(version v) noexcept {
    return static_cast<std::uint64_t>(v);
}
[[nodiscard]] QUIRE_TRIVIAL constexpr version next(version v) noexcept {
    return static_cast<version>(static_cast<std::uint64_t>(v) + 1);
}
// What a page_ref keeps of a version.
[[nodiscard]] QUIRE_TRIVIAL constexpr std::uint32_t low_bits(version v) noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(v));
}

// How a parent names a child: where it is, and the low half of the version it was born in. A page
// read from the medium must carry both, so stale and misdirected writes are found. 8 bytes on disk.
struct page_ref {
    page_id id = page_id::none;
    std::uint32_t birth = 0;

    [[nodiscard]] QUIRE_TRIVIAL constexpr explicit operator bool() const noexcept {
        return id != page_id::none;
    }
    friend constexpr bool operator==(page_ref, page_ref) noexcept = default;
};

// Names a tree inside a store; 0 is the catalog.
enum class tree_id : std::uint32_t { catalog = 0 };

[[nodiscard]] QUIRE_TRIVIAL constexpr std::uint32_t to_integer(tree_id id) noexcept {
    return static_cast<std::uint32_t>(id);
}

} // namespace quire
