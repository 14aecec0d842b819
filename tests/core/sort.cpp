// Sorting: every length around the gaps, and orders that sorts have trouble with.
#include <quire/core/sort.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

namespace {

using values = std::vector<std::uint64_t>;

bool sorts(values list) {
    values expected = list;
    std::sort(expected.begin(), expected.end());
    quire::sort_ascending(list.data(), list.size());
    return list == expected;
}

} // namespace

TEST_CASE("integers of any order are sorted") {
    std::uint64_t state = 88172645463325252U;
    const auto random = [&state] {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    };
    for (std::size_t n = 0; n < 1700; n += n < 130 ? 1 : 37) {
        CAPTURE(n);
        values list(n);
        for (auto& each : list) each = random();
        CHECK(sorts(list));
        for (auto& each : list) each %= 5; // many equal ones
        CHECK(sorts(list));
        for (std::size_t i = 0; i < n; ++i) list[i] = n - i;
        CHECK(sorts(list));
        for (std::size_t i = 0; i < n; ++i) list[i] = i % 2 == 0 ? i : ~i;
        CHECK(sorts(list));
        std::sort(list.begin(), list.end());
        CHECK(sorts(list));
    }
    values many(100'000);
    for (auto& each : many) each = random();
    CHECK(sorts(many));
}

TEST_CASE("a merge sort keeps equal values in their order, wherever the result is") {
    struct value {
        std::uint64_t key;
        std::size_t place;
        bool operator==(const value&) const = default;
    };
    std::uint64_t state = 7;
    for (std::size_t n = 0; n < 300; ++n) {
        CAPTURE(n);
        std::vector<value> list(2 * n);
        for (std::size_t i = 0; i < n; ++i) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            list[i] = {(state >> 60) % (n % 20 + 1), i};
        }
        std::vector<value> expected(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(n));
        const auto less = [](const value& a, const value& b) { return a.key < b.key; };
        std::stable_sort(expected.begin(), expected.end(), less);
        const value* const sorted = quire::merge_sort(list.data(), list.data() + n, n, less);
        CHECK(std::equal(expected.begin(), expected.end(), sorted));
    }
}
