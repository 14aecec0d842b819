// What a walk over a file hands to whoever asked for it: pages, trees, findings.
// Thread-safety: plain values; a visitor is called by the thread that walks.
#pragma once

#include <cstdint>
#include <string>

#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/format/schema.hpp>
#include <quire/inspect/page.hpp>
#include <quire/inspect/report.hpp>

namespace quire::inspect {

enum class page_use : std::uint8_t { tree, overflow, free_map };

// A page or run as a walk meets it. Spans live until the visitor returns.
struct page_seen {
    page_use use = page_use::tree;
    page_id id{};
    page_id parent{}; // none for a root
    tree_id tree{};
    format::page_kind kind{};
    std::uint32_t level = 0;
    std::uint32_t depth = 0; // of a root: 0
    version birth{};
    std::uint32_t checksum = 0;
    std::uint32_t pages = 1;      // of a run: as many as it takes
    std::uint32_t value_size = 0; // of a run
    format::key_order order = format::key_order::bytes;
    const page_content* content = nullptr; // of a tree page that could be parsed
    bytes_view bytes;                      // the page; of a run, nothing
};

// A tree about to be walked, or just walked. A slot says no level and no records of the catalog.
struct tree_seen {
    tree_id id{};
    std::string name;
    format::schema schema;
    page_ref root;
    std::uint32_t level = 0;   // of the root
    std::uint64_t records = 0; // met so far
};

class visitor {
public:
    visitor() = default;
    visitor(const visitor&) = delete;
    visitor& operator=(const visitor&) = delete;
    virtual ~visitor() = default;

    // False ends the walk. Parents come before their children, leaves in key order, a run behind
    // the leaf that refers to it. A page with a finding against it comes too, unless its bytes are
    // not the ones its reference means.
    virtual bool page(const page_seen&) { return true; }
    virtual void tree(const tree_seen&) {}      // before its pages; the catalog first
    virtual void tree_done(const tree_seen&) {} // behind them
    virtual void found(finding) {}
};

// `newest_commit` visits what the slot's own version wrote and nothing else.
enum class walk_scope : std::uint8_t { everything, newest_commit };

} // namespace quire::inspect
