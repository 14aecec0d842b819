// Finding out whether a program's own data survives crashes: the work runs once on a simulated
// disk, the invariant on what a power cut at any moment may leave of it.
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include <quire/btree_map.hpp>
#include <quire/crash_check.hpp>

namespace {

using accounts = quire::btree_map<std::string, std::int64_t, quire::storage::simulated>;

void pay(accounts& map, std::int64_t amount, bool in_one) {
    if (in_one) {
        auto transaction = map.transaction();
        transaction.insert_or_assign("ann", transaction.at("ann") - amount);
        transaction.insert_or_assign("bob", transaction.at("bob") + amount);
        transaction.commit();
    } else { // a crash may come between the two
        map.insert_or_assign("ann", map.at("ann") - amount);
        map.insert_or_assign("bob", map.at("bob") + amount);
    }
}

quire::crash_report check(bool in_one) {
    // docs:check
    return quire::crash_check(
        [in_one](quire::storage::simulated_disk& disk) { // the work
            accounts map{disk.path("accounts")};
            map.insert_range(std::map<std::string, std::int64_t>{{"ann", 100}, {"bob", 100}});
            disk.mark(1); // acknowledged: a crash from here on finds the accounts
            for (int i = 0; i < 5; ++i) pay(map, 10, in_one);
        },
        [](quire::storage::simulated_disk& disk, std::uint64_t acknowledged) { // the invariant
            const accounts map{disk.path("accounts")};
            std::int64_t sum = 0;
            for (const auto& [name, amount] : map) sum += amount;
            return sum == 200 || (acknowledged == 0 && map.empty());
        });
    // docs:end
}

bool print(const char* what, const quire::crash_report& report) {
    std::printf("%s: %llu states of %llu moments: %s\n", what,
                static_cast<unsigned long long>(report.states),
                static_cast<unsigned long long>(report.moments),
                report.broken.empty() ? "all good" : report.broken.c_str());
    return report.broken.empty();
}

} // namespace

int main() {
    const bool one = print("paid in one transaction", check(true));
    const bool two = print("paid in two transactions", check(false));
    return one && !two ? 0 : 1;
}
