// The records of one transaction, as it runs: what the log gets when it commits.
//
// Room for the group's begin is kept in front and for its commit behind, so that a group is built
// where it stands and copied once. A transaction whose records outgrow the limit keeps none: it
// reaches the medium by a checkpoint instead of the log. So does one that has done something of
// which there is to be no record.
// Thread-safety: none; the writer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <quire/core/bytes.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/log_record.hpp>

namespace quire::wal {

class records {
public:
    // What to go back to.
    struct mark {
        std::size_t bytes = 0;
        std::uint32_t count = 0;
        bool left_out = false;
    };

    // Forgets everything; a group is at most `limit` bytes.
    void start(std::uint64_t limit) noexcept {
        limit_ = limit;
        too_large_ = false;
        left_out_ = false;
        all_.clear();
        count_ = 0;
    }
    // The transaction has done something without a record.
    void leave_out() noexcept { left_out_ = true; }
    // Makes the next put, erase or clear of so many bytes noexcept. Throws std::bad_alloc.
    void reserve(std::size_t key, std::size_t value) {
        if (too_large()) return;
        const std::size_t wanted = format::begin_size + all_.size() +
                                   format::update_size(key, value) + format::commit_size +
                                   format::group_alignment;
        if (wanted > limit_) return;
        if (all_.capacity() < wanted) all_.reserve(wanted + wanted / 2);
    }
    void put(tree_id tree, bytes_view key, bytes_view value) noexcept {
        std::byte* const body = add(format::record_type::put, tree, 4 + key.size() + value.size());
        if (body == nullptr) return;
        store_le<std::uint32_t>(body, static_cast<std::uint32_t>(key.size()));
        copy_bytes(body + 4, key.data(), key.size());
        copy_bytes(body + 4 + key.size(), value.data(), value.size());
    }
    void erase(tree_id tree, bytes_view key) noexcept {
        if (std::byte* const body = add(format::record_type::erase, tree, key.size()))
            copy_bytes(body, key.data(), key.size());
    }
    void clear(tree_id tree) noexcept {
        static_cast<void>(add(format::record_type::clear, tree, 0));
    }
    [[nodiscard]] mark now() const noexcept { return {all_.size(), count_, left_out_}; }
    // A transaction that was too large stays so: what was dropped is not there to go back to.
    void go_back(const mark& to) noexcept {
        left_out_ = to.left_out;
        if (too_large_) return;
        all_.shorten(to.bytes);
        count_ = to.count;
    }

    // Whether nothing was put, erased, cleared or left out.
    [[nodiscard]] bool empty() const noexcept { return count_ == 0 && !too_large(); }
    // Whether there is no group: the records are too large, or not all that happened.
    [[nodiscard]] bool too_large() const noexcept { return too_large_ || left_out_; }
    // Bytes of the group that seal() will make.
    [[nodiscard]] std::size_t group_bytes() const noexcept {
        return format::aligned_group((all_.empty() ? format::begin_size : all_.size()) +
                                     format::commit_size);
    }
    // The group, sealed. Requires: not too large, something was reserved.
    [[nodiscard]] bytes_view seal(const format::group_facts& facts, std::uint32_t seed) noexcept {
        if (all_.empty()) all_.resize(format::begin_size);
        const std::size_t end = all_.size();
        seed = format::write_begin(all_.data(), format::record_type::begin, facts, seed);
        for (std::size_t at = format::begin_size; at != end;) {
            std::byte* const record = all_.data() + at;
            const std::size_t size = load_le<std::uint32_t>(record + 4);
            seed = format::seal_record(record,
                                       static_cast<format::record_type>(std::uint8_t(record[8])),
                                       load_le<std::uint32_t>(record + 12), size, seed);
            at += format::record_header_size + size;
        }
        const std::size_t bytes = group_bytes();
        std::byte* const commit = all_.data() + end;
        zero_bytes(commit, bytes - end);
        static_cast<void>(
            format::write_commit(commit, facts.lsn + end, facts.at, count_, seed));
        return {all_.data(), bytes};
    }

private:
    // The body of a new record; null where the transaction is, or has become, too large.
    [[nodiscard]] std::byte* add(format::record_type type, tree_id tree,
                                 std::size_t body) noexcept {
        if (too_large()) return nullptr;
        std::size_t at = all_.size();
        if (at == 0) at = format::begin_size;
        const std::size_t end = at + format::record_header_size + body;
        const std::size_t group = end + format::commit_size + format::group_alignment;
        if (group > all_.capacity() || group > limit_) {
            too_large_ = true; // nothing was reserved: it would have been beyond the limit
            all_ = {};
            return nullptr;
        }
        if (all_.empty()) all_.resize(format::begin_size);
        all_.resize(end);
        std::byte* const record = all_.data() + at;
        store_le<std::uint32_t>(record + 4, static_cast<std::uint32_t>(body));
        store_le<std::uint32_t>(record + 8, static_cast<std::uint32_t>(type));
        store_le<std::uint32_t>(record + 12, to_integer(tree));
        ++count_;
        return record + format::record_header_size;
    }

    growing_array<std::byte> all_; // begins with the group's begin, if anything is in it
    std::uint64_t limit_ = 0;
    std::uint32_t count_ = 0;
    bool too_large_ = false;
    bool left_out_ = false;
};

} // namespace quire::wal
