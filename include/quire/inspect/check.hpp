// Is this file a whole and healthy store? Reads the file alone, by the written format: no cache, no
// tree, no lock, and no code of the floors that wrote it.
//
//     const quire::inspect::report r = quire::inspect::check(device);
//     if (!r.ok()) std::puts(text_of(r).c_str());
//
// Thread-safety: as the device's; the file must not be changed meanwhile.
//
// What is checked: both header slots, which of them holds, the size of the file; in every page that
// its state reaches the checksum, id, kind, level, tree, birth, the bounds and accounting of its
// records; key order within and across pages, counts of records, overflow runs; and that every page
// is exactly one of header, reachable and free.
//
// What it does not do: judge keys and values by their codecs, look into pages that are free, or at
// bytes that the format gives no meaning (docs/format/README.md lists them). It costs one read of
// every reachable page, twice for pages of a commit whose slot asks for verification.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/inspect/commit.hpp>
#include <quire/inspect/page_walk.hpp>
#include <quire/inspect/report.hpp>
#include <quire/inspect/source.hpp>
#include <quire/inspect/visitor.hpp>

namespace quire::inspect {

struct check_options {
    std::size_t findings_limit = 1000; // kept in the report; the rest is counted
};

[[nodiscard]] report check_source(const source& from, const check_options& options);

template <class Device>
[[nodiscard]] report check(const Device& device, const check_options& options = {}) {
    return check_source(source(device), options);
}

// Hands every page of the state that holds to `to`, with what is wrong with each. False if there is
// no valid slot, or a page could not be read, or the visitor ended the walk.
template <class Device>
bool walk_pages(const Device& device, visitor& to) {
    const source from(device);
    const header_facts header = read_header(from, to);
    if (header.chosen < 0) return false;
    page_walk walk(from, header.current(), to);
    walk.run();
    return walk.complete();
}

// ------------------------------------------------------------------------------------------------

namespace detail {

class checker final : public visitor {
public:
    explicit checker(std::size_t limit) : limit_(limit) {}

    bool page(const page_seen& seen) override {
        if (seen.use == page_use::free_map) {
            ++facts.free_map_pages;
            return true;
        }
        tree_facts& tree = facts.trees.back();
        if (seen.use == page_use::overflow) {
            ++tree.overflow_runs;
            tree.overflow_pages += seen.pages;
            tree.overflow_bytes += seen.value_size;
            return true;
        }
        if (tree.pages_by_level.size() <= seen.level) tree.pages_by_level.resize(seen.level + 1);
        ++tree.pages_by_level[seen.level];
        ++tree.pages;
        if (seen.content == nullptr) return true;
        tree.bytes_used += seen.content->used;
        tree.bytes_capacity += seen.content->capacity;
        return true;
    }
    void tree(const tree_seen& seen) override {
        tree_facts tree;
        tree.id = seen.id;
        tree.name = seen.name;
        tree.schema = seen.schema;
        tree.root = seen.root.id;
        facts.trees.push_back(std::move(tree));
    }
    void tree_done(const tree_seen& seen) override {
        facts.trees.back().records = seen.records;
        facts.trees.back().height = seen.root ? seen.level + 1 : 0;
    }
    void found(finding f) override {
        if (facts.findings.size() < limit_) facts.findings.push_back(std::move(f));
        else ++facts.findings_left_off;
    }

    report facts;

private:
    std::size_t limit_;
};

inline void judge_size(const source& from, checker& to) {
    const format::header_slot& slot = to.facts.header.current();
    const std::uint64_t expected = slot.page_count * slot.page_size;
    const bool clean = (slot.flags & format::flag_clean) != 0;
    if (from.size() > expected) to.facts.tail_bytes = from.size() - expected;
    if (from.size() < expected || (clean && from.size() != expected))
        to.found({page_id::none, "file size", std::to_string(from.size()) + " bytes",
                  (clean ? "" : "at least ") + std::to_string(expected), cause::medium});
}

// The pages of the header are zero around its slots.
inline void judge_header_pages(const source& from, checker& to) {
    static constexpr std::array<std::byte, format::slot_size> zeros{};
    const std::size_t page_size = to.facts.header.current().page_size;
    const std::uint64_t end = format::header_pages(page_size) * std::uint64_t{page_size};
    std::array<std::byte, format::slot_size> bytes{};
    for (std::uint64_t at = 0; at < end; at += bytes.size()) {
        if (at == format::slot_offsets[0] || at == format::slot_offsets[1]) continue;
        std::string found = from.read(at, bytes);
        if (found.empty() && bytes != zeros)
            found = "others at bytes " + std::to_string(at) + " to " +
                    std::to_string(at + bytes.size() - 1);
        if (!found.empty())
            return to.found({page_id::none, "header", found, "zeros", cause::medium});
    }
}

// Every page is exactly one of header, reachable and free.
inline void judge_uses(const page_walk& walk, const format::header_slot& slot, checker& to) {
    const std::uint64_t end = walk.reached().limit();
    std::uint64_t leaked = 0; // pages in a row
    for (std::uint64_t page = format::header_pages(slot.page_size); page <= end; ++page) {
        const bool reached = page < end && walk.reached().contains(page);
        const bool free = page < end && walk.free().contains(page);
        if (reached && free)
            to.found({static_cast<page_id>(page), "use", "reachable and free", "one of them",
                      cause::writer});
        if (page < end && !reached && !free && walk.complete()) {
            ++leaked;
        } else if (leaked != 0) {
            to.found({static_cast<page_id>(page - leaked), "use",
                      "neither, for " + std::to_string(leaked) + (leaked == 1 ? " page" : " pages"),
                      "reachable or free", cause::writer});
            leaked = 0;
        }
    }
}

} // namespace detail

inline report check_source(const source& from, const check_options& options) {
    detail::checker to(options.findings_limit);
    if (!from.readable())
        to.found({page_id::none, "file size", "error " + std::to_string(from.size_failure()),
                  "a readable file", cause::medium});
    to.facts.header = read_header(from, to);
    if (to.facts.header.chosen < 0) return std::move(to.facts);
    const format::header_slot slot = to.facts.header.current();
    detail::judge_size(from, to);
    detail::judge_header_pages(from, to);
    page_walk walk(from, slot, to);
    walk.run();
    detail::judge_uses(walk, slot, to);
    to.facts.header_pages = format::header_pages(slot.page_size);
    to.facts.reachable_pages = walk.reached().size();
    to.facts.free_pages = walk.free().size();
    return std::move(to.facts);
}

} // namespace quire::inspect
