// What an inspection of a store file says: the facts it read and the rules it found broken. Plain
// values; failure is an ordinary answer here, so nothing in this folder throws for what a file
// holds (running out of memory aside).
// Thread-safety: plain values.
//
// Invariants:
//   1. A report without findings describes a file in which every page up to page_count is exactly
//      one of header, reachable and free, and every reachable page is as the format says.
//   2. A finding that follows from another one is left out: below a page that cannot be read
//      nothing is counted as leaked and no number of records is called wrong.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <quire/core/assert.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/result.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/schema.hpp>

namespace quire::inspect {

// Who is to blame for a finding.
enum class cause : std::uint8_t {
    medium, // the bytes are not the ones that were written there: rot, a lost or misdirected write
    writer, // the bytes are whole, but whoever wrote them broke a rule of the format
    crash,  // what a power cut may leave of a commit that was never acknowledged; nothing is lost
};

struct finding {
    page_id page = page_id::none; // none: the header, or the file as a whole
    std::string field;            // as the tables of docs/format name it
    std::string found;
    std::string expected;
    cause from = cause::medium;
};

// "page 7: checksum: found 1, expected 2 (medium)"
[[nodiscard]] inline std::string text_of(const finding& f) {
    static constexpr std::array<const char*, 3> names{"medium", "writer", "crash"};
    std::string text;
    if (f.page != page_id::none) text = "page " + std::to_string(to_integer(f.page)) + ": ";
    text += f.field + ": found " + f.found + ", expected " + f.expected + " (";
    return text + names[static_cast<std::size_t>(f.from)] + ")";
}

// One of the two header slots.
struct slot_facts {
    format::slot_state state = format::slot_state::foreign;
    bool blank = false;       // all zero: never written
    format::header_slot slot; // of a valid one
    fault why;                // of one that is not valid
};

struct header_facts {
    std::uint64_t file_bytes = 0;
    std::array<slot_facts, 2> slots;
    int chosen = -1;    // index of the slot that describes the store, -1 when there is none
    std::string reason; // why that one, in a sentence

    // Requires: chosen >= 0.
    [[nodiscard]] const format::header_slot& current() const noexcept {
        QUIRE_PRECONDITION(chosen >= 0, "a file without a valid slot has no current state");
        return slots[static_cast<std::size_t>(chosen)].slot;
    }
};

struct tree_facts {
    tree_id id{};
    std::string name;
    format::schema schema;
    page_id root = page_id::none;
    std::uint32_t height = 0;                  // levels; 0 when the tree is empty
    std::vector<std::uint64_t> pages_by_level; // [0] counts leaves
    std::uint64_t pages = 0;                   // leaves and inner pages
    std::uint64_t records = 0;
    std::uint64_t bytes_used = 0;     // of the bodies of its pages
    std::uint64_t bytes_capacity = 0; // what those bodies could hold
    std::uint64_t overflow_runs = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t overflow_bytes = 0; // of values

    // Share of the pages' bodies that is in use, 0 to 1.
    [[nodiscard]] double fill() const noexcept {
        return bytes_capacity == 0
                   ? 0.0
                   : static_cast<double>(bytes_used) / static_cast<double>(bytes_capacity);
    }
};

struct report {
    header_facts header;
    std::vector<tree_facts> trees; // the catalog first, then in the order of the slot
    std::uint64_t header_pages = 0;
    std::uint64_t reachable_pages = 0; // of trees, overflow runs, the catalog and the free map
    std::uint64_t free_pages = 0;      // set in the free map
    std::uint64_t free_map_pages = 0;
    std::uint64_t tail_bytes = 0; // of the file, behind page_count pages
    std::vector<finding> findings;
    std::uint64_t findings_left_off = 0; // beyond check_options::findings_limit

    // Nothing at all was found.
    [[nodiscard]] bool ok() const noexcept { return findings.empty() && findings_left_off == 0; }
    // Nothing was found but what a crash may leave: all acknowledged commits can be read.
    [[nodiscard]] bool sound() const noexcept {
        if (findings_left_off != 0) return false;
        for (const finding& f : findings)
            if (f.from != cause::crash) return false;
        return true;
    }
};

// The report as lines of text for a person.
[[nodiscard]] inline std::string text_of(const report& r) {
    const auto number = [](std::uint64_t n) { return std::to_string(n); };
    std::string text = r.header.reason + "\n";
    if (r.header.chosen >= 0) {
        const format::header_slot& slot = r.header.current();
        text += "version " + number(to_integer(slot.committed)) + ", " + number(slot.page_count) +
                " pages of " + number(slot.page_size) + " bytes: " + number(r.header_pages) +
                " header, " + number(r.reachable_pages) + " reachable (" +
                number(r.free_map_pages) + " of the free map), " + number(r.free_pages) +
                " free; " + number(r.tail_bytes) + " bytes behind them\n";
    }
    for (const tree_facts& tree : r.trees) {
        text += "tree " + number(to_integer(tree.id)) + " \"" + tree.name + "\" " +
                tree.schema.key_codec + " -> " + tree.schema.value_codec + ": " +
                number(tree.records) + " records, height " + number(tree.height) +
                ", pages by level";
        for (const std::uint64_t pages : tree.pages_by_level) text += " " + number(pages);
        text += ", " + number(static_cast<std::uint64_t>(tree.fill() * 100)) + " % full";
        if (tree.overflow_runs != 0)
            text += ", " + number(tree.overflow_runs) + " overflow runs of " +
                    number(tree.overflow_pages) + " pages";
        text += "\n";
    }
    for (const finding& f : r.findings) text += text_of(f) + "\n";
    if (r.findings_left_off != 0) text += number(r.findings_left_off) + " further findings\n";
    return text;
}

} // namespace quire::inspect
