// Changes of one record of the working state, below codecs: what the map's face does with keys and
// values that it has encoded, and recovery with those that the log has.
// Thread-safety: the writer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include <quire/core/bytes.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/owned.hpp>
#include <quire/core/raise.hpp>
#include <quire/tree/editor.hpp>
#include <quire/tree/overflow.hpp>
#include <quire/tree/walk.hpp>
#include <quire/types.hpp>

namespace quire::detail {

// Who is told of commits that have happened, outside the writer's place, by any thread.
class commit_follower {
public:
    virtual ~commit_follower() = default;
    virtual void committed(unsigned changes) noexcept = 0;
    // The map is about to be closed; nobody else uses it.
    virtual void closing() noexcept = 0;
};

// What a writer of one tree keeps between operations.
template <class Types>
struct writer_state {
    // Reserves, so that the editor's later plans cannot fail.
    writer_state() { work.reserve(); }

    // A commit of about so many changes has happened.
    void committed(unsigned changes) noexcept {
        if (follower) follower->committed(changes);
    }

    typename Types::layout::workspace work;
    tree::insertion_trail trail;
    owned<commit_follower> follower; // may be none
};

[[noreturn]] QUIRE_COLD inline void fail_reentered() {
    throw std::logic_error("quire: the code that made a value changed the map it was made for; "
                           "make the value first, then insert it");
}

enum class record_action : std::uint8_t {
    insert, // unless the key is there
    put,
    erase, // if it is there
};

template <class Types>
class record_change {
    using layout = typename Types::layout;
    using store = typename Types::store;
    using key_arg = typename layout::key_arg;

public:
    using path = tree::descent<layout>;

    record_change(store& s, writer_state<Types>& state) noexcept : store_(s), state_(state) {}

    // Inserts the record, or gives it the new value, where the descent stopped. Slotted: a large
    // value goes to an overflow run; the run of the value it replaces is given up. Inside
    // store::changing.
    void put(path& at, key_arg key, bytes_view value) {
        store_.reserve_note(Types::largest_key, value.size());
        if constexpr (Types::is_fixed) put_inline(at, key, {value, false});
        else put_any(at, key, value);
        if constexpr (store::logs)
            store_.note_put(Types::tree, typename Types::logged_key(key).view(), value);
        store_.note_change();
    }
    // Erases the record that the descent found. Inside store::changing.
    void erase(path& at, key_arg key) {
        std::optional<tree::run_ref> run;
        if constexpr (!Types::is_fixed)
            if (const auto value = layout::value(at.leaf().page, at.leaf().index); value.overflow)
                run = run_of(value);
        store_.reserve_note(Types::largest_key, 0);
        edit().erase(at);
        if (run) store_.release_run(*run);
        if constexpr (store::logs)
            store_.note_erase(Types::tree, typename Types::logged_key(key).view());
        store_.note_change();
    }
    // Erases everything. Cost: inner pages are read, leaves where they may refer to overflow runs.
    void clear() {
        const format::root_record root = store_.root(Types::tree_index);
        if (!root.root) return;
        const tree_pages all = pages_of(root);
        store_.reserve_note(0, 0);
        give_up(all);
        store_.root(Types::tree_index) = {root.tree, 0, {}, 0};
        store_.note_clear(Types::tree);
        store_.note_change();
    }
    // Gives up the tree for another one, of which the log has no record. Cost: as clear.
    void replace_tree(const format::root_record& by) {
        give_up(pages_of(store_.root(Types::tree_index)));
        store_.root(Types::tree_index) = by;
        store_.leave_out_of_log();
        store_.note_change();
    }

    // Whether an operation of the log can be one of the tree's. Throws corruption.
    void check(const format::log_update& update) const {
        if (update.tree != Types::tree)
            detail::raise<corruption>("the log names a tree that the store does not have; restore "
                                      "a backup",
                                      store_.path(), page_id::none, "tree_id",
                                      to_integer(update.tree), to_integer(Types::tree));
        if (update.type == format::record_type::clear) return;
        static_cast<void>(Types::from_log(update.key, store_.path()));
        Types::check_logged_value(update, store_.path());
    }
    // One change, as a whole. `soon`, if there is one: a key that will be changed after some
    // others; its leaf is asked for. Throws whatever reading and changing throws, without effect.
    void change(record_action what, key_arg key, bytes_view value, const key_arg* soon) {
        const auto& root = store_.root(Types::tree_index);
        store_.changing(root.level, [&] {
            if (soon != nullptr) tree::ask_for_leaf_of<layout>(store_.cache(), root, *soon);
            path at;
            at.to(store_.cache(), root, key);
            if (what == record_action::erase) {
                if (at.found) erase(at, key);
            } else if (what == record_action::put || !at.found) {
                put(at, key, value);
            }
        });
    }
    [[nodiscard]] const std::string& path_of_store() const noexcept { return store_.path(); }

private:
    struct tree_pages {
        growing_array<page_ref> pages;
        growing_array<tree::run_ref> runs;
    };

    // Everything that the tree consists of; all that giving it up needs is reserved.
    [[nodiscard]] tree_pages pages_of(const format::root_record& root) {
        tree_pages all;
        const auto guarded = [&](auto&& operation) { store_.guarded(operation); };
        tree::for_each_page<layout>(
            store_.cache(), root, guarded,
            [&](page_ref ref) {
                store_.check_pages(ref.id, 1);
                all.pages.push_back(ref);
                if (all.pages.size() > store_.space().end()) // a page stands twice in the tree
                    detail::raise<corruption>(
                        "a tree has more pages than its store; restore a backup", store_.path(),
                        ref.id);
            },
            [&](const tree::run_ref& run) {
                store_.check_run(run);
                all.runs.push_back(run);
            });
        store_.reserve_freed(all.pages.size() + all.runs.size());
        return all;
    }
    void give_up(const tree_pages& all) noexcept {
        for (const page_ref ref : all.pages) store_.release_page(ref);
        for (const tree::run_ref& run : all.runs) store_.release_run(run);
    }
    [[nodiscard]] typename Types::editor edit() noexcept {
        return {store_, store_.root(Types::tree_index), state_.work, state_.trail};
    }
    void put_inline(path& at, key_arg key, node::stored_value value) {
        if (at.found) edit().replace(at, key, value);
        else edit().insert(at, key, value);
    }
    void put_any(path& at, key_arg key, bytes_view value) {
        std::optional<tree::run_ref> old;
        if (at.found)
            if (const auto before = layout::value(at.leaf().page, at.leaf().index); before.overflow)
                old = run_of(before);
        if (Types::fits_inline(key.size(), value.size())) {
            put_inline(at, key, {value, false});
        } else {
            edit().check_used(at);
            const tree::run_ref run = store_.write_run(value, Types::tree);
            const auto reference = tree::encode(run);
            try {
                put_inline(at, key, {reference, true});
            } catch (...) {
                store_.release_run(run);
                throw;
            }
        }
        if (old) store_.release_run(*old);
    }
    // The run of a value that is to be given up. Throws corruption.
    [[nodiscard]] tree::run_ref run_of(const node::stored_value& value) {
        const tree::run_ref run = tree::decode_run(value.bytes, store_.path());
        store_.check_run(run);
        return run;
    }

    store& store_;
    writer_state<Types>& state_;
};

} // namespace quire::detail
