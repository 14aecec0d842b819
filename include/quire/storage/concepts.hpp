// What a store asks of the place its pages live in. A storage policy is either the tag
// storage::memory (pages live in memory, there is no device) or a device: a class that is at once
// the policy and the handle of one open file.
//
// A device reports every outcome as a status and throws nothing; the floors above turn a status
// into an exception with the path in it.
//
// Laws of a device, beyond the signatures that the concepts below check:
//   1. A default-constructed device is closed. The destructor closes; a closed device may be opened
//      again. close() of a closed device succeeds. A create() that fails leaves no file behind.
//   2. read() fills all of `to` or fails; it never reports success for bytes it did not transfer.
//      The file ending inside the range is status::short_transfer, never zeros.
//   3. A successful write() is seen by every later read(), in this process at once, and after a
//      crash of the machine only if a sync returned success in between.
//   4. Bytes outside a written range do not change. A write behind the end grows the file, and what
//      it skipped reads as zeros; so does what resize() added.
//   5. sync_data() makes durable all that was written before it, and the size needed to read it;
//      sync_all() also everything else the file system keeps about the file. Neither says anything
//      of the file's name: that is what sync_directory_of() is for.
//   6. A failed sync_data() or sync_all() may have lost any byte written since the last successful
//      one, and a repeated call proves nothing. Whoever calls it treats the device as dead.
//   7. A lock belongs to the device object: a second device on the same file conflicts with it, in
//      this process as in any other, and close() releases it.
//
// Thread-safety: read(), size(), mapping() from any number of threads, also while others write
// elsewhere in the file; write() and write_gather() to different places from two threads, also
// while one of them resizes or syncs (a sync makes durable what was written before it began).
// Everything else by one thread at a time.
#pragma once

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <quire/core/bytes.hpp>

namespace quire::storage {

// Base of every storage policy; it is how a list of policies in any order tells them apart.
struct policy_base {};

// Outcome of one call on a device.
struct [[nodiscard]] status {
    // The file ended in the middle of a read.
    static constexpr int short_transfer = -1;

    int number = 0; // 0, an errno, or short_transfer

    [[nodiscard]] constexpr bool ok() const noexcept { return number == 0; }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return ok(); }
    [[nodiscard]] constexpr bool is_short() const noexcept { return number == short_transfer; }
    // There is no room: on the medium, in the quota, or under the largest size a file can have.
    [[nodiscard]] constexpr bool is_full() const noexcept {
        return number == ENOSPC || number == EDQUOT || number == EFBIG;
    }
    friend constexpr bool operator==(status, status) noexcept = default;
};

enum class access : std::uint8_t { read_only, read_write };

enum class lock_result : std::uint8_t {
    held,   // this device holds the lock now
    busy,   // another device holds one that excludes it
    failed, // the device is not open for that access, or its file system knows no locks
};

template <class P>
concept policy = std::derived_from<P, policy_base>;

// A policy whose pages exist in memory alone says so by `static constexpr bool persistent = false`.
template <class P>
concept memory_policy = policy<P> && requires { requires !P::persistent; };

// Every other policy, also one that is not yet a complete device: check_device says what it lacks.
template <class P>
concept persistent_policy = policy<P> && !memory_policy<P>;

// --- the parts of a device ------------------------------------------------------------------

// Default construction is a closed device; moving is how a store takes one over; two copies of one
// handle would close, and unlock, the file twice.
template <class D>
concept device_handle =
    std::default_initializable<D> && std::is_nothrow_move_constructible_v<D> &&
    std::is_nothrow_move_assignable_v<D> && std::is_nothrow_destructible_v<D> &&
    !std::is_copy_constructible_v<D> && !std::is_copy_assignable_v<D>;

template <class D>
concept named_device = requires {
    { D::name } -> std::convertible_to<std::string_view>;
};

template <class D>
concept openable_device = requires(D device, const std::string& path, access how) {
    { device.create(path) } noexcept -> std::same_as<status>;
    { device.open(path, how) } noexcept -> std::same_as<status>;
    { device.close() } noexcept -> std::same_as<status>;
};

template <class D>
concept lockable_device = requires(D device, access how) {
    { device.lock(how) } noexcept -> std::same_as<lock_result>;
};

template <class D>
concept readable_device =
    requires(const D device, std::uint64_t offset, mutable_bytes to, std::uint64_t& bytes) {
        { device.read(offset, to) } noexcept -> std::same_as<status>;
        { device.size(bytes) } noexcept -> std::same_as<status>;
    };

template <class D>
concept writable_device = requires(D device, std::uint64_t offset, bytes_view from,
                                   std::span<const bytes_view> parts, std::uint64_t bytes) {
    { device.write(offset, from) } noexcept -> std::same_as<status>;
    { device.write_gather(offset, parts) } noexcept -> std::same_as<status>;
    { device.resize(bytes) } noexcept -> std::same_as<status>;
};

template <class D>
concept syncable_device = requires(D device) {
    { device.sync_data() } noexcept -> std::same_as<status>;
    { device.sync_all() } noexcept -> std::same_as<status>;
};

template <class D>
concept directory_device = requires(const D device, const std::string& path) {
    { D::sync_directory_of(path) } noexcept -> std::same_as<status>;
    { D::rename_new(path, path) } noexcept -> std::same_as<status>;
    { D::remove(path) } noexcept -> std::same_as<status>;
    { device.same_file_as_path(path) } noexcept -> std::same_as<bool>;
};

// `maps` says whether pages may be read in place, in a mapping that stays where it is from open to
// close. Bytes of the mapping behind the end of the file must not be touched.
template <class D>
concept mapping_device = requires(const D device) {
    requires std::same_as<std::bool_constant<D::maps>, std::true_type>;
    { device.mapping() } noexcept -> std::same_as<const std::byte*>;
    { device.mapping_size() } noexcept -> std::same_as<std::uint64_t>;
};
template <class D>
concept maps_or_says_not =
    mapping_device<D> || requires {
        requires std::same_as<std::bool_constant<D::maps>, std::false_type>;
    };

template <class D>
concept device = policy<D> && device_handle<D> && named_device<D> && openable_device<D> &&
                 lockable_device<D> && readable_device<D> && writable_device<D> &&
                 syncable_device<D> && directory_device<D> && maps_or_says_not<D>;

// True if D is a device, else compilation stops with the one sentence that says what D lacks first.
template <class D>
consteval bool check_device() {
    if constexpr (!policy<D>)
        static_assert(policy<D>, "quire: a storage policy derives publicly from "
                                 "quire::storage::policy_base");
    else if constexpr (!device_handle<D>)
        static_assert(device_handle<D>, "quire: a storage device is default constructible (closed)"
                                        ", movable without throwing, and not copyable");
    else if constexpr (!named_device<D>)
        static_assert(named_device<D>, "quire: a storage device has a name: static constexpr "
                                       "std::string_view name");
    else if constexpr (!openable_device<D>)
        static_assert(openable_device<D>, "quire: a storage device has create(path), open(path, "
                                          "access) and close(), all noexcept, giving a status");
    else if constexpr (!lockable_device<D>)
        static_assert(lockable_device<D>, "quire: a storage device has lock(access), noexcept, "
                                          "giving a lock_result");
    else if constexpr (!readable_device<D>)
        static_assert(readable_device<D>, "quire: a storage device has read(offset, mutable_bytes) "
                                          "and size(bytes&), const noexcept, giving a status");
    else if constexpr (!writable_device<D>)
        static_assert(writable_device<D>,
                      "quire: a storage device has write(offset, bytes_view), write_gather(offset, "
                      "span of bytes_view) and resize(bytes), all noexcept, giving a status");
    else if constexpr (!syncable_device<D>)
        static_assert(syncable_device<D>, "quire: a storage device has sync_data() and sync_all(), "
                                          "noexcept, giving a status");
    else if constexpr (!directory_device<D>)
        static_assert(directory_device<D>,
                      "quire: a storage device has static sync_directory_of(path), rename_new(from,"
                      " to), remove(path), and same_file_as_path(path) const, all noexcept");
    else
        static_assert(maps_or_says_not<D>,
                      "quire: a storage device has static constexpr bool maps; where it is true, "
                      "also mapping() and mapping_size(), const noexcept");
    return true; // one mistake, one error
}

// --- what a device may offer beyond the concept ---------------------------------------------

// Asks for blocks in [offset, offset + bytes) so that writing there cannot find the medium full.
// The size stays as it is. A device that cannot promise blocks succeeds and promises nothing.
template <device D>
status preallocate(D& device, std::uint64_t offset, std::uint64_t bytes) noexcept {
    if constexpr (requires { { device.preallocate(offset, bytes) } noexcept; })
        return device.preallocate(offset, bytes);
    else return {};
}

// Whether a device gives the blocks of a range back to its file system: punch(offset, bytes). The
// range reads as zeros afterwards, or as before; the size stays.
template <class D>
concept punching_device = requires(D device) {
    { device.punch(std::uint64_t{}, std::uint64_t{}) } noexcept -> std::same_as<status>;
};
template <class D>
status punch(D& device, std::uint64_t offset, std::uint64_t bytes) noexcept {
    if constexpr (punching_device<D>) return device.punch(offset, bytes);
    else return {};
}

// Says that the range will be synced soon, so that the medium may begin with it. Promises nothing.
template <class D>
void start_writing(D& device, std::uint64_t offset, std::uint64_t bytes) noexcept {
    if constexpr (requires { { device.start_writing(offset, bytes) } noexcept; })
        device.start_writing(offset, bytes);
}

// Says that the range will be read soon, so that the medium may begin with it. Promises nothing.
template <class D>
void start_reading(const D& device, std::uint64_t offset, std::uint64_t bytes) noexcept {
    if constexpr (requires { { device.start_reading(offset, bytes) } noexcept; })
        device.start_reading(offset, bytes);
}

// Whether a device reads into several places by one call.
template <class D>
concept scattering_device = requires(const D device, std::span<const mutable_bytes> parts) {
    { device.read_scatter(std::uint64_t{}, parts) } noexcept -> std::same_as<std::size_t>;
};

// Whether a device finds files by the beginning of their paths: list(beginning, to, found) calls
// found(to, rest) for each regular file of the path beginning + rest, in any order. What a log of
// segments needs.
template <class D>
concept listing_device = requires(const std::string& beginning, void* to,
                                  void (*found)(void* to, const char* rest)) {
    { D::list(beginning, to, found) } -> std::same_as<status>;
};

// Whether a file's bytes may be written in a mapping of it, in place of write().
template <class D>
concept writes_in_place = requires {
    requires std::same_as<typename D::writes_in_place, D>;
};

// What the log's segments are to a device: files that are written and read, never mapped.
template <class D>
struct log_device {
    using type = D;
};
template <class D>
requires requires { typename D::log_device; }
struct log_device<D> {
    using type = typename D::log_device;
};
template <class D>
using log_device_of = typename log_device<D>::type;

// Process id of whoever holds the lock that made lock() busy; 0 if that is not known.
template <device D>
[[nodiscard]] std::int64_t lock_holder(const D& device) noexcept {
    if constexpr (requires { { device.lock_holder() } noexcept; }) return device.lock_holder();
    else return 0;
}

} // namespace quire::storage
