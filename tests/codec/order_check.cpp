// Each law is broken once on purpose: the check must say which.
#include "samples.hpp"

using namespace codec_test;

namespace {

using good = of<std::uint16_t, role::key>;
using text = of<std::string, role::key>;

struct native_little : good { // forgets the byte order
    static std::byte* encode(std::uint16_t value, std::byte* to) {
        return of<std::uint16_t>::encode(value, to);
    }
    static std::uint16_t decode(bytes_view from) { return of<std::uint16_t>::decode(from); }
};
struct short_size : text {
    static std::size_t size(std::string_view value) { return value.size() + 1; }
};
struct other_fixed_size : good {
    static constexpr std::size_t fixed_size = 3;
};
struct writes_beyond : good {
    static std::byte* encode(std::uint16_t value, std::byte* to) {
        std::byte* const end = good::encode(value, to);
        *end = std::byte{1};
        return end;
    }
};
struct leaves_padding : good {
    static constexpr std::size_t fixed_size = 3;
    static std::size_t size(std::uint16_t) { return 3; }
    static std::byte* encode(std::uint16_t value, std::byte* to) {
        return good::encode(value, to) + 1;
    }
};
struct forgets : good {
    static std::uint16_t decode(bytes_view from) {
        return static_cast<std::uint16_t>(good::decode(from) & 0xFF);
    }
};
struct equal_bytes : good {
    static std::byte* encode(std::uint16_t, std::byte* to) { return good::encode(1, to); }
    static std::uint16_t decode(bytes_view) { return 1; }
};
struct no_equality {
    std::uint16_t number;
    friend bool operator<(no_equality a, no_equality b) { return a.number < b.number; }
};
struct forgets_unseen {
    using value_type = no_equality;
    using view_type = no_equality;
    using arg_type = no_equality;
    static constexpr std::string_view name = "forgets";
    static constexpr std::size_t fixed_size = 2;
    static constexpr bool ordered = true;
    static std::size_t size(no_equality) { return 2; }
    static std::byte* encode(no_equality value, std::byte* to) {
        return good::encode(value.number, to);
    }
    static no_equality decode(bytes_view) { return {1}; }
};
struct same_bytes : forgets_unseen {
    static std::byte* encode(no_equality, std::byte* to) { return good::encode(1, to); }
};
struct refuses : good {
    static std::uint16_t decode(bytes_view) { codec::malformed(role::key, "it", "another"); }
};
struct throws_anything : good {
    static std::uint16_t decode(bytes_view from) {
        if (from.size() != 2) throw 7;
        return good::decode(from);
    }
};
struct wrong_zeros : text {
    static std::size_t zeros(std::string_view) { return 0; }
};
struct wrong_native : good {
    static std::uint16_t to_native(std::uint16_t value) {
        return static_cast<std::uint16_t>(~value);
    }
    static std::uint16_t from_native(std::uint16_t value) {
        return static_cast<std::uint16_t>(~value);
    }
};
struct lossy_native : good {
    static std::uint16_t from_native(std::uint16_t) { return 1; }
};
struct equal_apart : text { // two encodings of what counts as one key
    static bool before(std::string_view left, std::string_view right) {
        return left.size() < right.size();
    }
};

const std::vector<std::uint16_t> numbers{0, 1, 2, 255, 256, 65535};
const std::vector<std::string> texts{"", "a", "b", std::string(1, '\0')};

bool says(const std::string& broken, std::string_view sentence) {
    CAPTURE(broken);
    CHECK(broken.find(sentence) != std::string::npos);
    return !broken.empty();
}

} // namespace

TEST_CASE("codecs that obey pass") {
    CHECK(codec::check_order<good>(numbers) == "");
    CHECK(codec::check_order<text>(texts) == "");
    CHECK(codec::check_round_trip<of<std::vector<int>>>(std::vector<std::vector<int>>{{}, {1}}) ==
          "");
    CHECK(codec::check_order<good>({}) == "");
}

TEST_CASE("every broken law is found and named") {
    CHECK(says(codec::check_order<native_little>(numbers),
               "the encodings are in another order than the keys"));
    CHECK(says(codec::check_order<short_size>(texts),
               "sample 0: size gives 1 and encode writes 0 bytes"));
    CHECK(says(codec::check_order<other_fixed_size>(numbers),
               "size gives 2 and fixed_size is 3"));
    CHECK(says(codec::check_order<writes_beyond>(numbers),
               "encode writes behind the end it returns"));
    CHECK(says(codec::check_order<leaves_padding>(numbers), "encode leaves bytes unwritten"));
    CHECK(says(codec::check_order<forgets>(numbers), "sample 4: the decoded value encodes to"));
    CHECK(says(codec::check_order<equal_bytes>(numbers), "differs from the encoded one"));
    CHECK(says(codec::check_order<forgets_unseen>(std::vector<no_equality>{{1}, {2}}),
               "sample 1: the decoded value encodes to other bytes"));
    CHECK(says(codec::check_order<same_bytes>(std::vector<no_equality>{{1}, {2}}),
               "samples 0 and 1: different keys have equal encodings"));
    CHECK(says(codec::check_order<refuses>(numbers), "decode refuses what encode wrote"));
    CHECK(says(codec::check_order<throws_anything>(numbers),
               "throws something else than quire::corruption"));
    CHECK(says(codec::check_order<wrong_zeros>(texts), "zeros(key) is not the number"));
    CHECK(says(codec::check_order<wrong_native>(numbers), "the native forms are in another order"));
    CHECK(says(codec::check_order<lossy_native>(numbers), "from_native does not give back"));
    CHECK(says(codec::check_order<equal_apart>(texts), "equal keys have different encodings"));
}

TEST_CASE("laws of the order hold or not in constant expressions") {
    static_assert(codec::order_holds_on<good>(std::array<std::uint16_t, 4>{0, 1, 255, 256}));
    struct reversed : good {
        static constexpr std::byte* encode(std::uint16_t value, std::byte* to) {
            return good::encode(static_cast<std::uint16_t>(~value), to);
        }
    };
    static_assert(!codec::order_holds_on<reversed>(std::array<std::uint16_t, 2>{0, 1}));
    CHECK(codec::order_holds_on<native_little>(std::array<std::uint16_t, 2>{1, 2}));
    CHECK(!codec::order_holds_on<native_little>(std::array<std::uint16_t, 2>{1, 256}));
}
