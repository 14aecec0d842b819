// The references that any page holds to other pages, found without knowing the types of its tree.
// For walks over a whole store: verifying a commit after a crash.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/free_map.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/node/layout.hpp>
#include <quire/node/slotted_record.hpp>

namespace quire::node {

// Calls visit(page_ref) for every child of the page: of an inner page, or of a free-map page above
// level 0; others have none. `key_size` is that of the tree's fixed pages. Memory-safe on any
// bytes; stops early at a reference that lies outside the page.
template <class Visit>
void for_each_child(const std::byte* page, std::size_t page_size, std::size_t key_size,
                    Visit&& visit) {
    const std::size_t count = format::count_of(page);
    const auto each = [&](std::size_t from, std::size_t n) {
        for (std::size_t i = 0; i < n && from + (i + 1) * detail::ref_size <= page_size; ++i)
            visit(format::load_ref(page + from + i * detail::ref_size));
    };
    switch (format::kind_of(page)) {
    case format::page_kind::fixed_inner: {
        if (key_size == 0 || key_size > page_size) return;
        const auto start = [&](std::size_t slots) {
            return detail::round_up(format::page_header_size + slots * key_size, 8);
        };
        std::size_t slots = (page_size - format::page_header_size) / (key_size + detail::ref_size);
        while (slots > 0 && start(slots) + (slots + 1) * detail::ref_size > page_size) --slots;
        if (count <= slots) each(start(slots), count + 1);
        return;
    }
    case format::page_kind::slotted_inner:
        each(format::page_header_size, 1);
        for (std::size_t i = 0; i < count; ++i)
            each(detail::slots_at<false> + i * detail::slot_size<false> + detail::slot_child, 1);
        return;
    case format::page_kind::free_map:
        if (format::level_of(page) != 0)
            each(format::page_header_size, format::free_map_of(page_size).fanout);
        return;
    default:
        return;
    }
}

} // namespace quire::node
