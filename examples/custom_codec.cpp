// A key type of your own: write down its bytes so that their order is the order you want, and give
// the codec a name, which the file remembers.
//     custom_codec [file]
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <quire/btree_map.hpp>
#include <quire/codec/order_check.hpp>

// docs:type
// A release of a program. A final release comes after its own release candidates.
struct release {
    std::uint16_t major = 0;
    std::uint16_t minor = 0;
    std::uint16_t candidate = 0; // 0: final

    friend constexpr bool operator==(const release&, const release&) = default;
    friend constexpr bool operator<(const release& a, const release& b) {
        if (a.major != b.major) return a.major < b.major;
        if (a.minor != b.minor) return a.minor < b.minor;
        return static_cast<std::uint16_t>(a.candidate - 1) <
               static_cast<std::uint16_t>(b.candidate - 1);
    }
};
// docs:end

// docs:codec
struct release_codec {
    using value_type = release;
    using view_type = release; // what reading gives
    using arg_type = release;  // what searching and storing take
    static constexpr std::string_view name = "example.release";
    static constexpr std::size_t fixed_size = 6;
    static constexpr bool ordered = true; // the bytes compare as the keys do

    static constexpr std::size_t size(release) { return fixed_size; }

    static constexpr std::byte* encode(release r, std::byte* to) {
        quire::store_be<std::uint16_t>(to, r.major); // most significant byte first
        quire::store_be<std::uint16_t>(to + 2, r.minor);
        // 0, the final release, must come last: count from the other end.
        quire::store_be<std::uint16_t>(to + 4, static_cast<std::uint16_t>(r.candidate - 1));
        return to + fixed_size;
    }

    // Bytes from a file are input: any of them must give a value or this exception.
    static constexpr release decode(quire::bytes_view from) {
        if (from.size() != fixed_size) throw quire::corruption("a release has six bytes");
        return {quire::load_be<std::uint16_t>(from.data()),
                quire::load_be<std::uint16_t>(from.data() + 2),
                static_cast<std::uint16_t>(quire::load_be<std::uint16_t>(from.data() + 4) + 1)};
    }
};
// docs:end

// docs:check
// The laws of a key codec, on chosen keys and while compiling. check_order does more, in a test.
static_assert(quire::codec::order_holds_on<release_codec>(std::array{
    release{0, 0, 1}, release{0, 0, 0}, release{1, 9, 0}, release{1, 10, 2}, release{256, 0, 0}}));
// docs:end

int main(int count, char** arguments) try {
    // docs:use
    using release_map = quire::btree_map<release, std::string, quire::codec::key<release_codec>>;
    release_map notes{count > 1 ? arguments[1] : "custom_codec.quire"};
    // docs:end
    notes.insert_or_assign(release{1, 10, 0}, "stable");
    notes.insert_or_assign(release{1, 9, 0}, "smaller than 1.10, unlike its text");
    notes.insert_or_assign(release{1, 10, 2}, "second candidate");
    notes.insert_or_assign(release{2, 0, 1}, "first candidate");
    notes.insert_or_assign(release{1, 10, 1}, "first candidate");

    std::string order;
    for (const auto& [r, note] : notes) {
        std::printf("%u.%u", r.major, r.minor);
        if (r.candidate != 0) std::printf("-rc%u", r.candidate);
        std::printf(": %.*s\n", static_cast<int>(note.size()), note.data());
        order += std::to_string(r.minor) + "/" + std::to_string(r.candidate) + " ";
    }
    // The newest final release before 2.0: one step back from the first of the 2.0 line.
    const auto newest = (*--notes.lower_bound(release{2, 0, 1})).first;
    std::printf("newest before 2.0: %u.%u\n", newest.major, newest.minor);
    return order == "9/0 10/1 10/2 10/0 0/1 " && newest == release{1, 10, 0} ? 0 : 1;
} catch (const quire::error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
