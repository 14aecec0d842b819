// Visits every page that one header slot's state can reach (catalog, trees, overflow runs, free
// map), judges each by the rules of the format, and hands the facts and the findings to a visitor.
// Thread-safety: a walk belongs to one thread. The file must not change underneath; pages that a
// committed state reaches do not, as long as that state is the newest.
//
// Invariants:
//   1. Bounded on any bytes: a page is read at most once, depth is at most 256 levels, memory is a
//      small multiple of a page a level, and two bits a page of the file.
//   2. Below a page that cannot be read or parsed nothing is visited; complete() is false then.
//   3. With walk_scope::newest_commit only pages that the slot's own commit wrote are handed over;
//      older pages are read where the catalog needs them, and the order of keys, sizes of values
//      and counts of records are not judged.
//
// What it does not do: say which pages nobody reaches (check.hpp), or choose a slot (commit.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/result.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/format/schema.hpp>
#include <quire/inspect/free_map_walk.hpp>
#include <quire/inspect/keys.hpp>
#include <quire/inspect/page.hpp>
#include <quire/inspect/page_loader.hpp>
#include <quire/inspect/run_walk.hpp>
#include <quire/inspect/source.hpp>
#include <quire/inspect/visitor.hpp>

namespace quire::inspect {

class page_walk {
public:
    // Everything given must outlive the walk.
    page_walk(const source& from, const format::header_slot& slot, visitor& to,
              walk_scope scope = walk_scope::everything)
        : pages_(from, slot, to, scope), runs_(pages_), free_map_(pages_) {}

    void run(); // once

    // Every page that is reachable was read and parsed.
    [[nodiscard]] bool complete() const noexcept { return pages_.complete(); }
    // What it reached, and what the free map calls free. Both end where the file does.
    [[nodiscard]] const page_set& reached() const noexcept { return pages_.reached(); }
    [[nodiscard]] const page_set& free() const noexcept { return free_map_.free(); }

private:
    struct tree_task {
        tree_seen& seen;
        tree_shape shape;
    };

    void walk_catalog();
    void walk_root(std::size_t i, std::vector<bool>& rooted);
    // Without a level the root's own is taken: nothing says the catalog's.
    void walk_page(tree_task& task, const page_place& at, std::optional<std::uint32_t> level);
    void walk_children(tree_task& task, const page_place& at, const page_seen& seen);
    void walk_values(tree_task& task, const page_seen& seen);
    void read_schema(const page_content& leaf, std::size_t i, page_id page);
    [[nodiscard]] bool parse(const tree_task& task, page_frame& page, const page_seen& seen,
                             std::optional<std::uint32_t> level);
    void judge_keys(const tree_task& task, const page_place& at, const page_seen& seen);
    void judge_bounds(const page_place& at, const page_seen& seen);

    page_loader pages_;
    run_walk runs_;
    free_map_walk free_map_;
    std::vector<tree_seen> catalog_; // what the catalog says of each tree
};

// ------------------------------------------------------------------------------------------------

inline void page_walk::run() {
    walk_catalog();
    std::vector<bool> rooted(catalog_.size());
    for (std::size_t i = 0; i < pages_.slot().tree_count && !pages_.stopped(); ++i)
        walk_root(i, rooted);
    for (std::size_t i = 0; i < rooted.size() && complete(); ++i)
        if (!rooted[i])
            pages_.finds(page_id::none, "roots",
                         "nothing for tree " + std::to_string(to_integer(catalog_[i].id)),
                         "one root a tree of the catalog", cause::writer);
    if (!pages_.stopped()) free_map_.walk();
}

inline void page_walk::walk_catalog() {
    tree_seen catalog;
    catalog.name = "catalog";
    catalog.schema.key_codec = "string";
    catalog.schema.value_codec = "schema";
    catalog.root = pages_.slot().catalog_root;
    pages_.to().tree(catalog);
    tree_task task{catalog, {}};
    // Without the catalog no tree can be read, so it is read whatever the scope.
    if (catalog.root) walk_page(task, {catalog.root, {}, pages_.slot().committed}, std::nullopt);
    pages_.to().tree_done(catalog);
}

inline void page_walk::walk_root(std::size_t i, std::vector<bool>& rooted) {
    const format::root_record& record = pages_.slot().roots[i];
    const std::string field = "root " + std::to_string(i) + " ";
    const std::string tree_number = std::to_string(to_integer(record.tree));
    std::size_t at = 0;
    while (at < catalog_.size() && catalog_[at].id != record.tree) ++at;
    if (at == catalog_.size()) {
        // Behind a broken catalog that is no finding of its own.
        if (complete())
            pages_.finds(page_id::none, field + "tree_id", tree_number, "a tree of the catalog",
                         cause::writer);
        return pages_.set_complete(false);
    }
    if (rooted[at])
        return pages_.loses(page_id::none, field + "tree_id", tree_number, "one root a tree",
                            cause::writer);
    rooted[at] = true;
    tree_seen& tree = catalog_[at];
    tree.root = record.root;
    tree.level = record.level;
    pages_.to().tree(tree);
    const bool complete_before = complete();
    pages_.set_complete(true);
    tree_task task{tree, shape_of(tree.schema)};
    if (tree.root && !pages_.skips(tree.root))
        walk_page(task, {tree.root, {}, pages_.slot().committed}, record.level);
    if (complete() && pages_.judges() && tree.records != record.entries)
        pages_.finds(record.root.id, field + "entries", std::to_string(record.entries),
                     std::to_string(tree.records), cause::writer);
    if (!record.root && record.level != 0)
        pages_.finds(page_id::none, field + "level", std::to_string(record.level),
                     "0 for an empty tree", cause::writer);
    pages_.set_complete(complete() && complete_before);
    pages_.to().tree_done(tree);
}

inline void page_walk::walk_page(tree_task& task, const page_place& at,
                                 std::optional<std::uint32_t> level) {
    page_frame& page = pages_.frame_at(at.depth);
    if (!pages_.load(at, page)) return;
    page_seen seen = page_loader::header_of(page.bytes, at, page_use::tree);
    seen.order = task.shape.order;
    pages_.judge_owner(seen, task.seen.id, at.newest);
    // A page whose records cannot be read is handed over too: it is there.
    if (!parse(task, page, seen, level)) return pages_.hand_over(seen);
    if (!level) task.seen.level = seen.level;
    seen.content = &page.content;
    judge_keys(task, at, seen);
    pages_.hand_over(seen);
    if (pages_.stopped()) return;
    if (seen.level == 0) walk_values(task, seen);
    else walk_children(task, at, seen);
}

inline bool page_walk::parse(const tree_task& task, page_frame& page, const page_seen& seen,
                             std::optional<std::uint32_t> level) {
    const std::uint32_t transform = load_le<std::uint16_t>(page.bytes.data() + 30);
    const bool fixed = task.shape.layout == format::layout_kind::fixed;
    const auto kind = static_cast<unsigned>(seen.kind);
    const unsigned expected_kind = (fixed ? 1U : 3U) + (seen.level == 0 ? 0U : 1U);
    if (transform != 0) {
        pages_.breaks(seen.id, "transform", transform, "0");
    } else if (level && seen.level != *level) {
        pages_.breaks(seen.id, "level", seen.level, std::to_string(*level));
    } else if (kind != expected_kind) {
        pages_.breaks(seen.id, "kind", kind, std::to_string(expected_kind));
    } else {
        const std::optional<fault> why = parse_content(page.bytes, task.shape, page.content);
        if (!why) return true;
        pages_.loses(seen.id, why->field, why->found, why->expected, cause::writer);
    }
    return false;
}

inline void page_walk::walk_children(tree_task& task, const page_place& at, const page_seen& seen) {
    const page_content& content = *seen.content;
    std::string low;
    std::string high;
    for (std::size_t i = 0; i < content.children.size() && !pages_.stopped(); ++i) {
        page_place below{content.children[i], seen.id, seen.birth, at.depth + 1, at.low, at.high};
        if (i != 0) {
            low = std::move(high);
            below.low = &low;
        }
        if (i < content.keys.size()) {
            high = content.key(i).bytes();
            below.high = &high;
        }
        if (task.seen.id == tree_id::catalog || !pages_.skips(below.ref))
            walk_page(task, below, seen.level - 1);
    }
}

inline void page_walk::walk_values(tree_task& task, const page_seen& seen) {
    const page_content& content = *seen.content;
    task.seen.records += content.keys.size();
    for (std::size_t i = 0; i < content.values.size() && !pages_.stopped(); ++i) {
        const record_value& value = content.values[i];
        if (task.seen.id == tree_id::catalog) {
            read_schema(content, i, seen.id);
            continue;
        }
        const run_ref run = value.overflow ? load_run_ref(value.bytes) : run_ref{};
        const std::size_t size = value.overflow ? run.value_size : value.bytes.size();
        if (pages_.judges() && task.shape.value_size != format::variable_size &&
            size != task.shape.value_size)
            pages_.finds(seen.id, "record " + std::to_string(i) + " value size",
                         std::to_string(size), std::to_string(task.shape.value_size),
                         cause::writer);
        if (value.overflow) runs_.walk(seen, task.seen.id, run);
    }
}

inline void page_walk::read_schema(const page_content& leaf, std::size_t i, page_id page) {
    const auto rejects = [&](const std::string& field, std::string found, std::string expected) {
        pages_.loses(page, "record " + std::to_string(i) + " " + field, std::move(found),
                     std::move(expected), cause::writer);
    };
    if (leaf.values[i].overflow) return rejects("schema", "an overflow run", "bytes in the page");
    const result<format::schema> parsed = format::parse_schema(leaf.values[i].bytes);
    if (!parsed) return rejects(parsed.why().field, parsed.why().found, parsed.why().expected);
    if (const auto why = judge_shape(shape_of(*parsed), pages_.slot().page_size))
        return rejects(why->field, why->found, why->expected);
    for (const std::string* name : {&parsed->key_codec, &parsed->value_codec})
        if (name->size() > format::longest_codec_name)
            return rejects("codec name", std::to_string(name->size()) + " bytes",
                           "at most " + std::to_string(format::longest_codec_name));
    const std::string number = std::to_string(to_integer(parsed->tree));
    if (parsed->tree == tree_id::catalog) return rejects("tree_id", number, "not the catalog's");
    for (const tree_seen& other : catalog_)
        if (other.id == parsed->tree) return rejects("tree_id", number, "one tree a number");
    // No slot has room for more roots, and without a limit a forged catalog would cost any time.
    if (catalog_.size() == format::roots_in_slot)
        return rejects("tree_id", number,
                       "at most " + std::to_string(format::roots_in_slot) + " trees");
    tree_seen tree;
    tree.id = parsed->tree;
    tree.name = leaf.key(i).bytes();
    tree.schema = *parsed;
    catalog_.push_back(std::move(tree));
}

inline void page_walk::judge_keys(const tree_task& task, const page_place& at,
                                  const page_seen& seen) {
    if (!pages_.judges()) return;
    const page_content& content = *seen.content;
    const std::size_t count = content.keys.size();
    if (seen.level == 0 && count == 0)
        return pages_.finds(seen.id, "count", "0", "at least 1 in a leaf", cause::writer);
    for (std::size_t i = 0; i < count; ++i) {
        const auto finds = [&](const char* what, std::string found, std::string expected) {
            pages_.finds(seen.id, "key " + std::to_string(i) + what, std::move(found),
                         std::move(expected), cause::writer);
        };
        // Separators may be cut short, so only a record's key tells by its size.
        if (seen.level == 0 && task.shape.key_size != format::variable_size &&
            content.key(i).size() != task.shape.key_size)
            return finds(" size", std::to_string(content.key(i).size()),
                         std::to_string(task.shape.key_size));
        // The prefix is the same for both, so what is left decides.
        if (i != 0 &&
            compare_keys(seen.order, {{}, content.keys[i - 1]}, {{}, content.keys[i]}) >= 0)
            return finds("", key_text(seen.order, content.key(i)),
                         "more than " + key_text(seen.order, content.key(i - 1)));
    }
    if (count != 0) judge_bounds(at, seen);
}

inline void page_walk::judge_bounds(const page_place& at, const page_seen& seen) {
    const key_view first = seen.content->key(0);
    const std::size_t last_index = seen.content->keys.size() - 1;
    const key_view last = seen.content->key(last_index);
    if (at.low != nullptr) {
        // A separator equal to the lower bound would leave the child before it no key to hold.
        const int order = compare_keys(seen.order, first, view_of(*at.low));
        if (order < 0 || (order == 0 && seen.level != 0))
            pages_.finds(seen.id, "key 0", key_text(seen.order, first),
                         std::string(seen.level == 0 ? "at least " : "more than ") +
                             key_text(seen.order, view_of(*at.low)) + ", its separator",
                         cause::writer);
    }
    if (at.high != nullptr && compare_keys(seen.order, last, view_of(*at.high)) >= 0)
        pages_.finds(seen.id, "key " + std::to_string(last_index), key_text(seen.order, last),
                     "less than " + key_text(seen.order, view_of(*at.high)) +
                         ", the next separator",
                     cause::writer);
}

} // namespace quire::inspect
