#include "fuzz/targets.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include <quire/storage/crash_states.hpp>

namespace fuzz {
namespace {

using model = std::map<std::uint8_t, std::string>;

// A map on a disk whose power may be cut, and what it may hold after that.
template <class Txn>
class life {
public:
    life() { open(); }

    void go(script& in) {
        for (int i = 0; i < 300 && !in.empty(); ++i) step(in);
        compare();
    }

private:
    using map = map_of<std::uint8_t, std::string, Txn>;
    using transaction = decltype(std::declval<map&>().transaction());

    void step(script& in) {
        const unsigned what = in.byte();
        const std::uint8_t key = in.byte();
        switch (what % 16) {
        case 0: case 1: case 2: case 3: case 4: {
            const std::string value(in.byte() * (what < 16 ? 1U : 5U),
                                    static_cast<char>('a' + what % 16));
            begin().insert_or_assign(key, value);
            now_[key] = value;
            break;
        }
        case 5: case 6:
            if (begin().erase(key) != now_.erase(key)) fail("another number was erased");
            break;
        case 7:
            begin().clear();
            now_.clear();
            break;
        case 8: case 9: commit(quire::durability::full); break;
        case 10: commit(quire::durability::relaxed); break;
        case 11:
            open_.reset();
            now_ = states_.back();
            break;
        case 12: {
            const auto found = begin().get(key);
            const auto known = now_.find(key);
            if (found.has_value() != (known != now_.end()) || (found && *found != known->second))
                fail("another value was read");
            break;
        }
        case 13: {
            const auto point = begin().savepoint();
            const model before = now_;
            begin().insert_or_assign(key, "passing");
            begin().rollback(point);
            now_ = before;
            break;
        }
        case 14:
            commit(quire::durability::full);
            map_->checkpoint();
            break;
        default: end(key); break;
        }
    }
    transaction& begin() {
        if (!open_) open_.emplace(map_->transaction());
        return *open_;
    }
    void commit(quire::durability how) {
        begin().commit(how);
        open_.reset();
        if (how == quire::durability::full) states_.clear();
        states_.push_back(now_);
    }
    void open() {
        map_.emplace(disk_->path("map"), small);
        map_->verify();
    }
    void compare() {
        open_.reset();
        now_ = states_.back();
        if (model(map_->begin(), map_->end()) != now_) fail("the map is not what was committed");
    }
    // In order, by a kill, or by a power cut; then it is opened again.
    void end(std::uint8_t how) {
        const std::size_t changes = disk_->trace().size();
        contents left = disk_->files();
        if (how % 4 == 0) {
            compare();
            map_.reset();
            left = disk_->files();
            states_ = {now_};
        } else if (how % 4 != 1) {
            quire::storage::crash_states states(durable_);
            for (std::size_t i = 0; i < changes; ++i) states.apply(disk_->trace()[i]);
            std::mt19937_64 random(how);
            states.for_each(random, {.exhaustive = 1, .random = 2}, [&](const contents& one) {
                left = one;
                return random() % 4 != 0;
            });
        }
        open_.reset();
        map_.reset();
        disk_ = std::make_unique<simulated_disk>(left);
        durable_ = std::move(left);
        open();
        const model found(map_->begin(), map_->end());
        if (std::find(states_.begin(), states_.end(), found) == states_.end())
            fail("what was found was never committed, or what was acknowledged is missing");
        states_ = {found};
        now_ = found;
    }

    std::unique_ptr<simulated_disk> disk_ = std::make_unique<simulated_disk>();
    contents durable_; // what the disk began with
    std::optional<map> map_;
    std::optional<transaction> open_;
    model now_;                     // as the open transaction sees it
    std::vector<model> states_{{}}; // a crash leaves one of these; the last is committed
};

} // namespace

void operations(input given) {
    script in(given);
    if (in.byte() % 2 == 0) life<quire::txn::wal>().go(in);
    else life<quire::txn::shadow>().go(in);
}

} // namespace fuzz
