// A disk in memory for finding out what a crash does: files by name, and a record of every change
// that was made to them. storage::simulated puts a map on it, crash_states.hpp knows what a crash
// may leave of the record, crash_check.hpp tries it.
//
// Disks are found by the paths of their files, so that the static members of a device find them
// too; all files of a disk are in one directory. Thread-safety: a disk is behind one latch, also
// while it copies; devices on it are used as any others.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/sync.hpp>
#include <quire/storage/concepts.hpp>

namespace quire::storage {

// One change of a disk, in the order in which they were asked for.
struct disk_change {
    enum class kind : std::uint8_t {
        create,
        write,
        resize,
        sync,
        lost, // a sync that failed: of the file's changes before it some never reach the medium
        rename,
        remove,
        sync_directory,
        mark, // not a change: a remark of the program
    };
    kind what = kind::mark;
    std::uint32_t file = 0;         // files are numbered as they are made, from 0
    std::uint64_t offset = 0;       // write: where; resize: the size; mark: the remark
    std::vector<std::byte> content; // of a write
    std::string name;               // create, rename, remove: without the disk's prefix
    std::string to;                 // rename
};

// What a sync that fails does, as file systems do it (A. Rebello et al., "Can Applications Recover
// from fsync Failures?", USENIX ATC 2020). Programs read what the system's cache has.
enum class failed_sync : std::uint8_t {
    kept,     // nothing; a sync that succeeds later makes everything durable (FreeBSD)
    dropped,  // any part reaches the medium, the rest never does, and the cache shows all of it as
              // if it had: the next sync succeeds (ext4, XFS)
    late,     // the same, but this sync is said to have succeeded and the next one to have failed
              // (ext4 with data=journal): no program can keep what it acknowledged in between
    reverted, // any part reaches the medium, and the cache shows what was there before (btrfs)
};

// Which calls on a disk fail. Calls of the given kinds are counted, those of others succeed.
struct disk_faults {
    static constexpr unsigned writes = 1;
    static constexpr unsigned syncs = 2;
    static constexpr unsigned resizes = 4;
    static constexpr unsigned names = 8; // create, rename, remove, the sync of the directory
    static constexpr unsigned reads = 16;
    static constexpr unsigned changes = writes | syncs | resizes | names;

    unsigned kinds = 0;
    std::uint64_t after = 0; // calls that succeed first
    int number = 0;          // errno of the failure; 0: nothing fails
    bool forever = false;    // every call from then on, or one
    bool half = false;       // a write that fails writes the first half of its first part
    failed_sync sync = failed_sync::kept;
};

class simulated_disk {
public:
    // Files by name.
    using contents = std::map<std::string, std::vector<std::byte>, std::less<>>;

    // The most that a file can hold, and the address space that each takes.
    static constexpr std::size_t longest_file = std::size_t{1} << 26;
    static constexpr std::uint64_t unlimited = ~std::uint64_t{0};

    // Numbers of files by name.
    using numbering = std::map<std::string, std::uint32_t, std::less<>>;

    // A disk with these files, numbered in the order of their names. Throws std::bad_alloc.
    explicit simulated_disk(const contents& files = {}) {
        for (const auto& [name, bytes] : files) add(name, bytes, next_file_++);
        start();
    }
    // The same with a number for each; those of new files are `next` and more. For crash_check.
    // Requires: a number for each file, below `next`.
    simulated_disk(const contents& files, const numbering& numbers, std::uint32_t next)
        : next_file_(next) {
        for (const auto& [name, bytes] : files) add(name, bytes, numbers.at(name));
        start();
    }
    simulated_disk(const simulated_disk&) = delete;
    simulated_disk& operator=(const simulated_disk&) = delete;
    ~simulated_disk() {
        QUIRE_PRECONDITION(open_ == 0, "every map on a simulated disk is closed before the disk");
        latch_guard hold(registry_latch());
        registry().erase(prefix_);
    }

    // The path under which a device finds the file.
    [[nodiscard]] std::string path(std::string_view name) const {
        return prefix_ + std::string(name);
    }

    // What a program reads at this moment.
    [[nodiscard]] contents files() const {
        latch_guard hold(latch_);
        contents all;
        for (const auto& [name, f] : names_) all[name] = {f->content, f->content + f->size};
        return all;
    }
    // Notes a remark among the changes, for what must be true of a crash behind it.
    void mark(std::uint64_t remark = 0) {
        latch_guard hold(latch_);
        note({disk_change::kind::mark, 0, remark, {}, {}, {}});
    }
    // What was done so far. Requires: no other thread changes the disk.
    [[nodiscard]] const std::vector<disk_change>& trace() const noexcept { return trace_; }
    // Whether changes are recorded; they are at first.
    void record(bool on) {
        latch_guard hold(latch_);
        recording_ = on;
    }

    // Replaces the plan, and starts its counts.
    void set_faults(const disk_faults& plan) {
        latch_guard hold(latch_);
        faults_ = plan;
        calls_ = 0;
        failures_ = 0;
    }
    [[nodiscard]] std::uint64_t calls() const {
        latch_guard hold(latch_);
        return calls_;
    }
    [[nodiscard]] std::uint64_t failures() const {
        latch_guard hold(latch_);
        return failures_;
    }
    // Bytes that all files may hold together; what grows them beyond fails with ENOSPC.
    void set_capacity(std::uint64_t bytes) {
        latch_guard hold(latch_);
        capacity_ = bytes;
    }

private:
    template <bool>
    friend class simulated_device;

    // Stands still in memory while it grows, so that it can be a mapping.
    struct file {
        explicit file(std::uint32_t n) : number(n) {
            void* const at = ::mmap(nullptr, longest_file, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (at == MAP_FAILED) throw std::bad_alloc();
            content = static_cast<std::byte*>(at);
        }
        file(const file&) = delete;
        file& operator=(const file&) = delete;
        ~file() { ::munmap(content, longest_file); }

        std::uint32_t number;
        std::byte* content = nullptr;
        std::uint64_t size = 0;
        int readers = 0; // holders of the lock
        int writers = 0;
        int late = 0; // errno of the next sync
        bool pending = false; // changed since it was synced
        // While syncs may revert it: what it was when it was synced last, where it has changed.
        struct change {
            std::uint64_t offset;
            std::vector<std::byte> before;
            std::uint64_t size;
        };
        std::vector<change> unsynced;
    };

    static latch& registry_latch() {
        static latch one;
        return one;
    }
    static std::map<std::string, simulated_disk*, std::less<>>& registry() {
        static std::map<std::string, simulated_disk*, std::less<>> all;
        return all;
    }
    static std::uint64_t& last_number() {
        static std::uint64_t last = 0;
        return last;
    }
    // The disk of a path and the name on it; null where the path is of none that is alive.
    static std::pair<simulated_disk*, std::string> find(const std::string& path) {
        const std::size_t end = path.find('/') + 1;
        if (end == 0 || path.find('/', end) != std::string::npos) return {}; // one directory
        latch_guard hold(registry_latch());
        const auto found = registry().find(std::string_view(path).substr(0, end));
        if (found == registry().end()) return {};
        return {found->second, path.substr(end)};
    }

    void start() {
        latch_guard hold(registry_latch());
        prefix_ = "simulated-disk-" + std::to_string(++last_number()) + "/";
        registry().emplace(prefix_, this);
    }
    void add(const std::string& name, bytes_view bytes, std::uint32_t number) {
        QUIRE_PRECONDITION(bytes.size() <= longest_file, "a simulated file is at most 64 MiB");
        auto f = std::make_shared<file>(number);
        copy_bytes(f->content, bytes.data(), bytes.size());
        f->size = bytes.size();
        names_[name] = std::move(f);
    }

    // The rest under the latch.
    void note(disk_change change) {
        if (recording_) trace_.push_back(std::move(change));
    }
    // The errno with which a call of the kind fails now; 0: it does not.
    [[nodiscard]] int fault(unsigned kind) const noexcept {
        if ((faults_.kinds & kind) == 0) return 0;
        const std::uint64_t n = calls_++;
        if (faults_.number == 0 || (faults_.forever ? n < faults_.after : n != faults_.after))
            return 0;
        ++failures_;
        return faults_.number;
    }
    // Before bytes of the file change, or its size.
    void remember(file& of, std::uint64_t offset, std::uint64_t bytes) const {
        if (faults_.number == 0 || faults_.sync != failed_sync::reverted) return;
        const std::byte* const at = of.content + offset;
        of.unsynced.push_back({offset, {at, at + bytes}, of.size});
    }
    static void revert(file& of) noexcept {
        for (std::size_t n = of.unsynced.size(); n-- != 0;) {
            const file::change& last = of.unsynced[n];
            copy_bytes(of.content + last.offset, last.before.data(), last.before.size());
            of.size = last.size;
        }
        of.unsynced.clear();
    }
    // The status of a sync of the file.
    [[nodiscard]] int sync(file& of) {
        int wrong = std::exchange(of.late, 0);
        if (const int now = fault(disk_faults::syncs); now != 0) {
            if (faults_.sync != failed_sync::kept)
                note({disk_change::kind::lost, of.number, 0, {}, {}, {}});
            if (faults_.sync == failed_sync::reverted) revert(of);
            if (faults_.sync == failed_sync::late) of.late = now;
            else wrong = now;
        } else if (wrong == 0) {
            note({disk_change::kind::sync, of.number, 0, {}, {}, {}});
        }
        if (wrong == 0) {
            of.unsynced.clear();
            of.pending = false;
        }
        return wrong;
    }
    [[nodiscard]] bool has_room_for(const file& grown, std::uint64_t size) const noexcept {
        if (capacity_ == unlimited || size <= grown.size) return true;
        std::uint64_t all = size - grown.size;
        for (const auto& [name, f] : names_) all += f->size;
        return all <= capacity_;
    }

    mutable latch latch_;
    std::string prefix_;
    std::map<std::string, std::shared_ptr<file>, std::less<>> names_;
    std::vector<disk_change> trace_;
    std::uint32_t next_file_ = 0;
    std::uint32_t open_ = 0; // devices
    bool recording_ = true;
    disk_faults faults_;
    mutable std::uint64_t calls_ = 0;
    mutable std::uint64_t failures_ = 0;
    std::uint64_t capacity_ = unlimited;
};

} // namespace quire::storage
