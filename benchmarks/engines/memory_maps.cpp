// The ordered maps that live in memory: quire over storage::memory without transactions,
// absl::btree_map, std::map. The same calls on all three.
#include <malloc.h>

#include <map>
#include <optional>

#include <quire/btree_map.hpp>

#include "engines/store.hpp"

#if defined(QUIRE_BENCHMARK_ABSL)
#include <absl/container/btree_map.h>
#endif

namespace bench {
namespace {

template <class Record>
using key_of = decltype(Record::key);
template <class Record>
using value_of = decltype(Record::value);

template <class Record, class Map, class Base>
class memory_map_of : public Base {
public:
    sample insert(std::span<const Record> records) override {
        map_.reset();
        ::malloc_trim(0); // every round asks the kernel for its memory
        return timed(records.size(), [&] {
            map_.emplace();
            for (const Record& each : records) map_->insert_or_assign(each.key, each.value);
            return map_->size();
        });
    }

    sample find(std::span<const Record> records) override {
        const Map& map = *map_;
        return timed_each(records, [&](const Record& each) {
            const auto found = map.find(each.key);
            if (found == map.end()) lost();
            return digest((*found).second);
        });
    }

protected:
    std::optional<Map> map_;
};

template <class Record>
using quire_map =
    quire::btree_map<key_of<Record>, value_of<Record>, quire::storage::memory, quire::txn::none>;

template <class Record>
class quire_memory_map_of final
    : public memory_map_of<Record, quire_map<Record>, quire_memory_map<Record>> {
public:
    sample get(std::span<const Record> records) override {
        const quire_map<Record>& map = *this->map_;
        return timed_each(records, [&](const Record& each) {
            const auto found = map.get(each.key);
            if (!found) lost();
            return digest(*found);
        });
    }
};

} // namespace

template <class Record>
std::unique_ptr<quire_memory_map<Record>> make_quire() {
    return std::make_unique<quire_memory_map_of<Record>>();
}

template <class Record>
std::unique_ptr<memory_map<Record>> make_absl() {
#if defined(QUIRE_BENCHMARK_ABSL)
    using map = absl::btree_map<key_of<Record>, value_of<Record>>;
    return std::make_unique<memory_map_of<Record, map, memory_map<Record>>>();
#else
    return nullptr;
#endif
}

template <class Record>
std::unique_ptr<memory_map<Record>> make_std() {
    using map = std::map<key_of<Record>, value_of<Record>>;
    return std::make_unique<memory_map_of<Record, map, memory_map<Record>>>();
}

template std::unique_ptr<quire_memory_map<u64_record>> make_quire();
template std::unique_ptr<quire_memory_map<text_record>> make_quire();
template std::unique_ptr<memory_map<u64_record>> make_absl();
template std::unique_ptr<memory_map<text_record>> make_absl();
template std::unique_ptr<memory_map<u64_record>> make_std();
template std::unique_ptr<memory_map<text_record>> make_std();

} // namespace bench
