// Finds out whether a program's data survives crashes: runs its work on a simulated disk, and its
// invariant on every state (or so many of them) that a power cut at any moment may leave; with
// depth 2, also that a power cut leaves while the store recovers from one, or from the process
// having been killed.
//
//     using accounts = quire::btree_map<std::string, long, quire::storage::simulated>;
//     const auto report = quire::crash_check(
//         [](quire::storage::simulated_disk& disk) {           // the work
//             accounts map{disk.path("accounts")};
//             ...
//             transaction.commit();
//             disk.mark(1);                                    // this is acknowledged
//         },
//         [](quire::storage::simulated_disk& disk, std::uint64_t acknowledged) { // the invariant
//             accounts map{disk.path("accounts")};
//             return sum_of(map) == 0 && map.size() >= acknowledged;
//         });
//     assert(report.broken.empty());
//
// The recipe is that of ALICE (T. S. Pillai et al., OSDI 2014) and of CrashMonkey (J. Mohan et al.,
// OSDI 2018): every prefix of the recorded changes, and of each what the rules of
// storage/crash_states.hpp allow; states that were seen are not tried twice.
// Thread-safety: calls are independent of each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <random>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>
#include <quire/storage/crash_states.hpp>
#include <quire/storage/simulated.hpp>
#include <quire/storage/simulated_disk.hpp>

namespace quire {

struct crash_options {
    std::uint64_t seed = 1;
    // How many states of each moment are tried.
    storage::crash_states::effort states{};
    // Crashes in a row. A last one is a power cut, one before it may also be the end of the process
    // alone, which leaves what is not synced to be found, and to be lost later.
    unsigned depth = 1;
    // Of how many states (one in ...) of a crash, and of how many moments, another one is tried.
    unsigned one_in = 16;
};

struct crash_report {
    std::uint64_t moments = 0;  // of a crash
    std::uint64_t states = 0;   // on which the invariant ran
    std::uint64_t repeated = 0; // of power cuts: were as one before, and passed over
    // The first that broke the invariant, in words; empty if none did.
    std::string broken;
    // And the files that it was found in.
    storage::simulated_disk::contents left;
};

namespace detail {

template <class Invariant>
class crash_search {
public:
    crash_search(Invariant& invariant, const crash_options& how) noexcept
        : invariant_(invariant), how_(how), random_(how.seed) {}

    // Cuts the power behind each of the changes of a disk, or kills the process there.
    void go(storage::crash_states disk, const std::vector<storage::disk_change>& changes,
            std::uint64_t acknowledged, unsigned depth, const std::string& after) {
        for (std::size_t at = 0;; ++at) {
            ++report.moments;
            const std::string where =
                " behind change " + std::to_string(at) + " of " + std::to_string(changes.size());
            disk.for_each(random_, how_.states, [&](const storage::simulated_disk::contents& left) {
                cut(left, acknowledged, depth, after + "a power cut" + where);
                return report.broken.empty();
            });
            if (report.broken.empty() && is_deeper(depth))
                kill(disk, acknowledged, depth, after + "the process killed" + where);
            if (!report.broken.empty() || at == changes.size()) return;
            if (changes[at].what == storage::disk_change::kind::mark)
                acknowledged = changes[at].offset;
            disk.apply(changes[at]);
        }
    }

    crash_report report;

private:
    [[nodiscard]] bool is_deeper(unsigned depth) {
        return depth < how_.depth && random_() % how_.one_in == 0;
    }
    // What was pending still is, for what the next process does.
    void kill(const storage::crash_states& pending, std::uint64_t acknowledged, unsigned depth,
              const std::string& after) {
        const storage::simulated_disk::contents left = pending.everything();
        storage::simulated_disk disk(left, pending.numbers(), pending.numbers_taken());
        ++report.states;
        if (!holds(disk, left, acknowledged, after)) return;
        disk.record(false); // whatever a path of it is used for now
        go(pending, disk.trace(), acknowledged, depth + 1, after + ", then ");
    }
    void cut(const storage::simulated_disk::contents& left, std::uint64_t acknowledged,
             unsigned depth, const std::string& after) {
        if (!seen_.insert(digest_of(left, acknowledged, depth)).second) {
            ++report.repeated;
            return;
        }
        ++report.states;
        storage::simulated_disk disk(left);
        const bool deeper = is_deeper(depth);
        disk.record(deeper);
        if (!holds(disk, left, acknowledged, after) || !deeper) return;
        disk.record(false);
        go(storage::crash_states(left), disk.trace(), acknowledged, depth + 1, after + ", then ");
    }
    // Runs the invariant; reports what does not hold.
    [[nodiscard]] bool holds(storage::simulated_disk& disk,
                             const storage::simulated_disk::contents& left,
                             std::uint64_t acknowledged, const std::string& after) {
        std::string wrong;
        if (verdict(disk, acknowledged, wrong)) return true;
        report.broken = after + ", with " + std::to_string(acknowledged) +
                        " acknowledged (seed " + std::to_string(how_.seed) + "): " + wrong;
        report.left = left;
        return false;
    }
    [[nodiscard]] bool verdict(storage::simulated_disk& disk, std::uint64_t acknowledged,
                               std::string& wrong) {
        wrong = "the invariant does not hold";
        try {
            if constexpr (std::is_void_v<std::invoke_result_t<
                              Invariant&, storage::simulated_disk&, std::uint64_t>>) {
                invariant_(disk, acknowledged);
                return true;
            } else {
                return static_cast<bool>(invariant_(disk, acknowledged));
            }
        } catch (const std::exception& error) {
            wrong = error.what();
        } catch (...) {
            wrong = "the invariant threw something that is no std::exception";
        }
        return false;
    }
    // FNV-1a over words, in four lanes, with the lengths that separate them.
    [[nodiscard]] static std::uint64_t digest_of(const storage::simulated_disk::contents& left,
                                                 std::uint64_t acknowledged,
                                                 unsigned depth) noexcept {
        std::uint64_t digest = 0xCBF29CE484222325U;
        const auto add = [](std::uint64_t& to, std::uint64_t word) {
            to = (to ^ word) * 0x100000001B3U;
            to ^= to >> 29;
        };
        add(digest, acknowledged);
        add(digest, depth); // the last are not crashed again
        for (const auto& [name, bytes] : left) {
            for (const char c : name) add(digest, static_cast<unsigned char>(c));
            add(digest, name.size());
            std::uint64_t lanes[4] = {1, 2, 3, 4};
            std::size_t i = 0;
            for (; i + 32 <= bytes.size(); i += 32)
                for (std::size_t lane = 0; lane < 4; ++lane)
                    add(lanes[lane], load_le<std::uint64_t>(bytes.data() + i + 8 * lane));
            for (const std::uint64_t lane : lanes) add(digest, lane);
            for (; i < bytes.size(); ++i) add(digest, static_cast<std::uint64_t>(bytes[i]));
            add(digest, bytes.size());
        }
        return digest;
    }

    Invariant& invariant_;
    const crash_options& how_;
    std::mt19937_64 random_;
    std::unordered_set<std::uint64_t> seen_;
};

} // namespace detail

// Runs work(disk) once, then invariant(disk, acknowledged) on what crashes leave of it, where
// `acknowledged` is the last remark that the work, or an invariant that crashed, made before the
// crash; or 0. The invariant returns false or throws where it does not hold, and changes its disk
// as it likes. Each closes what it opens on its disk; paths of the one name nothing on another.
// Stores draw random ids when they are made, so the states of two runs differ in bytes. Throws what
// work throws.
template <class Work, class Invariant>
[[nodiscard]] crash_report crash_check(Work&& work, Invariant&& invariant,
                                       const crash_options& how = {}) {
    QUIRE_PRECONDITION(how.one_in != 0, "one state in none cannot be chosen");
    std::vector<storage::disk_change> changes;
    {
        storage::simulated_disk disk;
        std::forward<Work>(work)(disk);
        changes = disk.trace();
    }
    detail::crash_search<std::remove_reference_t<Invariant>> search(invariant, how);
    search.go(storage::crash_states(), changes, 0, 1, "");
    return std::move(search.report);
}

} // namespace quire
