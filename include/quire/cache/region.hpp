// Address space: reserved in one piece, aligned to 2 MiB so that it can be backed by huge pages,
// committed by the system page by page at first touch.
// Thread-safety: a region is a value owned by one object; its memory is for the owner to share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <sys/mman.h>
#include <utility>

#include <quire/core/config.hpp>

namespace quire::cache {

// What is wrong with the layout of a page just read, or null. See fetch.
using page_validator = const char* (*)(const std::byte* page) noexcept;

inline constexpr std::size_t huge_page = std::size_t{2} << 20;

enum class backing : std::uint8_t { small_pages, huge_pages };

class region {
public:
    region() = default;

    // Reserves at least `bytes`, zeroed. Throws std::bad_alloc when the address space or the limit
    // of the process does not allow it.
    region(std::size_t bytes, backing pages) {
        const std::size_t wanted = (bytes + huge_page - 1) / huge_page * huge_page;
        void* const mapped = ::mmap(nullptr, wanted + huge_page, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped == MAP_FAILED) throw std::bad_alloc();
        const auto start = reinterpret_cast<std::uintptr_t>(mapped);
        const std::uintptr_t aligned = (start + huge_page - 1) / huge_page * huge_page;
        const std::size_t before = aligned - start;
        if (before != 0) ::munmap(mapped, before);
        if (huge_page - before != 0)
            ::munmap(reinterpret_cast<void*>(aligned + wanted), huge_page - before);
        base_ = reinterpret_cast<std::byte*>(aligned);
        size_ = wanted;
        ::madvise(base_, size_, pages == backing::huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
        ::madvise(base_, size_, MADV_DONTDUMP);
    }

    region(region&& other) noexcept
        : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    region& operator=(region&& other) noexcept {
        std::swap(base_, other.base_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~region() {
        if (base_ != nullptr) give_back(base_, size_);
    }

    // The owner of the memory is now who asks; give_back ends it.
    [[nodiscard]] std::byte* release() noexcept {
        size_ = 0;
        return std::exchange(base_, nullptr);
    }
    static void give_back(std::byte* base, std::size_t size) noexcept { ::munmap(base, size); }

    [[nodiscard]] std::byte* data() const noexcept { return base_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // The largest region of at most `bytes` and at least `least` that can be had, halving.
    [[nodiscard]] static region largest(std::size_t bytes, std::size_t least, backing pages) {
        for (;; bytes /= 2) {
            try {
                return region(bytes, pages);
            } catch (const std::bad_alloc&) {
                if (bytes / 2 < least) throw;
            }
        }
    }

private:
    std::byte* base_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace quire::cache
