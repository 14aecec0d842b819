// Reads the log of a store back: group after group, checked as input.
//
// What ends a log and what is damage: a segment is wholly durable before the next one has its name,
// so where another one follows every group must be there. In the last segment a group that is not
// whole ends the log, for a crash may have torn what was being written - unless a whole group
// stands behind it that was written when the log was durable beyond the place: then something that
// had been acknowledged is damaged.
// Thread-safety: one thread.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string>

#include <quire/core/bytes.hpp>
#include <quire/core/error.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/owned.hpp>
#include <quire/core/raise.hpp>
#include <quire/core/sort.hpp>
#include <quire/format/log_record.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/wal/segment.hpp>

namespace quire::wal {

// First versions of all segments of a store that are there, ascending. Throws io_error,
// std::bad_alloc.
template <class Device>
[[nodiscard]] growing_array<std::uint64_t> list_segments(const std::string& store_path) {
    growing_array<std::uint64_t> all;
    const storage::status listed =
        Device::list(store_path, &all, [](void* to, const char* rest) {
            if (const version v = format::segment_version(rest); v != version::none)
                static_cast<growing_array<std::uint64_t>*>(to)->push_back(to_integer(v));
        });
    if (!listed.ok())
        detail::raise_io("looking for the log of the store failed", listed.number, store_path);
    sort_ascending(all.data(), all.size());
    return all;
}

// A segment's bytes and its header, parsed. Throws io_error, format_mismatch, std::bad_alloc.
template <class Device>
class segment_content {
public:
    segment_content(const std::string& store_path, std::uint64_t first)
        : path_(format::segment_path(store_path, static_cast<version>(first))) {
        Device device;
        const auto must = [&](storage::status status) {
            if (!status.ok())
                detail::raise_io("reading a segment of the log failed",
                                 status.is_short() ? EIO : status.number, path_);
        };
        must(device.open(path_, storage::access::read_only));
        std::uint64_t size = 0;
        must(device.size(size));
        size_ = static_cast<std::size_t>(size);
        memory_.reserve(size_);
        must(device.read(0, {memory_.data(), size_}));
        if (size < format::segment_header_size) parsed_.state = format::segment_state::unused;
        else parsed_ = format::parse_segment(memory_.data());
        if (parsed_.state == format::segment_state::newer)
            detail::raise<format_mismatch>("the log is of a format this version does not know; use "
                                           "the version of the library that wrote it",
                                           path_);
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] bool valid() const noexcept {
        return parsed_.state == format::segment_state::valid;
    }
    // Zeros where it is not valid.
    [[nodiscard]] const format::segment_header& header() const noexcept { return parsed_.header; }
    [[nodiscard]] bytes_view bytes() const noexcept { return {memory_.data(), size_}; }
    // Throws format_mismatch.
    void check_id(const std::array<std::byte, 16>& database_id) const {
        if (valid() && header().database_id != database_id)
            detail::raise<format_mismatch>("the log beside the store is of another store; put the "
                                           "file that belongs to this one in its place",
                                           path_, page_id::none, "database_id", "another store's",
                                           "this store's");
    }
    // Zeros behind where its header should be: made, and never used.
    [[nodiscard]] bool blank() const noexcept {
        for (std::size_t i = format::segment_header_size; i < size_; ++i)
            if (memory_.data()[i] != std::byte{0}) return false;
        return true;
    }
    // Whether anything was ever committed in it.
    [[nodiscard]] bool has_group() const noexcept {
        format::log_group group;
        return valid() && format::parse_group(bytes().subspan(format::segment_header_size),
                                              header().first_lsn + format::segment_header_size,
                                              format::seed_of(header().salt), group);
    }

private:
    std::string path_;
    growing_array<std::byte> memory_; // of room for size_ bytes; none are its elements
    std::size_t size_ = 0;
    format::parsed_segment parsed_;
};

template <class Device>
class reader {
    using content = segment_content<Device>;

public:
    // No store comes to give out such a version.
    static constexpr auto beyond_all = static_cast<version>(std::uint64_t{1} << 63);

    // The log of the store, which begins with the segment of that first version and salt; versions
    // from `beyond` on are damage. Throws corruption where there is no such segment, io_error,
    // std::bad_alloc.
    reader(const std::string& store_path, const std::array<std::byte, 16>& database_id,
           version first, std::uint64_t salt, version beyond = beyond_all)
        : store_path_(store_path), database_id_(database_id), salt_(salt), beyond_(beyond),
          last_(static_cast<version>(to_integer(first) - 1)) {
        const growing_array<std::uint64_t> all = list_segments<Device>(store_path);
        for (const std::uint64_t v : all)
            if (v >= to_integer(first)) segments_.push_back(v);
        if (segments_.empty() || segments_[0] != to_integer(first))
            detail::raise<corruption>(
                "the store was not closed, and its log is not beside it; bring back the files "
                "<store>.*.wal that belong to it, or restore a backup",
                store_path, page_id::none, "segment",
                segments_.empty() ? detail::said("none") : detail::said(segments_[0]),
                to_integer(first));
    }

    // The next group, good until the call after it; false at the end of the log. Throws corruption,
    // format_mismatch, io_error, std::bad_alloc.
    [[nodiscard]] bool next(format::log_group& group) {
        for (;;) {
            if (!content_) {
                if (!open_next()) return false;
                continue;
            }
            const bytes_view left = content_->bytes().subspan(at_);
            const std::uint64_t lsn = content_->header().first_lsn + at_;
            if (format::parse_group(left, lsn, format::seed_of(salt_), group)) {
                if (group.facts.base != last_)
                    fail("base_version", to_integer(group.facts.base), to_integer(last_));
                if (group.facts.at >= beyond_)
                    fail("version", to_integer(group.facts.at),
                         {"less than ", to_integer(beyond_)});
                last_ = group.facts.at;
                at_ += group.bytes;
                end_ = lsn + group.bytes;
                done_ += group.bytes;
                return true;
            }
            look_behind(left, lsn);
            content_ = {};
        }
    }

    // The version of the last group read; the one that the log begins with.
    [[nodiscard]] version last() const noexcept { return last_; }
    // Bytes of groups read so far, and of the segments opened so far.
    [[nodiscard]] std::uint64_t bytes_done() const noexcept { return done_; }
    [[nodiscard]] std::uint64_t bytes_total() const noexcept { return total_; }
    // After the end: the segments of the log, and where in the last one its groups end.
    [[nodiscard]] std::span<const segment_facts> segments() const noexcept {
        return {used_.data(), used_.size()};
    }
    [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
    // Transactions that were begun behind the end of the log, as far as they can be recognised.
    [[nodiscard]] std::uint64_t discarded() const noexcept { return discarded_; }

private:
    // Reads the next segment, passing over one that was not used; false when the log has none.
    [[nodiscard]] bool open_next() {
        if (segment_ == segments_.size()) return false;
        const std::uint64_t name = segments_[segment_++];
        content_ = owned<content>(new content(store_path_, name));
        const format::segment_header& header = content_->header();
        const bool is_first = segment_ == 1;
        content_->check_id(database_id_);
        // A crash, or a failure, while a segment was made leaves one without a header; one while a
        // log was begun to be used after this one leaves the beginning of that. Nothing is in them.
        if (!is_first && (content_->valid() ? header.previous_salt == 0 && !content_->has_group()
                                            : content_->blank())) {
            content_ = {};
            return true;
        }
        if (!content_->valid()) fail("header", "a damaged one", "a segment's");
        if (is_first && header.salt != salt_)
            fail("salt", "of an older or another log", "the one the store names");
        if (!is_first && header.previous_salt != salt_)
            fail("previous_salt", "another segment's", "of the segment before");
        // Not from the size of the file before, of which a sync that failed may have lost some.
        if (!is_first && header.first_lsn < end_)
            fail("first_lsn", header.first_lsn, {"at least ", end_});
        // Behind a gap in the segment before.
        if (header.base != last_ || name != to_integer(header.base) + 1)
            fail("base_version", to_integer(header.base), to_integer(last_));
        salt_ = header.salt;
        at_ = format::segment_header_size;
        end_ = header.first_lsn + at_;
        used_.push_back({static_cast<version>(name), content_->bytes().size(), header.first_lsn,
                         header.salt});
        total_ += content_->bytes().size();
        return true;
    }
    // No group stands at the front of `left`, which is the rest of a segment. Where another segment
    // follows, its header says whether one should.
    void look_behind(bytes_view left, std::uint64_t lsn) {
        const std::uint32_t seed = format::seed_of(salt_);
        for (std::size_t skip = 0; skip + format::begin_size <= left.size();
             skip += format::group_alignment) {
            if (load_le<std::uint64_t>(left.data() + skip + format::record_header_size) !=
                lsn + skip)
                continue;
            format::log_group later;
            if (!format::parse_group(left.subspan(skip), lsn + skip, seed, later)) {
                if (skip == 0) ++discarded_; // it had begun
                continue;
            }
            if (later.facts.durable_lsn > lsn)
                fail("group", {"a damaged one at byte ", at_},
                     "a whole one, for the log was durable beyond it");
            ++discarded_;
            skip += later.bytes - format::group_alignment;
        }
    }
    [[noreturn]] QUIRE_COLD void fail(const char* field, const detail::said& found,
                                      const detail::said& expected) const {
        detail::raise<corruption>("the log is damaged; restore a backup", content_->path(),
                                  page_id::none, field, found, expected);
    }

    const std::string& store_path_;
    std::array<std::byte, 16> database_id_;
    std::uint64_t salt_; // of the segment that is read
    version beyond_;
    version last_; // of the group before
    growing_array<std::uint64_t> segments_;
    std::size_t segment_ = 0; // of the next one to be read
    owned<content> content_;
    std::size_t at_ = 0; // in it
    std::uint64_t end_ = 0; // of the groups read so far
    growing_array<segment_facts> used_;
    std::uint64_t total_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t discarded_ = 0;
};

} // namespace quire::wal
