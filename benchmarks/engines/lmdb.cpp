// LMDB behind the store's face: default (fully durable) flags, a map larger than any data set,
// one read transaction for all reads between two writes. Integer keys are MDB_INTEGERKEY, which
// looks up faster than big-endian bytes; ascending loads use MDB_APPEND, its documented way.
#include "engines/store.hpp"

#if defined(QUIRE_BENCHMARK_LMDB)
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/scratch.hpp"

namespace bench {
namespace {

void must(int result) {
    if (result != MDB_SUCCESS)
        throw std::runtime_error(std::string("LMDB: ") + mdb_strerror(result));
}

template <class T>
[[nodiscard]] MDB_val value_of(const T& from) {
    const std::string_view bytes = bytes_of(from);
    return {bytes.size(), const_cast<char*>(bytes.data())};
}

template <class T>
[[nodiscard]] std::uint64_t digest_of(const MDB_val& from) {
    return digest_of_bytes<T>(from.mv_data);
}

template <class Record>
class lmdb_store final : public store<Record> {
    using key = decltype(Record::key);
    using value = decltype(Record::value);

public:
    explicit lmdb_store(const std::string& path) : path_(path) {
        must(mdb_env_create(&environment_));
        must(mdb_env_set_mapsize(environment_, std::size_t{64} << 30));
        must(mdb_env_open(environment_, path.c_str(), MDB_NOSUBDIR | MDB_NOTLS, 0644));
        MDB_txn* transaction = begin(0);
        constexpr bool integer = std::is_same_v<key, std::uint64_t>;
        must(mdb_dbi_open(transaction, nullptr, integer ? MDB_INTEGERKEY : 0, &table_));
        must(mdb_txn_commit(transaction));
    }
    ~lmdb_store() override {
        end_reading();
        mdb_env_close(environment_);
        ::unlink(path_.c_str());
        ::unlink((path_ + "-lock").c_str());
    }

    sample load(std::span<const Record> records, order of) override {
        end_reading();
        const unsigned flags = of == order::random ? 0 : MDB_APPEND;
        sample result = timed(records.size(), [&] {
            MDB_txn* transaction = begin(0);
            for (const Record& each : records) store_record(transaction, each, flags);
            must(mdb_txn_commit(transaction));
        });
        result.check = count();
        return result;
    }

    sample erase(std::span<const Record> records) override {
        end_reading();
        sample result = timed(records.size(), [&] {
            MDB_txn* transaction = begin(0);
            for (const Record& each : records) {
                MDB_val name = value_of(each.key);
                must(mdb_del(transaction, table_, &name, nullptr));
            }
            must(mdb_txn_commit(transaction));
        });
        result.check = count();
        return result;
    }

    sample put(std::span<const Record> records) override {
        end_reading();
        return timed_each(records, [&](const Record& each) {
            MDB_txn* transaction = begin(0);
            store_record(transaction, each, 0);
            must(mdb_txn_commit(transaction));
            return std::uint64_t{1};
        });
    }

    sample get(std::span<const Record> records) override {
        MDB_txn* transaction = reading();
        return timed_each(records, [&](const Record& each) {
            MDB_val name = value_of(each.key);
            MDB_val found;
            if (mdb_get(transaction, table_, &name, &found) != MDB_SUCCESS) lost();
            return digest_of<value>(found);
        });
    }

    sample seek(std::span<const Record> records) override {
        MDB_cursor* cursor = open_cursor();
        const sample result = timed_each(records, [&](const Record& each) {
            MDB_val name = value_of(each.key);
            MDB_val found;
            std::uint64_t sum = 0;
            MDB_cursor_op step = MDB_SET_RANGE;
            for (std::size_t i = 0; i < seek_entries; ++i, step = MDB_NEXT) {
                if (mdb_cursor_get(cursor, &name, &found, step) != MDB_SUCCESS) break;
                sum += digest_of<value>(found);
            }
            return sum;
        });
        mdb_cursor_close(cursor);
        return result;
    }

    sample scan() override {
        const std::uint64_t entries = count();
        MDB_cursor* cursor = open_cursor();
        const sample result = timed(entries, [&] {
            MDB_val name;
            MDB_val found;
            std::uint64_t sum = 0;
            MDB_cursor_op step = MDB_FIRST;
            for (; mdb_cursor_get(cursor, &name, &found, step) == MDB_SUCCESS; step = MDB_NEXT)
                sum += digest_of<key>(name) + digest_of<value>(found);
            return sum;
        });
        mdb_cursor_close(cursor);
        return result;
    }

    std::uint64_t file_bytes() override {
        struct stat facts {};
        if (::stat(path_.c_str(), &facts) != 0) fail("stat " + path_);
        return static_cast<std::uint64_t>(facts.st_size);
    }

    sample copy_to(const std::string& path) override {
        const std::uint64_t records = count();
        return timed(records, [&] {
            must(mdb_env_copy2(environment_, path.c_str(), MDB_CP_COMPACT));
            return records;
        });
    }

private:
    [[nodiscard]] MDB_txn* begin(unsigned flags) {
        MDB_txn* transaction = nullptr;
        must(mdb_txn_begin(environment_, nullptr, flags, &transaction));
        return transaction;
    }

    void store_record(MDB_txn* transaction, const Record& from, unsigned flags) {
        MDB_val name = value_of(from.key);
        MDB_val stored = value_of(from.value);
        must(mdb_put(transaction, table_, &name, &stored, flags));
    }

    [[nodiscard]] MDB_txn* reading() {
        if (reading_ == nullptr) reading_ = begin(MDB_RDONLY);
        return reading_;
    }

    void end_reading() {
        if (reading_ != nullptr) mdb_txn_abort(reading_);
        reading_ = nullptr;
    }

    [[nodiscard]] MDB_cursor* open_cursor() {
        MDB_cursor* cursor = nullptr;
        must(mdb_cursor_open(reading(), table_, &cursor));
        return cursor;
    }

    [[nodiscard]] std::uint64_t count() {
        MDB_stat facts;
        must(mdb_stat(reading(), table_, &facts));
        return facts.ms_entries;
    }

    std::string path_;
    MDB_env* environment_ = nullptr;
    MDB_dbi table_ = 0;
    MDB_txn* reading_ = nullptr;
};

} // namespace

template <class Record>
std::unique_ptr<store<Record>> open_lmdb(const std::string& path) {
    return std::make_unique<lmdb_store<Record>>(path);
}

} // namespace bench
#else
namespace bench {
template <class Record>
std::unique_ptr<store<Record>> open_lmdb(const std::string&) {
    return nullptr;
}
} // namespace bench
#endif

template std::unique_ptr<bench::store<bench::u64_record>> bench::open_lmdb(const std::string&);
template std::unique_ptr<bench::store<bench::kv_record>> bench::open_lmdb(const std::string&);
