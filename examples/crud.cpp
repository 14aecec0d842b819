// Create, read, update and delete records of a structure. No macro and no registration: an
// aggregate is stored field by field, without its padding.
//     crud [file]
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include <quire/btree_map.hpp>

namespace {

// docs:record
enum class role : std::uint8_t { reader, editor };

struct user {
    std::string name;
    role may = role::reader;
    std::uint32_t logins = 0;
    std::optional<std::string> mail;
};
// docs:end

void print(std::uint64_t id, const user& u) {
    std::printf("%3llu  %-8s %-6s %u logins  %s\n", static_cast<unsigned long long>(id),
                u.name.c_str(), u.may == role::editor ? "editor" : "reader", u.logins,
                u.mail.value_or("-").c_str());
}

} // namespace

int main(int count, char** arguments) try {
    using user_map = quire::btree_map<std::uint64_t, user>;
    user_map users{count > 1 ? arguments[1] : "crud.quire"};
    users.clear();

    // docs:create
    // Create. insert() leaves a record that exists alone and says so, like std::map.
    users.insert({1, user{"ann", role::editor, 0, "ann@example.org"}});
    users.insert({2, user{"bob", role::reader, 3, std::nullopt}});
    users.insert({3, user{"cid", role::reader, 1, std::nullopt}});
    const bool inserted = users.insert({1, user{"eve", role::editor, 0, std::nullopt}}).second;
    // docs:end

    // Read: an optional, an exception, or an iterator.
    const std::optional<user> nobody = users.get(9);
    print(1, users.at(1));
    if (const auto found = users.find(2); found != users.end())
        print((*found).first, (*found).second);

    // docs:update
    // Update in place; what the function throws leaves the record as it was.
    users.update(2, [](user& u) {
        ++u.logins;
        u.mail = "bob@example.org";
    });
    users.insert_or_assign(4, user{"dan", role::reader, 0, std::nullopt});

    // Delete one, then all that a predicate picks.
    users.erase(3);
    users.erase_if([](const auto& record) { return record.second.logins == 0; });
    // docs:end

    std::printf("%zu left\n", users.size());
    for (const auto& [id, u] : users) print(id, u);
    return !inserted && !nobody && users.size() == 1 && users.at(2).logins == 4 ? 0 : 1;
} catch (const quire::error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
