// What the tests of the whole map share: the configurations they run on, a map that opens, closes
// and opens again, and the comparison of a map with the std::map it should equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <quire/btree_map.hpp>

#include "temp_dir.hpp"

namespace quire_test {

// ---- configurations: where pages live and what a transaction is ----

struct memory_none {
    template <class K, class V, class... Policies>
    using map = quire::btree_map<K, V, quire::storage::memory, quire::txn::none, Policies...>;
};
struct memory_shadow {
    template <class K, class V, class... Policies>
    using map = quire::btree_map<K, V, quire::storage::memory, quire::txn::shadow, Policies...>;
};
struct file_none {
    template <class K, class V, class... Policies>
    using map = quire::btree_map<K, V, quire::storage::file, quire::txn::none, Policies...>;
};
struct file_shadow {
    template <class K, class V, class... Policies>
    using map = quire::btree_map<K, V, quire::storage::file, quire::txn::shadow, Policies...>;
};
struct file_wal {
    template <class K, class V, class... Policies>
    using map = quire::btree_map<K, V, quire::storage::file, quire::txn::wal, Policies...>;
};
struct mmap_wal {
    template <class K, class V, class... Policies>
    using map = quire::btree_map<K, V, quire::storage::mmap, quire::txn::wal, Policies...>;
};
struct mmap_shadow {
    template <class K, class V, class... Policies>
    using map = quire::btree_map<K, V, quire::storage::mmap, quire::txn::shadow, Policies...>;
};
struct mmap_none {
    template <class K, class V, class... Policies>
    using map = quire::btree_map<K, V, quire::storage::mmap, quire::txn::none, Policies...>;
};

template <class Map>
inline constexpr bool on_device = std::is_constructible_v<Map, std::string, quire::options>;
template <class Map>
inline constexpr bool transactional = requires(Map& map) {
    map.transaction();
};

// ---- a map and its file ----

// Most tests are not about the medium, so their commits do not wait for it.
inline constexpr quire::options quick{.durability = quire::durability::none};

template <class Map>
class opened {
public:
    explicit opened(quire::options how = quick) : how_(how) { open(); }

    [[nodiscard]] Map& operator*() noexcept { return *map_; }
    [[nodiscard]] Map* operator->() noexcept { return &*map_; }
    [[nodiscard]] std::string file() const { return dir_.path("map.quire"); }

    void close() { map_.reset(); }
    void open() {
        if constexpr (on_device<Map>) map_.emplace(file(), how_);
        else map_.emplace(how_);
    }
    // Closes the map and opens it again; a map in memory stays as it is.
    void reopen() {
        if constexpr (on_device<Map>) {
            close();
            open();
        }
    }

private:
    temp_dir dir_;
    quire::options how_;
    std::optional<Map> map_;
};

// ---- comparison ----

namespace detail {

template <class T>
[[nodiscard]] std::string shown(const T& value) {
    if constexpr (std::is_arithmetic_v<T>) {
        return std::to_string(value);
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        const std::string_view text = value;
        return "'" + std::string(text.substr(0, 40)) + "' of " + std::to_string(text.size()) +
               " bytes";
    } else {
        return "a value";
    }
}

template <class Record, class Entry>
[[nodiscard]] std::string record_difference(const Record& record, const Entry& entry) {
    using key = std::remove_const_t<typename Entry::first_type>;
    using mapped = typename Entry::second_type;
    if (!(static_cast<key>(record.first) == entry.first))
        return "key " + shown(record.first) + ", not " + shown(entry.first);
    if (!(static_cast<mapped>(record.second) == entry.second))
        return "at key " + shown(entry.first) + " value " + shown(record.second) + ", not " +
               shown(entry.second);
    return {};
}

} // namespace detail

// What a forward walk over [it, end) shows that is not in [entry, last); empty: nothing.
template <class Iterator, class Entry>
[[nodiscard]] std::string walk_difference(Iterator it, const Iterator& end, Entry entry,
                                          const Entry& last) {
    for (; it != end; ++it, ++entry) {
        if (entry == last) return "more than expected, from key " + detail::shown((*it).first);
        if (std::string what = detail::record_difference(*it, *entry); !what.empty()) return what;
    }
    return entry == last ? std::string() : "nothing from key " + detail::shown(entry->first);
}

// The first thing in which a map, transaction or snapshot and its model differ, seen from the
// front, from the back and by size(); empty: they are the same.
template <class Face, class Model>
[[nodiscard]] std::string difference(const Face& face, const Model& model) {
    if (face.size() != model.size())
        return "size " + std::to_string(face.size()) + ", not " + std::to_string(model.size());
    if (face.empty() != model.empty()) return "empty() and size() disagree";
    if (std::string what = walk_difference(face.begin(), face.end(), model.begin(), model.end());
        !what.empty())
        return "forward: " + what;
    if (std::string what =
            walk_difference(face.rbegin(), face.rend(), model.rbegin(), model.rend());
        !what.empty())
        return "reverse: " + what;
    // And with operator-- of the plain iterator.
    auto it = face.end();
    for (auto entry = model.end(); entry != model.begin();) {
        if (it == face.begin()) return "backward: too few";
        --it;
        --entry;
        if (std::string what = detail::record_difference(*it, *entry); !what.empty())
            return "backward: " + what;
    }
    return it == face.begin() ? std::string() : "backward: too many";
}

// Like difference(), and verify().
template <class Map, class Model>
[[nodiscard]] std::string difference_verified(Map& map, const Model& model) {
    try {
        map.verify();
    } catch (const quire::error& error) {
        return std::string("verify: ") + error.what();
    }
    return difference(map, model);
}

// ---- data ----

// A key of a fixed width, so that text order is numeric order.
[[nodiscard]] inline std::string key_text(std::uint64_t i, std::size_t width = 6) {
    std::string digits = std::to_string(i);
    return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

// A text of n bytes that differs for every seed, so that pages put together wrongly show.
[[nodiscard]] inline std::string text_of(std::size_t n, std::uint64_t seed = 0) {
    std::string text(n, '\0');
    std::uint64_t state = seed * 0x9E3779B97F4A7C15u + n;
    for (char& c : text) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        c = static_cast<char>(state >> 56);
    }
    return text;
}

} // namespace quire_test
