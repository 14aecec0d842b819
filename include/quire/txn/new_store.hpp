// A store that comes into being: written from its first page to its last under a temporary name,
// and given its own when it is whole and durable. An empty one, or a copy of another.
//
// Step by step, and what a crash leaves:
//   1. a temporary name is created and locked           a stray temporary file
//   2. pages, catalog and slots are written and synced  a stray temporary file
//   3. it is renamed to its name, never replacing       the store, whole, under one of both names
//   4. the directory is synced                          the store
//
// Pages get ascending ids and are put together in a buffer, which is written when it is full: a
// file written from its beginning to its end. All are of the first version.
// Thread-safety: one thread's.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <sys/random.h>
#include <sys/types.h>
#include <utility>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/crc32c.hpp>
#include <quire/core/error.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/format/schema.hpp>
#include <quire/node/slotted.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/txn/device_errors.hpp>

namespace quire::txn {

template <class Device, std::size_t PageSize>
class new_store {
public:
    // With a buffer of so many pages. Throws io_error, storage_full, std::bad_alloc.
    explicit new_store(const std::string& path, std::uint32_t buffer_pages = 1) : path_(path) {
        std::uint64_t salt = 0;
        if (::getrandom(&salt, sizeof salt, 0) != static_cast<ssize_t>(sizeof salt))
            detail::raise_io("drawing a random name failed", errno, path);
        usual_ = (std::size_t{header} + buffer_pages) * PageSize;
        buffer_.resize(usual_);
        zero_bytes(buffer_.data(), header * PageSize);
        buffered_ = header;
        temporary_ = path + ".new-" + std::to_string(salt);
        if (const storage::status status = device_.create(temporary_); !status.ok())
            fail_io("creating the store failed", status, path);
        is_open_ = true;
        try {
            lock_store(device_, storage::access::read_write, path);
        } catch (...) {
            give_up();
            throw;
        }
    }
    new_store(const new_store&) = delete;
    new_store& operator=(const new_store&) = delete;
    // Removes what was written, unless it has its name.
    ~new_store() {
        if (is_open_) give_up();
    }

    // Pages so far, header included, and those of them that were handed to the system.
    [[nodiscard]] std::uint64_t pages() const noexcept { return first_ + buffered_; }
    [[nodiscard]] std::uint64_t written() const noexcept { return first_; }

    // Makes room for so many calls of create. Throws io_error, storage_full, std::bad_alloc.
    void make_room(std::uint32_t pages) {
        if (room() >= pages) return;
        write_buffer();
        if (room() < pages) buffer_.resize(std::size_t{pages} * PageSize);
    }
    // A page to be filled in before the next call of any member. Requires: there is room.
    [[nodiscard]] std::byte* create(format::page_facts facts) noexcept {
        QUIRE_ASSERT(room() != 0, "room is made before a page is created");
        seal_last();
        unsealed_ = buffer_.data() + std::size_t{buffered_} * PageSize;
        format::start_page(unsealed_, facts, next_id(), birth);
        ++buffered_;
        return unsealed_;
    }
    // A value of its own pages, which fill(mutable_bytes) puts there. Throws as make_room, and what
    // fill throws.
    template <class Fill>
    [[nodiscard]] page_ref write_run(std::uint32_t value_size, tree_id tree, Fill&& fill) {
        const std::uint32_t pages = format::run_pages(value_size, PageSize);
        make_room(pages);
        seal_last();
        std::byte* const run = buffer_.data() + std::size_t{buffered_} * PageSize;
        const page_id id = next_id();
        format::start_page(run, {format::page_kind::overflow, 0, tree}, id, birth);
        format::set_value_size(run, value_size);
        const mutable_bytes value{run + format::page_header_size, value_size};
        fill(value);
        store_le<std::uint32_t>(
            run, crc32c(value, format::checksum_of({run, format::page_header_size})));
        const std::size_t used = format::page_header_size + std::size_t{value_size};
        zero_bytes(run + used, std::size_t{pages} * PageSize - used);
        buffered_ += pages;
        return {id, low_bits(birth)};
    }

    // Ends the file with its catalog and slots, and gives it its name: false, and nothing is left,
    // if another file has that name. Throws io_error, storage_full.
    [[nodiscard]] bool finish(const format::schema& main_tree, const format::root_record& root) {
        make_room(1);
        const page_ref catalog = write_catalog(main_tree);
        format::header_slot slot;
        slot.page_size = PageSize;
        slot.flags = format::flag_clean;
        if (::getrandom(slot.database_id.data(), slot.database_id.size(), 0) !=
            static_cast<ssize_t>(slot.database_id.size()))
            detail::raise_io("drawing a database id failed", errno, path_);
        slot.committed = birth;
        slot.base = birth;
        slot.page_count = pages();
        slot.catalog_root = catalog;
        slot.tree_count = 1;
        slot.roots[0] = root;
        slot.roots[0].tree = main_tree.tree;
        write_slots(slot);
        if (const storage::status status = device_.sync_all(); !status.ok())
            fail_io("making the new store durable failed", status, path_);
        const storage::status renamed = Device::rename_new(temporary_, path_);
        if (renamed.number == EEXIST) {
            give_up();
            return false;
        }
        if (!renamed.ok()) fail_io("naming the new store failed", renamed, path_);
        temporary_.clear();
        if (const storage::status status = Device::sync_directory_of(path_); !status.ok())
            fail_io("making the new store's name durable failed", status, path_);
        return true;
    }
    // The file, open and locked. Requires: finished.
    [[nodiscard]] Device take() noexcept {
        is_open_ = false;
        return std::move(device_);
    }

private:
    static constexpr std::uint32_t header = format::header_pages(PageSize);
    static constexpr auto birth = static_cast<version>(1);
    static constexpr std::uint64_t writing_step = std::uint64_t{8} << 20;

    [[nodiscard]] std::uint32_t room() const noexcept {
        return static_cast<std::uint32_t>(buffer_.size() / PageSize) - buffered_;
    }
    [[nodiscard]] page_id next_id() const noexcept { return static_cast<page_id>(pages()); }
    // The page that was created last has all its bytes by now.
    void seal_last() noexcept {
        if (unsealed_ != nullptr) format::seal({unsealed_, PageSize});
        unsealed_ = nullptr;
    }
    void write(std::uint64_t offset, bytes_view bytes) {
        if (const storage::status status = device_.write(offset, bytes); !status.ok())
            fail_io("writing the new store failed", status, path_);
    }
    void write_buffer() {
        constexpr std::uint64_t most_pages = 0xFFFFFFFFU;
        if (pages() > most_pages)
            detail::raise<storage_full>("a store has at most 2^32 pages; take a larger page_size",
                                        path_);
        seal_last();
        write(first_ * PageSize, {buffer_.data(), std::size_t{buffered_} * PageSize});
        first_ += buffered_;
        buffered_ = 0;
        buffer_.resize(usual_); // a large value may have taken more
        if ((first_ - started_) * PageSize < writing_step) return;
        storage::start_writing(device_, started_ * PageSize, (first_ - started_) * PageSize);
        started_ = first_;
    }
    [[nodiscard]] page_ref write_catalog(const format::schema& main_tree) {
        using layout = node::slotted<PageSize>;
        const auto as_bytes = [](std::string_view s) {
            return bytes_view{reinterpret_cast<const std::byte*>(s.data()), s.size()};
        };
        const std::string record = format::encode(main_tree);
        std::byte* const catalog = create({layout::leaf_kind, 0, tree_id::catalog});
        layout::insert(catalog, 0, as_bytes(format::main_tree_name), {as_bytes(record), false});
        return format::ref_of(catalog);
    }
    void write_slots(const format::header_slot& slot) {
        const auto bytes = format::encode(slot);
        const bool at_once = first_ == 0;
        if (at_once)
            for (const std::uint64_t offset : format::slot_offsets)
                std::memcpy(buffer_.data() + offset, bytes.data(), bytes.size());
        write_buffer();
        if (!at_once)
            for (const std::uint64_t offset : format::slot_offsets) write(offset, bytes);
    }
    void give_up() noexcept {
        is_open_ = false;
        static_cast<void>(device_.close());
        if (!temporary_.empty()) static_cast<void>(Device::remove(temporary_));
    }

    std::string path_;
    std::string temporary_; // empty: it has its name
    Device device_;
    bool is_open_ = false;
    growing_array<std::byte> buffer_;
    std::size_t usual_;          // its size
    std::uint64_t first_ = 0;    // page of the buffer
    std::uint32_t buffered_ = 0; // pages in it
    std::uint64_t started_ = 0;  // pages before it are on their way to the medium
    std::byte* unsealed_ = nullptr;
};

} // namespace quire::txn
