// SQLite behind the store's face, tuned fairly: a WITHOUT ROWID table, write-ahead log,
// synchronous=FULL (a commit is on the medium), prepared statements kept, everything cached, the
// file locked once for the connection (as quire locks its file).
#include "engines/store.hpp"

#if defined(QUIRE_BENCHMARK_SQLITE)
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/scratch.hpp"

namespace bench {
namespace {

class sqlite_store final : public store<kv_record> {
public:
    explicit sqlite_store(const std::string& path) : path_(path) {
        if (sqlite3_open(path.c_str(), &connection_) != SQLITE_OK) refuse();
        run("PRAGMA locking_mode=EXCLUSIVE");
        run("PRAGMA journal_mode=WAL");
        run("PRAGMA synchronous=FULL");
        run("PRAGMA cache_size=-2097152"); // KiB
        run("CREATE TABLE kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID");
        begin_ = prepare("BEGIN");
        commit_ = prepare("COMMIT");
        put_ = prepare("INSERT OR REPLACE INTO kv VALUES(?1, ?2)");
        erase_ = prepare("DELETE FROM kv WHERE key = ?1");
        get_ = prepare("SELECT value FROM kv WHERE key = ?1");
        seek_ = prepare("SELECT value FROM kv WHERE key >= ?1 ORDER BY key LIMIT ?2");
        scan_ = prepare("SELECT key, value FROM kv ORDER BY key");
        count_ = prepare("SELECT count(*) FROM kv");
    }
    ~sqlite_store() override {
        for (sqlite3_stmt* each : {begin_, commit_, put_, erase_, get_, seek_, scan_, count_})
            sqlite3_finalize(each);
        sqlite3_close(connection_);
        for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((path_ + suffix).c_str());
    }

    sample load(std::span<const kv_record> records, order) override {
        end_reading();
        sample result = timed(records.size(), [&] {
            finish(begin_);
            for (const kv_record& each : records) put_one(each);
            finish(commit_);
        });
        result.check = count();
        return result;
    }

    sample erase(std::span<const kv_record> records) override {
        end_reading();
        sample result = timed(records.size(), [&] {
            finish(begin_);
            for (const kv_record& each : records) {
                bind(erase_, 1, bytes_of(each.key));
                finish(erase_);
            }
            finish(commit_);
        });
        result.check = count();
        return result;
    }

    sample put(std::span<const kv_record> records) override {
        end_reading();
        return timed_each(records, [&](const kv_record& each) {
            put_one(each);
            return std::uint64_t{1};
        });
    }

    sample get(std::span<const kv_record> records) override {
        begin_reading();
        return timed_each(records, [&](const kv_record& each) {
            bind(get_, 1, bytes_of(each.key));
            if (sqlite3_step(get_) != SQLITE_ROW) lost();
            const std::uint64_t found = digest_of(get_, 0);
            sqlite3_reset(get_);
            return found;
        });
    }

    sample seek(std::span<const kv_record> records) override {
        begin_reading();
        sqlite3_bind_int(seek_, 2, static_cast<int>(seek_entries));
        return timed_each(records, [&](const kv_record& each) {
            bind(seek_, 1, bytes_of(each.key));
            std::uint64_t sum = 0;
            while (sqlite3_step(seek_) == SQLITE_ROW) sum += digest_of(seek_, 0);
            sqlite3_reset(seek_);
            return sum;
        });
    }

    sample scan() override {
        begin_reading();
        return timed(count(), [&] {
            std::uint64_t sum = 0;
            while (sqlite3_step(scan_) == SQLITE_ROW)
                sum += digest_of(scan_, 0) + digest_of(scan_, 1);
            sqlite3_reset(scan_);
            return sum;
        });
    }

    // Requires the log's content in the main file: a checkpoint comes first.
    std::uint64_t file_bytes() override {
        end_reading();
        run("PRAGMA wal_checkpoint(TRUNCATE)");
        struct stat facts {};
        if (::stat(path_.c_str(), &facts) != 0) fail("stat " + path_);
        return static_cast<std::uint64_t>(facts.st_size);
    }

    sample copy_to(const std::string& path) override {
        begin_reading();
        const std::uint64_t records = count();
        end_reading();
        return timed(records, [&] {
            run(("VACUUM INTO '" + path + "'").c_str());
            return records;
        });
    }

private:
    [[noreturn]] void refuse() const {
        throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(connection_));
    }

    void run(const char* statement) {
        if (sqlite3_exec(connection_, statement, nullptr, nullptr, nullptr) != SQLITE_OK) refuse();
    }

    [[nodiscard]] sqlite3_stmt* prepare(const char* text) {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v3(connection_, text, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                               nullptr) != SQLITE_OK)
            refuse();
        return statement;
    }

    static void bind(sqlite3_stmt* statement, int at, std::string_view bytes) {
        sqlite3_bind_blob(statement, at, bytes.data(), static_cast<int>(bytes.size()),
                          SQLITE_STATIC);
    }

    void finish(sqlite3_stmt* statement) {
        if (sqlite3_step(statement) != SQLITE_DONE) refuse();
        sqlite3_reset(statement);
    }

    void put_one(const kv_record& from) {
        bind(put_, 1, bytes_of(from.key));
        bind(put_, 2, bytes_of(from.value));
        finish(put_);
    }

    [[nodiscard]] static std::uint64_t digest_of(sqlite3_stmt* statement, int column) {
        return *static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, column));
    }

    [[nodiscard]] std::uint64_t count() {
        if (sqlite3_step(count_) != SQLITE_ROW) refuse();
        const sqlite3_int64 found = sqlite3_column_int64(count_, 0);
        sqlite3_reset(count_);
        return static_cast<std::uint64_t>(found);
    }

    void begin_reading() {
        if (reading_) return;
        finish(begin_);
        reading_ = true;
    }

    void end_reading() {
        if (reading_) finish(commit_);
        reading_ = false;
    }

    std::string path_;
    sqlite3* connection_ = nullptr;
    sqlite3_stmt* begin_ = nullptr;
    sqlite3_stmt* commit_ = nullptr;
    sqlite3_stmt* put_ = nullptr;
    sqlite3_stmt* erase_ = nullptr;
    sqlite3_stmt* get_ = nullptr;
    sqlite3_stmt* seek_ = nullptr;
    sqlite3_stmt* scan_ = nullptr;
    sqlite3_stmt* count_ = nullptr;
    bool reading_ = false;
};

} // namespace

std::unique_ptr<store<kv_record>> open_sqlite(const std::string& path) {
    return std::make_unique<sqlite_store>(path);
}

} // namespace bench
#else
std::unique_ptr<bench::store<bench::kv_record>> bench::open_sqlite(const std::string&) {
    return nullptr;
}
#endif
