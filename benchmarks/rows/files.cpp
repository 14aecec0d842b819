// What a store costs before and after its work: the time to open it after a clean close and after a
// crash with 64 MiB of log, each with a million records, and the bytes of a small store. They are
// held to limits, not to peers: the reference of such a row is the limit or a unit. The kernel has
// the files in its cache.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "rows/log.hpp"

namespace bench {
namespace {

constexpr std::size_t open_records = 1'000'000;
constexpr std::uint64_t crash_log_bytes = std::uint64_t{64} << 20;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

[[nodiscard]] turn always(double amount, std::uint64_t check = 0) {
    return [=](std::size_t) { return sample{amount, check}; };
}

template <class Record>
using log_map_of = log_map<decltype(Record::key), decltype(Record::value)>;

// A cache and a log larger than any data here: no checkpoint before the crash.
[[nodiscard]] quire::options roomy() {
    return with_log_limit({.cache_bytes = std::uint64_t{2} << 30}, 4 * crash_log_bytes);
}

template <class Map, class Record>
void put(Map& map, const Record& each, quire::durability wanted) {
    auto transaction = map.transaction();
    transaction.insert_or_assign(each.key, each.value);
    transaction.commit(wanted);
}

template <class Record>
void load_and_close(const std::string& directory, const std::vector<Record>& records) {
    log_map_of<Record> map(directory + "/" + store_name, roomy());
    auto transaction = map.transaction();
    for (const Record& each : records) transaction.insert_or_assign(each.key, each.value);
    transaction.commit(quire::durability::full);
}

// A number that a child process shares with this one.
class shared_number {
public:
    shared_number() {
        void* const mapped = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) fail("share memory");
        number_ = static_cast<std::uint64_t*>(mapped);
    }
    shared_number(const shared_number&) = delete;
    shared_number& operator=(const shared_number&) = delete;
    ~shared_number() { ::munmap(number_, sizeof(std::uint64_t)); }

    [[nodiscard]] std::uint64_t& operator*() const { return *number_; }

private:
    std::uint64_t* number_;
};

// Opens the store, puts the records one by one without waiting for the medium until so much log
// lies beside the store, and ends without closing it. A policy that keeps no log, of which nothing
// lies there after ten thousand, ends then. Gives the number of puts.
template <class Record>
[[nodiscard]] std::uint64_t crash(const std::string& directory, const std::vector<Record>& records,
                                  std::uint64_t log_bytes) {
    const shared_number puts;
    const pid_t child = ::fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        try {
            log_map_of<Record> map(directory + "/" + store_name, roomy());
            for (const Record& each : records) {
                put(map, each, quire::durability::relaxed);
                if (++*puts % 1000 != 0) continue;
                const std::uint64_t lies = bytes_in(directory, store_name);
                if (lies >= log_bytes || (lies == 0 && *puts >= 10'000)) break;
            }
            ::_exit(0);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "the process that crashes: %s\n", error.what());
        }
        ::_exit(1);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child) fail("wait for the process that crashes");
    if (status != 0) throw std::runtime_error("the process that crashes failed before");
    return *puts;
}

// Of the puts before a crash the first ones are there, and no others: how many? A process that ends
// loses what it had not handed over, which is little.
template <class Map, class Record>
[[nodiscard]] std::uint64_t survivors(const Map& map, std::size_t loaded, std::uint64_t puts,
                                      const std::vector<Record>& records) {
    const std::uint64_t found = map.size() - loaded;
    if (found > puts || found < puts - puts / 10)
        throw disagreement(std::to_string(puts) + " commits before a crash, " +
                           std::to_string(found) + " behind it");
    for (std::uint64_t i = 0; i < found; ++i) {
        const auto value = map.get(records[i].key);
        if (!value || *value != records[i].value)
            throw disagreement("a commit before a crash is lost while a later one is there");
    }
    return found;
}

template <class Record>
void measure_open_crash_of(session& in, const std::string& kind, goal of_replay,
                           std::vector<Record> (*make)(std::size_t)) {
    const std::string name = "open-crash-" + kind;
    if (!in.wanted(name)) return;
    const std::size_t loaded = in.scaled(open_records);
    const std::uint64_t log_bytes = in.scaled(crash_log_bytes);
    // A record takes no less log than its bytes.
    const std::size_t most = log_bytes / (sizeof(Record::key) + sizeof(Record::value));
    const auto data = parts_of(make(loaded + most), loaded);

    const own_directory crashed(in.scratch.fresh("crashed"));
    load_and_close(crashed.path(), data.loaded);
    const std::uint64_t puts = crash(crashed.path(), data.added, log_bytes);
    const std::uint64_t lies = bytes_in(crashed.path(), store_name);
    std::fprintf(stderr, "%s: %s puts, %s MiB of log\n", name.c_str(), std::to_string(puts).c_str(),
                 std::to_string(lies / mebibyte).c_str());
    const bool logged = lies != 0; // a goal for replaying nothing would mean nothing
    if (logged && lies < log_bytes)
        throw std::runtime_error("there is less log beside the crashed store than was asked for");

    const std::size_t rounds = in.rounds(load_rounds);
    std::vector<double> seconds(rounds);
    std::uint64_t replayed = 0;
    // Each round opens a copy of the crashed store.
    const auto open = [&](std::size_t round) {
        const own_directory copy(in.scratch.fresh("copy"));
        std::filesystem::copy(crashed.path(), copy.path());
        in.scratch.settle();
        touch_memory();
        std::optional<log_map_of<Record>> map;
        seconds[round] = seconds_of([&] { map.emplace(copy.path() + "/" + store_name, roomy()); });
        replayed = survivors(*map, loaded, puts, data.added);
        return sample{seconds[round] * 1e3, 0};
    };
    in.results.measure(
        {.name = name,
         .title = kind + " open after a crash",
         .unit = "ms",
         .rounds = rounds,
         .while_timed = waits::for_medium},
        {subject("quire", logged ? goal{1, 0.5} : goal{}, open), reference("1 s", always(1000))});
    in.results.measure(
        {.name = name, .title = kind + " replay, time a put", .unit = "ns", .rounds = rounds},
        {subject("quire", logged ? of_replay : goal{},
                 [&](std::size_t round) {
                     const double each = seconds[round] / static_cast<double>(replayed);
                     return sample{each * 1e9, 0};
                 }),
         reference("1 M/s", always(1000))});
}

} // namespace

void measure_open(session& in) {
    if (!in.wanted("open")) return;
    const std::vector<u64_record> records = random_u64(in.scaled(open_records));
    const own_directory files(in.scratch.fresh("open"));
    load_and_close(files.path(), records);
    in.scratch.settle();
    const auto open = [&](std::size_t) {
        std::optional<log_map_of<u64_record>> map;
        const double seconds =
            seconds_of([&] { map.emplace(files.path() + "/" + store_name, roomy()); });
        return sample{seconds * 1e3, map->size()};
    };
    in.results.measure(
        {.name = "open",
         .title = "u64 open after a clean close",
         .unit = "ms",
         .rounds = in.rounds(read_rounds),
         .while_timed = waits::for_medium},
        {subject("quire", {3, 1}, open), reference("1 ms", always(1, records.size()))});
}

void measure_open_crash(session& in) {
    measure_open_crash_of<u64_record>(in, "u64", {1.0, 0.5}, random_u64);
    // A second for 64 MiB is a third of the rate: the time to open alone has a goal.
    measure_open_crash_of<kv_record>(in, "kv", {}, random_kv);
}

void measure_small(session& in) {
    if (!in.wanted("small")) return;
    const own_directory files(in.scratch.fresh("small"));
    std::optional<log_map_of<kv_record>> map;
    map.emplace(files.path() + "/" + store_name);
    for (const kv_record& each : random_kv(10)) put(*map, each, quire::durability::full);
    const auto kibibytes = [&] { return static_cast<double>(bytes_in(files.path())) / 1024; };
    const auto report = [&](const char* title, double limit) {
        in.results.measure({.name = "small", .title = title, .unit = "KiB", .rounds = 1},
                           {subject("quire", {1.0, 0}, always(kibibytes())),
                            reference("the limit", always(limit))});
    };
    report("files of ten records, open", 256);
    map.reset();
    report("files of ten records, closed", 32);
}

} // namespace bench
