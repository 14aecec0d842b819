// Reading a version of the map while it changes: a snapshot sees what was committed when it was
// taken, from any thread, for as long as it is kept, and stops nobody from writing.
//     snapshots [file]
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <thread>

#include <quire/btree_map.hpp>

int main(int count, char** arguments) try {
    constexpr std::uint32_t accounts = 1000;
    constexpr std::int64_t each = 100;
    quire::btree_map<std::uint32_t, std::int64_t> balance{count > 1 ? arguments[1]
                                                                    : "snapshots.quire"};
    auto start = balance.transaction();
    start.clear();
    for (std::uint32_t i = 0; i < accounts; ++i) start.insert({i, each});
    start.commit();

    // docs:reader
    // A reader adds everything up, again and again. Money moves, the sum may not.
    std::atomic<bool> done{false};
    std::atomic<unsigned> sums{0};
    std::atomic<unsigned> wrong{0};
    std::thread reader{[&] {
        do {
            const auto snapshot = balance.snapshot();
            std::int64_t sum = 0;
            for (const auto& [account, amount] : snapshot) sum += amount;
            wrong += sum != accounts * each;
            ++sums;
        } while (!done);
    }};
    // docs:end

    const auto before = balance.snapshot();
    for (std::uint32_t i = 0; i < 200; ++i) {
        auto transfer = balance.transaction();
        transfer.update(i, [](std::int64_t& amount) { amount -= 50; });
        transfer.update(accounts - 1 - i, [](std::int64_t& amount) { amount += 50; });
        if (i % 10 == 9) continue; // not committed: rolled back
        transfer.commit();
    }
    done = true;
    reader.join();

    // docs:walk
    // Changing a map while walking over it is defined: the walk is over its own version.
    for (const auto& [account, amount] : balance)
        if (amount < each) balance.erase(account);
    // docs:end

    std::printf("%u sums while writing, %u of them wrong\n", sums.load(), wrong.load());
    std::printf("before: %zu accounts, the first has %lld; now: %zu accounts\n", before.size(),
                static_cast<long long>(before.at(0)), balance.size());
    const bool good = wrong == 0 && before.size() == accounts && before.at(0) == each &&
                      balance.size() == accounts - 180;
    return good ? 0 : 1;
} catch (const quire::error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
