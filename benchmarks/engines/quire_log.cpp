// quire behind the face of a store whose commits need not wait for the medium: storage::file with
// the policy of log_policy.hpp, default page size, a cache larger than any data set. kv records are
// stored either as arrays (fixed pages) or as strings (slotted pages).
#include "engines/log_policy.hpp"
#include "engines/store.hpp"
#include "support/scratch.hpp"

namespace bench {
namespace {

[[nodiscard]] quire::options options_of(std::uint64_t log_limit) {
    // Changes by a single call; transactions say what they want.
    const quire::options how{.cache_bytes = std::uint64_t{2} << 30,
                             .durability = quire::durability::relaxed};
    return log_limit == 0 ? how : with_log_limit(how, log_limit);
}

template <class Record, class Key, class Value>
class quire_log_store final : public log_store<Record> {
public:
    quire_log_store(const std::string& path, std::uint64_t log_limit)
        : files_(path), map_(path + "/" + store_name, options_of(log_limit)) {}

    sample load(std::span<const Record> records, order) override {
        sample result = timed(records.size(), [&] {
            auto transaction = map_.transaction();
            for (const Record& each : records) insert(transaction, each);
            transaction.commit(quire::durability::full);
        });
        result.check = map_.size();
        return result;
    }

    sample put(std::span<const Record> records) override {
        return timed_each(records, [&](const Record& each) {
            auto transaction = map_.transaction();
            insert(transaction, each);
            transaction.commit(quire::durability::full);
            return std::uint64_t{1};
        });
    }

    sample put_relaxed(std::span<const Record> records) override {
        return timed_each(records, [&](const Record& each) {
            insert(map_, each);
            return std::uint64_t{1};
        });
    }

    sample get(std::span<const Record> records) override {
        const auto snapshot = map_.snapshot();
        return timed_each(records, [&](const Record& each) {
            const auto found = snapshot.get(as_stored<Key>(each.key));
            if (!found) lost();
            return digest(*found);
        });
    }

private:
    template <class Transaction>
    static void insert(Transaction& into, const Record& each) {
        into.insert_or_assign(as_stored<Key>(each.key), as_stored<Value>(each.value));
    }

    own_directory files_;
    log_map<Key, Value> map_;
};

} // namespace

template <>
std::unique_ptr<log_store<u64_record>> open_quire_log(const std::string& path, stored_as,
                                                      std::uint64_t log_limit) {
    return std::make_unique<quire_log_store<u64_record, std::uint64_t, std::uint64_t>>(path,
                                                                                       log_limit);
}

template <>
std::unique_ptr<log_store<kv_record>> open_quire_log(const std::string& path, stored_as types,
                                                     std::uint64_t log_limit) {
    if (types == stored_as::fixed)
        return std::make_unique<quire_log_store<kv_record, kv_key, kv_value>>(path, log_limit);
    return std::make_unique<quire_log_store<kv_record, std::string, std::string>>(path, log_limit);
}

} // namespace bench
