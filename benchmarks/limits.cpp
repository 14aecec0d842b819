// The physical limits of the machine, so that every figure of the peers program also stands as a
// share of what the hardware allows: system call, cached read, durable write, memory latency and
// bandwidth, sequential file transfer. One thread. Every line is a median; where single calls are
// timed the 99th percentile stands beside it.
//
// What it does not do: read the device itself. "cached" means that the kernel holds the pages, and
// a read after they were dropped may still be served by a cache of the host below.
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cinttypes>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <numeric>
#include <random>

#include "support/machine.hpp"
#include "support/options.hpp"
#include "support/scratch.hpp"
#include "support/timing.hpp"

namespace {

using namespace bench;

constexpr std::string_view usage =
    "usage: limits [--quick] [--dir PATH] [--csv FILE]\n"
    "  --quick      a tenth of the work, and no region of 1 GiB\n"
    "  --dir PATH   where the measured files go (default: beside this program)\n"
    "  --csv FILE   also write the table as comma-separated values\n";

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr std::size_t page_bytes = 4096;

struct line {
    std::string name;
    double value;
    std::string unit;
    std::string note;
};

class report {
public:
    void add(std::string name, double value, std::string unit, std::string note = {}) {
        lines_.push_back({std::move(name), value, std::move(unit), std::move(note)});
        const line& added = lines_.back();
        std::printf("%-52s%10.*f %-6s %s\n", added.name.c_str(), added.value < 10 ? 2 : 1,
                    added.value, added.unit.c_str(), added.note.c_str());
        std::fflush(stdout);
    }

    void write_csv(const std::string& path) const {
        std::ofstream out(path);
        out << "limit,value,unit,note\n";
        for (const line& each : lines_)
            out << '"' << each.name << "\"," << each.value << ',' << each.unit << ",\"" << each.note
                << "\"\n";
        if (!out.flush()) throw std::runtime_error("cannot write " + path);
    }

private:
    std::vector<line> lines_;
};

[[nodiscard]] std::string text(const char* form, double value) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, form, value);
    return buffer;
}

// Anonymous memory aligned for huge pages, with or without the kernel's leave to use them.
class region {
public:
    enum class pages { small, huge };

    region(std::size_t size, pages kind) : reserved_(size + huge) {
        void* got = ::mmap(nullptr, reserved_, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (got == MAP_FAILED) fail("reserve memory");
        start_ = static_cast<std::byte*>(got);
        const auto address = reinterpret_cast<std::uintptr_t>(start_);
        data_ = start_ + ((huge - address % huge) % huge);
        ::madvise(data_, size, kind == pages::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    }
    region(const region&) = delete;
    region& operator=(const region&) = delete;
    ~region() { ::munmap(start_, reserved_); }

    [[nodiscard]] std::byte* data() const { return data_; }

private:
    static constexpr std::size_t huge = 2 * mebibyte;
    std::size_t reserved_;
    std::byte* start_ = nullptr;
    std::byte* data_ = nullptr;
};

// KiB of this process that stand in anonymous huge pages.
[[nodiscard]] double huge_kib() {
    return std::strtod(field_of("/proc/self/smaps_rollup", "AnonHugePages").c_str(), nullptr);
}

void measure_system_call(report& out, std::size_t scale) {
    const std::size_t calls = 2'000'000 / scale;
    std::vector<double> rounds;
    for (int round = 0; round < 5; ++round)
        rounds.push_back(seconds_of([&] {
            for (std::size_t i = 0; i < calls; ++i) keep(::syscall(SYS_getppid));
        }));
    out.add("system call (getppid)", median(rounds) / static_cast<double>(calls) * 1e9, "ns");
}

void measure_cached_read(report& out, scratch_directory& scratch, std::size_t scale) {
    for (const std::size_t size : {64 * mebibyte, 1024 / scale * mebibyte}) {
        const std::string path = scratch.fresh("read");
        const descriptor file(path, O_RDWR | O_CREAT | O_CLOEXEC);
        write_zeros(file, size);
        const std::size_t reads = 500'000 / scale;
        std::mt19937_64 random(1);
        std::vector<off_t> places(reads);
        for (off_t& place : places)
            place = static_cast<off_t>(random() % (size / page_bytes) * page_bytes);
        const region target(page_bytes, region::pages::small);
        std::vector<double> rounds;
        for (int round = 0; round < 5; ++round)
            rounds.push_back(seconds_of([&] {
                for (const off_t place : places) read_all(file, target.data(), page_bytes, place);
            }));
        out.add("pread 4 KiB, cached, random over " + std::to_string(size / mebibyte) + " MiB",
                median(rounds) / static_cast<double>(reads) * 1e9, "ns");
        ::unlink(path.c_str());
    }
}

void measure_durable_write(report& out, scratch_directory& scratch, std::size_t scale) {
    struct way {
        const char* name;
        bool zeroed;
        int flags;
        std::size_t bytes;
    };
    constexpr way ways[] = {
        {"pwrite 4 KiB + fdatasync, zeroed file", true, 0, page_bytes},
        {"pwrite 256 B + fdatasync, zeroed file", true, 0, 256},
        {"pwrite 4 KiB, O_DSYNC, zeroed file", true, O_DSYNC, page_bytes},
        {"pwrite 4 KiB + fdatasync, growing file", false, 0, page_bytes},
    };
    const std::size_t writes = 2'000 / scale;
    const std::string bytes(page_bytes, 'q');
    for (const way& each : ways) {
        const std::string path = scratch.fresh("flush");
        const descriptor file(path, O_RDWR | O_CREAT | O_CLOEXEC | each.flags);
        if (each.zeroed) write_zeros(file, 16 * mebibyte);
        scratch.settle();
        std::vector<double> times;
        for (std::size_t i = 0; i < writes; ++i)
            times.push_back(seconds_of([&] {
                write_all(file, bytes.data(), each.bytes, static_cast<off_t>(i * each.bytes));
                if (each.flags == 0) flush(file);
            }));
        out.add(each.name, median(times) * 1e6, "us",
                text("p99 %.0f us", quantile(times, 0.99) * 1e6));
        ::unlink(path.c_str());
    }
}

// A walk through every cache line of the region, each load telling the place of the next.
void measure_memory_latency(report& out, std::size_t scale) {
    constexpr std::size_t line_bytes = 64;
    for (const std::size_t size : {64 * mebibyte, 256 * mebibyte, 1024 * mebibyte}) {
        if (scale > 1 && size > 256 * mebibyte) continue; // making it would take longest of all
        std::vector<std::uint32_t> order(size / line_bytes);
        std::iota(order.begin(), order.end(), 0U);
        std::mt19937_64 random(1);
        std::shuffle(order.begin(), order.end(), random);
        for (const auto kind : {region::pages::huge, region::pages::small}) {
            const double huge_before = huge_kib();
            const region memory(size, kind);
            const auto place = [&](std::size_t i) { return std::uint64_t{order[i]} * line_bytes; };
            for (std::size_t i = 0; i < order.size(); ++i) {
                const std::uint64_t next = place(i + 1 == order.size() ? 0 : i + 1);
                std::memcpy(memory.data() + place(i), &next, sizeof next);
            }
            const double huge_share = (huge_kib() - huge_before) * 1024 / static_cast<double>(size);
            const std::size_t loads = 4'000'000 / scale;
            std::uint64_t at = place(0);
            std::vector<double> rounds;
            for (int round = 0; round < 5; ++round)
                rounds.push_back(seconds_of([&] {
                    for (std::size_t i = 0; i < loads; ++i)
                        std::memcpy(&at, memory.data() + at, sizeof at);
                    keep(at);
                }));
            out.add("dependent random load, " + std::to_string(size / mebibyte) + " MiB, " +
                        (kind == region::pages::huge ? "huge pages" : "4 KiB pages"),
                    median(rounds) / static_cast<double>(loads) * 1e9, "ns",
                    text("%.0f %% in huge pages", 100 * huge_share));
        }
    }
}

void measure_memory_bandwidth(report& out, std::size_t scale) {
    const std::size_t size = 1024 / scale * mebibyte;
    const region from(size, region::pages::huge);
    const region to(size, region::pages::huge);
    std::memset(from.data(), 1, size);
    std::memset(to.data(), 2, size);
    const auto read = [&] {
        std::uint64_t sums[4] = {};
        for (const std::byte* at = from.data(); at != from.data() + size; at += 32) {
            std::uint64_t words[4];
            std::memcpy(words, at, sizeof words);
            for (std::size_t k = 0; k < 4; ++k) sums[k] += words[k];
        }
        keep(sums[0] + sums[1] + sums[2] + sums[3]);
    };
    const auto write = [&] {
        std::memset(to.data(), 3, size);
        keep(to.data());
    };
    const auto copy = [&] {
        std::memcpy(to.data(), from.data(), size);
        keep(to.data());
    };
    const auto measure = [&](const char* name, const std::function<void()>& work) {
        std::vector<double> rounds;
        for (int round = 0; round < 7; ++round) rounds.push_back(seconds_of(work));
        out.add(name, static_cast<double>(size) / median(rounds) / 1e9, "GB/s");
    };
    measure("memory read (sum of 64-bit words)", read);
    measure("memory write (memset)", write);
    measure("memory copy (memcpy, bytes copied)", copy);
}

void measure_file_bandwidth(report& out, scratch_directory& scratch, std::size_t scale) {
    const std::size_t size = 512 / scale * mebibyte;
    const region buffer(mebibyte, region::pages::small);
    std::memset(buffer.data(), 'q', mebibyte);
    const std::string path = scratch.fresh("sequential");
    const descriptor file(path, O_RDWR | O_CREAT | O_CLOEXEC);
    const auto rate = [&](double seconds) { return static_cast<double>(size) / seconds / 1e6; };
    const auto write = [&] {
        for (std::size_t at = 0; at < size; at += mebibyte)
            write_all(file, buffer.data(), mebibyte, static_cast<off_t>(at));
        if (::fsync(file.number()) != 0) fail("flush");
    };
    const auto read = [&] {
        for (std::size_t at = 0; at < size; at += mebibyte)
            read_all(file, buffer.data(), mebibyte, static_cast<off_t>(at));
    };
    std::vector<double> growing, rewriting, dropped, cached;
    for (int round = 0; round < 3; ++round) {
        if (::ftruncate(file.number(), 0) != 0) fail("truncate");
        scratch.settle();
        growing.push_back(rate(seconds_of(write)));
        rewriting.push_back(rate(seconds_of(write)));
        ::posix_fadvise(file.number(), 0, 0, POSIX_FADV_DONTNEED);
        dropped.push_back(rate(seconds_of(read)));
        cached.push_back(rate(seconds_of(read)));
    }
    const std::string note = std::to_string(size / mebibyte) + " MiB by 1 MiB";
    out.add("sequential write + fsync, growing file", median(growing), "MB/s", note);
    out.add("sequential write + fsync, over itself", median(rewriting), "MB/s", note);
    out.add("sequential read, dropped from the page cache", median(dropped), "MB/s", note);
    out.add("sequential read, cached", median(cached), "MB/s", note);
    ::unlink(path.c_str());
}

} // namespace

int main(int count, char** words) try {
    const options given = parse_options(count, words, usage);
    scratch_directory scratch(given.directory);
    const std::size_t scale = given.quick ? 10 : 1;
    print_facts(machine_facts(scratch.path()));
    report out;
    measure_system_call(out, scale);
    measure_cached_read(out, scratch, scale);
    measure_durable_write(out, scratch, scale);
    measure_memory_latency(out, scale);
    measure_memory_bandwidth(out, scale);
    measure_file_bandwidth(out, scratch, scale);
    if (!given.csv.empty()) out.write_csv(given.csv);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "limits: %s\n", error.what());
    return 1;
}
