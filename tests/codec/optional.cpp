#include "samples.hpp"

using namespace codec_test;
using namespace std::string_literals;

TEST_CASE("nothing is before everything") {
    chance any(121);
    std::vector<std::optional<std::int32_t>> numbers{std::nullopt, 0, -1, 1};
    std::vector<std::optional<std::string>> texts{std::nullopt, "", "\0"s};
    for (int i = 0; i < 80; ++i) {
        numbers.push_back(any.integer<std::int32_t>());
        texts.push_back(any.text());
    }
    obeys_key_laws<of<std::optional<std::int32_t>, role::key>>(numbers, 122);
    obeys_value_laws<of<std::optional<std::int32_t>>>(numbers, 123);
    obeys_key_laws<of<std::optional<std::string>, role::key>>(texts, 124);
    obeys_value_laws<of<std::optional<std::string>>>(texts, 125);
    obeys_key_laws<of<std::optional<std::optional<bool>>, role::key>>(
        {std::nullopt, std::optional<bool>{}, std::optional<bool>{false},
         std::optional<bool>{true}},
        126);
}

TEST_CASE("the bytes of optionals") {
    using number = of<std::optional<std::uint16_t>, role::key>;
    static_assert(number::fixed_size == 3);
    CHECK(encoded<number>(std::nullopt) == "000000");
    CHECK(encoded<number>(std::uint16_t{1}) == "010001");
    CHECK(encoded<of<std::optional<std::uint16_t>>>(std::uint16_t{1}) == "010100");
    using text = of<std::optional<std::string>>;
    static_assert(text::fixed_size == codec::variable);
    CHECK(encoded<text>(std::nullopt) == "00");
    CHECK(encoded<text>("") == "01");
    CHECK(encoded<text>("a") == "0161");
    CHECK(number::name == "optional<u16>");
    CHECK(text::name == "optional<string>");
}

TEST_CASE("an optional text in the middle of a key") {
    using key = std::tuple<std::optional<std::string>, std::uint8_t>;
    std::vector<key> samples{{std::nullopt, 1}, {std::nullopt, 2}, {"", 1}, {"", 0}};
    chance any(127);
    for (int i = 0; i < 60; ++i)
        samples.emplace_back(any.text(), static_cast<std::uint8_t>(any.below(2)));
    obeys_key_laws<of<key, role::key>>(samples, 128);
}

TEST_CASE("malformed optionals are refused") {
    CHECK(refusal<of<std::optional<std::uint8_t>>>("01") == "value: 1 bytes, 2 bytes");
    CHECK(refusal<of<std::optional<std::uint8_t>>>("0201") == "value: 2, 0 or 1 (optional)");
    CHECK(refusal<of<std::optional<std::uint8_t>, role::key>>("0001") ==
          "key: bytes behind an empty optional, zeros");
    CHECK(refusal<of<std::optional<std::string>>>("") ==
          "value: 0 bytes, at least 1 byte (optional)");
    CHECK(refusal<of<std::optional<std::string>>>("0061") == "value: 2 bytes, 1 bytes");
    CHECK(refusal<of<std::optional<std::string>>>("ff") == "value: 255, 0 or 1 (optional)");
}
