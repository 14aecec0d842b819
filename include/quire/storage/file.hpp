// The default storage: a file read by pread and written by pwrite and pwritev. Every page a store
// uses is a copy in a frame of its cache, so memory has one hard budget, an I/O error is a status
// and not a signal, and nothing another program does to the file changes a page in use. But for the
// log of such a store, which may be written through a mapping: see decision 0020.
//
// The members are those of posix_file; laws and thread-safety stand in storage/concepts.hpp. A
// device of your own may derive from this class and hide the members it changes.
#pragma once

#include <string_view>

#include <quire/storage/concepts.hpp>
#include <quire/storage/posix_file.hpp>

namespace quire::storage {

class file : public policy_base, public posix_file {
public:
    static constexpr std::string_view name = "file";
    static constexpr bool maps = false;
    // And nobody who derives from it, since what that hides would be passed by.
    using writes_in_place = file;
};

} // namespace quire::storage
