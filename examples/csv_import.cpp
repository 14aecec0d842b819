// Imports a CSV file "key,value" into a map: read, sort, load from below. Without a file it makes
// one first. csv_import [--rows N] [FILE [STORE]]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quire/btree_map.hpp>

namespace {

using row = std::pair<std::uint64_t, std::string>;
using table = quire::btree_map<std::uint64_t, std::string>;

void make_file(const std::string& path, std::uint64_t rows) {
    std::ofstream file(path);
    for (std::uint64_t n = 0; n < rows; ++n) // in no order at all
        file << n * 0x9E3779B97F4A7C15 << ",customer " << n % 1000 << " ordered item " << n << '\n';
}

std::vector<row> read_rows(const std::string& path) {
    std::ifstream file(path);
    std::vector<row> rows;
    for (std::string line; std::getline(file, line);) {
        const std::size_t comma = line.find(',');
        if (comma == std::string::npos) continue;
        rows.emplace_back(std::strtoull(line.c_str(), nullptr, 10), line.substr(comma + 1));
        if (rows.size() % 200'000 == 0) std::printf("  read %zu rows\n", rows.size());
    }
    return rows;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

int main(int count, char** words) {
    std::uint64_t rows = 1'000'000;
    std::vector<std::string> names;
    for (int i = 1; i < count; ++i) {
        if (std::string_view(words[i]) == "--rows" && i + 1 < count)
            rows = std::strtoull(words[++i], nullptr, 10);
        else names.emplace_back(words[i]);
    }
    const std::string file = names.empty() ? "orders.csv" : names[0];
    const std::string store = names.size() > 1 ? names[1] : "orders.quire";
    if (names.empty()) make_file(file, rows);
    try {
        auto start = std::chrono::steady_clock::now();
        std::vector<row> all = read_rows(file);
        std::printf("%s: %zu rows read in %.2f s\n", file.c_str(), all.size(),
                    seconds_since(start));

        start = std::chrono::steady_clock::now();
        table orders{store};
        // docs:load
        std::stable_sort(all.begin(), all.end(),
                         [](const row& a, const row& b) { return a.first < b.first; });
        const auto same = [](const row& a, const row& b) { return a.first == b.first; };
        all.erase(std::unique(all.begin(), all.end(), same), all.end()); // the first of each key
        orders.assign_sorted(all.begin(), all.end());
        // docs:end
        const double took = seconds_since(start);
        std::printf("%s: %zu rows sorted and loaded in %.2f s, %.1f M rows/s\n", store.c_str(),
                    orders.size(), took, static_cast<double>(orders.size()) / took / 1e6);

        for (const auto& [id, text] : orders) { // the first one, to see something
            std::printf("  %llu: %.*s\n", static_cast<unsigned long long>(id),
                        static_cast<int>(text.size()), text.data());
            break;
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
