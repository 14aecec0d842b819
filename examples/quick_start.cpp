// A map that outlives the program: run it twice and the second run finds what the first one stored.
//     quick_start [file]
#include <cstdint>
#include <cstdio>
#include <string>

#include <quire/btree_map.hpp>

int main(int count, char** arguments) try {
    const std::string file = count > 1 ? arguments[1] : "quick_start.quire";

    // docs:open
    quire::btree_map<std::string, std::uint64_t> visits{file};
    // docs:end

    // docs:change
    const std::uint64_t before = visits.get("home").value_or(0);
    visits.insert_or_assign("home", before + 1); // durable when the call returns
    visits.insert_or_assign("about", 7);
    visits.try_emplace("contact", 1); // keeps what is there
    // docs:end

    // docs:read
    for (const auto& [page, times] : visits)
        std::printf("%.*s: %llu\n", static_cast<int>(page.size()), page.data(),
                    static_cast<unsigned long long>(times));
    if (visits.contains("contact")) std::printf("%zu pages\n", visits.size());
    // docs:end

    // docs:several
    auto all = visits.transaction();
    all.insert_or_assign("home", before + 2);
    all.erase("about");
    all.commit(); // both, or after a crash neither; without this line nothing happened
    // docs:end

    // docs:damage
    visits.verify(); // walks everything and throws quire::corruption if a byte is not right
    // docs:end
    return visits.at("home") == before + 2 ? 0 : 1;
} catch (const quire::error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
