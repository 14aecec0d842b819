// The command line shared by the benchmark programs. Unknown words are refused with the usage.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct options {
    std::vector<std::string> rows; // empty: every row
    std::size_t rounds = 0;        // 0: the row's own number
    bool quick = false;            // a tenth of the sizes
    bool all_peers = false;        // SQLite and std::map in every row that they can serve
    bool cpu_time = false;         // processor time in rows that wait for nothing
    bool list = false;             // print the names of the rows and end
    std::string csv;
    std::string directory;
    std::string output; // where what is kept goes
};

[[nodiscard]] inline options parse_options(int count, char** words, std::string_view usage) {
    options given;
    const auto refuse = [&](std::string_view why) {
        std::fprintf(stderr, "%s: %.*s\n%.*s", words[0], static_cast<int>(why.size()), why.data(),
                     static_cast<int>(usage.size()), usage.data());
        std::exit(2);
    };
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        const auto value = [&]() -> std::string {
            if (i + 1 == count) refuse(std::string(word) + " needs a value");
            return words[++i];
        };
        if (word == "--row") given.rows.push_back(value());
        else if (word == "--rounds") given.rounds = std::strtoul(value().c_str(), nullptr, 10);
        else if (word == "--quick") given.quick = true;
        else if (word == "--all-peers") given.all_peers = true;
        else if (word == "--cpu-time") given.cpu_time = true;
        else if (word == "--list") given.list = true;
        else if (word == "--csv") given.csv = value();
        else if (word == "--dir") given.directory = value();
        else if (word == "--output") given.output = value();
        else if (word == "--help") {
            std::printf("%.*s", static_cast<int>(usage.size()), usage.data());
            std::exit(0);
        } else refuse("unknown option " + std::string(word));
    }
    return given;
}

} // namespace bench
