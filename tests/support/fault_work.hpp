// The work of the I/O fault campaign: a script's steps done to a map on a simulated disk, and to a
// model beside it. The model is a std::map, and the list of states that the store may come back
// with: the last one acknowledged as durable, then those that were committed with less, in order,
// then perhaps the one in flight.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>
#include <quire/storage/simulated.hpp>

#include "support/fault_scripts.hpp"

namespace fault_campaign {

using quire::durability;
using quire::storage::simulated_disk;

// What must hold does not.
struct violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};
inline void require(bool holds, const std::string& sentence) {
    if (!holds) throw violation(sentence);
}

// A record of number n.
template <class T>
[[nodiscard]] T made(int n, std::size_t size) {
    if constexpr (std::is_same_v<T, std::string>)
        return std::string(size, static_cast<char>('a' + n % 26));
    else return static_cast<T>(n) * 100'000 + size;
}
template <class T>
[[nodiscard]] T key_of(int n) {
    if constexpr (std::is_same_v<T, std::string>) return "key " + std::to_string(n);
    else return static_cast<T>(n);
}

template <class Storage, class Txn, class Record>
struct config {
    using map = quire::btree_map<Record, Record, Storage, Txn, quire::page_size<512>>;
    using record = Record;
    using model = std::map<Record, Record>;
    static constexpr bool fixed = !std::is_same_v<Record, std::string>;
    static constexpr bool transactional = Txn::transactional;
    static constexpr bool logs = Txn::logs;
    [[nodiscard]] static std::string name() {
        return std::string(Txn::name) + " on " + std::string(Storage::name) +
               (fixed ? ", numbers" : ", strings");
    }
};

// Does the step to a map, a transaction or a model.
template <class Record, class Face>
void apply(Face& to, const step& s) {
    const auto value = [&](int n) { return made<Record>(n, s.size); };
    const Record key = key_of<Record>(s.from);
    switch (s.what) {
    case act::put: to.insert_or_assign(key, value(s.from)); break;
    case act::insert: to.insert({key, value(s.from)}); break;
    case act::emplace: to.try_emplace(key, value(s.from)); break;
    case act::erase: to.erase(key); break;
    case act::extract: static_cast<void>(to.extract(key)); break;
    case act::clear: to.clear(); break;
    case act::erase_at:
        if (const auto at = to.find(key); at != to.end()) to.erase(at);
        break;
    case act::erase_range: {
        const Record other = key_of<Record>(s.to);
        to.erase(to.lower_bound(std::min(key, other)), to.lower_bound(std::max(key, other)));
        break;
    }
    case act::insert_range: {
        std::map<Record, Record> more;
        for (int n = s.from; n < s.to; ++n) more.emplace(key_of<Record>(n), value(n));
        to.insert(more.begin(), more.end());
        break;
    }
    case act::erase_some: {
        const auto chosen = [&](const auto& record) {
            if constexpr (std::is_same_v<Record, std::string>)
                return record.first.size() % 2 == 0 && record.first.back() % 3 == 0;
            else return record.first % 3 == 0;
        };
        if constexpr (std::is_same_v<Face, std::map<Record, Record>>) std::erase_if(to, chosen);
        else to.erase_if(chosen);
        break;
    }
    default: // update
        if constexpr (std::is_same_v<Face, std::map<Record, Record>>) {
            if (const auto at = to.find(key); at != to.end()) at->second = value(s.from + 1);
        } else {
            to.update(key, [&](Record& stored) { stored = value(s.from + 1); });
        }
    }
}

// The map was closed while calls failed, which says nothing: the store is as after a crash.
struct closed_badly {};

template <class Config>
class worker {
public:
    using map_type = typename Config::map;
    using model = typename Config::model;

    explicit worker(const script& work) : work_(work), path_(disk_.path("m")) {}

protected:
    using tx_type = typename map_type::transaction_type;
    using snapshot_type = typename map_type::snapshot_type;
    enum class doing : std::uint8_t { opening, reading, single, inside, commit, flush, close };

    template <class Face>
    [[nodiscard]] static model content(const Face& face) {
        return model(face.begin(), face.end());
    }

    // ---- the work ----

    void run() {
        open(false);
        for (const step& s : work_.steps) take(s);
        close();
    }
    void open(bool read_only) {
        now_doing_ = doing::opening;
        quire::options how = work_.how;
        how.read_only = read_only_ = read_only;
        how.create = !read_only;
        map_.emplace(path_, how);
        look();
    }
    void close() {
        now_doing_ = doing::close;
        held_.clear();
        walker_.reset();
        map_.reset();
        if (disk_.failures() != 0) {
            if (!Config::transactional) allowed_.push_back(now_);
            throw closed_badly{};
        }
        allowed_ = {now_};
    }
    void look() {
        now_doing_ = doing::reading;
        require(content(*map_) == now_, "the map shows another state while nothing fails");
    }
    void take(const step& s) {
        if constexpr (Config::transactional)
            if (take_versioned(s)) return;
        switch (s.what) {
        case act::look: return look();
        case act::flush: return flush([&] { map_->flush(); });
        case act::checkpoint: return flush([&] { map_->checkpoint(); });
        case act::reopen:
            close();
            return open(false);
        case act::read_only: return read_alone();
        case act::commit: return flush([&] { map_->flush(); }); // there are no transactions
        case act::begin:
        case act::relaxed:
        case act::unsafe:
        case act::wait: return;
        default: change(s);
        }
    }
    void read_alone() {
        close();
        open(true);
        try {
            map_->insert_or_assign(key_of<typename Config::record>(1),
                                   made<typename Config::record>(1, 1));
            throw violation("a store that is only read was changed");
        } catch (const quire::read_only& e) {
            require(e.path() == path_, "read_only names another path");
        }
        look();
        close();
        open(false);
    }
    void change(const step& s) {
        using record = typename Config::record;
        change_ = s;
        if constexpr (Config::transactional) {
            if (tx_) {
                now_doing_ = doing::inside;
                apply<record>(*tx_, s);
                return apply<record>(next_, s);
            }
        }
        now_doing_ = doing::single;
        apply<record>(*map_, s);
        apply<record>(now_, s);
        shown(durability::full);
    }
    // What the last change makes of a state.
    [[nodiscard]] model changed(model from) const {
        apply<typename Config::record>(from, change_);
        return from;
    }
    [[nodiscard]] bool gives_iterator() const {
        const act what = change_.what;
        return what == act::put || what == act::insert || what == act::emplace ||
               what == act::erase_at || what == act::erase_range;
    }
    // The map shows now_, committed with that durability.
    void shown(durability how) {
        if (!Config::transactional) return; // durable with the next flush
        if (how == durability::full || (!Config::logs && how == durability::relaxed))
            allowed_.clear();
        allowed_.push_back(now_);
    }
    template <class Flush>
    void flush(Flush&& how) {
        now_doing_ = doing::flush;
        how();
        allowed_ = {now_};
    }
    // Steps of which maps without transactions know nothing.
    bool take_versioned(const step& s) {
        switch (s.what) {
        case act::begin:
            now_doing_ = doing::inside;
            next_ = now_;
            tx_.emplace(map_->transaction());
            return true;
        case act::commit: return commit(durability::full);
        case act::relaxed: return commit(durability::relaxed);
        case act::unsafe: return commit(durability::none);
        case act::rollback: tx_.reset(); return true;
        case act::savepoint:
            now_doing_ = doing::inside;
            point_.emplace(tx_->savepoint());
            at_point_ = next_;
            return true;
        case act::back:
            tx_->rollback(*point_);
            next_ = at_point_;
            require(content(*tx_) == next_, "the transaction did not go back to its savepoint");
            return true;
        case act::snapshot: held_.push_back({map_->snapshot(), now_}); return true;
        case act::let_go:
            look_at_held();
            held_.clear();
            walker_.reset();
            return true;
        case act::walk: walk(); return true;
        case act::wait:
            flush([&] { map_->wait_durable(map_->snapshot().version()); });
            return true;
        default: return false;
        }
    }
    bool commit(durability how) {
        now_doing_ = doing::commit;
        tx_->commit(how);
        tx_.reset();
        now_ = next_;
        shown(how);
        return true;
    }
    void look_at_held() {
        now_doing_ = doing::reading;
        for (const auto& [snapshot, then] : held_)
            require(content(snapshot) == then, "a snapshot shows another state");
    }
    // A few steps of an iterator that is held over changes.
    void walk() {
        now_doing_ = doing::reading;
        if (!walker_) {
            walked_ = now_;
            walker_.emplace(map_->begin());
        }
        for (int n = 0; n < 7 && *walker_ != map_->end(); ++n) {
            require(!walked_.empty() && (**walker_).first == walked_.begin()->first &&
                        (**walker_).second == walked_.begin()->second,
                    "an iterator shows another version");
            ++*walker_; // has not moved if it fails
            walked_.erase(walked_.begin());
        }
    }

    using maybe_tx = std::conditional_t<Config::transactional, tx_type, int>;
    using maybe_snapshot = std::conditional_t<Config::transactional, snapshot_type, int>;
    using maybe_walker =
        std::conditional_t<Config::transactional, typename map_type::const_iterator, int>;
    template <class Tx>
    struct point_of {
        using type = int;
    };
    template <class Tx>
        requires requires { typename Tx::savepoint_type; }
    struct point_of<Tx> {
        using type = typename Tx::savepoint_type;
    };

    const script& work_;
    simulated_disk disk_;
    std::string path_;
    std::optional<map_type> map_;
    std::vector<std::pair<maybe_snapshot, model>> held_;
    std::optional<maybe_walker> walker_;
    std::optional<maybe_tx> tx_;
    std::optional<typename point_of<maybe_tx>::type> point_;
    model now_;                       // what the map shows
    model next_;                      // what the transaction shows
    model at_point_;                  // and will if it goes back
    model walked_;                    // what the iterator has yet to show
    std::vector<model> allowed_{{}};  // what the store may come back with
    step change_;                     // the last one
    doing now_doing_ = doing::opening;
    bool read_only_ = false;
};

} // namespace fault_campaign
