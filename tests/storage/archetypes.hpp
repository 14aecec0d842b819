// Devices as a user writes them: one that changes a few calls of storage::file, and one made from
// nothing but the concept.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quire/storage/file.hpp>

namespace quire_test {

using quire::bytes_view;
using quire::mutable_bytes;
using quire::storage::access;
using quire::storage::lock_result;
using quire::storage::status;

// docs:counting_file
// A file that counts what is written to it. Members that are not hidden stay those of the file.
class counting_file : public quire::storage::file {
public:
    static constexpr std::string_view name = "counting file";
    static inline std::atomic<std::uint64_t> bytes_written{0};

    status write(std::uint64_t offset, bytes_view from) noexcept {
        bytes_written += from.size();
        return file::write(offset, from);
    }
    status write_gather(std::uint64_t offset, std::span<const bytes_view> parts) noexcept {
        for (const bytes_view part : parts) bytes_written += part.size();
        return file::write_gather(offset, parts);
    }
};
static_assert(quire::storage::check_device<counting_file>());
// docs:end

// Files that live as long as the process, found by name. One latch over all of them: bytes may move
// when a file grows, so a read excludes a write.
class ram_disk : public quire::storage::policy_base {
    struct medium {
        std::vector<std::byte> bytes;
        std::weak_ptr<access> lock; // gone with the last device that holds it
    };
    static inline std::mutex latch;
    static inline std::map<std::string, std::shared_ptr<medium>> files;
    std::shared_ptr<medium> medium_;
    std::shared_ptr<access> lock_;

    // What throws inside can only be a lack of memory: the medium is full.
    template <class Body>
    static status guarded(const Body& body) noexcept try {
        const std::lock_guard guard(latch);
        return {body()};
    } catch (...) {
        return {ENOSPC};
    }

public:
    static constexpr std::string_view name = "ram disk";
    static constexpr bool maps = false;

    ram_disk() = default;
    ram_disk(ram_disk&&) = default;
    ram_disk& operator=(ram_disk&&) = default;

    status create(const std::string& path) noexcept {
        return guarded([&] {
            auto fresh = std::make_shared<medium>();
            if (!files.try_emplace(path, fresh).second) return EEXIST;
            medium_ = std::move(fresh);
            return 0;
        });
    }
    status open(const std::string& path, access) noexcept {
        return guarded([&] {
            const auto found = files.find(path);
            if (found == files.end()) return ENOENT;
            medium_ = found->second;
            return 0;
        });
    }
    status close() noexcept {
        lock_.reset();
        medium_.reset();
        return {};
    }
    lock_result lock(access how) noexcept {
        lock_result result = lock_result::failed;
        static_cast<void>(guarded([&] {
            if (!medium_) return EBADF;
            const auto other = lock_.use_count() == 1 ? nullptr : medium_->lock.lock();
            if (other && (how == access::read_write || *other == access::read_write)) {
                result = lock_result::busy;
                return EAGAIN;
            }
            lock_ = other ? other : std::make_shared<access>(how);
            medium_->lock = lock_;
            result = lock_result::held;
            return 0;
        }));
        return result;
    }
    status read(std::uint64_t offset, mutable_bytes to) const noexcept {
        return guarded([&] {
            if (!medium_) return EBADF;
            const auto& bytes = medium_->bytes;
            if (to.empty()) return 0;
            if (offset > bytes.size() || to.size() > bytes.size() - offset)
                return status::short_transfer;
            std::memcpy(to.data(), bytes.data() + offset, to.size());
            return 0;
        });
    }
    status write(std::uint64_t offset, bytes_view from) noexcept {
        return guarded([&] {
            if (!medium_) return EBADF;
            auto& bytes = medium_->bytes;
            if (from.empty()) return 0;
            const std::size_t most = bytes.max_size();
            if (offset > most || from.size() > most - offset) return EFBIG;
            if (offset + from.size() > bytes.size()) bytes.resize(offset + from.size());
            std::memcpy(bytes.data() + offset, from.data(), from.size());
            return 0;
        });
    }
    status write_gather(std::uint64_t offset, std::span<const bytes_view> parts) noexcept {
        for (const bytes_view part : parts) {
            if (const status written = write(offset, part); !written) return written;
            offset += part.size();
        }
        return {};
    }
    status size(std::uint64_t& bytes) const noexcept {
        return guarded([&] { return medium_ ? (bytes = medium_->bytes.size(), 0) : EBADF; });
    }
    status resize(std::uint64_t bytes) noexcept {
        return guarded([&] {
            if (medium_ && bytes > medium_->bytes.max_size()) return EFBIG;
            return medium_ ? (medium_->bytes.resize(bytes), 0) : EBADF;
        });
    }
    status sync_data() noexcept { return {medium_ ? 0 : EBADF}; }
    status sync_all() noexcept { return {medium_ ? 0 : EBADF}; }
    static status sync_directory_of(const std::string&) noexcept { return {}; }
    static status rename_new(const std::string& from, const std::string& to) noexcept {
        return guarded([&] {
            const auto source = files.find(from);
            if (source == files.end()) return ENOENT;
            if (!files.try_emplace(to, source->second).second) return EEXIST;
            files.erase(from);
            return 0;
        });
    }
    static status remove(const std::string& path) noexcept {
        return guarded([&] { return files.erase(path) != 0 ? 0 : ENOENT; });
    }
    bool same_file_as_path(const std::string& path) const noexcept {
        return guarded([&] {
                   const auto found = files.find(path);
                   return medium_ && found != files.end() && found->second == medium_ ? 0 : ENOENT;
               })
            .ok();
    }
};

} // namespace quire_test
