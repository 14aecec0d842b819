// Indexes every word of the text files it is given into a map that stays on disk, and answers
// queries. Arguments are taken in their order; a file that the index knows is not read again.
//     word_index INDEX [FILE | DIRECTORY | PREFIX* | FROM:TO]...
#include <cctype>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <quire/btree_map.hpp>

namespace fs = std::filesystem;

struct posting { // that a word stands in a file: first in this line, so many times in all
    std::string file;
    std::uint32_t line = 0, hits = 0;
};
// Beside the words, every file that was read stands in the map, under a space and its name.
using word_map = quire::btree_map<std::string, std::vector<posting>>;

static std::map<std::string, posting> words_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error(file + ": cannot be read");
    std::map<std::string, posting> words;
    std::string text, word;
    for (std::uint32_t line = 1; std::getline(in, text); ++line)
        for (const char c : text += '\n') {
            if (c == '\0') return {}; // not a text
            if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_')
                word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            else if (!word.empty()) {
                ++words.try_emplace(word.substr(0, 100), posting{file, line, 0}).first->second.hits;
                word.clear();
            }
        }
    return words;
}

static void add(word_map& index, const fs::path& path) {
    if (fs::is_directory(path)) {
        const std::set<fs::path> below(fs::directory_iterator{path}, fs::directory_iterator{});
        for (const fs::path& entry : below)
            if (!fs::is_symlink(entry)) add(index, entry);
        return;
    }
    if (fs::is_other(path) || index.contains(" " + path.string())) return;
    const auto words = words_of(path.string());
    auto change = index.transaction(); // a file is in the index whole or not at all
    for (const auto& [word, where] : words) {
        auto postings = change.get(word).value_or(std::vector<posting>{});
        postings.push_back(where);
        change.insert_or_assign(word, postings);
    }
    change.insert_or_assign(" " + path.string(), std::vector<posting>{});
    change.commit();
    std::printf("  %s: %zu words\n", path.c_str(), words.size());
    std::fflush(stdout);
}

static void answer(const auto& found) {
    std::size_t count = 0;
    for (const auto& [word, postings] : found) {
        if (++count > 8) continue;
        unsigned long long hits = 0;
        for (const posting& p : postings) hits += p.hits;
        std::printf("  %-20s %5llu times in %3zu files, first %s:%u\n", std::string(word).c_str(),
                    hits, postings.size(), postings[0].file.c_str(), postings[0].line);
    }
    std::printf("  %zu words\n", count);
}

int main(int count, char** arguments) try {
    using clock = fs::file_time_type::clock;
    using seconds = std::chrono::duration<double>;
    const std::vector<std::string> words(arguments + 1, arguments + count);
    if (words.empty()) return std::puts("usage: see the first lines of word_index.cpp"), 2;
    const auto written = fs::exists(words[0]) ? fs::last_write_time(words[0]) : clock::now();
    word_map index{words[0]};
    const auto files = static_cast<std::size_t>(std::ranges::distance(index.prefix(" ")));
    std::printf("%s: %zu words of %zu files, from %.1f s ago\n", words[0].c_str(),
                index.size() - files, files, seconds(clock::now() - written).count());
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto start = clock::now();
        const std::size_t colon = words[i].find(':');
        if (words[i].ends_with('*')) answer(index.prefix(words[i].substr(0, words[i].size() - 1)));
        else if (colon == std::string::npos) add(index, words[i]);
        else answer(index.range(words[i].substr(0, colon), words[i].substr(colon + 1)));
        std::printf("%s: %.2f ms\n", words[i].c_str(), 1e3 * seconds(clock::now() - start).count());
    }
} catch (const std::exception& error) {
    std::fprintf(stderr, "word_index: %s\n", error.what());
    return 1;
}
