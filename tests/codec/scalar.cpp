#include "samples.hpp"

using namespace codec_test;

namespace {

// A scalar of a user: hundredths, held as an integer.
class money {
public:
    explicit constexpr money(std::int64_t hundredths) : hundredths_(hundredths) {}
    [[nodiscard]] constexpr std::int64_t hundredths() const { return hundredths_; }
    auto operator<=>(const money&) const = default;

private:
    std::int64_t hundredths_;
};

struct money_form {
    using value_type = money;
    using native_type = std::int64_t;
    static constexpr codec::native_order order = codec::native_order::signed_integer;
    static constexpr std::string_view name = "money";
    static constexpr native_type to_native(money value) { return value.hundredths(); }
    static constexpr money from_native(native_type native) { return money(native); }
};

template <role Role>
using money_codec = codec::detail::scalar<money_form, Role>;

} // namespace

TEST_CASE("a form is all that a scalar codec needs") {
    static_assert(codec::native_codec<money_codec<role::key>>);
    static_assert(!codec::key_codec<money_codec<role::value>>);
    std::vector<money> samples;
    chance any(191);
    for (int i = 0; i < 100; ++i) samples.emplace_back(any.integer<std::int64_t>());
    obeys_key_laws<money_codec<role::key>>(samples, 192);
    obeys_value_laws<money_codec<role::value>>(samples, 193);
    CHECK(encoded<money_codec<role::key>>(money(1)) == "8000000000000001");
    CHECK(encoded<money_codec<role::value>>(money(1)) == "0100000000000000");
}

TEST_CASE("a key's encoding is the rank of its native form, big-endian") {
    using C = of<double, role::key>;
    for (const double number : {0.0, -1.5, 1e300}) {
        const auto bytes = encoding<C>(number);
        CHECK(quire::load_be<std::uint64_t>(bytes.data()) ==
              codec::to_rank<C::order>(C::to_native(number)));
    }
}

TEST_CASE("a value's encoding is its native form, little-endian") {
    using C = of<std::int32_t>;
    const auto bytes = encoding<C>(-77);
    CHECK(static_cast<std::int32_t>(quire::load_le<std::uint32_t>(bytes.data())) ==
          C::to_native(-77));
}
