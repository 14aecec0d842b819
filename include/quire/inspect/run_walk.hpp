// Judges one overflow run: consecutive pages with a header in the first and a value behind it.
// Thread-safety: as page_loader. Memory: 64 KiB whatever the value's size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <quire/core/bytes.hpp>
#include <quire/core/crc32c.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/inspect/page_loader.hpp>

namespace quire::inspect {

inline constexpr std::uint32_t largest_value = std::uint32_t{1} << 30; // bytes of one run

// What a leaf keeps in place of a value.
struct run_ref {
    page_ref ref;
    std::uint32_t value_size = 0;
};
// Requires: 12 bytes.
[[nodiscard]] inline run_ref load_run_ref(bytes_view from) noexcept {
    return {format::load_ref(from.data()), load_le<std::uint32_t>(from.data() + 8)};
}

class run_walk {
public:
    explicit run_walk(page_loader& pages) : pages_(pages) {}

    // `leaf` is the page that refers to the run.
    void walk(const page_seen& leaf, tree_id tree, run_ref run);

private:
    [[nodiscard]] std::uint64_t pages_of(std::uint64_t value_size) const noexcept {
        const std::size_t page_size = pages_.slot().page_size;
        return (format::page_header_size + value_size + page_size - 1) / page_size;
    }
    [[nodiscard]] bool read(std::uint64_t offset, mutable_bytes to, page_id run);

    page_loader& pages_;
    std::vector<std::byte> buffer_;
};

// ------------------------------------------------------------------------------------------------

inline bool run_walk::read(std::uint64_t offset, mutable_bytes to, page_id run) {
    const std::string failure = pages_.from().read(offset, to);
    if (!failure.empty()) pages_.loses(run, "read", failure, "the run", cause::medium);
    return failure.empty();
}

inline void run_walk::walk(const page_seen& leaf, tree_id tree, run_ref run) {
    const page_id id = run.ref.id;
    const std::uint64_t pages = pages_of(run.value_size);
    if (pages_.skips(run.ref) || !pages_.take(run.ref, pages)) return;

    std::array<std::byte, format::page_header_size> head;
    std::uint64_t at = pages_.offset_of(id);
    if (!read(at, head, id)) return;
    // The checksum was made over as many bytes as the run itself says. Only a size that leads to as
    // many pages is followed, so that bytes are not read for two runs.
    const std::uint32_t own_size = format::value_size_of(head.data());
    if (pages_of(own_size) != pages)
        return pages_.loses(id, "value_size", std::to_string(own_size),
                            std::to_string(run.value_size), cause::medium);
    std::uint32_t checksum = crc32c(bytes_view(head).subspan(4));
    at += head.size();
    buffer_.resize(65536);
    for (std::uint64_t left = own_size; left != 0;) {
        const std::size_t size =
            left < buffer_.size() ? static_cast<std::size_t>(left) : buffer_.size();
        const mutable_bytes to = mutable_bytes(buffer_).first(size);
        if (!read(at, to, id)) return;
        checksum = crc32c(to, checksum);
        at += size;
        left -= size;
    }
    page_place place;
    place.parent = leaf.id;
    place.depth = leaf.depth + 1;
    page_seen seen = page_loader::header_of(head, place, page_use::overflow);
    if (!pages_.is_meant(seen, run.ref, checksum)) return;

    const auto finds = [&](const char* field, std::uint64_t found, std::uint64_t expected) {
        if (found != expected)
            pages_.finds(id, field, std::to_string(found), std::to_string(expected), cause::writer);
    };
    pages_.judge_owner(seen, tree, leaf.birth);
    finds("kind", static_cast<unsigned>(seen.kind),
          static_cast<unsigned>(format::page_kind::overflow));
    finds("level", seen.level, 0);
    finds("value_size", own_size, run.value_size);
    if (own_size > largest_value)
        pages_.finds(id, "value_size", std::to_string(own_size),
                     "at most " + std::to_string(largest_value), cause::writer);
    finds("transform", load_le<std::uint16_t>(head.data() + 30), 0);
    seen.pages = static_cast<std::uint32_t>(pages);
    seen.value_size = own_size;
    seen.bytes = {};
    pages_.hand_over(seen);
}

} // namespace quire::inspect
