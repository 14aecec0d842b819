// Where an inspection reads from: any device with the read half of the storage concept, behind two
// function pointers, so that all the rest of this folder is ordinary code compiled once.
// Thread-safety: as the device's.
//
// Invariants:
//   1. The size of the file is asked once; no byte behind it is ever asked for.
//   2. Whatever the device does, a read that is not reported as failed has filled its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>

namespace quire::inspect {

class source {
public:
    // Device has `status read(std::uint64_t offset, mutable_bytes to) const` and `status
    // size(std::uint64_t&) const`, where status has ok() and number. The device must outlive this.
    template <class Device>
    explicit source(const Device& device)
        : device_(&device),
          read_([](const void* from, std::uint64_t offset, mutable_bytes to) -> int {
              const auto status = static_cast<const Device*>(from)->read(offset, to);
              return status.ok() ? 0 : (status.number != 0 ? status.number : -1);
          }) {
        const auto status = device.size(size_);
        if (!status.ok()) {
            size_ = 0;
            size_failure_ = status.number != 0 ? status.number : -1;
        }
    }

    // Bytes of the file; 0 when even that could not be read.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] bool readable() const noexcept { return size_failure_ == 0; }
    [[nodiscard]] int size_failure() const noexcept { return size_failure_; }

    // Fills `to` from byte `offset`; gives an empty string, or what went wrong.
    [[nodiscard]] std::string read(std::uint64_t offset, mutable_bytes to) const {
        if (offset > size_ || to.size() > size_ - offset)
            return "end of file at byte " + std::to_string(size_);
        const int failure = to.empty() ? 0 : read_(device_, offset, to);
        if (failure == 0) return {};
        if (failure < 0) return "end of file while reading";
        return "read error " + std::to_string(failure);
    }

private:
    const void* device_;
    int (*read_)(const void*, std::uint64_t, mutable_bytes);
    std::uint64_t size_ = 0;
    int size_failure_ = 0;
};

// A set of pages of one file, a bit each.
class page_set {
public:
    explicit page_set(std::uint64_t pages = 0)
        : pages_(pages), words_(static_cast<std::size_t>((pages + 63) / 64)) {}

    // Pages it can hold: those below this number.
    [[nodiscard]] std::uint64_t limit() const noexcept { return pages_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] bool contains(std::uint64_t page) const noexcept {
        return page < pages_ &&
               (words_[static_cast<std::size_t>(page / 64)] >> (page % 64) & 1) != 0;
    }
    // Requires: page < limit(). Gives false when it was in the set before.
    bool insert(std::uint64_t page) noexcept {
        std::uint64_t& word = words_[static_cast<std::size_t>(page / 64)];
        const std::uint64_t bit = std::uint64_t{1} << (page % 64);
        if ((word & bit) != 0) return false;
        word |= bit;
        ++size_;
        return true;
    }

private:
    std::uint64_t pages_;
    std::uint64_t size_ = 0;
    std::vector<std::uint64_t> words_;
};

} // namespace quire::inspect
