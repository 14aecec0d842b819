// Reads the pages of one slot's state, each at most once, and says whether a page is the one that
// its reference means. The ground that the walks over trees, runs and the free map share.
// Thread-safety: belongs to one thread.
//
// Invariants:
//   1. No page is read before it was taken in `reached`, so a walk over any bytes ends.
//   2. A page that load() accepted has the checksum, the page id and the birth it should have.
//   3. complete() turns false with the first page below which nothing can be said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <quire/core/bytes.hpp>
#include <quire/core/crc32c.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/inspect/source.hpp>
#include <quire/inspect/visitor.hpp>

namespace quire::inspect {

// Where a page hangs: what refers to it, and which keys may stand in it.
struct page_place {
    page_ref ref;
    page_id parent{};
    version newest{}; // it may have been born in this version at most
    std::uint32_t depth = 0;
    const std::string* low = nullptr;  // keys at least this
    const std::string* high = nullptr; // keys below this
};

struct page_frame {
    std::vector<std::byte> bytes;
    page_content content;
};

class page_loader {
public:
    page_loader(const source& from, const format::header_slot& slot, visitor& to, walk_scope scope)
        : source_(from), slot_(slot), visitor_(to), scope_(scope),
          reached_(pages_within(from, slot)) {}

    [[nodiscard]] const source& from() const noexcept { return source_; }
    [[nodiscard]] const format::header_slot& slot() const noexcept { return slot_; }
    [[nodiscard]] visitor& to() const noexcept { return visitor_; }
    [[nodiscard]] bool judges() const noexcept { return scope_ == walk_scope::everything; }
    [[nodiscard]] bool complete() const noexcept { return complete_; }
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }
    [[nodiscard]] const page_set& reached() const noexcept { return reached_; }
    void set_complete(bool complete) noexcept { complete_ = complete; }

    // Pages of the slot's state that the file really has.
    [[nodiscard]] static std::uint64_t pages_within(const source& from,
                                                    const format::header_slot& slot) noexcept {
        const std::uint64_t in_file = from.size() / slot.page_size;
        return in_file < slot.page_count ? in_file : slot.page_count;
    }
    [[nodiscard]] std::uint64_t offset_of(page_id id) const noexcept {
        return std::uint64_t{to_integer(id)} * slot_.page_size;
    }

    // True for what the newest commit did not write, when only that is asked for. Goes by the low
    // half of the birth, so it may be false for a page that is old.
    [[nodiscard]] bool skips(page_ref ref) const noexcept;
    // Takes pages for one use. False, with a finding where there is one, if they must not be read.
    [[nodiscard]] bool take(page_ref ref, std::uint64_t pages);
    // Takes and reads one page and checks that it is what its reference means.
    [[nodiscard]] bool load(const page_place& at, page_frame& into);
    // Scratch memory for a page at that depth.
    [[nodiscard]] page_frame& frame_at(std::uint32_t depth);
    // Whether a page's or run's header, already read, is what `ref` means.
    [[nodiscard]] bool is_meant(const page_seen& seen, page_ref ref, std::uint32_t checksum);
    [[nodiscard]] static page_seen header_of(bytes_view page, const page_place& at, page_use use);
    // What every kind of page has in common.
    void judge_owner(const page_seen& seen, tree_id tree, version newest);
    void hand_over(const page_seen& seen);

    void finds(page_id page, std::string field, std::string found, std::string expected,
               cause from) {
        visitor_.found({page, std::move(field), std::move(found), std::move(expected), from});
    }
    // A finding below which nothing can be said.
    void loses(page_id page, std::string field, std::string found, std::string expected,
               cause from) {
        complete_ = false;
        finds(page, std::move(field), std::move(found), std::move(expected), from);
    }
    void breaks(page_id page, std::string field, std::uint64_t found, std::string expected) {
        loses(page, std::move(field), std::to_string(found), std::move(expected), cause::writer);
    }

private:
    const source& source_;
    const format::header_slot& slot_;
    visitor& visitor_;
    walk_scope scope_;
    bool complete_ = true;
    bool stopped_ = false;
    page_set reached_;
    std::vector<std::unique_ptr<page_frame>> frames_;
};

// ------------------------------------------------------------------------------------------------

inline bool page_loader::skips(page_ref ref) const noexcept {
    if (scope_ == walk_scope::everything) return false;
    const std::uint64_t span = to_integer(slot_.committed) - to_integer(slot_.base);
    const std::uint32_t distance = ref.birth - low_bits(slot_.base);
    return distance == 0 || distance > span;
}

inline bool page_loader::take(page_ref ref, std::uint64_t pages) {
    const std::uint64_t first = to_integer(ref.id);
    const std::uint64_t header = format::header_pages(slot_.page_size);
    if (first < header || first + pages > slot_.page_count) {
        std::string found = std::to_string(first);
        if (pages != 1) found += " in a run of " + std::to_string(pages) + " pages";
        loses(ref.id, "page_id", std::move(found),
              std::to_string(header) + " to " + std::to_string(slot_.page_count - 1),
              cause::writer);
        return false;
    }
    if (first + pages > reached_.limit()) {
        loses(ref.id, "file size", std::to_string(source_.size()) + " bytes",
              "the page to be within the file", cause::medium);
        return false;
    }
    for (std::uint64_t i = 0; i < pages; ++i)
        if (!reached_.insert(first + i)) {
            if (judges())
                loses(static_cast<page_id>(first + i), "use", "a second reference", "one",
                      cause::writer);
            return false;
        }
    return true;
}

inline bool page_loader::load(const page_place& at, page_frame& into) {
    if (!take(at.ref, 1)) return false;
    const std::string failure = source_.read(offset_of(at.ref.id), into.bytes);
    if (!failure.empty()) {
        loses(at.ref.id, "read", failure, "the page", cause::medium);
        return false;
    }
    return is_meant(header_of(into.bytes, at, page_use::tree), at.ref,
                    crc32c(bytes_view(into.bytes).subspan(4)));
}

inline bool page_loader::is_meant(const page_seen& seen, page_ref ref, std::uint32_t checksum) {
    if (seen.checksum != checksum)
        loses(ref.id, "checksum", std::to_string(seen.checksum), std::to_string(checksum),
              cause::medium);
    else if (seen.id != ref.id)
        loses(ref.id, "page_id", std::to_string(to_integer(seen.id)),
              std::to_string(to_integer(ref.id)), cause::medium);
    else if (low_bits(seen.birth) != ref.birth)
        loses(ref.id, "birth", std::to_string(to_integer(seen.birth)),
              "a version whose low half is " + std::to_string(ref.birth), cause::medium);
    else return true;
    return false;
}

inline page_frame& page_loader::frame_at(std::uint32_t depth) {
    while (frames_.size() <= depth) frames_.push_back(std::make_unique<page_frame>());
    page_frame& page = *frames_[depth];
    page.bytes.resize(slot_.page_size);
    return page;
}

inline page_seen page_loader::header_of(bytes_view page, const page_place& at, page_use use) {
    const std::byte* const from = page.data();
    page_seen seen;
    seen.use = use;
    seen.id = format::id_of(from);
    seen.parent = at.parent;
    seen.tree = format::tree_of(from);
    seen.kind = format::kind_of(from);
    seen.level = format::level_of(from);
    seen.depth = at.depth;
    seen.birth = format::birth_of(from);
    seen.checksum = format::stored_checksum(from);
    seen.bytes = page;
    return seen;
}

inline void page_loader::judge_owner(const page_seen& seen, tree_id tree, version newest) {
    if (seen.tree != tree)
        finds(seen.id, "tree_id", std::to_string(to_integer(seen.tree)),
              std::to_string(to_integer(tree)), cause::writer);
    if (seen.birth > newest)
        finds(seen.id, "birth", std::to_string(to_integer(seen.birth)),
              "at most " + std::to_string(to_integer(newest)) + ", the birth of what refers to it",
              cause::writer);
}

inline void page_loader::hand_over(const page_seen& seen) {
    // Read, yet not of the newest commit: pages of the catalog, which is read whatever the scope,
    // and pages 2^32 versions old, whose references look new.
    if (!judges() && seen.birth <= slot_.base) return;
    if (visitor_.page(seen)) return;
    stopped_ = true;
    complete_ = false;
}

} // namespace quire::inspect
