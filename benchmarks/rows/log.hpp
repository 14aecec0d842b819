// The rows of the program `log`, in groups that share their data, and what these groups share: the
// engines that take part in a row, the records that a row starts with and those that it puts, and
// the raw loop. `all_rows` (log.cpp) lists the names.
// Thread-safety: one thread, but for put-threads.
#pragma once

#include <fcntl.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engines/log_policy.hpp"
#include "rows/rows.hpp"

namespace bench {

// An engine in a row, with the store that it has at the moment.
template <class Store>
struct entrant {
    std::string name;
    role part;
    goal aim; // of a subject: against the reference; of another: the first subject against it
    std::function<std::unique_ptr<Store>(const std::string& path)> open;
    std::unique_ptr<Store> made{};
};

// Adds the engine with an empty store, if it was found when this was built.
template <class Store>
void enter(session& in, std::vector<entrant<Store>>& all, entrant<Store> who) {
    who.made = who.open(in.scratch.fresh("store"));
    if (who.made) all.push_back(std::move(who));
}

// quire with both kinds of pages.
template <class Store>
void enter_quire(session& in, std::vector<entrant<Store>>& all, goal aim) {
    for (const auto& [name, types] :
         {std::pair{"quire fixed", stored_as::fixed}, std::pair{"quire string", stored_as::text}})
        enter(in, all, {name, role::subject, aim, [types = types](const std::string& path) {
                            return open_quire_log<kv_record>(path, types, 0);
                        }});
}

template <class Store, class Record>
void load_all(session& in, std::vector<entrant<Store>>& all, const std::vector<Record>& records) {
    for (entrant<Store>& each : all) {
        touch_memory();
        each.made->load(records, order::random);
        in.scratch.settle();
    }
}

// Throws where an entrant does not hold what was put into it.
template <class Store, class Record>
void check_all(std::vector<entrant<Store>>& all, const std::vector<Record>& added) {
    for (entrant<Store>& each : all)
        if (each.made->get(added).check != digest_of_values(added))
            throw disagreement(each.name + " does not hold what was put");
}

// Each entrant's turn is this work on what it is; what others wrote is on the medium before.
template <class Store>
using work = std::function<sample(Store& made, std::size_t round)>;
template <class Store>
[[nodiscard]] std::vector<contestant> turns(session& in, std::vector<entrant<Store>>& all,
                                            const work<Store>& of) {
    std::vector<contestant> made;
    for (entrant<Store>& each : all)
        made.push_back({each.name, each.part, each.aim, [&in, &each, of](std::size_t round) {
                            in.scratch.settle();
                            return of(*each.made, round);
                        }});
    return made;
}

// What a durable put costs at the least: as many bytes as its log record, written behind those of
// the put before it, and flushed, in a file of zeros, so that no metadata changes. Begins anew at
// the end of the file.
class raw_loop {
public:
    explicit raw_loop(session& in) : file_(in.scratch.fresh("raw"), O_RDWR | O_CREAT | O_CLOEXEC) {
        write_zeros(file_, size);
    }

    void put() {
        if (at_ + kv_log_record_bytes > size) at_ = 0;
        write_all(file_, record_.data(), record_.size(), static_cast<off_t>(at_));
        flush(file_);
        at_ += record_.size();
    }

private:
    static constexpr std::size_t size = 64 << 20;
    descriptor file_;
    std::string record_ = std::string(kv_log_record_bytes, 'q');
    std::size_t at_ = 0;
};

void measure_durable_put(session& in); // put
void measure_put_threads(session& in); // put-threads
void measure_relaxed(session& in);     // relaxed
void measure_tail(session& in);        // tail
void measure_batches(session& in);     // batch-kv, batch-u64
void measure_load(session& in);        // load
void measure_open(session& in);        // open
void measure_open_crash(session& in);  // open-crash-u64, open-crash-kv
void measure_small(session& in);       // small

} // namespace bench
