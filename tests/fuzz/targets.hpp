// What is fuzzed: each target takes any bytes, and ends the program when the library breaks a
// promise on them. libFuzzer makes the bytes up (tests/fuzz.py); the unit test takes those of the
// corpus, and some at random.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <quire/btree_map.hpp>
#include <quire/storage/simulated.hpp>

namespace fuzz {

using input = std::span<const std::uint8_t>;

// A closed store whose bytes are changed and its checksums made right again.
void file(input bytes);
// The same of a store that was not closed, and its log.
void log(input bytes);
// Transactions, savepoints, checkpoints, power cuts and kills, against a model.
void operations(input bytes);

// The bytes as a list of decisions; zeros behind their end.
class script {
public:
    explicit script(input bytes) noexcept : left_(bytes) {}
    [[nodiscard]] bool empty() const noexcept { return left_.empty(); }
    [[nodiscard]] std::uint8_t byte() noexcept {
        if (left_.empty()) return 0;
        const std::uint8_t first = left_.front();
        left_ = left_.subspan(1);
        return first;
    }
    [[nodiscard]] std::size_t number() noexcept { // two bytes
        const std::size_t high = byte();
        return high << 8 | byte();
    }

private:
    input left_;
};

[[noreturn]] inline void fail(const std::string& what) {
    std::fprintf(stderr, "fuzz: %s\n", what.c_str());
    std::abort();
}

using quire::storage::simulated_disk;
using contents = simulated_disk::contents;
using bytes = std::vector<std::byte>;

inline constexpr std::size_t page_size = 512;
inline constexpr quire::options small{.cache_bytes = 1, .wal_limit_bytes = 1};

template <class K, class V, class Txn, class Storage = quire::storage::simulated>
using map_of = quire::btree_map<K, V, Storage, Txn, quire::page_size<page_size>>;

// Replaces up to 400 bytes of the image: a place, as two bytes, and the new byte of each. A place
// beyond the end counts on from the beginning.
inline void edit(script& in, bytes& image) {
    for (int i = 0; i < 400 && !in.empty(); ++i) {
        const std::size_t at = in.number();
        image[at % image.size()] = static_cast<std::byte>(in.byte());
    }
}

// Keys that are not in order are not found where they are; what a map then holds is not promised.
enum class order : std::uint8_t { kept, damaged };

// Opens the only map of a disk of these files, reads and changes it: that works, or there is a
// typed error which names a file of it.
template <class Map, class Key, class Value>
void use(const contents& files, const Key& key, const Value& value, order keys) {
    simulated_disk disk(files);
    disk.record(false);
    const std::string path = disk.path("map");
    std::size_t most = 0;
    for (const auto& each : files) most += each.second.size();
    try {
        Map map{path, small};
        std::size_t found = 0;
        for (auto it = map.begin(); it != map.end(); ++it)
            if (static_cast<void>(*it), ++found > most) fail("more records than bytes");
        for (auto it = map.end(); it != map.begin(); --found) {
            if (found == 0) fail("more records backward than forward");
            static_cast<void>(*--it);
        }
        map.insert_or_assign(key, value);
        if (map.get(key) != value && keys == order::kept) fail("what was put is not there");
        static_cast<void>(map.erase(key));
        if (map.contains(key) && keys == order::kept) fail("what was erased is there");
        auto transaction = map.transaction();
        if (!transaction.empty()) transaction.erase(transaction.begin());
        transaction.clear();
        transaction.rollback();
        map.verify();
    } catch (const quire::error& error) {
        if (!error.path().starts_with(path)) fail(std::string("no path: ") + error.what());
    }
}

} // namespace fuzz
