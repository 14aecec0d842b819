// The data sets, made before any clock runs, from fixed seeds.
//
//   u64   4 M random 64-bit keys and values
//   kv    1 M random 24-byte keys with 150-byte values
//   skewed keys: clustered, powers, ascending (64-bit) and prefixed (strings), 64-bit values
//
// A data set is a vector of records in the order of insertion, without equal keys. `visits` gives
// the same records in another random order, for lookups. `digest` is what a benchmark adds up to
// prove that it has read the value: the whole of an integer, the first byte of anything else.
// Thread-safety: pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bench {

template <class Key, class Value>
struct record {
    Key key;
    Value value;
};

using u64_record = record<std::uint64_t, std::uint64_t>;
using kv_key = std::array<std::byte, 24>;
using kv_value = std::array<std::byte, 150>;
using kv_record = record<kv_key, kv_value>;
using text_record = record<std::string, std::uint64_t>;

[[nodiscard]] inline std::uint64_t digest(std::uint64_t value) { return value; }
template <class Bytes>
[[nodiscard]] std::uint64_t digest(const Bytes& value) {
    return static_cast<std::uint8_t>(value[0]);
}

// The digest of a value of this type whose bytes an engine holds.
template <class Value>
[[nodiscard]] std::uint64_t digest_of_bytes(const void* bytes) {
    if constexpr (std::is_same_v<Value, std::uint64_t>) {
        std::uint64_t value;
        std::memcpy(&value, bytes, sizeof value);
        return value;
    } else {
        return *static_cast<const std::uint8_t*>(bytes);
    }
}

// The digests of all values together.
template <class Records>
[[nodiscard]] std::uint64_t digest_of_values(const Records& records) {
    std::uint64_t sum = 0;
    for (const auto& each : records) sum += digest(each.value);
    return sum;
}

// Key and value as an engine of bytes sees them; integers in the machine's own order.
[[nodiscard]] inline std::string_view bytes_of(const std::uint64_t& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}
template <std::size_t Size>
[[nodiscard]] std::string_view bytes_of(const std::array<std::byte, Size>& value) {
    return {reinterpret_cast<const char*>(value.data()), Size};
}
[[nodiscard]] inline std::string_view bytes_of(const std::string& value) { return value; }

template <class Record>
[[nodiscard]] std::size_t raw_bytes(const std::vector<Record>& records) {
    std::size_t sum = 0;
    for (const Record& each : records)
        sum += bytes_of(each.key).size() + bytes_of(each.value).size();
    return sum;
}

template <std::size_t Size>
void fill(std::array<std::byte, Size>& bytes, std::mt19937_64& random) {
    for (std::size_t at = 0; at < Size; at += 8) {
        const std::uint64_t word = random();
        std::memcpy(bytes.data() + at, &word, std::min<std::size_t>(8, Size - at));
    }
}

[[nodiscard]] inline std::vector<u64_record> random_u64(std::size_t count) {
    std::mt19937_64 random(1);
    std::vector<u64_record> records(count);
    for (u64_record& each : records) {
        each.key = random();
        each.value = random();
    }
    return records;
}

[[nodiscard]] inline std::vector<kv_record> random_kv(std::size_t count) {
    std::mt19937_64 random(1);
    std::vector<kv_record> records(count);
    for (kv_record& each : records) {
        fill(each.key, random);
        fill(each.value, random);
    }
    return records;
}

template <class Record>
[[nodiscard]] std::vector<Record> visits(const std::vector<Record>& records) {
    std::mt19937_64 random(2);
    std::vector<Record> order = records;
    std::shuffle(order.begin(), order.end(), random);
    return order;
}

template <class Record>
[[nodiscard]] std::vector<Record> ascending(std::vector<Record> records) {
    std::sort(records.begin(), records.end(),
              [](const Record& left, const Record& right) { return left.key < right.key; });
    return records;
}

// Records of distinct keys drawn from `next`, in random order.
template <class Key, class Next>
[[nodiscard]] std::vector<record<Key, std::uint64_t>> distinct(std::size_t count, Next&& next) {
    std::mt19937_64 random(3);
    std::vector<Key> keys;
    while (keys.size() < count) {
        while (keys.size() < count + count / 16) keys.push_back(next(random));
        std::sort(keys.begin(), keys.end());
        keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    }
    std::shuffle(keys.begin(), keys.end(), random);
    std::vector<record<Key, std::uint64_t>> records(count);
    for (std::size_t i = 0; i < count; ++i) records[i] = {std::move(keys[i]), random()};
    return records;
}

// Runs of 64 to 4096 neighbours, far from one another.
[[nodiscard]] inline std::vector<u64_record> clustered_u64(std::size_t count) {
    std::uint64_t at = 0;
    std::uint64_t left = 0;
    return distinct<std::uint64_t>(count, [at, left](std::mt19937_64& random) mutable {
        if (left == 0) {
            at = random();
            left = 64 + random() % 4033;
        }
        --left;
        return at++;
    });
}

// As many keys between 2^k and 2^(k+1) for every k (as far as there are so many).
[[nodiscard]] inline std::vector<u64_record> powers_u64(std::size_t count) {
    std::uniform_real_distribution<double> exponent(0, 64);
    return distinct<std::uint64_t>(count, [exponent](std::mt19937_64& random) mutable {
        return static_cast<std::uint64_t>(std::min(std::exp2(exponent(random)), 0x1.fffffp63));
    });
}

// 1, 2, 3, ... in this order.
[[nodiscard]] inline std::vector<u64_record> ascending_u64(std::size_t count) {
    std::mt19937_64 random(4);
    std::vector<u64_record> records(count);
    for (std::size_t i = 0; i < count; ++i) records[i] = {i + 1, random()};
    return records;
}

// Paths of few directories: neighbours share 30 bytes and more.
[[nodiscard]] inline std::vector<text_record> prefixed_text(std::size_t count) {
    return distinct<std::string>(count, [](std::mt19937_64& random) {
        char path[96];
        const int size = std::snprintf(
            path, sizeof path, "https://www.example.org/tenant-%02u/account-%04u/invoice-%08u",
            static_cast<unsigned>(random() % 8), static_cast<unsigned>(random() % 256),
            static_cast<unsigned>(random() % 100'000'000));
        return std::string(path, static_cast<std::size_t>(size));
    });
}

} // namespace bench
