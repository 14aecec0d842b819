// From what a device answers to the exception that a user sees.
// Thread-safety: pure functions.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>

#include <quire/core/config.hpp>
#include <quire/core/error.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/raise.hpp>
#include <quire/storage/concepts.hpp>

namespace quire::txn {

// Throws the error that a failed call on the device stands for.
[[noreturn]] QUIRE_COLD inline void fail_io(const char* sentence, storage::status status,
                                            const std::string& path, page_id page = page_id::none) {
    const auto and_that = [sentence](const char* why) {
        return std::string(sentence) + ": " + why;
    };
    if (status.is_short())
        detail::raise<corruption>(and_that("the file ends too early; restore a backup").c_str(),
                                  path, page);
    if (status.is_full())
        detail::raise<storage_full>(and_that("there is no room; free some and try again").c_str(),
                                    path, page);
    detail::raise_io(sentence, status.number, path, page);
}

// Locks the open store. Throws already_open, io_error.
template <class Device>
void lock_store(Device& device, storage::access how, const std::string& path) {
    switch (device.lock(how)) {
    case storage::lock_result::held:
        return;
    case storage::lock_result::failed:
        detail::raise_io("locking the store failed; its file system must support file locks",
                         ENOLCK, path);
    case storage::lock_result::busy:
        break;
    }
    const std::int64_t holder = storage::lock_holder(device);
    throw already_open("the store is open elsewhere; close that handle first", holder,
                       {path, page_id::none, "holder",
                        holder != 0 ? "process " + std::to_string(holder) : "another process",
                        "nobody"});
}

} // namespace quire::txn
