// A device of the tests: bytes in memory, every call noted, failures on demand.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <quire/storage/concepts.hpp>

namespace quire_test {

// The part of a device that a page cache calls. Any thread may read.
class recording_device {
public:
    static constexpr bool maps = false;

    struct write_call {
        std::uint64_t offset;
        std::size_t parts;
        std::size_t bytes;
        friend bool operator==(const write_call&, const write_call&) = default;
    };

    std::vector<std::byte> bytes;
    std::vector<write_call> writes;
    mutable std::vector<std::uint64_t> reads;                     // offsets
    std::vector<std::pair<std::uint64_t, std::uint64_t>> started; // offset and bytes
    int read_fails_with = 0;                                      // an errno
    int write_fails_with = 0;
    std::size_t writes_before_failure = 0;

    quire::storage::status read(std::uint64_t offset, quire::mutable_bytes to) const noexcept {
        const std::lock_guard hold(latch_);
        if (read_fails_with != 0) return {read_fails_with};
        reads.push_back(offset);
        if (offset + to.size() > bytes.size()) return {quire::storage::status::short_transfer};
        std::memcpy(to.data(), bytes.data() + offset, to.size());
        return {};
    }
    // As many bytes as there are, and at most `scatter_limit`.
    std::size_t scatter_limit = ~std::size_t{0};
    mutable std::vector<std::pair<std::uint64_t, std::size_t>> scattered; // offset and parts
    std::size_t read_scatter(std::uint64_t offset,
                             std::span<const quire::mutable_bytes> parts) const noexcept {
        const std::lock_guard hold(latch_);
        if (read_fails_with != 0) return 0;
        scattered.emplace_back(offset, parts.size());
        std::size_t done = 0;
        for (const quire::mutable_bytes part : parts) {
            const std::size_t end = static_cast<std::size_t>(offset) + done + part.size();
            if (end > bytes.size() || done + part.size() > scatter_limit) break;
            std::memcpy(part.data(), bytes.data() + offset + done, part.size());
            done += part.size();
        }
        return done;
    }
    mutable std::vector<std::pair<std::uint64_t, std::uint64_t>> expected; // offset and bytes
    void start_reading(std::uint64_t offset, std::uint64_t n) const noexcept {
        const std::lock_guard hold(latch_);
        expected.emplace_back(offset, n);
    }
    void start_writing(std::uint64_t offset, std::uint64_t n) noexcept {
        const std::lock_guard hold(latch_);
        started.emplace_back(offset, n);
    }
    quire::storage::status size(std::uint64_t& n) const noexcept {
        const std::lock_guard hold(latch_);
        n = bytes.size();
        return {};
    }
    quire::storage::status write_gather(std::uint64_t offset,
                                        std::span<const quire::bytes_view> parts) noexcept {
        const std::lock_guard hold(latch_);
        if (write_fails_with != 0 && writes.size() >= writes_before_failure)
            return {write_fails_with};
        write_call call{offset, parts.size(), 0};
        for (const quire::bytes_view part : parts) {
            const std::size_t end = static_cast<std::size_t>(offset) + call.bytes + part.size();
            if (bytes.size() < end) bytes.resize(end);
            std::memcpy(bytes.data() + offset + call.bytes, part.data(), part.size());
            call.bytes += part.size();
        }
        writes.push_back(call);
        return {};
    }

private:
    mutable std::mutex latch_;
};

} // namespace quire_test
