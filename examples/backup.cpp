// A copy of a store while it is written to, with progress; and how a map in memory is saved.
//     backup [directory]
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

#include <quire/btree_map.hpp>

int main(int count, char** arguments) try {
    const std::filesystem::path directory = count > 1 ? arguments[1] : ".";
    const auto in = [&](const char* name) { return (directory / name).string(); };
    for (const char* name : {"copy.quire", "before.quire", "saved.quire"})
        std::filesystem::remove(directory / name);

    quire::btree_map<std::uint64_t, std::string> orders{in("orders.quire"),
                                                        {.durability = quire::durability::relaxed}};
    for (std::uint64_t n = 0; n < 50'000; ++n)
        orders.insert_or_assign(n * 7919 % 50'000, std::string(n % 90, 'o'));

    // docs:now
    orders.backup(in("copy.quire"));
    // docs:end

    // docs:snapshot
    const auto snapshot = orders.snapshot();
    orders.clear(); // or whatever others do meanwhile
    snapshot.backup(in("before.quire"), {.bytes_per_second = 100'000'000},
                    [](const quire::backup_report& so_far) {
                        std::printf("%3.0f %%\r", 100.0 * static_cast<double>(so_far.records) /
                                                      static_cast<double>(so_far.all_records));
                        return true; // false ends it, and nothing is left
                    });
    // docs:end
    const quire::btree_map<std::uint64_t, std::string> restored{in("before.quire")};
    std::printf("%zu orders now, %zu in the backup\n", orders.size(), restored.size());

    // docs:memory
    quire::btree_map<std::string, std::uint64_t, quire::storage::memory> words;
    words.insert_or_assign("quire", 1);
    words.backup(in("saved.quire"));

    quire::btree_map<std::string, std::uint64_t> opened{in("saved.quire")};
    // docs:end
    std::printf("%zu word saved\n", opened.size());
    return 0;
} catch (const quire::error& e) {
    std::fprintf(stderr, "backup: %s\n", e.what());
    return 1;
}
