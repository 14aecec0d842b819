// Gets from maps whose cache holds a tenth of their pages: with the file in the kernel's cache,
// against raw reads of it; past that cache (O_DIRECT) and with little of it (a memory group),
// against raw reads from the device.
#include <cerrno>
#include <optional>
#include <span>
#include <utility>

#include "rows/cache.hpp"

namespace bench::cache {
namespace {

// Page reads go past the kernel's cache; all else is storage::file's.
class direct_file : public quire::storage::file {
    using status = quire::storage::status;

public:
    static constexpr std::string_view name = "direct_file";

    status open(const std::string& path, quire::storage::access how) noexcept {
        if (const status opened = file::open(path, how); !opened) return opened;
        return {past_.open(path.c_str()) ? 0 : errno};
    }
    status close() noexcept {
        past_.close();
        return file::close();
    }
    status read(std::uint64_t offset, quire::mutable_bytes to) const noexcept {
        const bool pages = offset % page_bytes == 0 && to.size() % page_bytes == 0 &&
                           reinterpret_cast<std::uintptr_t>(to.data()) % page_bytes == 0;
        if (!pages) return file::read(offset, to);
        const ssize_t got = ::pread(past_.number, to.data(), to.size(), static_cast<off_t>(offset));
        if (got < 0) return {errno};
        return {static_cast<std::size_t>(got) == to.size() ? 0 : status::short_transfer};
    }

private:
    struct descriptor_past_cache {
        int number = -1;

        descriptor_past_cache() = default;
        descriptor_past_cache(descriptor_past_cache&& from) noexcept
            : number(std::exchange(from.number, -1)) {}
        descriptor_past_cache& operator=(descriptor_past_cache&& from) noexcept {
            std::swap(number, from.number);
            return *this;
        }
        ~descriptor_past_cache() { close(); }
        bool open(const char* path) noexcept {
            number = ::open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
            return number >= 0;
        }
        void close() noexcept {
            if (number >= 0) ::close(std::exchange(number, -1));
        }
    };
    descriptor_past_cache past_;
};
using direct_map = quire::btree_map<std::uint64_t, std::uint64_t, direct_file>;

// The store that the rows read and, a page at a time, the same file read raw.
struct stored {
    std::string path;
    std::vector<std::uint64_t> keys;
    std::uint64_t size;
    std::mt19937_64 random{3};

    stored(session& in, const std::string& name)
        : path(in.scratch.fresh(name)), keys(random_keys(4'000'000 / in.scale, 1)) {
        {
            file_map map(path, {.cache_bytes = std::size_t{1} << 30});
            load(map, keys);
        }
        shuffle(keys);
        size = bytes_of(path);
    }

    // Seconds that one raw read of a random page takes.
    [[nodiscard]] double raw(const descriptor& file, std::size_t n) {
        alignas(page_bytes) static std::byte page[page_bytes];
        std::vector<off_t> places(n);
        for (off_t& place : places)
            place = static_cast<off_t>((1 + random() % (size / page_bytes - 1)) * page_bytes);
        const double took = seconds_of([&] {
            for (const off_t place : places) read_all(file, page, page_bytes, place);
        });
        return took / static_cast<double>(n);
    }
};

// Seconds for each page that a map reads while `work` is done, and how many they were.
struct missed {
    double each;
    std::uint64_t pages;
};
template <class Map, class Work>
[[nodiscard]] missed per_miss(Map& map, Work&& work) {
    const std::uint64_t before = map.stats().pages_read;
    const double took = seconds_of(work);
    const std::uint64_t pages = map.stats().pages_read - before;
    return {took / static_cast<double>(pages), pages};
}

void measure_in_kernel_cache(session& in, stored& data) {
    const std::size_t n = 200'000 / in.scale;
    file_map map(data.path, {.cache_bytes = data.size / 10});
    const auto snapshot = map.snapshot();
    const descriptor raw(data.path, O_RDONLY | O_CLOEXEC);
    std::uint64_t pages = 0;
    const compared one = in_turns(
        7,
        [&](int r) {
            const missed all = per_miss(
                map, [&] { get_all(snapshot, data.keys, static_cast<std::size_t>(r) * n, n); });
            pages = all.pages;
            return all.each;
        },
        [&](int) { return data.raw(raw, n); });
    report("get, cache of a tenth, time per miss / one raw pread", one.ratio, bound::at_most, 2.0,
           text("%.2f reads a get, raw %.0f ns",
                static_cast<double>(pages) / static_cast<double>(n), one.against * 1e9));
}

template <class Map>
void measure_single(const std::string& name, std::size_t n, stored& data, Map& map,
                    const descriptor& raw) {
    const auto snapshot = map.snapshot();
    const compared one = in_turns(
        9,
        [&](int r) {
            return 1 / per_miss(map, [&] {
                           get_all(snapshot, data.keys, static_cast<std::size_t>(r) * n, n);
                       }).each;
        },
        [&](int) { return 1 / data.raw(raw, n); });
    report("get, " + name + ", reads/s / raw preads/s", one.ratio, bound::at_least, 0.90,
           text("%.0f and %.0f reads/s", one.subject, one.against));
}

void measure_direct(session& in, stored& data) {
    direct_map map(data.path, {.cache_bytes = data.size / 10});
    const descriptor raw(data.path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    measure_single("O_DIRECT", 12'800 / in.scale, data, map, raw);
}

void measure_many(std::size_t n, stored& data, file_map& map, const descriptor& raw) {
    const auto snapshot = map.snapshot();
    std::vector<std::optional<std::uint64_t>> found(64);
    const compared many = in_turns(
        9,
        [&](int r) {
            const std::size_t first = data.keys.size() / 2 + static_cast<std::size_t>(r) * n;
            return 1 / per_miss(map, [&] {
                           for (std::size_t i = first; i < first + n; i += 64) {
                               const std::span<const std::uint64_t> keys{data.keys.data() + i, 64};
                               snapshot.multi_get(keys, found);
                               for (std::size_t k = 0; k < 64; ++k)
                                   if (found[k] != keys[k] + 1)
                                       wrong("multi_get gave another value");
                           }
                       }).each;
        },
        [&](int) { return 1 / data.raw(raw, n); });
    report("multi_get of 64, limited kernel's cache, reads/s / raw", many.ratio, bound::at_least,
           2.5, text("%.0f and %.0f reads/s", many.subject, many.against));
}

// A memory group of the kernel, in which what this process uses from now on is limited, the
// kernel's cache of the files it reads included. Goes with the object.
class memory_group {
public:
    explicit memory_group(std::uint64_t bytes) {
        for (const auto& [above, limit] :
             {std::pair{"/sys/fs/cgroup/memory/", "/memory.limit_in_bytes"},
              std::pair{"/sys/fs/cgroup/", "/memory.max"}}) {
            path_ = above + ("quire-benchmark-" + std::to_string(::getpid()));
            if (::mkdir(path_.c_str(), 0755) != 0) continue;
            above_ = above;
            if (put(path_ + limit, bytes) &&
                put(path_ + "/cgroup.procs", static_cast<std::uint64_t>(::getpid()))) {
                joined_ = true;
                return;
            }
            ::rmdir(path_.c_str());
        }
    }
    memory_group(const memory_group&) = delete;
    memory_group& operator=(const memory_group&) = delete;
    ~memory_group() {
        if (!joined_) return;
        static_cast<void>(put(above_ + "cgroup.procs", static_cast<std::uint64_t>(::getpid())));
        ::rmdir(path_.c_str());
    }

    [[nodiscard]] bool joined() const { return joined_; }

private:
    [[nodiscard]] static bool put(const std::string& path, std::uint64_t number) {
        const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
        if (file < 0) return false;
        const std::string digits = std::to_string(number);
        const bool done =
            ::write(file, digits.data(), digits.size()) == static_cast<ssize_t>(digits.size());
        ::close(file);
        return done;
    }

    std::string path_;
    std::string above_;
    bool joined_ = false;
};

void measure_limited(session& in, stored& data) {
    // The device itself: of a file that both read, the kernel would keep what the map read last,
    // which the map does not ask for again and a raw read at random may.
    const descriptor raw(data.path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    drop(raw);
    // The map's cache and memory, and of the file no more than a twentieth.
    const memory_group group(data.size / 10 + data.size / 20 + 4 * mebibyte);
    if (!group.joined()) {
        std::printf("limited: left out, this user may not make a memory group\n");
        return;
    }
    const std::size_t n = 12'800 / in.scale;
    file_map map(data.path, {.cache_bytes = data.size / 10});
    measure_single("limited kernel's cache", n, data, map, raw);
    measure_many(n, data, map, raw);
}

} // namespace

void measure_misses(session& in) {
    stored data(in, "misses");
    if (in.wanted("misses")) measure_in_kernel_cache(in, data);
    if (in.wanted("direct")) measure_direct(in, data);
    if (in.wanted("limited")) measure_limited(in, data);
}

} // namespace bench::cache
