// quire behind the store's face: storage::file with txn::shadow, default page size, a cache larger
// than any data set. kv records are stored either as arrays (fixed pages) or as strings (slotted
// pages).
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include <quire/btree_map.hpp>

#include "engines/store.hpp"
#include "support/scratch.hpp"

namespace bench {
namespace {

template <class Record, class Key, class Value>
class quire_store_of final : public quire_store<Record> {
    using map = quire::btree_map<Key, Value, quire::storage::file, quire::txn::shadow>;
    using snapshot = decltype(std::declval<map&>().snapshot());

public:
    explicit quire_store_of(const std::string& path)
        : path_(path), map_(path, quire::options{.cache_bytes = std::size_t{2} << 30}) {}
    ~quire_store_of() override { ::unlink(path_.c_str()); }

    sample load(std::span<const Record> records, order of) override {
        reading_.reset();
        if (of == order::sorted) return load_sorted(records);
        sample result = timed(records.size(), [&] {
            auto transaction = map_.transaction();
            for (const Record& each : records) transaction.insert_or_assign(key(each), value(each));
            transaction.commit();
        });
        result.check = map_.size();
        return result;
    }

    sample erase(std::span<const Record> records) override {
        reading_.reset();
        sample result = timed(records.size(), [&] {
            auto transaction = map_.transaction();
            for (const Record& each : records) transaction.erase(key(each));
            transaction.commit();
        });
        result.check = map_.size();
        return result;
    }

    sample put(std::span<const Record> records) override {
        reading_.reset();
        return timed_each(records, [&](const Record& each) {
            auto transaction = map_.transaction();
            transaction.insert_or_assign(key(each), value(each));
            transaction.commit();
            return std::uint64_t{1};
        });
    }

    sample get(std::span<const Record> records) override { return get_by(reading(), records); }

    sample get_from_map(std::span<const Record> records) override { return get_by(map_, records); }

    sample find(std::span<const Record> records) override {
        const snapshot& from = reading();
        const auto end = from.end();
        return timed_each(records, [&](const Record& each) {
            const auto found = from.find(key(each));
            if (found == end) lost();
            return digest((*found).second);
        });
    }

    sample seek(std::span<const Record> records) override {
        const snapshot& from = reading();
        const auto end = from.end();
        return timed_each(records, [&](const Record& each) {
            std::uint64_t sum = 0;
            auto at = from.lower_bound(key(each));
            for (std::size_t i = 0; i < seek_entries && at != end; ++i, ++at)
                sum += digest((*at).second);
            return sum;
        });
    }

    sample scan() override {
        const snapshot& from = reading();
        return timed(from.size(), [&] {
            std::uint64_t sum = 0;
            for (const auto& [name, stored] : from) sum += digest(name) + digest(stored);
            return sum;
        });
    }

    sample scan_leaves() override {
        if constexpr (std::is_same_v<Record, u64_record>) {
            const snapshot& from = reading();
            return timed(from.size(), [&] {
                std::uint64_t sum = 0;
                from.for_each_leaf([&](std::span<const Key> keys, std::span<const Value> values) {
                    std::uint64_t of_leaf = 0; // in a register, which `sum` may not be
                    for (const Key each : keys) of_leaf += each;
                    for (const Value each : values) of_leaf += each;
                    sum += of_leaf;
                });
                return sum;
            });
        } else {
            return scan();
        }
    }

    std::uint64_t file_bytes() override {
        struct stat facts {};
        if (::stat(path_.c_str(), &facts) != 0) fail("stat " + path_);
        return static_cast<std::uint64_t>(facts.st_size);
    }

    sample copy_to(const std::string& path) override {
        return timed(map_.size(), [&] { return map_.rebuild(path).records; });
    }

private:
    // The records as pairs, as assign_sorted takes them.
    class pairs {
    public:
        explicit pairs(const Record* at) : at_(at) {}
        [[nodiscard]] auto operator*() const {
            return std::pair<decltype(key(*at_)), decltype(value(*at_))>(key(*at_), value(*at_));
        }
        pairs& operator++() {
            ++at_;
            return *this;
        }
        friend bool operator==(const pairs&, const pairs&) = default;

    private:
        const Record* at_;
    };

    [[nodiscard]] sample load_sorted(std::span<const Record> records) {
        sample result = timed(records.size(), [&] {
            map_.assign_sorted(pairs(records.data()), pairs(records.data() + records.size()));
        });
        result.check = map_.size();
        return result;
    }
    [[nodiscard]] static decltype(auto) key(const Record& of) { return as_stored<Key>(of.key); }
    [[nodiscard]] static decltype(auto) value(const Record& of) {
        return as_stored<Value>(of.value);
    }

    template <class From>
    [[nodiscard]] static sample get_by(const From& from, std::span<const Record> records) {
        return timed_each(records, [&](const Record& each) {
            const auto found = from.get(key(each));
            if (!found) lost();
            return digest(*found);
        });
    }

    [[nodiscard]] const snapshot& reading() {
        if (!reading_) reading_.emplace(map_.snapshot());
        return *reading_;
    }

    std::string path_;
    map map_;
    std::optional<snapshot> reading_;
};

} // namespace

template <>
std::unique_ptr<quire_store<u64_record>> open_quire(const std::string& path, stored_as) {
    return std::make_unique<quire_store_of<u64_record, std::uint64_t, std::uint64_t>>(path);
}

template <>
std::unique_ptr<quire_store<kv_record>> open_quire(const std::string& path, stored_as types) {
    if (types == stored_as::fixed)
        return std::make_unique<quire_store_of<kv_record, kv_key, kv_value>>(path);
    return std::make_unique<quire_store_of<kv_record, std::string, std::string>>(path);
}

} // namespace bench
