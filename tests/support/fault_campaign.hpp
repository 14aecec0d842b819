// An I/O fault campaign: twenty workloads, each of them run again and again while one call of the
// disk fails, or all calls from that one on. What is thrown, what the open map shows, whether it
// goes on, and what closing or a power cut leaves is compared with the model (fault_work.hpp).
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <map>
#include <optional>
#include <random>
#include <string>

#include <quire/btree_map.hpp>
#include <quire/inspect/check.hpp>
#include <quire/storage/crash_states.hpp>
#include <quire/storage/simulated.hpp>

#include "support/fault_work.hpp"

namespace fault_campaign {

using quire::error_code;
using quire::storage::disk_faults;
using quire::storage::failed_sync;

// Which call fails, and how.
struct plan {
    disk_faults faults;
    bool heals = false; // before the map is closed

    [[nodiscard]] std::string name() const {
        static const std::map<unsigned, std::string> kinds{{disk_faults::writes, "write"},
                                                           {disk_faults::syncs, "sync"},
                                                           {disk_faults::resizes, "resize"},
                                                           {disk_faults::names, "name"},
                                                           {disk_faults::reads, "read"}};
        return kinds.at(faults.kinds) + " " + std::to_string(faults.after) +
               (faults.number == EIO ? " EIO" : " ENOSPC") + (faults.half ? ", half" : "") +
               (faults.sync == failed_sync::dropped ? ", dropped" : "") +
               (faults.forever ? ", for ever" : ", once") + (heals ? ", over at last" : "");
    }
};

template <class Config>
class life : worker<Config> {
    using base = worker<Config>;
    using typename base::doing;
    using typename base::map_type;
    using typename base::model;
    using base::allowed_;
    using base::change_;
    using base::change;
    using base::changed;
    using base::content;
    using base::disk_;
    using base::gives_iterator;
    using base::held_;
    using base::look;
    using base::map_;
    using base::next_;
    using base::now_;
    using base::now_doing_;
    using base::path_;
    using base::read_only_;
    using base::run;
    using base::shown;
    using base::tx_;
    using base::walker_;
    using base::work_;

public:
    life(const script& work, const plan& how) : base(work), plan_(how) {
        disk_.set_faults(plan_.faults);
    }
    // Without faults: how many calls of the kind there are.
    [[nodiscard]] std::uint64_t calls() {
        run();
        return disk_.calls();
    }
    // How a life ended: without an exception of the work, or with this one.
    // `cuts`: how many states of a power cut are tried, from the one of that number on.
    std::optional<error_code> check(std::size_t cuts, std::size_t first_cut) {
        std::optional<error_code> failed;
        try {
            run();
        } catch (const closed_badly&) {
        } catch (const quire::error& e) {
            require(disk_.failures() != 0, std::string("nothing failed, but: ") + e.what());
            judge(e);
            failed = e.code();
            expect_after(e.code());
        } catch (const std::exception& e) {
            throw violation(std::string("threw something else: ") + e.what());
        }
        require(disk_.failures() != 0, "the call was not reached");
        if (map_) look_behind(*failed);
        power_cuts(cuts, first_cut);
        if (map_) close_behind(*failed);
        disk_.set_faults({});
        check_left(disk_, "after closing: ");
        return failed;
    }

private:
    // ---- what must be true behind the failure ----

    [[nodiscard]] bool reads_fail() const { return plan_.faults.kinds == disk_faults::reads; }

    // Without transactions these keep what they have done when they fail.
    [[nodiscard]] bool keeps_part() const {
        const act what = change_.what;
        return what == act::insert_range || what == act::erase_range || what == act::erase_some;
    }
    // Whether `found` has what both have, and nothing that neither has.
    [[nodiscard]] static bool is_between(const model& found, const model& a, const model& b) {
        const auto has = [](const model& in, const auto& record) {
            const auto at = in.find(record.first);
            return at != in.end() && at->second == record.second;
        };
        for (const auto& record : found)
            if (!has(a, record) && !has(b, record)) return false;
        for (const auto& record : a)
            if (has(b, record) && !has(found, record)) return false;
        return true;
    }
    // Of the right type, with the path and the errno.
    void judge(const quire::error& e) const {
        const std::string what = e.what();
        require(e.path() == path_ && what.find(path_) != std::string::npos,
                "an error without the path: " + what);
        switch (e.code()) {
        case error_code::io_error:
        case error_code::outcome_unknown: {
            const auto* const io = dynamic_cast<const quire::io_error*>(&e);
            require(io != nullptr && io->number() == plan_.faults.number &&
                        what.find(std::strerror(plan_.faults.number)) != std::string::npos,
                    "an error without its errno: " + what);
            break;
        }
        case error_code::storage_full:
            require(plan_.faults.number == ENOSPC, "storage_full without ENOSPC: " + what);
            break;
        case error_code::poisoned: // by a failure that was not worth an exception
            require(!reads_fail(), "poisoned by a read: " + what);
            break;
        default: throw violation("an error of another type: " + what);
        }
    }
    // What the failure adds to the states that may come back.
    void expect_after(error_code code) {
        if (code != error_code::outcome_unknown) return;
        if (now_doing_ == doing::single) allowed_.push_back(changed(now_));
        else if (now_doing_ == doing::commit) allowed_.push_back(next_);
        else if (now_doing_ == doing::flush) allowed_.push_back(now_);
        else throw violation("outcome_unknown though nothing was committed");
    }
    // Runs read(), again without faults if it fails as a read may.
    template <class Read>
    void reading(Read&& read) {
        try {
            return read();
        } catch (const quire::io_error& e) {
            require(reads_fail() && plan_.faults.forever, std::string("reading: ") + e.what());
            judge(e);
        }
        disk_.set_faults({});
        read();
    }
    // Pages of a transaction that a full disk does not take may fill the cache, and then there is
    // no room to read it.
    template <class Read>
    void reading_if_frames(Read&& read) {
        try {
            reading(read);
        } catch (const quire::cache_exhausted&) {
            require(plan_.faults.forever && plan_.faults.number == ENOSPC,
                    "cache_exhausted though the disk is not full");
        }
    }
    // The state before the failed call, whole; and what is held.
    void look_behind(error_code code) {
        const auto faults = plan_.faults;
        if constexpr (Config::transactional) {
            if (tx_ && tx_->active())
                reading_if_frames([&] {
                    const model found = content(*tx_);
                    require(found == next_ || (reads_fail() && gives_iterator() &&
                                               found == changed(next_)),
                            "the transaction shows another state");
                    next_ = found;
                });
            if (tx_ && tx_->active() && !faults.forever && now_doing_ == doing::inside)
                go_on_in_transaction(code);
            tx_.reset();
        }
        bool is_done = false;
        reading([&] {
            const model found = content(*map_);
            is_done = found != now_ && reads_fail() && now_doing_ == doing::single &&
                      gives_iterator() && found == changed(now_);
            if (!Config::transactional && now_doing_ == doing::single && keeps_part() &&
                is_between(found, now_, changed(now_)))
                now_ = found;
            require(found == now_ || is_done, "the map shows another state after the failure");
            require(map_->size() == found.size(), "size() is of another state");
        });
        if (is_done) {
            now_ = changed(now_);
            shown(durability::full);
        }
        if constexpr (Config::transactional) {
            reading([&] { base::look_at_held(); });
            if (walker_) reading([&] { base::walk(); });
        }
    }
    void go_on_in_transaction(error_code code) {
        if constexpr (Config::transactional) {
            try {
                tx_->commit();
                now_ = next_;
                shown(durability::full);
            } catch (const quire::poisoned&) {
                require(code != error_code::storage_full && !reads_fail(),
                        "poisoned though a full disk or a read failed");
            }
        }
    }
    // A write that fails poisons unless the disk is full, a sync always; under a log both may have
    // been of a segment that was not needed yet.
    [[nodiscard]] bool must_poison(error_code code) const {
        if (code != error_code::io_error || Config::logs || read_only_)
            return code == error_code::outcome_unknown || code == error_code::poisoned;
        return plan_.faults.kinds == disk_faults::syncs ||
               (plan_.faults.kinds == disk_faults::writes && plan_.faults.number == EIO);
    }
    void put_more() { change({act::put, 9000, 0, 40}); }
    // Tries changes; closes the map.
    void close_behind(error_code code) {
        held_.clear();
        walker_.reset();
        if (plan_.faults.forever && !plan_.heals) {
            disk_.set_faults(still_failing());
            try {
                put_more();
                require(!must_poison(code), "a poisoned map was changed");
            } catch (const quire::error& e) {
                if (!read_only_) judge(e);
                expect_after(e.code());
                reading([&] {
                    const model found = content(*map_);
                    if (reads_fail() && found == changed(now_)) {
                        now_ = found;
                        shown(durability::full);
                    }
                    require(found == now_, "a change that failed is seen");
                });
            }
            map_.reset();
            if (!Config::transactional) allowed_.push_back(now_);
            return;
        }
        const std::size_t written = disk_.trace().size();
        disk_.set_faults({.kinds = disk_faults::changes}); // which are counted
        try {
            put_more();
        } catch (const quire::poisoned& e) {
            require(code != error_code::storage_full && !reads_fail(),
                    std::string("poisoned though a full disk or a read failed: ") + e.what());
            refuses_changes();
            map_->verify();
            require(content(*map_) == now_, "a poisoned map does not go on being read");
            map_.reset();
            require(disk_.calls() == 0 && disk_.trace().size() == written,
                    "something was written after the store was poisoned");
            return;
        } catch (const quire::read_only&) {
            require(read_only_, "a store that was not opened read-only is");
            map_->verify();
            return map_.reset();
        } catch (const quire::error& e) {
            throw violation(std::string("a change when the fault is over: ") + e.what());
        }
        require(!must_poison(code), "a map that should be poisoned was changed");
        map_->verify();
        look();
        map_.reset();
        allowed_ = {now_};
    }
    [[nodiscard]] disk_faults still_failing() const {
        disk_faults now = plan_.faults;
        now.after = 0;
        return now;
    }
    template <class Call>
    void refused(const char* name, Call&& call) const {
        try {
            call();
        } catch (const quire::poisoned& e) {
            return require(e.path() == path_, "poisoned names another path");
        }
        throw violation(std::string("a poisoned map does not refuse ") + name);
    }
    void refuses_changes() {
        using record = typename Config::record;
        refused("flush", [&] { map_->flush(); });
        refused("checkpoint", [&] { map_->checkpoint(); });
        refused("erase", [&] { map_->erase(key_of<record>(1)); });
        refused("clear", [&] { map_->clear(); });
        if constexpr (Config::transactional)
            refused("transactions", [&] { static_cast<void>(map_->transaction()); });
    }

    // ---- what is found when the store is opened again ----

    void power_cuts(std::size_t cuts, std::size_t first) const {
        if (cuts == 0) return;
        quire::storage::crash_states states({}, first + 1);
        for (const auto& each : disk_.trace()) states.apply(each);
        std::mt19937_64 random(first);
        std::size_t n = 0;
        std::size_t tried = 0;
        states.for_each(random, {.exhaustive = 0, .random = 4}, [&](const auto& left) {
            if (n++ != 0 && n <= first) return true; // the first has nothing that was pending
            simulated_disk other(left);
            other.record(false);
            check_left(other, "after a power cut: ");
            return ++tried < cuts;
        });
    }
    void check_left(simulated_disk& disk, const std::string& when) const {
        try {
            left(disk);
        } catch (const std::exception& e) {
            throw violation(when + e.what());
        }
    }
    void left(simulated_disk& disk) const {
        using record = typename Config::record;
        model now;
        {
            map_type map{disk.path("m"), work_.how};
            now = content(map);
            require(std::find(allowed_.begin(), allowed_.end(), now) != allowed_.end(),
                    "a state that was never acknowledged, or one too old");
            map.verify();
            for (int n = 0; n < 5; ++n) {
                const step put{act::put, 8000 + n, 0, static_cast<std::size_t>(60 * n)};
                const step erase{act::erase_at, n * n, 0, 0};
                for (const step& s : {put, erase}) apply<record>(now, s);
                if constexpr (Config::transactional) {
                    auto tx = map.transaction();
                    for (const step& s : {put, erase}) apply<record>(tx, s);
                    tx.commit();
                } else {
                    for (const step& s : {put, erase}) apply<record>(map, s);
                    map.flush();
                }
            }
        }
        for (const auto& [name, bytes] : disk.files())
            require(name == "m" || name.find(".new-") != std::string::npos,
                    "a file is left behind: " + name);
        {
            quire::storage::simulated device;
            require(device.open(disk.path("m"), quire::storage::access::read_only).ok(),
                    "the store is not there");
            const auto report = quire::inspect::check(device);
            require(report.ok(), "the file is not healthy: " + text_of(report));
        }
        map_type map{disk.path("m"), work_.how};
        require(content(map) == now, "five transactions more are not all there");
        map.verify();
    }

    plan plan_;
};

} // namespace fault_campaign
