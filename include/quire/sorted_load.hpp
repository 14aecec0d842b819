// Replaces the content of a map by records in ascending order: what assign_sorted does below the
// face. The new tree is built beside the old one (tree/bulk_load.hpp); then the old one is given up
// and the root is switched, which cannot fail.
//
// What is on the medium: pages of the new tree go to free places, and nothing names them before the
// commit. Under txn::wal there is no record of the load in the log: the transaction commits as one
// that is too large for the log does, by a checkpoint in the writer's place (txn/logged.hpp). A
// crash before its slot is durable finds the old slot and its log, which lead to the old content; a
// crash behind it the new slot, whose log begins behind the load.
//
// On a failure everything that was built is given back: by rolling back, or without transactions by
// the loader itself.
// Thread-safety: the writer's.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quire/core/bytes.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/raise.hpp>
#include <quire/record_change.hpp>
#include <quire/tree/bulk_load.hpp>
#include <quire/tree/overflow.hpp>

namespace quire::detail {

template <class Types>
class sorted_load {
    using layout = typename Types::layout;
    using store = typename Types::store;
    using key_arg = typename layout::key_arg;

    // Creates pages in the store and, where nobody else could give them back, remembers them.
    struct page_maker {
        store& of;
        growing_array<page_ref> made; // not used where transactions roll back

        [[nodiscard]] std::byte* create(format::page_facts facts) noexcept {
            std::byte* const page = of.create(facts);
            if constexpr (!store::transactional) made.push_back(format::ref_of(page)); // reserved
            return page;
        }
    };

public:
    // Throws std::bad_alloc.
    sorted_load(store& s, record_change<Types> changes, double fill)
        : changes_(changes), pages_{s, {}}, loader_(pages_, Types::tree, fill),
          changes_before_(s.changes()), version_(s.write_version()) {}
    sorted_load(const sorted_load&) = delete;
    sorted_load& operator=(const sorted_load&) = delete;
    ~sorted_load() {
        if constexpr (!store::transactional)
            if (!finished_) give_back();
    }

    // The next record. Throws unsorted_input, storage_full, io_error, std::bad_alloc,
    // std::logic_error when user code has changed the map meanwhile.
    void add(key_arg key, bytes_view value) {
        if (QUIRE_UNLIKELY(!loader_.in_order(key)))
            detail::raise<unsorted_input>(
                "records to load are not in ascending order of distinct keys; sort them, or use "
                "insert_range",
                path(), page_id::none, "record", {"number ", loader_.records()},
                "a key greater than the one before");
        check_unchanged();
        if constexpr (Types::is_fixed) {
            load(key, {value, false});
        } else if (Types::fits_inline(key.size(), value.size())) {
            load(key, {value, false});
        } else {
            if constexpr (!store::transactional) runs_.reserve(runs_.size() + 1);
            const tree::run_ref run = pages_.of.write_run(value, Types::tree);
            if constexpr (!store::transactional) runs_.push_back(run);
            const auto reference = tree::encode(run);
            load(key, {reference, true});
        }
    }
    // Switches to what was loaded. Throws as add.
    void finish() {
        check_unchanged();
        format::root_record root{};
        with_pages([&] { root = loader_.finish(); });
        changes_.replace_tree(root);
        finished_ = true;
    }

private:
    void load(key_arg key, node::stored_value value) {
        if (QUIRE_LIKELY(!loader_.wants_page(key, value))) loader_.add(key, value);
        else with_pages([&] { loader_.add(key, value); });
    }
    // Runs work(), which may create a page a level.
    template <class Work>
    void with_pages(Work&& work) {
        const std::uint32_t level = loader_.level() + 1;
        if constexpr (!store::transactional) {
            const std::size_t most = pages_.made.size() + level + 2;
            if (most > pages_.made.capacity()) pages_.made.reserve(2 * most);
            // Of a version of their own, should a flush come between: then they are old ones.
            pages_.of.reserve_freed(pages_.made.capacity() + runs_.capacity());
        }
        pages_.of.changing(level, work);
    }
    // Code that makes keys and values may not change the map.
    void check_unchanged() const {
        if (QUIRE_UNLIKELY(pages_.of.changes() != changes_before_ ||
                           pages_.of.write_version() != version_))
            fail_reentered();
    }
    void give_back() noexcept {
        for (const page_ref page : pages_.made) pages_.of.release_page(page);
        for (const tree::run_ref& run : runs_) pages_.of.release_run(run);
    }
    [[nodiscard]] const std::string& path() const noexcept { return pages_.of.path(); }

    record_change<Types> changes_;
    page_maker pages_;
    tree::bulk_loader<layout, page_maker> loader_;
    growing_array<tree::run_ref> runs_;
    std::uint64_t changes_before_;
    version version_;
    bool finished_ = false;
};

} // namespace quire::detail
