// Storage policies whose pages are files of a storage::simulated_disk: a store on one behaves as on
// a file, and what a crash would leave of it can be tried (crash_check.hpp).
//
//     quire::storage::simulated_disk disk;
//     quire::btree_map<int, int, quire::storage::simulated> map{disk.path("map")};
//
// Laws and thread-safety: storage/concepts.hpp. A path that names no disk that is alive is ENOENT.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/sync.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/storage/simulated_disk.hpp>

namespace quire::storage {

template <bool Maps>
class simulated_device : public policy_base {
    using kind = disk_change::kind;

public:
    static constexpr std::string_view name = Maps ? "simulated_mmap" : "simulated";
    static constexpr bool maps = Maps;

    simulated_device() noexcept = default;
    simulated_device(simulated_device&& other) noexcept { take(other); }
    simulated_device& operator=(simulated_device&& other) noexcept {
        if (this != &other) {
            static_cast<void>(close());
            take(other);
        }
        return *this;
    }
    simulated_device(const simulated_device&) = delete;
    simulated_device& operator=(const simulated_device&) = delete;
    ~simulated_device() { static_cast<void>(close()); }

    status create(const std::string& path) noexcept {
        return on_disk(path, [&](simulated_disk& disk, const std::string& at) -> status {
            if (disk.names_.count(at) != 0) return {EEXIST};
            if (const int wrong = disk.fault(disk_faults::names); wrong != 0) return {wrong};
            auto made = std::make_shared<simulated_disk::file>(disk.next_file_++);
            disk.note({kind::create, made->number, 0, {}, at, {}});
            disk.names_[at] = made;
            opened(disk, std::move(made), access::read_write);
            return {};
        });
    }
    status open(const std::string& path, access how) noexcept {
        return on_disk(path, [&](simulated_disk& disk, const std::string& at) -> status {
            const auto found = disk.names_.find(at);
            if (found == disk.names_.end()) return {ENOENT};
            opened(disk, found->second, how);
            return {};
        });
    }
    status close() noexcept {
        if (file_ == nullptr) return {};
        latch_guard hold(disk_->latch_);
        unlock();
        --disk_->open_;
        file_.reset();
        disk_ = nullptr;
        return {};
    }
    lock_result lock(access how) noexcept {
        if (file_ == nullptr) return lock_result::failed;
        latch_guard hold(disk_->latch_);
        const bool shared = how == access::read_only;
        if (!shared && how_ == access::read_only) return lock_result::failed;
        const int readers = file_->readers - (lock_ == lock_kind::shared ? 1 : 0);
        const int writers = file_->writers - (lock_ == lock_kind::exclusive ? 1 : 0);
        if (writers != 0 || (!shared && readers != 0)) return lock_result::busy;
        unlock();
        ++(shared ? file_->readers : file_->writers);
        lock_ = shared ? lock_kind::shared : lock_kind::exclusive;
        return lock_result::held;
    }

    status read(std::uint64_t offset, mutable_bytes to) const noexcept {
        if (file_ == nullptr) return {EBADF};
        latch_guard hold(disk_->latch_);
        if (const int wrong = disk_->fault(disk_faults::reads); wrong != 0) return {wrong};
        if (offset > file_->size || to.size() > file_->size - offset)
            return {status::short_transfer};
        copy_bytes(to.data(), file_->content + offset, to.size());
        return {};
    }
    status size(std::uint64_t& bytes) const noexcept {
        if (file_ == nullptr) return {EBADF};
        latch_guard hold(disk_->latch_);
        bytes = file_->size;
        return {};
    }
    status write(std::uint64_t offset, bytes_view from) noexcept {
        return write_gather(offset, {&from, 1});
    }
    status write_gather(std::uint64_t offset, std::span<const bytes_view> parts) noexcept {
        return changing([&] { return put_or_fail(offset, parts); });
    }
    // Requires: no other change of the file is pending.
    status write_durable(std::uint64_t offset, bytes_view from) noexcept {
        return changing([&]() -> status {
            QUIRE_PRECONDITION(!file_->pending, "what was written before is durable");
            if (const status status = put_or_fail(offset, {&from, 1}); !status.ok()) return status;
            return {disk_->sync(*file_)};
        });
    }
    status resize(std::uint64_t bytes) noexcept {
        return changing([&]() -> status {
            if (const int wrong = disk_->fault(disk_faults::resizes); wrong != 0) return {wrong};
            if (bytes > simulated_disk::longest_file) return {EFBIG};
            if (!disk_->has_room_for(*file_, bytes)) return {ENOSPC};
            const std::uint64_t least = bytes < file_->size ? bytes : file_->size;
            disk_->remember(*file_, least, file_->size - least);
            disk_->note({kind::resize, file_->number, bytes, {}, {}, {}});
            file_->pending = true;
            if (bytes < file_->size)
                std::memset(file_->content + bytes, 0,
                            static_cast<std::size_t>(file_->size - bytes));
            file_->size = bytes;
            return {};
        });
    }
    status sync_data() noexcept {
        return changing([&]() -> status {
            return {disk_->sync(*file_)};
        });
    }
    status sync_all() noexcept { return sync_data(); }

    static status sync_directory_of(const std::string& path) noexcept {
        return on_disk(path, [&](simulated_disk& disk, const std::string&) -> status {
            if (const int wrong = disk.fault(disk_faults::names); wrong != 0) return {wrong};
            disk.note({kind::sync_directory, 0, 0, {}, {}, {}});
            return {};
        });
    }
    static status rename_new(const std::string& from, const std::string& to) noexcept {
        return on_disk(from, [&](simulated_disk& disk, const std::string& old) -> status {
            const auto [other, fresh] = simulated_disk::find(to);
            if (other != &disk) return {EXDEV};
            const auto found = disk.names_.find(old);
            if (found == disk.names_.end()) return {ENOENT};
            if (disk.names_.count(fresh) != 0) return {EEXIST};
            if (const int wrong = disk.fault(disk_faults::names); wrong != 0) return {wrong};
            disk.note({kind::rename, found->second->number, 0, {}, old, fresh});
            disk.names_[fresh] = found->second;
            disk.names_.erase(found);
            return {};
        });
    }
    static status remove(const std::string& path) noexcept {
        return on_disk(path, [&](simulated_disk& disk, const std::string& at) -> status {
            const auto found = disk.names_.find(at);
            if (found == disk.names_.end()) return {ENOENT};
            if (const int wrong = disk.fault(disk_faults::names); wrong != 0) return {wrong};
            disk.note({kind::remove, found->second->number, 0, {}, at, {}});
            disk.names_.erase(found);
            return {};
        });
    }
    static status list(const std::string& beginning, void* to,
                       void (*found)(void* to, const char* rest)) {
        std::vector<std::string> all;
        const status listed =
            on_disk(beginning, [&](simulated_disk& disk, const std::string& at) -> status {
                for (const auto& [entry, of] : disk.names_)
                    if (entry.compare(0, at.size(), at) == 0)
                        all.push_back(entry.substr(at.size()));
                return {};
            });
        for (const std::string& rest : all) found(to, rest.c_str());
        return listed;
    }
    [[nodiscard]] bool same_file_as_path(const std::string& path) const noexcept {
        return on_disk(path, [&](simulated_disk& disk, const std::string& at) -> status {
                   const auto found = disk.names_.find(at);
                   return {found != disk.names_.end() && found->second == file_ ? 0 : ENOENT};
               }).ok();
    }

    [[nodiscard]] const std::byte* mapping() const noexcept
        requires Maps
    {
        return file_ == nullptr ? nullptr : file_->content;
    }
    [[nodiscard]] std::uint64_t mapping_size() const noexcept
        requires Maps
    {
        return file_ == nullptr ? 0 : simulated_disk::longest_file;
    }

private:
    enum class lock_kind : std::uint8_t { none, shared, exclusive };

    // Runs act(disk, name) under the disk's latch; no memory is ENOMEM.
    template <class Act>
    static status on_disk(const std::string& path, Act&& act) noexcept {
        try {
            const auto [disk, at] = simulated_disk::find(path);
            if (disk == nullptr) return {ENOENT};
            latch_guard hold(disk->latch_);
            return act(*disk, at);
        } catch (const std::bad_alloc&) {
            return {ENOMEM};
        }
    }
    template <class Act>
    status changing(Act&& act) noexcept {
        if (file_ == nullptr || how_ == access::read_only) return {EBADF};
        try {
            latch_guard hold(disk_->latch_);
            return act();
        } catch (const std::bad_alloc&) {
            return {ENOMEM};
        }
    }
    // Under the latch.
    status put_or_fail(std::uint64_t offset, std::span<const bytes_view> parts) {
        if (const int wrong = disk_->fault(disk_faults::writes); wrong != 0) {
            if (disk_->faults_.half && !parts.empty())
                static_cast<void>(put(offset, {parts[0].first(parts[0].size() / 2)}));
            return {wrong};
        }
        std::vector<std::byte> all;
        for (const bytes_view part : parts) all.insert(all.end(), part.begin(), part.end());
        return put(offset, all);
    }
    status put(std::uint64_t offset, bytes_view bytes) {
        if (offset > simulated_disk::longest_file ||
            bytes.size() > simulated_disk::longest_file - offset)
            return {EFBIG};
        if (bytes.empty()) return {};
        const std::uint64_t end = offset + bytes.size();
        if (!disk_->has_room_for(*file_, end)) return {ENOSPC};
        disk_->remember(*file_, offset, bytes.size());
        disk_->note({kind::write, file_->number, offset, {bytes.begin(), bytes.end()}, {}, {}});
        file_->pending = true;
        copy_bytes(file_->content + offset, bytes.data(), bytes.size());
        if (file_->size < end) file_->size = end;
        return {};
    }
    void opened(simulated_disk& disk, std::shared_ptr<simulated_disk::file> file, access how) {
        QUIRE_PRECONDITION(file_ == nullptr, "close a device before it opens another file");
        ++disk.open_;
        disk_ = &disk;
        file_ = std::move(file);
        how_ = how;
    }
    void unlock() noexcept {
        if (lock_ == lock_kind::shared) --file_->readers;
        if (lock_ == lock_kind::exclusive) --file_->writers;
        lock_ = lock_kind::none;
    }
    void take(simulated_device& other) noexcept {
        disk_ = std::exchange(other.disk_, nullptr);
        file_ = std::move(other.file_);
        how_ = other.how_;
        lock_ = std::exchange(other.lock_, lock_kind::none);
    }

    simulated_disk* disk_ = nullptr;
    std::shared_ptr<simulated_disk::file> file_;
    access how_ = access::read_only;
    lock_kind lock_ = lock_kind::none;
};

class simulated : public simulated_device<false> {};
class simulated_mmap : public simulated_device<true> {
public:
    using log_device = simulated;
};

} // namespace quire::storage
