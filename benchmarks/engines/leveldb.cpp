// LevelDB behind the store's face: its default options (write buffer 4 MiB, block cache 8 MiB), but
// without compression, since the records are random. Durable is WriteOptions::sync, relaxed is
// without. Keys are bytes in the machine's own order: no row walks them.
//
// It has no large transactions: a load is WriteBatches of 1000 records, of which the last alone
// waits for the medium (a load of up to 1000 is one durable transaction). After the time of a
// longer load the store is compacted, so that no compaction of it runs beside what comes next. It
// does not count its records: what a load gives as their number is what it was told to store.
#include "engines/store.hpp"

#if defined(QUIRE_BENCHMARK_LEVELDB)
#include <leveldb/db.h>
#include <leveldb/write_batch.h>

#include "support/scratch.hpp"

namespace bench {
namespace {

void must(const leveldb::Status& result) {
    if (!result.ok()) throw std::runtime_error("LevelDB: " + result.ToString());
}

template <class T>
[[nodiscard]] leveldb::Slice slice_of(const T& from) {
    const std::string_view bytes = bytes_of(from);
    return {bytes.data(), bytes.size()};
}

[[nodiscard]] leveldb::WriteOptions writing(bool sync) {
    leveldb::WriteOptions how;
    how.sync = sync;
    return how;
}

template <class Record>
class leveldb_store final : public log_store<Record> {
    using value = decltype(Record::value);

public:
    explicit leveldb_store(const std::string& path) : files_(path) {
        leveldb::Options how;
        how.create_if_missing = true;
        how.compression = leveldb::kNoCompression;
        leveldb::DB* opened = nullptr;
        must(leveldb::DB::Open(how, path, &opened));
        base_.reset(opened);
    }

    sample load(std::span<const Record> records, order) override {
        sample result = timed(records.size(), [&] {
            for (std::size_t at = 0; at < records.size(); at += batch_records) {
                const auto part = records.subspan(at, std::min(batch_records, records.size() - at));
                leveldb::WriteBatch batch;
                for (const Record& each : part) batch.Put(slice_of(each.key), slice_of(each.value));
                must(base_->Write(writing(at + part.size() == records.size()), &batch));
            }
        });
        if (records.size() > batch_records) base_->CompactRange(nullptr, nullptr);
        result.check = records.size();
        return result;
    }

    sample put(std::span<const Record> records) override { return put_as(writing(true), records); }

    sample put_relaxed(std::span<const Record> records) override {
        return put_as(writing(false), records);
    }

    sample get(std::span<const Record> records) override {
        std::string found;
        return timed_each(records, [&](const Record& each) {
            const leveldb::Status result = base_->Get({}, slice_of(each.key), &found);
            if (result.IsNotFound()) lost();
            must(result);
            return digest_of_bytes<value>(found.data());
        });
    }

private:
    [[nodiscard]] sample put_as(const leveldb::WriteOptions& how, std::span<const Record> records) {
        return timed_each(records, [&](const Record& each) {
            must(base_->Put(how, slice_of(each.key), slice_of(each.value)));
            return std::uint64_t{1};
        });
    }

    own_directory files_;
    std::unique_ptr<leveldb::DB> base_;
};

} // namespace

template <class Record>
std::unique_ptr<log_store<Record>> open_leveldb(const std::string& path) {
    return std::make_unique<leveldb_store<Record>>(path);
}

} // namespace bench
#else
namespace bench {
template <class Record>
std::unique_ptr<log_store<Record>> open_leveldb(const std::string&) {
    return nullptr;
}
} // namespace bench
#endif

template std::unique_ptr<bench::log_store<bench::u64_record>>
bench::open_leveldb(const std::string&);
template std::unique_ptr<bench::log_store<bench::kv_record>>
bench::open_leveldb(const std::string&);
