#include <quire/format/schema.hpp>

#include <string>

#include <doctest/doctest.h>

namespace format = quire::format;

namespace {

quire::bytes_view bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

format::schema sample_schema() {
    format::schema schema;
    schema.tree = quire::tree_id{3};
    schema.layout = format::layout_kind::fixed;
    schema.order = format::key_order::signed_integer;
    schema.key_size = 8;
    schema.value_size = format::variable_size;
    schema.key_codec = "i64";
    schema.value_codec = "string";
    return schema;
}

std::string refused_field(const std::string& bytes) {
    const auto parsed = format::parse_schema(bytes_of(bytes));
    return parsed ? "" : parsed.why().field;
}

} // namespace

TEST_CASE("a schema comes back as it went") {
    const auto schema = sample_schema();
    const auto parsed = format::parse_schema(bytes_of(format::encode(schema)));
    REQUIRE(parsed);
    CHECK(parsed->tree == schema.tree);
    CHECK(parsed->layout == schema.layout);
    CHECK(parsed->order == schema.order);
    CHECK(parsed->key_size == schema.key_size);
    CHECK(parsed->value_size == schema.value_size);
    CHECK(parsed->key_codec == schema.key_codec);
    CHECK(parsed->value_codec == schema.value_codec);
}

TEST_CASE("a schema of another length than its names say is refused") {
    const std::string bytes = format::encode(sample_schema());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(size);
        CHECK(refused_field(bytes.substr(0, size)) == "schema");
    }
    CHECK(refused_field(bytes + "x") == "schema");
}

TEST_CASE("kinds that the format does not have are refused") {
    std::string bytes = format::encode(sample_schema());
    for (int value = 0; value < 256; ++value) {
        CAPTURE(value);
        std::string changed = bytes;
        changed[4] = static_cast<char>(value);
        CHECK(refused_field(changed) == (value == 1 || value == 2 ? "" : "layout"));
        changed = bytes;
        changed[5] = static_cast<char>(value);
        CHECK(refused_field(changed) == (value >= 1 && value <= 4 ? "" : "key_order"));
    }
}

TEST_CASE("a long codec name is stored as its start and a digest of the whole") {
    const std::string longest(format::longest_codec_name, 'n');
    CHECK(format::stored_codec_name("u64") == "u64");
    CHECK(format::stored_codec_name(longest) == longest);
    const std::string first = format::stored_codec_name(longest + "a");
    const std::string second = format::stored_codec_name(longest + "b");
    CHECK(first.size() == format::longest_codec_name);
    CHECK(second.size() == format::longest_codec_name);
    CHECK(first != second);
    CHECK(first.substr(0, 24) == std::string(23, 'n') + "~");
    // FNV-1a, 64 bits, of 41 times "n": part of the format, so it may never change.
    CHECK(format::stored_codec_name(std::string(41, 'n')).substr(23) == "~76f984c0f2a1bf11");
}
