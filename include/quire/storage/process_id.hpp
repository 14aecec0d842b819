// The id of this process without a system call, for asking with every write whether this is the
// process that opened a file.
//
// It is remembered in a page that the system gives back zeroed to a child of fork()
// (MADV_WIPEONFORK, Linux 4.14); where there is none, it is asked for each time. A child that
// shares its parent's memory, as vfork() makes it, gets its parent's id: it may do no more than
// exec.
// Thread-safety: any thread.
#pragma once

#include <atomic>

#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <quire/core/config.hpp>

namespace quire::storage {

namespace detail {

// Null where the system cannot do it. Zeroes stand for an id that is not known yet.
[[nodiscard]] inline std::atomic<pid_t>* page_wiped_by_fork() noexcept {
#if defined(MADV_WIPEONFORK)
    constexpr std::size_t bytes = 4096;
    void* const page = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return nullptr;
    if (::madvise(page, bytes, MADV_WIPEONFORK) == 0) return static_cast<std::atomic<pid_t>*>(page);
    ::munmap(page, bytes);
#endif
    return nullptr;
}

} // namespace detail

[[nodiscard]] inline pid_t process_id() noexcept {
    static std::atomic<pid_t>* const remembered = detail::page_wiped_by_fork();
    if (QUIRE_UNLIKELY(remembered == nullptr)) return ::getpid();
    pid_t id = remembered->load(std::memory_order_relaxed);
    if (QUIRE_UNLIKELY(id == 0)) {
        id = ::getpid();
        remembered->store(id, std::memory_order_relaxed);
    }
    return id;
}

} // namespace quire::storage
