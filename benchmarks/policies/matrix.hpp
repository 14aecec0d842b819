// The map of a combination of policies as the matrix measures it.
//
// Records are known by number. Their keys are hashed numbers, so that both codecs have the same
// records in the same order; a record takes 100 bytes.
// Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using numbers = std::span<const std::uint32_t>;

class matrix_map {
public:
    matrix_map() = default;
    matrix_map(const matrix_map&) = delete;
    matrix_map& operator=(const matrix_map&) = delete;
    virtual ~matrix_map() = default;

    // Transactional maps: in transactions of so many records, which wait for no medium.
    virtual void insert(numbers records, std::size_t in_one_transaction) = 0;
    // The sum of what the values say.
    [[nodiscard]] virtual std::uint64_t get(numbers records) const = 0;
    // The same of all records, in order.
    [[nodiscard]] virtual std::uint64_t scan() const = 0;
    [[nodiscard]] virtual std::uint64_t size() const = 0;
};

enum class matrix_codec : std::uint8_t { fixed, slotted };
enum class matrix_txn : std::uint8_t { none, shadow };

struct matrix_plan {
    matrix_codec codec;
    matrix_txn txn;
    std::string path; // unused in memory
    std::uint64_t cache_bytes;
};

// One row of the matrix: storage and replacement. Each is a unit of its own (matrix/).
struct matrix_row {
    std::string_view storage;
    std::string_view replacement;
    std::unique_ptr<matrix_map> (*open)(const matrix_plan& plan);
};

[[nodiscard]] matrix_row file_clock();
[[nodiscard]] matrix_row file_lru();
[[nodiscard]] matrix_row file_lru_k();
[[nodiscard]] matrix_row file_two_queue();
[[nodiscard]] matrix_row file_arc();
[[nodiscard]] matrix_row file_sieve();
[[nodiscard]] matrix_row file_s3_fifo();
[[nodiscard]] matrix_row mmap_clock();
[[nodiscard]] matrix_row memory_clock();

inline constexpr std::size_t matrix_record_bytes = 100;

// A permutation of the numbers below 2^64 (splitmix64, S. Vigna).
[[nodiscard]] inline std::uint64_t matrix_key(std::uint64_t n) {
    n += 0x9E3779B97F4A7C15U;
    n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9U;
    n = (n ^ (n >> 27)) * 0x94D049BB133111EBU;
    return n ^ (n >> 31);
}
// What the value of the record says.
[[nodiscard]] inline std::uint64_t matrix_check(std::uint32_t record) {
    return matrix_key(record) ^ 0x5555'5555'5555'5555U;
}

} // namespace bench
