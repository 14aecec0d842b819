// The storage concepts: who models them, the least that does, and that each requirement is one.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <quire/storage/concepts.hpp>
#include <quire/storage/file.hpp>
#include <quire/storage/memory.hpp>
#include <quire/storage/mmap.hpp>

#include "../storage/archetypes.hpp"

namespace {

using namespace quire;
using storage::access;
using storage::device;
using storage::lock_result;
using storage::status;

// --- shipped models, and those of the tests ---------------------------------------------------

static_assert(storage::check_device<storage::file>());
static_assert(storage::check_device<storage::mmap>());
static_assert(storage::check_device<quire_test::counting_file>());
static_assert(storage::check_device<quire_test::ram_disk>());
static_assert(storage::mapping_device<storage::mmap> && !storage::mapping_device<storage::file>);

static_assert(storage::policy<storage::memory> && storage::memory_policy<storage::memory>);
static_assert(!device<storage::memory> && !storage::persistent_policy<storage::memory>);
static_assert(storage::persistent_policy<storage::file>);
static_assert(storage::persistent_policy<storage::mmap>);
static_assert(storage::persistent_policy<quire_test::ram_disk>);
static_assert(!storage::policy<int> && !storage::policy<storage::posix_file>);
static_assert(storage::file::name == "file" && storage::mmap::name == "mmap" &&
              storage::memory::name == "memory");

// --- the least that is a device ---------------------------------------------------------------

struct minimal : storage::policy_base {
    static constexpr std::string_view name = "minimal";
    static constexpr bool maps = false;
    minimal() = default;
    minimal(minimal&&) noexcept {}
    minimal& operator=(minimal&&) noexcept { return *this; }
    ~minimal() = default;
    status create(const std::string&) noexcept { return {}; }
    status open(const std::string&, access) noexcept { return {}; }
    status close() noexcept { return {}; }
    lock_result lock(access) noexcept { return lock_result::held; }
    status read(std::uint64_t, mutable_bytes) const noexcept { return {}; }
    status size(std::uint64_t&) const noexcept { return {}; }
    status write(std::uint64_t, bytes_view) noexcept { return {}; }
    status write_gather(std::uint64_t, std::span<const bytes_view>) noexcept { return {}; }
    status resize(std::uint64_t) noexcept { return {}; }
    status sync_data() noexcept { return {}; }
    status sync_all() noexcept { return {}; }
    static status sync_directory_of(const std::string&) noexcept { return {}; }
    static status rename_new(const std::string&, const std::string&) noexcept { return {}; }
    static status remove(const std::string&) noexcept { return {}; }
    bool same_file_as_path(const std::string&) const noexcept { return false; }
};
static_assert(storage::check_device<minimal>());

// All that a store may call on a device; it compiles for the least one, so nothing else is needed.
template <device D>
struct consumer {
    static status use(D& d, const std::string& path) {
        std::byte byte{};
        std::uint64_t bytes = 0;
        const bytes_view parts[] = {{&byte, 1}};
        static_cast<void>(d.create(path)), static_cast<void>(d.open(path, access::read_only));
        if (d.lock(access::read_write) == lock_result::busy)
            bytes += static_cast<std::uint64_t>(storage::lock_holder(d));
        static_cast<void>(d.read(0, {&byte, 1})), static_cast<void>(d.write(0, {&byte, 1}));
        static_cast<void>(d.write_gather(0, parts)), static_cast<void>(d.resize(0));
        static_cast<void>(storage::preallocate(d, 0, 1));
        static_cast<void>(d.size(bytes)), static_cast<void>(d.sync_data());
        static_cast<void>(d.sync_all()), static_cast<void>(D::sync_directory_of(path));
        static_cast<void>(D::rename_new(path, path)), static_cast<void>(D::remove(path));
        static_cast<void>(d.same_file_as_path(path));
        if constexpr (D::maps) static_cast<void>(d.mapping() + d.mapping_size());
        D other = static_cast<D&&>(d);
        d = static_cast<D&&>(other);
        return d.close();
    }
};

// --- one almost-device per requirement --------------------------------------------------------

// Hidden by a private member or a type of the same name, a requirement is as good as missing.
#define ALMOST(type, member)                                                                       \
    struct type : minimal {                                                                        \
    private:                                                                                       \
        using minimal::member;                                                                     \
    };                                                                                             \
    static_assert(!device<type>)

ALMOST(no_name, name);
ALMOST(no_maps, maps);
ALMOST(no_create, create);
ALMOST(no_open, open);
ALMOST(no_close, close);
ALMOST(no_lock, lock);
ALMOST(no_read, read);
ALMOST(no_size, size);
ALMOST(no_write, write);
ALMOST(no_gather, write_gather);
ALMOST(no_resize, resize);
ALMOST(no_sync_data, sync_data);
ALMOST(no_sync_all, sync_all);
ALMOST(no_sync_directory, sync_directory_of);
ALMOST(no_rename, rename_new);
ALMOST(no_remove, remove);
ALMOST(no_same_file, same_file_as_path);
#undef ALMOST

static_assert(!storage::named_device<no_name> && !storage::maps_or_says_not<no_maps>);
static_assert(!storage::openable_device<no_create> && !storage::openable_device<no_open> &&
              !storage::openable_device<no_close> && !storage::lockable_device<no_lock>);
static_assert(!storage::readable_device<no_read> && !storage::readable_device<no_size> &&
              !storage::writable_device<no_write> && !storage::writable_device<no_gather> &&
              !storage::writable_device<no_resize>);
static_assert(!storage::syncable_device<no_sync_data> && !storage::syncable_device<no_sync_all>);
static_assert(!storage::directory_device<no_sync_directory> &&
              !storage::directory_device<no_rename> && !storage::directory_device<no_remove> &&
              !storage::directory_device<no_same_file>);

// Nothing else is wrong with them.
struct all_of_it : minimal {};
static_assert(device<all_of_it>);

struct copyable : minimal {
    copyable() = default;
    copyable(const copyable&) noexcept : minimal() {}
    copyable& operator=(const copyable&) noexcept { return *this; }
};
static_assert(!device<copyable> && !storage::device_handle<copyable>);

struct throwing_move : minimal {
    throwing_move() = default;
    throwing_move(throwing_move&& other) : minimal(static_cast<minimal&&>(other)) {}
    throwing_move& operator=(throwing_move&&) noexcept { return *this; }
};
static_assert(!device<throwing_move> && !storage::device_handle<throwing_move>);

struct needs_arguments : minimal {
    explicit needs_arguments(int) {}
};
static_assert(!device<needs_arguments> && !storage::device_handle<needs_arguments>);

struct throwing_read : minimal {
    status read(std::uint64_t, mutable_bytes) const { return {}; }
};
static_assert(!device<throwing_read>);

struct reading_changes_it : minimal {
    status read(std::uint64_t, mutable_bytes) noexcept { return {}; }
};
static_assert(!device<reading_changes_it>);

struct answers_with_bool : minimal {
    bool sync_data() noexcept { return true; }
};
static_assert(!device<answers_with_bool>);

struct private_policy : private minimal {
    using minimal::name, minimal::maps;
};
static_assert(!storage::policy<private_policy> && !device<private_policy>);

struct maps_without_mapping : minimal {
    static constexpr bool maps = true;
};
static_assert(!device<maps_without_mapping>);

struct maps_in_places : maps_without_mapping {
    const std::byte* mapping() const noexcept { return nullptr; }
    std::uint64_t mapping_size() const noexcept { return 0; }
};
static_assert(device<maps_in_places> && storage::mapping_device<maps_in_places>);

// --- statuses ---------------------------------------------------------------------------------

static_assert(status{}.ok() && status{} && !status{EIO}.ok() && !status{EIO});
static_assert(status{status::short_transfer}.is_short() && !status{status::short_transfer}.ok());
static_assert(status{ENOSPC}.is_full() && status{EDQUOT}.is_full() && status{EFBIG}.is_full());
static_assert(!status{EIO}.is_full() && !status{}.is_full() && !status{EIO}.is_short());
static_assert(!std::is_convertible_v<status, bool>);

template struct consumer<minimal>;
template struct consumer<maps_in_places>;
template struct consumer<storage::file>;
template struct consumer<storage::mmap>;
template struct consumer<quire_test::ram_disk>;

} // namespace
