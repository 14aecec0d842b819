#include "samples.hpp"

#include <cmath>
#include <limits>

using namespace codec_test;

namespace {

template <class T>
std::vector<T> numbers(std::uint64_t seed) {
    using limits = std::numeric_limits<T>;
    std::vector<T> samples;
    for (const T number : {T{0}, T{1}, limits::min(), limits::max(), limits::denorm_min(),
                           limits::epsilon(), limits::infinity(), T(0.1), T(123456.75)}) {
        samples.push_back(number);
        samples.push_back(-number); // -0 among them
    }
    chance any(seed);
    for (int i = 0; i < 200; ++i) {
        const auto number = std::bit_cast<T>(static_cast<codec::rank_type<T>>(any.number()));
        if (number == number) samples.push_back(number);
        samples.push_back(static_cast<T>(any.integer<std::int32_t>()));
    }
    return samples;
}

template <class T>
std::vector<T> nans() {
    return {std::numeric_limits<T>::quiet_NaN(), -std::numeric_limits<T>::quiet_NaN(),
            std::numeric_limits<T>::signaling_NaN(),
            std::bit_cast<T>(static_cast<codec::rank_type<T>>(-1))};
}

} // namespace

TEST_CASE_TEMPLATE("floating point keys are totally ordered", T, float, double) {
    using key = of<T, role::key>;
    std::vector<T> samples = numbers<T>(41);
    obeys_key_laws<key>(samples, 42);
    for (const T nan : nans<T>()) samples.push_back(nan);
    obeys_key_laws<key>(samples, 43);
    static_assert(codec::native_codec<key>);
}

TEST_CASE_TEMPLATE("keys that are equal find each other, and NaN finds NaN", T, float, double) {
    using key = of<T, role::key>;
    CHECK(encoded<key>(T(-0.0)) == encoded<key>(T(0.0)));
    CHECK(!std::signbit(key::decode(encoding<key>(T(-0.0)))));
    CHECK(!std::signbit(key::to_native(T(-0.0))));
    const std::string nan = encoded<key>(std::numeric_limits<T>::quiet_NaN());
    for (const T other : nans<T>()) {
        CHECK(encoded<key>(other) == nan);
        CHECK(key::before(std::numeric_limits<T>::infinity(), other));
        CHECK(!key::before(other, std::numeric_limits<T>::quiet_NaN()));
    }
    CHECK(nan > encoded<key>(std::numeric_limits<T>::infinity()));
}

TEST_CASE_TEMPLATE("values keep every bit", T, float, double) {
    using value = of<T>;
    std::vector<T> samples = numbers<T>(44);
    for (const T nan : nans<T>()) samples.push_back(nan);
    obeys_value_laws<value>(samples, 45);
    for (const T sample : samples)
        CHECK(std::bit_cast<codec::rank_type<T>>(value::decode(encoding<value>(sample))) ==
              std::bit_cast<codec::rank_type<T>>(sample));
}

TEST_CASE("the bytes of floating point") {
    CHECK(encoded<of<double>>(1.0) == "000000000000f03f");
    CHECK(encoded<of<double, role::key>>(1.0) == "bff0000000000000");
    CHECK(encoded<of<double, role::key>>(-1.0) == "400fffffffffffff");
    CHECK(encoded<of<double, role::key>>(0.0) == "8000000000000000");
    CHECK(encoded<of<double, role::key>>(std::numeric_limits<double>::quiet_NaN()) ==
          "fff8000000000000");
    CHECK(encoded<of<float, role::key>>(1.0F) == "bf800000");
    CHECK(encoded<of<float>>(1.0F) == "0000803f");
    CHECK(of<float>::name == "f32");
    CHECK(of<double, role::key>::name == "f64");
}

TEST_CASE("keys that no encode wrote are refused") {
    CHECK(refusal<of<double, role::key>>("7fffffffffffffff") == // -0
          "key: -0, +0, or the one quiet NaN");
    CHECK(refusal<of<double, role::key>>("fff8000000000001") ==
          "key: a NaN with a payload, +0, or the one quiet NaN");
    CHECK(refusal<of<double, role::key>>("0000000000000000") ==
          "key: a NaN with a payload, +0, or the one quiet NaN");
    CHECK(refusal<of<float, role::key>>("bf8000") == "key: 3 bytes, 4 bytes");
    CHECK_THROWS_AS(static_cast<void>(of<double, role::key>::from_native(-0.0)), quire::corruption);
    CHECK(of<double>::from_native(-0.0) == 0.0);
}
