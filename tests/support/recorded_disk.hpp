// A disk in memory for tests: files by name, a trace of everything that is done to them, and a
// storage policy on it. What a crash may leave of a trace is the business of crash_images.hpp.
//
// There is one disk in the process; a test clears it first.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include <quire/core/bytes.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/storage/simulated_disk.hpp>

namespace quire_test {

using bytes = std::vector<std::byte>;

using disk_event = quire::storage::disk_change;

class recorded_disk {
public:
    static constexpr std::size_t longest_file = std::size_t{1} << 26;

    // Content stands still in memory while the file grows, so that it can be a mapping.
    struct file {
        explicit file(std::uint32_t n) : number(n) {
            void* const at = ::mmap(nullptr, longest_file, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            content = at == MAP_FAILED ? nullptr : static_cast<std::byte*>(at);
        }
        file(const file&) = delete;
        file& operator=(const file&) = delete;
        ~file() {
            if (content != nullptr) ::munmap(content, longest_file);
        }
        std::uint32_t number;
        std::byte* content;
        std::uint64_t size = 0;
        int readers = 0; // holders of the lock
        int writers = 0;
    };

    static recorded_disk& the() {
        static recorded_disk disk;
        return disk;
    }

    void clear() {
        names.clear();
        trace.clear();
        recording = true;
        changes_left = no_limit;
        next_number_ = 0;
    }

    // Puts a file there, unrecorded.
    void put(const std::string& name, std::span<const std::byte> content) {
        auto f = std::make_shared<file>(next_number_++);
        if (!content.empty()) std::memcpy(f->content, content.data(), content.size());
        f->size = content.size();
        names[name] = std::move(f);
    }
    [[nodiscard]] bytes get(const std::string& name) const {
        const auto found = names.find(name);
        if (found == names.end()) return {};
        return {found->second->content, found->second->content + found->second->size};
    }
    void mark(std::uint64_t remark) {
        if (recording) trace.push_back({disk_event::kind::mark, 0, remark, {}, {}, {}});
    }
    // Whether one more change may happen; at the limit the machine has, for the store, gone away.
    [[nodiscard]] bool may_change() noexcept {
        if (changes_left == 0) return false;
        if (changes_left != no_limit) --changes_left;
        return true;
    }
    void record(disk_event e) {
        if (recording) trace.push_back(std::move(e));
    }

    static constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

    std::map<std::string, std::shared_ptr<file>> names;
    std::vector<disk_event> trace;
    bool recording = true;
    std::uint64_t changes_left = no_limit; // changes until every change fails with EIO

    [[nodiscard]] std::uint32_t next_number() noexcept { return next_number_++; }

private:
    std::uint32_t next_number_ = 0;
};

// The storage policy. `Maps`: whether pages are read in place.
template <bool Maps>
class recorded_device : public quire::storage::policy_base {
    using status = quire::storage::status;
    using kind = disk_event::kind;

public:
    static constexpr std::string_view name = "recorded";
    static constexpr bool maps = Maps;

    recorded_device() noexcept = default;
    recorded_device(recorded_device&& other) noexcept
        : file_(std::move(other.file_)), how_(other.how_),
          lock_(std::exchange(other.lock_, lock_kind::none)) {}
    recorded_device& operator=(recorded_device&& other) noexcept {
        if (this != &other) {
            static_cast<void>(close());
            file_ = std::move(other.file_);
            how_ = other.how_;
            lock_ = std::exchange(other.lock_, lock_kind::none);
        }
        return *this;
    }
    recorded_device(const recorded_device&) = delete;
    recorded_device& operator=(const recorded_device&) = delete;
    ~recorded_device() { static_cast<void>(close()); }

    status create(const std::string& path) noexcept {
        recorded_disk& disk = recorded_disk::the();
        if (disk.names.count(path) != 0) return {EEXIST};
        if (!disk.may_change()) return {EIO};
        file_ = std::make_shared<recorded_disk::file>(disk.next_number());
        disk.names[path] = file_;
        how_ = quire::storage::access::read_write;
        disk.record({kind::create, file_->number, 0, {}, path, {}});
        return {};
    }
    status open(const std::string& path, quire::storage::access how) noexcept {
        recorded_disk& disk = recorded_disk::the();
        const auto found = disk.names.find(path);
        if (found == disk.names.end()) return {ENOENT};
        file_ = found->second;
        how_ = how;
        return {};
    }
    status close() noexcept {
        if (file_ == nullptr) return {};
        unlock();
        file_.reset();
        return {};
    }
    quire::storage::lock_result lock(quire::storage::access how) noexcept {
        using quire::storage::lock_result;
        if (file_ == nullptr) return lock_result::failed;
        unlock();
        const bool shared = how == quire::storage::access::read_only;
        if (file_->writers != 0 || (!shared && file_->readers != 0)) return lock_result::busy;
        ++(shared ? file_->readers : file_->writers);
        lock_ = shared ? lock_kind::shared : lock_kind::exclusive;
        return lock_result::held;
    }

    status read(std::uint64_t offset, quire::mutable_bytes to) const noexcept {
        if (file_ == nullptr) return {EBADF};
        if (offset > file_->size || to.size() > file_->size - offset)
            return {status::short_transfer};
        std::memcpy(to.data(), file_->content + offset, to.size());
        return {};
    }
    status size(std::uint64_t& n) const noexcept {
        if (file_ == nullptr) return {EBADF};
        n = file_->size;
        return {};
    }
    status write(std::uint64_t offset, quire::bytes_view from) noexcept {
        return write_gather(offset, {&from, 1});
    }
    status write_gather(std::uint64_t offset, std::span<const quire::bytes_view> parts) noexcept {
        if (const status s = allowed(); !s.ok()) return s;
        bytes all;
        for (const quire::bytes_view part : parts) all.insert(all.end(), part.begin(), part.end());
        if (offset + all.size() > recorded_disk::longest_file) return {EFBIG};
        std::memcpy(file_->content + offset, all.data(), all.size());
        file_->size = std::max<std::uint64_t>(file_->size, offset + all.size());
        recorded_disk::the().record(
            {kind::write, file_->number, offset, std::move(all), {}, {}});
        return {};
    }
    status resize(std::uint64_t n) noexcept {
        if (const status s = allowed(); !s.ok()) return s;
        if (n > recorded_disk::longest_file) return {EFBIG};
        if (n < file_->size) std::memset(file_->content + n, 0, file_->size - n);
        file_->size = n;
        recorded_disk::the().record({kind::resize, file_->number, n, {}, {}, {}});
        return {};
    }
    status sync_data() noexcept {
        if (const status s = allowed(); !s.ok()) return s;
        recorded_disk::the().record({kind::sync, file_->number, 0, {}, {}, {}});
        return {};
    }
    status sync_all() noexcept { return sync_data(); }

    static status sync_directory_of(const std::string&) noexcept {
        recorded_disk& disk = recorded_disk::the();
        if (!disk.may_change()) return {EIO};
        disk.record({kind::sync_directory, 0, 0, {}, {}, {}});
        return {};
    }
    static status rename_new(const std::string& from, const std::string& to) noexcept {
        recorded_disk& disk = recorded_disk::the();
        const auto found = disk.names.find(from);
        if (found == disk.names.end()) return {ENOENT};
        if (disk.names.count(to) != 0) return {EEXIST};
        if (!disk.may_change()) return {EIO};
        disk.record({kind::rename, found->second->number, 0, {}, from, to});
        disk.names[to] = found->second;
        disk.names.erase(from);
        return {};
    }
    static status remove(const std::string& path) noexcept {
        recorded_disk& disk = recorded_disk::the();
        const auto found = disk.names.find(path);
        if (found == disk.names.end()) return {ENOENT};
        if (!disk.may_change()) return {EIO};
        disk.record({kind::remove, found->second->number, 0, {}, path, {}});
        disk.names.erase(found);
        return {};
    }
    [[nodiscard]] bool same_file_as_path(const std::string& path) const noexcept {
        const recorded_disk& disk = recorded_disk::the();
        const auto found = disk.names.find(path);
        return found != disk.names.end() && found->second == file_;
    }
    [[nodiscard]] const std::byte* mapping() const noexcept
        requires Maps
    {
        return file_ == nullptr ? nullptr : file_->content;
    }
    [[nodiscard]] std::uint64_t mapping_size() const noexcept
        requires Maps
    {
        return recorded_disk::longest_file;
    }

private:
    enum class lock_kind : std::uint8_t { none, shared, exclusive };

    [[nodiscard]] status allowed() const noexcept {
        if (file_ == nullptr || how_ == quire::storage::access::read_only) return {EBADF};
        return {recorded_disk::the().may_change() ? 0 : EIO};
    }
    void unlock() noexcept {
        if (lock_ == lock_kind::shared) --file_->readers;
        if (lock_ == lock_kind::exclusive) --file_->writers;
        lock_ = lock_kind::none;
    }

    std::shared_ptr<recorded_disk::file> file_;
    quire::storage::access how_ = quire::storage::access::read_only;
    lock_kind lock_ = lock_kind::none;
};

// The read half of a device on plain bytes, for quire::inspect.
class image_reader {
public:
    explicit image_reader(std::span<const std::byte> image) noexcept : image_(image) {}
    quire::storage::status read(std::uint64_t offset, quire::mutable_bytes to) const noexcept {
        if (offset > image_.size() || to.size() > image_.size() - offset)
            return {quire::storage::status::short_transfer};
        std::memcpy(to.data(), image_.data() + offset, to.size());
        return {};
    }
    quire::storage::status size(std::uint64_t& n) const noexcept {
        n = image_.size();
        return {};
    }

private:
    std::span<const std::byte> image_;
};

} // namespace quire_test
