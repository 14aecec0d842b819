#include <cstdio>
#include <string>

#include <quire/btree_map.hpp>

int main() {
    quire::btree_map<std::string, int> visits{"visits.quire"}; // opens the file, or creates it
    visits.insert_or_assign("home", visits.get("home").value_or(0) + 1); // durable on return

    auto change = visits.transaction(); // several changes as one
    change.insert_or_assign("about", 1);
    change.erase("contact");
    change.commit();

    for (const auto& [page, count] : visits) // in the order of the keys
        std::printf("%s: %d\n", std::string(page).c_str(), count);
}
