// The pages of a store whose home is memory (storage::memory): a page id is translated by
// arithmetic and one small table, nothing is ever evicted, written or checked. Models the same
// members as page_cache (page_cache.hpp says what they mean), so one tree serves both.
//
// Pages lie in chunks of 2 MiB, taken from the system in steps that double from one chunk to 32, so
// a small map costs little and a large one gets huge pages.
// Thread-safety: fetch from any thread; the rest from the one writer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <quire/cache/epoch.hpp>
#include <quire/cache/region.hpp>
#include <quire/cache/replacement/concepts.hpp>
#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>

namespace quire::cache {

template <std::size_t PageSize>
class memory_pages {
public:
    static constexpr bool persistent = false;
    static constexpr std::size_t page_size = PageSize;

    memory_pages() : table_(table_bytes, backing::small_pages) {
        chunks_ = reinterpret_cast<std::atomic<std::byte*>*>(table_.data());
    }
    memory_pages(const memory_pages&) = delete;
    memory_pages& operator=(const memory_pages&) = delete;
    ~memory_pages() {
        for (std::size_t i = 0, step = 0; i < chunk_count(); i += step) {
            step = step_at(i);
            region::give_back(chunks_[i].load(std::memory_order_relaxed), step * huge_page);
        }
    }

    [[nodiscard]] QUIRE_INLINE const std::byte*
    fetch(page_ref ref, page_validator,
          replacement::arrival = replacement::arrival::wanted) const noexcept {
        return at(ref.id);
    }
    [[nodiscard]] QUIRE_INLINE const std::byte* peek(page_ref ref) const noexcept {
        return at(ref.id);
    }
    void expect(std::span<const page_ref>, std::uint64_t = 0) const noexcept {}
    void read_together(std::span<const page_ref>, page_validator) const noexcept {}
    static constexpr std::size_t most_together = 1;
    [[nodiscard]] QUIRE_INLINE std::byte* writable(page_ref ref, std::byte*) noexcept {
        return at(ref.id);
    }
    // Makes sure that memory for the page exists. Throws std::bad_alloc.
    void admit(page_id id) {
        const std::size_t chunk = to_integer(id) / pages_per_chunk;
        if (chunk >= chunk_count()) grow(chunk);
    }
    void ensure_frames(std::uint32_t) const noexcept {}
    void reserve_frames(std::uint32_t) const noexcept {}
    [[nodiscard]] bool has_reserved(std::uint32_t) const noexcept { return true; }
    // Requires: admitted.
    [[nodiscard]] std::byte* create(page_id id) noexcept { return at(id); }
    void discard(page_id) const noexcept {}
    void pin(const std::byte*) const noexcept {}
    void unpin(const std::byte*) const noexcept {}

    // Overflow runs. Requires: every page of the run is admitted.
    void write_run(page_id first, bytes_view header, bytes_view value) noexcept {
        std::memcpy(at(first), header.data(), header.size());
        std::size_t skip = header.size();
        for (std::size_t done = 0; done < value.size(); first = first + 1, skip = 0) {
            const std::size_t rest = value.size() - done;
            const std::size_t n = rest < PageSize - skip ? rest : PageSize - skip;
            std::memcpy(at(first) + skip, value.data() + done, n);
            done += n;
        }
    }
    void read_run(page_id first, std::size_t skip, mutable_bytes to) const noexcept {
        first = first + static_cast<std::uint32_t>(skip / PageSize);
        skip %= PageSize;
        for (std::size_t done = 0; done < to.size(); first = first + 1, skip = 0) {
            const std::size_t rest = to.size() - done;
            const std::size_t n = rest < PageSize - skip ? rest : PageSize - skip;
            std::memcpy(to.data() + done, at(first) + skip, n);
            done += n;
        }
    }

    [[nodiscard]] static std::string path() noexcept { return {}; }
    // Bytes taken from the system for pages.
    [[nodiscard]] std::uint64_t resident_bytes() const noexcept {
        return std::uint64_t{chunk_count()} * huge_page;
    }

private:
    static constexpr std::size_t pages_per_chunk = huge_page / PageSize;
    static constexpr std::size_t table_bytes =
        ((std::size_t{1} << 32) / pages_per_chunk) * sizeof(std::byte*);

    [[nodiscard]] QUIRE_INLINE std::byte* at(page_id id) const noexcept {
        const std::size_t n = to_integer(id);
        QUIRE_ASSERT(n / pages_per_chunk < chunk_count(),
                     "a page id is admitted before it is used");
        std::byte* const chunk = chunks_[n / pages_per_chunk].load(std::memory_order_relaxed);
        return chunk + n % pages_per_chunk * PageSize;
    }

    [[nodiscard]] QUIRE_INLINE std::size_t chunk_count() const noexcept {
        return chunk_count_.load(std::memory_order_relaxed);
    }
    // Chunks that are taken from the system together when there are `count`.
    [[nodiscard]] static std::size_t step_at(std::size_t count) noexcept {
        return count == 0 ? 1 : (count < 32 ? count : std::size_t{32});
    }
    QUIRE_COLD void grow(std::size_t chunk) {
        for (std::size_t count = chunk_count(); chunk >= count;) {
            // The first chunk stays on small pages: most maps in memory are small.
            const std::size_t step = step_at(count);
            std::byte* const base = region(step * huge_page, count == 0 ? backing::small_pages
                                                                        : backing::huge_pages)
                                        .release();
            for (std::size_t i = 0; i < step; ++i)
                chunks_[count + i].store(base + i * huge_page, std::memory_order_relaxed);
            count += step;
            chunk_count_.store(count, std::memory_order_relaxed);
        }
    }

    region table_;
    std::atomic<std::byte*>* chunks_ = nullptr;
    std::atomic<std::size_t> chunk_count_{0}; // readers only assert on it
};

} // namespace quire::cache
