// Every target on its committed inputs, and on some at random.
#include "fuzz/targets.hpp"

#include <cstdint>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

// Lines of hexadecimal digits; what follows a # is said about them.
[[nodiscard]] std::vector<std::vector<std::uint8_t>> corpus(const std::string& name) {
    std::ifstream lines(std::string(QUIRE_TEST_SOURCE_ROOT "/tests/fuzz/") + name + ".txt");
    REQUIRE(lines.good());
    std::vector<std::vector<std::uint8_t>> all;
    for (std::string line; std::getline(lines, line);) {
        line = line.substr(0, line.find_first_of(" #"));
        std::vector<std::uint8_t> bytes;
        for (std::size_t i = 0; i + 1 < line.size(); i += 2)
            bytes.push_back(static_cast<std::uint8_t>(std::stoul(line.substr(i, 2), nullptr, 16)));
        if (!bytes.empty()) all.push_back(std::move(bytes));
    }
    return all;
}
void run(const std::string& name, void (*target)(fuzz::input), int at_random) {
    const auto inputs = corpus(name);
    CHECK(inputs.size() > 5);
    for (const auto& each : inputs) target(each);
    std::mt19937_64 random(20);
    for (int i = 0; i < at_random; ++i) {
        std::vector<std::uint8_t> bytes(1 + random() % 200);
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
        target(bytes);
    }
}

} // namespace

TEST_CASE("files whose bytes were changed") { run("file", fuzz::file, 300); }
TEST_CASE("logs whose bytes were changed") { run("log", fuzz::log, 300); }
TEST_CASE("operations and crashes") { run("operations", fuzz::operations, 300); }
