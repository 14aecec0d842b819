// The loops around system calls, driven by calls that do what the real ones do only rarely.
#include <quire/storage/transfer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace quire;
using namespace quire::storage;
namespace detail = quire::storage::detail;

std::vector<std::byte> random_bytes(std::size_t size, int seed) {
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    std::vector<std::byte> bytes(size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xFF);
    return bytes;
}

// A file in memory whose calls move a few bytes, are interrupted, or fail when they are told to.
struct fickle_file {
    std::vector<std::byte> bytes;
    std::size_t most = SIZE_MAX;      // bytes a call moves
    int interrupted = 0;              // calls that a signal ends first
    std::size_t works_for = SIZE_MAX; // calls before `failure`
    int failure = EIO;                // 0: moves nothing and says so
    std::size_t calls = 0;
    std::size_t largest_call = 0;
    int most_parts = 0;

    bool refuses(ssize_t& answer) {
        ++calls;
        if (interrupted > 0) {
            --interrupted;
            errno = EINTR;
            answer = -1;
            return true;
        }
        if (calls <= works_for) return false;
        errno = failure;
        answer = failure == 0 ? 0 : -1;
        return true;
    }
    ssize_t read(std::byte* to, std::size_t size, off_t offset) {
        ssize_t answer = 0;
        largest_call = std::max(largest_call, size);
        if (refuses(answer)) return answer;
        const auto from = std::min(static_cast<std::size_t>(offset), bytes.size());
        const std::size_t moved = std::min({size, most, bytes.size() - from});
        copy_bytes(to, bytes.data() + from, moved);
        return static_cast<ssize_t>(moved);
    }
    ssize_t write(const std::byte* from, std::size_t size, off_t offset) {
        ssize_t answer = 0;
        largest_call = std::max(largest_call, size);
        if (refuses(answer)) return answer;
        const std::size_t moved = std::min(size, most);
        const auto to = static_cast<std::size_t>(offset);
        bytes.resize(std::max(bytes.size(), to + moved));
        copy_bytes(bytes.data() + to, from, moved);
        return static_cast<ssize_t>(moved);
    }
    ssize_t gather(const iovec* parts, int count, off_t offset) {
        std::vector<std::byte> joined;
        most_parts = std::max(most_parts, count);
        for (int i = 0; i < count; ++i) {
            CHECK(parts[i].iov_len != 0);
            const auto* const from = static_cast<const std::byte*>(parts[i].iov_base);
            joined.insert(joined.end(), from, from + parts[i].iov_len);
        }
        return write(joined.data(), joined.size(), offset);
    }

    status read_all(std::uint64_t offset, mutable_bytes to) {
        return detail::read_all(
            [this](std::byte* at, std::size_t size, off_t from) { return read(at, size, from); },
            offset, to);
    }
    status write_all(std::uint64_t offset, bytes_view from) {
        return detail::write_all(
            [this](const std::byte* at, std::size_t size, off_t to) { return write(at, size, to); },
            offset, from);
    }
    status gather_all(std::uint64_t offset, std::span<const bytes_view> parts) {
        return detail::gather_all(
            [this](const iovec* vector, int count, off_t to) { return gather(vector, count, to); },
            offset, parts);
    }
};

TEST_CASE("a transfer is whole however little each call moves") {
    const auto bytes = random_bytes(1000, 1);
    for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{999}, SIZE_MAX}) {
        CAPTURE(most);
        fickle_file file;
        file.most = most;
        file.interrupted = 3;
        CHECK(file.write_all(5, bytes).ok());
        CHECK(file.bytes.size() == 1005);
        std::vector<std::byte> back(1000);
        file.interrupted = 3;
        CHECK(file.read_all(5, back).ok());
        CHECK(back == bytes);
    }
}

TEST_CASE("parts are contiguous in the file whatever their sizes and however little a call moves") {
    std::mt19937 random(2);
    for (int round = 0; round < 200; ++round) {
        CAPTURE(round);
        const auto bytes = random_bytes(1 + random() % 4000, 1000 + round);
        std::vector<bytes_view> parts;
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t size =
                std::min<std::size_t>(bytes.size() - at, random() % 3 == 0 ? 0 : random() % 40);
            parts.push_back(bytes_view(bytes).subspan(at, size));
            at += size;
        }
        if (round % 2 == 0) parts.emplace_back();
        fickle_file file;
        file.most = round % 5 == 0 ? SIZE_MAX : 1 + random() % 300;
        file.interrupted = round % 3;
        CHECK(file.gather_all(11, parts).ok());
        REQUIRE(file.bytes.size() == 11 + bytes.size());
        CHECK(std::equal(bytes.begin(), bytes.end(), file.bytes.begin() + 11));
    }
}

TEST_CASE("a call never gets more parts than the system takes") {
    const auto bytes = random_bytes(5000, 3);
    std::vector<bytes_view> parts;
    for (const std::byte& byte : bytes) parts.emplace_back(&byte, 1);
    fickle_file file;
    CHECK(file.gather_all(0, parts).ok());
    CHECK(file.bytes == bytes);
    CHECK(file.most_parts == static_cast<int>(detail::most_parts));
    CHECK(file.calls == (5000 + detail::most_parts - 1) / detail::most_parts);
}

TEST_CASE("nothing to move is no call") {
    fickle_file file;
    const std::array<bytes_view, 3> empty{};
    CHECK(file.read_all(0, {}).ok());
    CHECK(file.write_all(0, {}).ok());
    CHECK(file.gather_all(0, {}).ok());
    CHECK(file.gather_all(0, empty).ok());
    CHECK(file.calls == 0);
}

TEST_CASE("the end of the file in the middle of a read is short, a write that stalls is an error") {
    fickle_file file;
    file.bytes = random_bytes(10, 4);
    std::array<std::byte, 11> buffer{};
    CHECK(file.read_all(0, mutable_bytes(buffer).first(10)).ok());
    CHECK(file.read_all(0, buffer).is_short());
    CHECK(file.read_all(10, mutable_bytes(buffer).first(1)).is_short());
    CHECK(file.read_all(1000, mutable_bytes(buffer).first(1)).is_short());

    const std::array<bytes_view, 2> parts{bytes_view(buffer), bytes_view(buffer)};
    for (const int failure : {0, ENOSPC, EIO}) {
        for (std::size_t works = 0; works < 4; ++works) {
            CAPTURE(failure);
            CAPTURE(works);
            fickle_file failing;
            failing.bytes = random_bytes(11, 5);
            failing.most = 2;
            failing.works_for = works;
            failing.failure = failure;
            const int expected = failure == 0 ? EIO : failure;
            CHECK(failing.write_all(0, buffer).number == expected);
            failing.calls = 0;
            CHECK(failing.gather_all(0, parts).number == expected);
            failing.calls = 0;
            CHECK(failing.read_all(0, buffer).number ==
                  (failure == 0 ? status::short_transfer : failure));
        }
    }
}

TEST_CASE("no call asks for more than a gibibyte") {
    // The bytes are never touched: the calls below only count.
    const auto* const start = reinterpret_cast<const std::byte*>(std::uintptr_t{4096});
    const std::size_t size = 5 * detail::most_per_call / 2 + 17;
    std::size_t total = 0;
    std::size_t largest = 0;
    const auto note = [&](std::size_t bytes, off_t offset) {
        CHECK(static_cast<std::size_t>(offset) == 100 + total);
        largest = std::max(largest, bytes);
        total += bytes;
        return static_cast<ssize_t>(bytes);
    };
    CHECK(detail::write_all([&](const std::byte*, std::size_t bytes,
                                off_t offset) { return note(bytes, offset); },
                            100, {start, size})
              .ok());
    CHECK(total == size);
    CHECK(largest == detail::most_per_call);
    total = largest = 0;
    CHECK(detail::read_all(
              [&](std::byte*, std::size_t bytes, off_t offset) { return note(bytes, offset); }, 100,
              {const_cast<std::byte*>(start), size})
              .ok());
    CHECK(total == size);
    CHECK(largest == detail::most_per_call);
    total = largest = 0;
    const std::array<bytes_view, 3> parts{bytes_view(start, 3), {start, size - 4}, {start, 1}};
    const auto sum = [&](const iovec* vector, int count, off_t offset) {
        std::size_t bytes = 0;
        for (int i = 0; i < count; ++i) bytes += vector[i].iov_len;
        return note(bytes, offset);
    };
    CHECK(detail::gather_all(sum, 100, parts).ok());
    CHECK(total == size);
    CHECK(largest == detail::most_per_call);
}

TEST_CASE("an offset that no file can have is refused before any call") {
    fickle_file file;
    std::array<std::byte, 2> buffer{};
    const std::array<bytes_view, 1> parts{bytes_view(buffer)};
    for (const std::uint64_t offset : {detail::largest_offset - 1, detail::largest_offset,
                                       detail::largest_offset + 1, ~std::uint64_t{0}}) {
        CAPTURE(offset);
        CHECK(file.read_all(offset, buffer).is_short());
        CHECK(file.write_all(offset, buffer).is_full());
        CHECK(file.gather_all(offset, parts).is_full());
    }
    CHECK(file.calls == 0);
}

} // namespace
