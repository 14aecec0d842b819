// What a user's first program costs to compile: the main header and one map with the usual calls.
// measure.py times it without optimisation.
#include <quire/btree_map.hpp>

#include <string>

int main(int count, char** words) {
    if (count < 2) return 2;
    quire::btree_map<std::uint64_t, std::string, quire::storage::file, quire::txn::shadow> map{
        words[1]};
    map.insert_or_assign(1, "one");
    auto transaction = map.transaction();
    transaction.insert_or_assign(2, "two");
    transaction.commit();
    std::size_t bytes = 0;
    for (const auto& [key, value] : map) bytes += key + value.size();
    return map.find(2) != map.end() && bytes == 9 ? 0 : 1;
}
