// The file of a store as a device sees it: creating it, opening it, and its two header slots.
//
// Creation: txn/new_store.hpp. Writing a slot never touches the slot of the newest durable version
// (format/header_slot.hpp).
// Thread-safety: the one writer's; open and close by the owner of the store.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>

#include <quire/core/bytes.hpp>
#include <quire/core/error.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/format/schema.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/txn/device_errors.hpp>
#include <quire/txn/new_store.hpp>

namespace quire::txn {

template <class Device, std::size_t PageSize>
class store_file {
public:
    struct opening {
        storage::access access = storage::access::read_write;
        bool create = true;
    };

    // Opens the store at `path`, or creates it with one tree of that schema. Afterwards slot() is
    // the newest valid slot; whether its commit is whole is for the caller to verify.
    void open(const std::string& path, opening how, const format::schema& main_tree);

    [[nodiscard]] QUIRE_TRIVIAL Device& device() noexcept { return device_; }
    [[nodiscard]] QUIRE_TRIVIAL const format::header_slot& slot() const noexcept { return slot_; }
    [[nodiscard]] std::uint64_t bytes() const;

    // Goes back to the other slot, which must hold the version that slot() was built on. Throws
    // corruption when it does not.
    void fall_back();
    // Writes the slot that does not hold slot(); not yet durable.
    [[nodiscard]] storage::status write_slot(const format::header_slot& fresh) noexcept;
    // Writes slot() once more, where it stands.
    [[nodiscard]] storage::status write_slot_again() noexcept {
        return device_.write(format::slot_offsets[at_], format::encode(slot_));
    }
    // The slot just written is durable: it is slot() from now on.
    void accept(const format::header_slot& fresh) noexcept {
        slot_ = fresh;
        at_ = 1 - at_;
    }

private:
    [[nodiscard]] bool create(const std::string& path, const format::schema& main_tree);
    void read_slots();
    [[noreturn]] void reject(const format::parsed_slot& a, const format::parsed_slot& b) const;

    Device device_;
    std::string path_;
    format::header_slot slot_;
    std::size_t at_ = 0;          // which of the two slots slot() is
    format::parsed_slot other_{}; // as it was when the file was opened
};

template <class Device, std::size_t PageSize>
std::uint64_t store_file<Device, PageSize>::bytes() const {
    std::uint64_t bytes = 0;
    if (const storage::status status = device_.size(bytes); !status.ok())
        fail_io("reading the size of the store failed", status, path_);
    return bytes;
}

template <class Device, std::size_t PageSize>
void store_file<Device, PageSize>::open(const std::string& path, opening how,
                                        const format::schema& main_tree) {
    path_ = path;
    storage::status status = device_.open(path, how.access);
    if (status.number == ENOENT && how.create && how.access == storage::access::read_write) {
        if (create(path, main_tree)) return read_slots();
        status = device_.open(path, how.access); // somebody else was faster
    }
    if (!status.ok()) fail_io("opening the store failed", status, path);
    lock_store(device_, how.access, path);
    // Between opening and locking, the name may have passed to another file.
    if (!device_.same_file_as_path(path))
        detail::raise_io("the store was replaced while it was opened; open it again", ESTALE, path);
    // Whoever gave the file its name may not have come to make that durable.
    // A directory that must not be read cannot be synced, and is no reason to refuse the store.
    if (how.access == storage::access::read_write)
        if (const storage::status named = Device::sync_directory_of(path);
            !named.ok() && named.number != EACCES)
            fail_io("making the store's name durable failed", named, path);
    read_slots();
}

template <class Device, std::size_t PageSize>
bool store_file<Device, PageSize>::create(const std::string& path,
                                          const format::schema& main_tree) {
    new_store<Device, PageSize> fresh(path);
    if (!fresh.finish(main_tree, {})) return false;
    device_ = fresh.take();
    return true;
}

template <class Device, std::size_t PageSize>
void store_file<Device, PageSize>::read_slots() {
    const std::uint64_t size = bytes();
    if (size == 0)
        detail::raise<format_mismatch>(
            "the file is empty, and no store is; remove it or choose another path", path_,
            page_id::none, "size", "0 bytes", {format::header_bytes, " or more"});
    format::parsed_slot slots[2];
    for (std::size_t i = 0; i < 2; ++i) {
        std::byte bytes[format::slot_size]{};
        const std::uint64_t from = format::slot_offsets[i];
        const std::uint64_t there = size > from ? size - from : 0;
        const std::size_t n = there < sizeof bytes ? static_cast<std::size_t>(there) : sizeof bytes;
        if (n != 0)
            if (const auto status = device_.read(from, {bytes, n}); !status.ok())
                fail_io("reading a header slot failed", status, path_);
        slots[i] = format::parse_slot(bytes);
    }
    using format::slot_state;
    const format::parsed_slot& best = format::newer_slot(slots[0], slots[1]);
    if (best.state != slot_state::valid) reject(slots[0], slots[1]);
    at_ = &best == &slots[0] ? 0 : 1;
    slot_ = best.slot;
    other_ = slots[1 - at_];
    if (slot_.page_size != PageSize)
        detail::raise<format_mismatch>(
            "the store has another page size; open it with that page_size policy", path_,
            page_id::none, "page_size", slot_.page_size, PageSize);
    if (other_.state == slot_state::newer) reject(slots[0], slots[1]);
    if (other_.state == slot_state::valid && other_.slot.database_id != slot_.database_id)
        detail::raise<corruption>("the two header slots are of different stores; restore a backup",
                                  path_, page_id::none, "database_id", "two ids", "one");
    const std::uint64_t expected = slot_.page_count * PageSize;
    const bool clean = (slot_.flags & format::flag_clean) != 0;
    // A file that a crash left may be longer than its newest commit; a closed one is exact. A
    // commit that is still to be verified may have lost its growth.
    if ((clean && size != expected) || (size < expected && slot_.commit_pages == 0))
        detail::raise<corruption>(
            size < expected ? "the file is shorter than its pages; restore a backup"
                            : "something has been appended to the file; restore a backup",
            path_, page_id::none, "size", {size, " bytes"}, {expected, " bytes"});
}

template <class Device, std::size_t PageSize>
void store_file<Device, PageSize>::reject(const format::parsed_slot& a,
                                          const format::parsed_slot& b) const {
    using format::slot_state;
    for (const format::parsed_slot* const slot : {&a, &b})
        if (slot->state == slot_state::newer)
            detail::raise<format_mismatch>("the store is of a format this version does not know; "
                                           "use the version of the library that wrote it",
                                           path_, page_id::none, slot->why);
    for (const format::parsed_slot* const slot : {&a, &b})
        if (slot->state == slot_state::damaged)
            detail::raise<corruption>("no header slot is whole; restore a backup", path_,
                                      page_id::none, slot->why);
    detail::raise<format_mismatch>("the file is not a quire store; choose another path", path_,
                                   page_id::none, a.why);
}

template <class Device, std::size_t PageSize>
void store_file<Device, PageSize>::fall_back() {
    const format::header_slot failed = slot_;
    if (other_.state != format::slot_state::valid || other_.slot.committed != failed.base ||
        other_.slot.page_count * PageSize > bytes())
        detail::raise<corruption>("the newest commit is not whole and the one before it is gone; "
                                  "restore a backup",
                                  path_, page_id::none, "base_version",
                                  other_.state == format::slot_state::valid
                                      ? detail::said(to_integer(other_.slot.committed))
                                      : detail::said("no valid slot"),
                                  to_integer(failed.base));
    slot_ = other_.slot;
    at_ = 1 - at_;
}

template <class Device, std::size_t PageSize>
storage::status
store_file<Device, PageSize>::write_slot(const format::header_slot& fresh) noexcept {
    const auto bytes = format::encode(fresh);
    return device_.write(format::slot_offsets[1 - at_], bytes);
}

} // namespace quire::txn
