// The runs of the I/O fault campaign: which calls of which workload fail on which map.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "support/fault_campaign.hpp"

#define FAULT_CAMPAIGN_MAPS                                                                        \
    fault_campaign::wal_strings, fault_campaign::written_through_strings,                          \
        fault_campaign::shadow_strings, fault_campaign::none_strings, fault_campaign::wal_numbers, \
        fault_campaign::mapped_shadow_numbers, fault_campaign::mapped_none_numbers

namespace fault_campaign {

using quire::storage::simulated;
using quire::storage::simulated_mmap;
using wal_strings = config<simulated, quire::txn::wal, std::string>;
using written_through_strings =
    config<simulated_mmap, quire::txn::basic_wal<quire::wal::write_through>, std::string>;
using shadow_strings = config<simulated, quire::txn::shadow, std::string>;
using none_strings = config<simulated, quire::txn::none, std::string>;
using wal_numbers = config<simulated, quire::txn::wal, std::uint64_t>;
using mapped_shadow_numbers = config<simulated_mmap, quire::txn::shadow, std::uint64_t>;
using mapped_none_numbers = config<simulated_mmap, quire::txn::none, std::uint64_t>;

struct tally {
    std::uint64_t runs = 0;
    std::uint64_t calls = 0; // of all workloads without faults
    int broken = 0;
    std::map<std::optional<error_code>, std::uint64_t> ends;
};

template <class Config>
void one_life(const script& work, const plan& how, std::size_t cuts, tally& done) {
    const std::string name = work.name + ", " + Config::name() + ", " + how.name();
    INFO(name); // for what ends the process
    ++done.runs;
    try {
        ++done.ends[life<Config>(work, how).check(cuts, done.runs % 19)];
    } catch (const std::exception& wrong) {
        ++done.broken;
        FAIL_CHECK(std::string(wrong.what()));
    }
}

// Each kind of call with each errno, once and for ever: at most some `each` calls of a workload,
// other ones for other errors; all for 0. A power cut is tried in one life of `cut_one_in`.
template <class Config>
tally campaign(std::uint64_t each, std::uint64_t cut_one_in) {
    constexpr int most_broken = 12;
    tally done;
    std::uint64_t turn = 0;
    for (const script& work : all_scripts(Config::fixed)) {
        if (work.versions && !Config::transactional) continue;
        for (const unsigned kind : {disk_faults::writes, disk_faults::syncs, disk_faults::resizes,
                                    disk_faults::names, disk_faults::reads}) {
            const plan counting{{.kinds = kind}, false};
            const std::uint64_t calls = life<Config>(work, counting).calls();
            done.calls += calls;
            const std::uint64_t stride = each == 0 || calls <= each ? 1 : calls / each;
            for (const int number : {EIO, ENOSPC})
                for (const bool forever : {false, true}) {
                    ++turn;
                    for (std::uint64_t at = turn * 7 % stride; at < calls; at += stride) {
                        plan how{{.kinds = kind,
                                  .after = at,
                                  .number = number,
                                  .forever = forever,
                                  .half = kind == disk_faults::writes,
                                  .sync = failed_sync::kept},
                                 forever && (at / stride) % 2 == 1};
                        if (kind == disk_faults::syncs && at % 2 == 1)
                            how.faults.sync = failed_sync::dropped;
                        const std::size_t cuts = done.runs % cut_one_in == 0 ? 2 : 0;
                        if (each != 0) how.faults.half = how.faults.half && (at + turn) % 2 == 0;
                        one_life<Config>(work, how, cuts, done);
                        if (each == 0 && kind == disk_faults::writes) { // and none of it
                            how.faults.half = false;
                            one_life<Config>(work, how, cuts, done);
                        }
                        if (done.broken >= most_broken) return done;
                    }
                }
        }
    }
    return done;
}

// Runs it, and makes sure that lives ended in every way there is.
template <class Config>
void check_campaign(std::uint64_t each, std::uint64_t cut_one_in) {
    tally done = campaign<Config>(each, cut_one_in);
    CHECK(done.ends.size() == (Config::logs ? 5U : 4U)); // only checkpoints poison quietly
    for (const auto& [how, times] : done.ends) CHECK(times >= (how ? 5U : 50U));
    MESSAGE(Config::name(), ": ", done.runs, " lives, ", done.calls, " calls; ended quietly ",
            done.ends[std::nullopt], ", io_error ", done.ends[error_code::io_error],
            ", storage_full ", done.ends[error_code::storage_full], ", outcome_unknown ",
            done.ends[error_code::outcome_unknown], ", poisoned ", done.ends[error_code::poisoned]);
    CHECK(done.runs > 500);
}

} // namespace fault_campaign
