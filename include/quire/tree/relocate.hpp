// Moves the pages of a tree to lower places and packs thin leaves together, a few pages at a time,
// beside other writers: what a tree looks like is asked anew at every step, and where a pass stands
// is a key.
//
//   step      one inner page above the leaves, and at most so many neighbouring children of it
//     pack    runs of thin leaves become fewer (packing.hpp)
//     move    pages at or behind the limit, runs of overflow pages too, go to lower places
//
// Inner pages name their children, so leaves that are to move are found without being read; leaves
// are read to be packed, and where they may refer to overflow runs. An inner page is copied with
// whatever moves below it (tree/editor.hpp), and thus goes to a low place by itself.
//
// Of a Writer it asks what tree/editor.hpp does, and:
//   writer.next_page()        the page id that own and create will give next
//   writer.lowest_run(n)      where write_run would put n pages; page_id::none: behind the end
//   writer.write_run(value, tree), release_run(run), check_run(run)
//   writer.reserve_freed(n)
// The writer has reserved most_pages(level, children).
//
// Invariants: a step changes no record. All that can fail comes before anything is changed, but for
// writing a run's copy, which is given back when what follows fails.
// Thread-safety: the writer's; worth_a_step reads alone and is for any thread, inside a guard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <quire/core/assert.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/owned.hpp>
#include <quire/core/raise.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/tree/descent.hpp>
#include <quire/tree/overflow.hpp>
#include <quire/tree/packing.hpp>

namespace quire::tree {

// Where a pass over a tree stands: everything before the key is done.
template <class Layout>
struct relocation_place {
    typename Layout::key_buffer key;
    bool at_front = true; // the key means nothing yet
    bool at_end = false;
};

struct relocation_aim {
    static constexpr auto nowhere = static_cast<page_id>(~std::uint32_t{0});

    page_id limit = nowhere; // what lies from here on moves:
    bool moves_pages = true; // leaves and inner pages
    bool moves_runs = false;
    bool packs = false;
    std::uint64_t most_run_pages = ~std::uint64_t{0}; // a longer run stays
    std::uint32_t children = 16; // that a step looks at; 2 to most_children
};

struct relocation_facts {
    std::uint64_t moved = 0;     // pages, of runs too
    std::uint64_t saved = 0;     // leaves and inner pages that packing made superfluous
    bool has_runs = false;       // some leaf refers to an overflow run
    bool lacks_room = false;     // there was no lower place for a page; runs aside
};

template <class Layout, class Writer>
class relocator {
    using key_arg = typename Layout::key_arg;
    using key_buffer = typename Layout::key_buffer;
    using path = descent<Layout>;
    using packing = leaf_packing<Layout>;
    static constexpr bool slotted = Layout::kind == format::layout_kind::slotted;

public:
    using place = relocation_place<Layout>;

    relocator(Writer& writer, format::root_record& root,
              typename Layout::workspace& work) noexcept
        : writer_(writer), root_(root), work_(work) {}

    // Pages that a step creates or frees at most.
    [[nodiscard]] static constexpr std::uint32_t most_pages(std::uint32_t level,
                                                            std::uint32_t children) noexcept {
        return children + 2 * (level + 1);
    }

    // Whether a step at that place would change anything; if not, goes on behind what it looked at.
    // Throws corruption, io_error, out_of_frames without effect.
    template <class Cache>
    [[nodiscard]] static bool worth_a_step(Cache& cache, const format::root_record& root, place& at,
                                           const relocation_aim& aim, relocation_facts& facts) {
        path way;
        if (!descend(cache, root, at, way)) {
            const choice here = choose_root(cache, root, at, aim, facts);
            const bool has_run = first_with_run(way, here, aim, cache.path()) != here.end;
            return (has_run && !at.at_end) || at_root(root, at, aim);
        }
        key_buffer next;
        bool ends = false;
        const choice here = choose(cache, way, aim, facts);
        if (here.does_anything()) return true;
        const std::uint32_t runs_of = first_with_run(way, here, aim, cache.path());
        if (runs_of != here.end || joins(cache, way, aim)) return true;
        find_next(way, here.end, next, ends);
        check_order(at, next, ends, cache.path());
        advance(at, next, ends);
        return false;
    }

    // One step. Requires: inside changing(). Throws corruption, io_error, storage_full (of a run),
    // out_of_frames, std::bad_alloc without effect.
    void step(place& at, const relocation_aim& aim, relocation_facts& facts) {
        path way;
        if (!descend(writer_.cache(), root_, at, way)) {
            const choice here = choose_root(writer_.cache(), root_, at, aim, facts);
            if constexpr (slotted)
                if (move_a_run(way, here, aim, facts)) return; // and look here again
            if (at_root(root_, at, aim)) move_root(facts);
            at.at_end = true;
            return;
        }
        for (std::uint32_t i = 0; i < way.depth; ++i) writer_.check_used(way.steps[i].page);
        if (joins(writer_.cache(), way, aim) && join_inner(way, facts)) return;
        const choice here = choose(writer_.cache(), way, aim, facts);
        if constexpr (slotted)
            if (move_a_run(way, here, aim, facts)) return; // and look here again
        key_buffer next;
        bool ends = false;
        find_next(way, here.end, next, ends);
        check_order(at, next, ends, writer_.cache().path());
        bool packed = here.packs();
        if (packed && !packing_) packing_ = owned<packing>(new packing); // much memory
        for (std::uint32_t i = here.pack_from; i < here.pack_to; ++i)
            writer_.check_used(here.leaves[i - here.begin]);
        if (packed)
            packed = packing_->plan(work_, way.steps[way.depth - 1].page, here, way.depth == 1);
        if (!packed && here.moves == 0 && !here.moves_path) return advance(at, next, ends);
        // All pages that move are read before the first one is changed.
        const std::byte* moving[most_children];
        for (std::uint32_t i = here.begin; i < here.end; ++i) {
            const bool moves = (here.moves >> (i - here.begin) & 1U) != 0;
            moving[i - here.begin] = moves ? read_child(writer_.cache(), way, i) : nullptr;
            if (moves) writer_.check_used(moving[i - here.begin]);
        }
        apply(way, here, packed, moving, facts);
        if (packed)
            if (const key_buffer* const open = packing_->open_end(); open != nullptr && !ends)
                return advance(at, *open, false);
        advance(at, next, ends);
    }

private:
    // What is to be done with children of an inner page.
    struct choice : leaf_group {
        std::uint32_t moves = 0; // bit n: child begin + n
        bool moves_path = false; // a page above them is to move

        [[nodiscard]] bool does_anything() const noexcept {
            return packs() || moves != 0 || moves_path;
        }
    };
    // The inner pages down to the one above the leaves; false if there are none.
    template <class Cache>
    [[nodiscard]] static bool descend(Cache& cache, const format::root_record& root,
                                      const place& at, path& way) {
        way.depth = 0;
        if (!root.root || root.level == 0) return false;
        page_ref ref = root.root;
        for (std::uint32_t level = root.level; level != 0; --level) {
            const std::byte* const page = read_page<Layout>(cache, ref, level);
            const std::uint32_t index =
                at.at_front ? 0 : Layout::child_index(page, at.key.arg());
            way.steps[way.depth++] = {page, index};
            ref = Layout::child(page, index);
        }
        return true;
    }
    template <class Cache>
    [[nodiscard]] static const std::byte* read_child(Cache& cache, const path& way,
                                                     std::uint32_t i) {
        const page_ref ref = Layout::child(way.steps[way.depth - 1].page, i);
        const std::byte* const leaf =
            read_page<Layout>(cache, ref, 0, replacement::arrival::once);
        if (QUIRE_UNLIKELY(format::count_of(leaf) == 0)) fail_empty(cache.path(), ref);
        return leaf;
    }
    // Of a tree of one leaf or none. Otherwise the place is at the end.
    [[nodiscard]] static bool at_root(const format::root_record& root, place& at,
                                      const relocation_aim& aim) noexcept {
        if (root.root && aim.moves_pages && !at.at_end && !(root.root.id < aim.limit)) return true;
        at.at_end = true;
        return false;
    }

    // Of a tree of one leaf: whether it refers to runs.
    template <class Cache>
    [[nodiscard]] static choice choose_root(Cache& cache, const format::root_record& root,
                                            const place& at, const relocation_aim& aim,
                                            relocation_facts& facts) {
        choice here;
        if (!slotted || !root.root || at.at_end || !(aim.packs || aim.moves_runs)) return here;
        here.leaves[0] = read_page<Layout>(cache, root.root, 0);
        here.end = 1;
        note_runs(here.leaves[0], facts);
        return here;
    }
    static void note_runs(const std::byte* leaf, relocation_facts& facts) noexcept {
        if constexpr (slotted)
            for (std::uint32_t r = 0; !facts.has_runs && r < format::count_of(leaf); ++r)
                facts.has_runs = Layout::value(leaf, r).overflow;
    }
    template <class Cache>
    [[nodiscard]] static choice choose(Cache& cache, const path& way, const relocation_aim& aim,
                                       relocation_facts& facts) {
        const auto& above = way.steps[way.depth - 1];
        const std::uint32_t children = format::count_of(above.page) + 1;
        choice here;
        here.begin = above.index;
        here.end = here.begin + aim.children < children ? here.begin + aim.children : children;
        const bool reads = aim.packs || (slotted && aim.moves_runs);
        for (std::uint32_t i = here.begin; reads && i < here.end; ++i) {
            const std::byte* const leaf = read_child(cache, way, i);
            here.leaves[i - here.begin] = leaf;
            note_runs(leaf, facts);
        }
        if (aim.packs) packing::choose(here, children, way.depth == 1);
        if (!aim.moves_pages) return here;
        for (std::uint32_t i = here.begin; i < here.end; ++i) {
            if (i >= here.pack_from && i < here.pack_to) continue;
            if (!(Layout::child(above.page, i).id < aim.limit))
                here.moves |= std::uint32_t{1} << (i - here.begin);
        }
        for (std::uint32_t i = 0; i < way.depth; ++i)
            here.moves_path = here.moves_path || !(format::id_of(way.steps[i].page) < aim.limit);
        return here;
    }

    // Whether the two inner pages before the one that the path ends at fit one page: by then their
    // leaves are packed.
    template <class Cache>
    [[nodiscard]] static bool joins(Cache& cache, const path& way, const relocation_aim& aim) {
        if (!aim.packs || way.depth < 2 || way.steps[way.depth - 1].index != 0) return false;
        const auto& above = way.steps[way.depth - 2];
        if (above.index < 2) return false;
        const std::byte* const left =
            read_page<Layout>(cache, Layout::child(above.page, above.index - 2), 1);
        const std::byte* const right =
            read_page<Layout>(cache, Layout::child(above.page, above.index - 1), 1);
        return Layout::used(left) + Layout::used(right) <= Layout::inner_capacity / 16 * 13;
    }
    // False if they do not fit after all.
    [[nodiscard]] bool join_inner(path& way, relocation_facts& facts) {
        const std::uint32_t index = way.steps[way.depth - 2].index;
        const std::byte* const above = way.steps[way.depth - 2].page;
        auto& cache = writer_.cache();
        const std::byte* const left = read_page<Layout>(cache, Layout::child(above, index - 2), 1);
        const std::byte* const right =
            read_page<Layout>(cache, Layout::child(above, index - 1), 1);
        writer_.check_used(left);
        writer_.check_used(right);
        key_buffer scratch;
        const key_arg between = Layout::arg_of(Layout::key(above, index - 2, scratch));
        if (!Layout::plan_inner_merge(work_, left, right, between)) return false;
        --way.depth;
        std::byte* const parent = own_path(way);
        std::byte* const all = writer_.own(right);
        Layout::apply_inner_merge(work_, all);
        Layout::set_child(parent, index - 2, format::ref_of(all));
        Layout::erase_child(parent, index - 1);
        writer_.release(left);
        ++facts.saved;
        return true;
    }

    // Where the pass goes on behind child `end` - 1.
    static void find_next(const path& way, std::uint32_t end, key_buffer& next,
                          bool& ends) noexcept {
        key_buffer scratch;
        for (std::uint32_t i = way.depth; i-- != 0;) {
            const std::byte* const page = way.steps[i].page;
            const std::uint32_t border = i + 1 == way.depth ? end - 1 : way.steps[i].index;
            if (border >= format::count_of(page)) continue;
            next.assign(Layout::arg_of(Layout::key(page, border, scratch)));
            ends = false;
            return;
        }
        ends = true;
    }
    // A damaged tree must not send a pass round in circles.
    static void check_order(const place& at, const key_buffer& next, bool ends,
                            const std::string& name) {
        if (at.at_front || ends || Layout::less(at.key.arg(), next.arg())) return;
        detail::raise<corruption>("keys of inner pages are not in order; restore a backup", name,
                                  page_id::none, "key");
    }
    static void advance(place& at, const key_buffer& next, bool ends) noexcept {
        at.at_end = ends;
        if (ends) return;
        at.at_front = false;
        at.key.assign(next.arg());
    }

    // ---- runs ----

    [[nodiscard]] static bool is_behind(const run_ref& run, page_id limit) noexcept {
        return !(run.first.id + (format::run_pages(run.value_size, Layout::page_size) - 1) < limit);
    }
    // The first child that refers to a run behind the limit, or the end.
    [[nodiscard]] static std::uint32_t first_with_run(const path&, const choice& here,
                                                      const relocation_aim& aim,
                                                      const std::string& name) {
        if constexpr (slotted) {
            if (!aim.moves_runs) return here.end;
            for (std::uint32_t i = here.begin; i < here.end; ++i) {
                const std::byte* const leaf = here.leaves[i - here.begin];
                for (std::uint32_t r = 0; r < format::count_of(leaf); ++r)
                    if (const auto value = Layout::value(leaf, r);
                        value.overflow && is_behind(decode_run(value.bytes, name), aim.limit))
                        return i;
            }
        }
        return here.end;
    }
    // Moves the first run behind the limit that has a lower place; false if there is none.
    [[nodiscard]] bool move_a_run(path& way, const choice& here, const relocation_aim& aim,
                                  relocation_facts& facts) {
        if (!aim.moves_runs) return false;
        for (std::uint32_t i = here.begin; i < here.end; ++i) {
            const std::byte* const leaf = here.leaves[i - here.begin];
            for (std::uint32_t r = 0; r < format::count_of(leaf); ++r) {
                const node::stored_value value = Layout::value(leaf, r);
                if (!value.overflow) continue;
                const run_ref run = decode_run(value.bytes, writer_.cache().path());
                if (!is_behind(run, aim.limit)) continue;
                const std::uint32_t pages = format::run_pages(run.value_size, Layout::page_size);
                // Another one may be shorter.
                if (pages > aim.most_run_pages) continue;
                const page_id lower = writer_.lowest_run(pages);
                if (lower == page_id::none || !(lower < run.first.id)) continue;
                writer_.check_used(leaf);
                writer_.check_run(run);
                writer_.reserve_freed(1);
                run_bytes_.resize(run.value_size);
                read_run(writer_.cache(), run, {run_bytes_.data(), run_bytes_.size()});
                const run_ref fresh =
                    writer_.write_run({run_bytes_.data(), run_bytes_.size()}, root_.tree);
                if (way.depth != 0) way.steps[way.depth - 1].index = i;
                way.steps[way.depth++] = {leaf, r};
                Layout::replace(own_path(way), r, {encode(fresh), true});
                writer_.release_run(run);
                facts.moved += pages;
                return true;
            }
        }
        return false;
    }

    // ---- changing ----

    std::byte* own_path(path& way) noexcept { return own_path_of<Layout>(writer_, root_, way); }
    void move_root(relocation_facts& facts) {
        const std::byte* const page =
            read_page<Layout>(writer_.cache(), root_.root, root_.level);
        writer_.check_used(page);
        if (!(writer_.next_page() < format::id_of(page))) {
            facts.lacks_room = true;
            return;
        }
        root_.root = format::ref_of(writer_.own(page));
        ++facts.moved;
    }
    void apply(path& way, const choice& here, bool packed,
               const std::byte* const (&moving)[most_children], relocation_facts& facts) noexcept {
        // A page is moved down or not at all. Those above it go where there is room.
        const auto has_lower = [&](page_id than) { return writer_.next_page() < than; };
        bool any = packed;
        for (std::uint32_t i = here.begin; !any && i < here.end; ++i)
            any = moving[i - here.begin] != nullptr &&
                  has_lower(format::id_of(moving[i - here.begin]));
        for (std::uint32_t i = 0; !any && here.moves_path && i < way.depth; ++i)
            any = has_lower(format::id_of(way.steps[i].page)) && !writer_.owns(way.steps[i].page);
        if (!any) {
            facts.lacks_room = true;
            return;
        }
        std::byte* const parent = own_path(way);
        for (std::uint32_t i = here.begin; i < here.end; ++i) {
            const std::byte* const leaf = moving[i - here.begin];
            if (leaf == nullptr) continue;
            if (writer_.owns(leaf) || !has_lower(format::id_of(leaf))) {
                facts.lacks_room = true;
                continue;
            }
            Layout::set_child(parent, i, format::ref_of(writer_.own(leaf)));
            ++facts.moved;
        }
        if (packed) put_packed(parent, here, facts);
        if (way.depth == 1 && format::count_of(parent) == 0) {
            root_.root = Layout::child(parent, 0);
            --root_.level;
            writer_.release(parent);
        }
    }
    void put_packed(std::byte* parent, const choice& here, relocation_facts& facts) noexcept {
        packing_->put_parent(parent, here);
        for (std::uint32_t n = 0; n < packing_->count(); ++n) {
            std::byte* const page = writer_.create({Layout::leaf_kind, 0, root_.tree});
            packing_->put_leaf(page, n);
            Layout::set_child(parent, here.pack_from + n, format::ref_of(page));
        }
        for (std::uint32_t i = here.pack_from; i < here.pack_to; ++i)
            writer_.release(here.leaves[i - here.begin]);
        facts.saved += here.pack_to - here.pack_from - packing_->count();
    }

    Writer& writer_;
    format::root_record& root_;
    typename Layout::workspace& work_;
    owned<packing> packing_;
    growing_array<std::byte> run_bytes_;
};

} // namespace quire::tree
