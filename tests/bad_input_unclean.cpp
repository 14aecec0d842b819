// Damage of a store that was not closed, of its file and its log, bit by bit and sector by sector:
// what is read is what was committed, or an error says that it is not. Only damage that reaches
// into the last group of the log looks as if writing had ended where the damage begins.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/storage/simulated.hpp>

namespace {

using quire::storage::simulated_disk;
using contents = simulated_disk::contents;
using state = std::map<std::string, std::string>;
using words = quire::btree_map<std::string, std::string, quire::storage::simulated,
                               quire::txn::wal, quire::page_size<512>>;
constexpr quire::options small{.cache_bytes = 1};
constexpr std::size_t sector = 512;

// Bytes [from, to) of a file.
struct stretch {
    std::size_t from = 0;
    std::size_t to = 0;
};

// What a killed process left: a file of several levels with an overflow run and free pages, a log
// of groups that are not in it.
struct sample {
    contents left;
    contents earlier;            // the same before the last half of the log
    std::string log;             // its name
    std::vector<stretch> groups; // of the log, in order
    std::vector<state> states;   // after the groups; the first is without any
};

// The newest segment: names are in the order of versions.
[[nodiscard]] const std::string& log_of(const contents& files) {
    REQUIRE(files.rbegin()->first.ends_with(".wal"));
    return files.rbegin()->first;
}
// Where two images of a file differ, from the beginning of a group: those are aligned.
[[nodiscard]] stretch changed(const std::vector<std::byte>& before,
                              const std::vector<std::byte>& after) {
    REQUIRE(before.size() == after.size());
    stretch found{before.size(), 0};
    for (std::size_t i = 0; i < before.size(); ++i)
        if (before[i] != after[i]) {
            found.from = std::min(found.from, i / 8 * 8);
            found.to = i + 1;
        }
    return found;
}

[[nodiscard]] sample make_sample() {
    simulated_disk disk;
    sample made;
    state model;
    const auto put = [&](auto& to, const std::string& key, std::string value) {
        to.insert_or_assign(key, value);
        model[key] = std::move(value);
    };
    {
        words map{disk.path("map"), small};
        for (int i = 0; i < 300; ++i)
            put(map, "key " + std::to_string(i), std::string(i == 7 ? 900 : 30, 'a'));
        for (int i = 20; i < 60; ++i) {
            map.erase("key " + std::to_string(i));
            model.erase("key " + std::to_string(i));
        }
        REQUIRE(map.stats().height > 2);
        REQUIRE(map.stats().free_pages > 0);
    }
    words map{disk.path("map"), small};
    put(map, "first", "starts the log");
    made.states.push_back(model);
    contents before = disk.files();
    made.log = log_of(before);
    for (std::size_t i = 0; i < 8; ++i) {
        auto transaction = map.transaction();
        for (std::size_t k = 0; k < 3; ++k)
            put(transaction, "key " + std::to_string(i * 13 + k), std::string(20 + i * k, 'b'));
        if (i == 5) put(transaction, "long", std::string(1500, 'c'));
        transaction.commit();
        made.states.push_back(model);
        contents after = disk.files();
        REQUIRE(log_of(after) == made.log);
        made.groups.push_back(changed(before.at(made.log), after.at(made.log)));
        REQUIRE(after.size() == 2);
        if (i == 3) made.earlier = after;
        before = std::move(after);
    }
    for (std::size_t g = 0; g + 1 < made.groups.size(); ++g)
        REQUIRE(made.groups[g].to <= made.groups[g + 1].from);
    made.left = std::move(before);
    return made;
}

enum class outcome : std::uint8_t { read, refused, wrong };

// Opens the store, reads it in both ways, changes it, and opens it again. What was read is the
// state after `groups` of the log, or wrong.
[[nodiscard]] outcome read(const contents& files, const sample& from, std::size_t& groups,
                           std::string& why) {
    simulated_disk disk(files);
    disk.record(false);
    const std::string path = disk.path("map");
    try {
        state found;
        {
            words map{path, small};
            found = state(map.begin(), map.end());
            for (const auto& [k, v] : found)
                if (map.get(k) != v) return outcome::wrong;
            map.verify();
            map.insert_or_assign("later", "goes on");
        }
        words map{path, small};
        if (map.get("later") != "goes on" || map.size() != found.size() + 1) return outcome::wrong;
        const auto same = std::find(from.states.begin(), from.states.end(), found);
        groups = static_cast<std::size_t>(same - from.states.begin());
        return same == from.states.end() ? outcome::wrong : outcome::read;
    } catch (const quire::error& e) {
        why = e.what();
        // The sentence names a file of the store.
        return e.path().starts_with(path) ? outcome::refused : outcome::wrong;
    } catch (const std::exception& e) {
        why = e.what();
        return outcome::wrong;
    }
}

struct tally {
    std::uint64_t right = 0;
    std::uint64_t shorter = 0;
    std::uint64_t refused = 0;
};

// Damages bytes [from, to) of a file by `damage` and judges what comes of it.
template <class Damage>
void judge(const sample& from, contents& files, const std::string& name, stretch where,
           const Damage& damage, tally& seen, std::string& broken) {
    std::vector<std::byte>& bytes = files.at(name);
    const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(where.from);
    const std::vector<std::byte> saved(at, bytes.begin() + static_cast<std::ptrdiff_t>(where.to));
    damage(bytes);
    bool same = true; // what the damage changed is where.from to where.to from here on
    for (std::size_t i = 0, begin = where.from; i < saved.size(); ++i) {
        if (bytes[begin + i] == saved[i]) continue;
        if (same) where.from = begin + i;
        where.to = begin + i + 1;
        same = false;
    }
    std::string why;
    std::size_t groups = 0;
    const outcome how = read(files, from, groups, why);
    const bool all = how == outcome::read && groups == from.groups.size();
    // A group ends with a number of eight bytes, of which up to seven are zero.
    const stretch last = from.groups.back();
    std::size_t first = 0;
    while (first + 1 < from.groups.size() && from.groups[first + 1].from <= where.from) ++first;
    const bool may_end = !same && name == from.log && where.to > last.from &&
                         where.from < last.to + 7 && groups == first;
    if (how == outcome::wrong || (how == outcome::read && !all && !may_end) || (same && !all))
        broken = name + ", bytes " + std::to_string(where.from) + " to " +
                 std::to_string(where.to) + ": " +
                 (how == outcome::read ? std::to_string(groups) + " groups" : "wrong, " + why);
    ++(all ? seen.right : how == outcome::refused ? seen.refused : seen.shorter);
    std::copy(saved.begin(), saved.end(), at);
}

// Flips bits, `step` apart from `first` on, of all files.
[[nodiscard]] tally flip(const sample& from, std::size_t first, std::size_t step,
                         std::string& broken) {
    tally seen;
    contents files = from.left;
    for (const auto& [name, original] : from.left)
        for (std::size_t bit = first; bit < original.size() * 8 && broken.empty(); bit += step)
            judge(from, files, name, {bit / 8, bit / 8 + 1},
                  [bit](std::vector<std::byte>& bytes) {
                      bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
                  },
                  seen, broken);
    return seen;
}

} // namespace

TEST_CASE("a flipped bit of a store that was not closed is harmless or reported") {
    const sample from = make_sample();
    std::string broken;
    const tally seen = flip(from, 0, 661, broken);
    CHECK(broken == "");
    CHECK(seen.right > 100); // free pages, the log behind its end
    CHECK(seen.refused > 100);
}

TEST_CASE("every byte of the log of a store that was not closed") {
    const sample from = make_sample();
    std::string broken;
    tally seen;
    contents files = from.left;
    for (std::size_t at = 0; at < from.groups.back().to + 100 && broken.empty(); ++at)
        judge(from, files, from.log, {at, at + 1},
              [at](std::vector<std::byte>& bytes) { bytes[at] ^= std::byte{0x41}; }, seen, broken);
    CHECK(broken == "");
    CHECK(seen.right > 80);
    CHECK(seen.refused > 1000);
    // All of the last group can end the log there, and nothing else.
    CHECK(seen.shorter >= from.groups.back().to - from.groups.back().from - 8);
    CHECK(seen.shorter <= from.groups.back().to - from.groups.back().from + 7);
}

namespace {

// Zeroes every sector, gives it what another one holds, for so many others, and what it held
// before.
void replace_sectors(std::size_t others, tally& seen) {
    const sample from = make_sample();
    std::string broken;
    contents files = from.left;
    for (const auto& entry : from.left) {
        const std::string& name = entry.first;
        const std::vector<std::byte>& original = entry.second;
        const std::size_t n = name == from.log ? from.groups.back().to / sector + 2
                                               : original.size() / sector;
        for (std::size_t i = 0; i < n && broken.empty(); ++i) {
            const stretch where{i * sector, (i + 1) * sector};
            const auto replace = [&](const std::vector<std::byte>& with, std::size_t at) {
                judge(from, files, name, where,
                      [&](std::vector<std::byte>& bytes) {
                          std::copy_n(with.begin() + static_cast<std::ptrdiff_t>(at), sector,
                                      bytes.begin() + static_cast<std::ptrdiff_t>(where.from));
                      },
                      seen, broken);
            };
            replace(std::vector<std::byte>(sector), 0);
            for (std::size_t k = 1; k < n && k <= others; ++k)
                replace(original, (i + k) % n * sector);
            if (from.earlier.at(name).size() >= where.to)
                replace(from.earlier.at(name), where.from);
        }
    }
    CHECK(broken == "");
}

} // namespace

TEST_CASE("sectors that are zeroed, exchanged, or as they were before") {
    tally seen;
    replace_sectors(4, seen);
    CHECK(seen.right > 10);
    CHECK(seen.shorter > 0);
    CHECK(seen.refused > 200);
}

TEST_SUITE("long") {
    TEST_CASE("sectors exchanged with many others") {
        tally seen;
        replace_sectors(1000, seen);
        CHECK(seen.refused > 2000);
    }

    TEST_CASE("every flipped bit of a store that was not closed is harmless or reported") {
        const sample from = make_sample();
        constexpr std::size_t parts = 4;
        std::vector<std::string> broken(parts);
        std::vector<tally> seen(parts);
        std::vector<std::thread> threads;
        for (std::size_t part = 0; part < parts; ++part)
            threads.emplace_back(
                [&, part] { seen[part] = flip(from, part, parts, broken[part]); });
        for (std::thread& each : threads) each.join();
        tally all;
        for (std::size_t part = 0; part < parts; ++part) {
            CHECK(broken[part] == "");
            all.right += seen[part].right;
            all.shorter += seen[part].shorter;
            all.refused += seen[part].refused;
        }
        CHECK(all.right + all.shorter + all.refused > 500'000);
        MESSAGE(all.right, " right, ", all.shorter, " without the last commits, ", all.refused,
                " refused");
    }
}
