// WiredTiger behind the store's face: a row store with keys and values of bytes, a cache of 1 GB,
// the log on and flushed with every commit. One session and one cursor; a put is a transaction
// without begin and commit, which is its shortest way.
//
// A load is transactions of 1000 records (what is not committed cannot leave its cache) that do not
// wait for the medium, and a checkpoint behind them.
#include "engines/store.hpp"

#if defined(QUIRE_BENCHMARK_WIREDTIGER)
#include <wiredtiger.h>

#include "support/scratch.hpp"

namespace bench {
namespace {

void must(int result) {
    if (result != 0)
        throw std::runtime_error(std::string("WiredTiger: ") + wiredtiger_strerror(result));
}

template <class T>
[[nodiscard]] WT_ITEM item_of(const T& from) {
    const std::string_view bytes = bytes_of(from);
    WT_ITEM item{};
    item.data = bytes.data();
    item.size = bytes.size();
    return item;
}

class wiredtiger_store final : public commit_store<kv_record> {
public:
    explicit wiredtiger_store(const std::string& path) : files_(path) {
        must(wiredtiger_open(path.c_str(), nullptr,
                             "create,cache_size=1GB,log=(enabled=true),"
                             "transaction_sync=(enabled=true,method=fsync)",
                             &connection_));
        must(connection_->open_session(connection_, nullptr, nullptr, &session_));
        must(session_->create(session_, "table:kv", "key_format=u,value_format=u"));
        must(session_->open_cursor(session_, "table:kv", nullptr, nullptr, &cursor_));
    }
    ~wiredtiger_store() override { connection_->close(connection_, nullptr); }

    sample load(std::span<const kv_record> records, order) override {
        sample result = timed(records.size(), [&] {
            for (std::size_t at = 0; at < records.size(); at += batch_records) {
                must(session_->begin_transaction(session_, nullptr));
                for (const kv_record& each :
                     records.subspan(at, std::min(batch_records, records.size() - at)))
                    put_one(each);
                must(session_->commit_transaction(session_, "sync=off"));
            }
            must(session_->checkpoint(session_, nullptr));
        });
        result.check = records.size();
        return result;
    }

    sample put(std::span<const kv_record> records) override {
        return timed_each(records, [&](const kv_record& each) {
            put_one(each);
            return std::uint64_t{1};
        });
    }

    sample get(std::span<const kv_record> records) override {
        return timed_each(records, [&](const kv_record& each) {
            WT_ITEM name = item_of(each.key);
            cursor_->set_key(cursor_, &name);
            const int result = cursor_->search(cursor_);
            if (result == WT_NOTFOUND) lost();
            must(result);
            WT_ITEM found{};
            must(cursor_->get_value(cursor_, &found));
            return digest_of_bytes<kv_value>(found.data);
        });
    }

private:
    void put_one(const kv_record& from) {
        WT_ITEM name = item_of(from.key);
        WT_ITEM stored = item_of(from.value);
        cursor_->set_key(cursor_, &name);
        cursor_->set_value(cursor_, &stored);
        must(cursor_->insert(cursor_)); // overwrites what has the key
    }

    own_directory files_;
    WT_CONNECTION* connection_ = nullptr;
    WT_SESSION* session_ = nullptr;
    WT_CURSOR* cursor_ = nullptr;
};

} // namespace

std::unique_ptr<commit_store<kv_record>> open_wiredtiger(const std::string& path) {
    return std::make_unique<wiredtiger_store>(path);
}

} // namespace bench
#else
std::unique_ptr<bench::commit_store<bench::kv_record>> bench::open_wiredtiger(const std::string&) {
    return nullptr;
}
#endif
