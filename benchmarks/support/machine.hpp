// The facts without which a figure means nothing: processor, cores, memory, kernel, huge pages,
// file system of the measured directory, compiler and its flags, and how busy the machine was.
// A fact that cannot be read is given as "unknown"; nothing here throws for want of one.
// Thread-safety: reads only.
#pragma once

#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#ifndef QUIRE_BENCHMARK_FLAGS
#define QUIRE_BENCHMARK_FLAGS "not given"
#endif

namespace bench {

using fact = std::pair<std::string, std::string>;

// Text after "name<spaces>:" of the first line that starts with the name.
[[nodiscard]] inline std::string field_of(const std::string& file, const std::string& name) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        const auto colon = line.find(':');
        if (line.rfind(name, 0) != 0 || colon == std::string::npos) continue;
        const auto start = line.find_first_not_of(" \t", colon + 1);
        if (start != std::string::npos) return line.substr(start);
    }
    return "unknown";
}

[[nodiscard]] inline std::string first_line(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    return std::getline(in, line) ? line : "unknown";
}

// Type and options of the mount that holds the directory: the longest mount point that starts it.
[[nodiscard]] inline std::string file_system_of(const std::string& directory) {
    std::ifstream in("/proc/mounts");
    std::string best = "unknown";
    std::size_t longest = 0;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string device, point, type, options;
        words >> device >> point >> type >> options;
        const bool holds =
            directory.rfind(point, 0) == 0 &&
            (point == "/" || directory.size() == point.size() || directory[point.size()] == '/');
        if (!holds || point.size() < longest) continue;
        longest = point.size();
        best = type;
        best += " (" + options + ")";
    }
    return best;
}

[[nodiscard]] inline std::string compiler() {
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

// Touches free memory and gives it back, so that what is timed next is not the one to wait for it:
// the host of a virtual machine may have taken free pages away, and then gives them back at their
// first touch, at a hundred times the cost of clearing them.
inline void touch_memory() {
    constexpr std::size_t bytes = std::size_t{1} << 30;
    void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return;
    ::madvise(mapped, bytes, MADV_HUGEPAGE);
    for (std::size_t at = 0; at < bytes; at += 4096) static_cast<volatile char*>(mapped)[at] = 1;
    ::munmap(mapped, bytes);
}

[[nodiscard]] inline std::vector<fact> machine_facts(const std::string& directory) {
    utsname system{};
    const bool named = ::uname(&system) == 0;
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page_bytes = ::sysconf(_SC_PAGESIZE);
    char memory[32];
    std::snprintf(memory, sizeof memory, "%.1f GiB",
                  static_cast<double>(pages) * static_cast<double>(page_bytes) / (1 << 30));
    const std::string load = first_line("/proc/loadavg");
    return {
        {"processor", field_of("/proc/cpuinfo", "model name")},
        {"cores", std::to_string(::sysconf(_SC_NPROCESSORS_ONLN))},
        {"memory", memory},
        {"kernel", named ? std::string(system.sysname) + " " + system.release : "unknown"},
        {"huge pages", first_line("/sys/kernel/mm/transparent_hugepage/enabled")},
        {"file system", file_system_of(directory)},
        {"compiler", compiler()},
        {"flags", QUIRE_BENCHMARK_FLAGS},
        {"load average", load.substr(0, load.find(' '))},
    };
}

inline void print_facts(const std::vector<fact>& facts) {
    for (const auto& [name, value] : facts) std::printf("%-14s%s\n", name.c_str(), value.c_str());
    std::printf("\n");
}

} // namespace bench
