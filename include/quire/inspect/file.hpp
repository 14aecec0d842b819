// Inspection of a store by its path. The file is opened read-only and is never changed.
// Thread-safety: free functions that share nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <quire/inspect/check.hpp>
#include <quire/inspect/commit.hpp>
#include <quire/inspect/draw.hpp>
#include <quire/inspect/report.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/storage/file.hpp>

namespace quire::inspect {

// `shared` keeps writers out while the file is read, and refuses a file that one has open. `none`
// looks at the file as it is; if a writer is at work meanwhile, findings may be of pages that it
// was just writing.
enum class file_lock : std::uint8_t { shared, none };

// A file that cannot be opened or locked gives a report with that one finding.
[[nodiscard]] report check_file(const std::string& path, file_lock lock = file_lock::shared,
                                const check_options& options = {});

// The drawing, or the sentence that says why there is none.
[[nodiscard]] std::string draw_file(const std::string& path, std::size_t lines = 1000);

// ------------------------------------------------------------------------------------------------

namespace detail {

[[nodiscard]] inline report refused(std::string field, std::string found, std::string expected) {
    report none;
    none.header.reason = "the file was not read";
    none.findings.push_back(
        {page_id::none, std::move(field), std::move(found), std::move(expected), cause::medium});
    return none;
}

} // namespace detail

inline report check_file(const std::string& path, file_lock lock, const check_options& options) {
    storage::file file;
    if (const storage::status opened = file.open(path, storage::access::read_only); !opened.ok())
        return detail::refused("file", std::strerror(opened.number), "a file to read");
    if (lock == file_lock::shared) {
        const storage::lock_result locked = file.lock(storage::access::read_only);
        if (locked == storage::lock_result::busy)
            return detail::refused("lock",
                                   "held by process " + std::to_string(storage::lock_holder(file)),
                                   "no writer");
        if (locked == storage::lock_result::failed)
            return detail::refused("lock", "refused by the file system", "a shared lock");
    }
    return check(file, options);
}

inline std::string draw_file(const std::string& path, std::size_t lines) {
    storage::file file;
    if (const storage::status opened = file.open(path, storage::access::read_only); !opened.ok())
        return path + ": " + std::strerror(opened.number) + "\n";
    return draw(file, lines);
}

} // namespace quire::inspect
