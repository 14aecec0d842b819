// The pages under docs/format say what the code says: every table of offsets, kinds and sizes there
// is compared with the constants here, in both directions.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <quire/format/field.hpp>
#include <quire/format/free_map.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/log_record.hpp>
#include <quire/format/page_header.hpp>
#include <quire/format/schema.hpp>
#include <quire/inspect/page.hpp>

namespace {

namespace format = quire::format;

using row = std::vector<std::string>; // the cells of a line, without backquotes

std::string docs_directory() {
    if (const char* const given = std::getenv("QUIRE_DOCS")) return given;
#if defined(QUIRE_DOCS_DIR)
    return QUIRE_DOCS_DIR;
#elif defined(QUIRE_TEST_SOURCE_ROOT)
    return QUIRE_TEST_SOURCE_ROOT "/docs";
#else
    return "docs";
#endif
}

std::string trimmed(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c != '`') out += c;
    const auto first = out.find_first_not_of(' ');
    if (first == std::string::npos) return {};
    return out.substr(first, out.find_last_not_of(' ') - first + 1);
}

row cells_of(const std::string& line) {
    row cells;
    std::size_t at = 1;
    while (at < line.size()) {
        const std::size_t end = line.find('|', at);
        if (end == std::string::npos) break;
        cells.push_back(trimmed(std::string_view(line).substr(at, end - at)));
        at = end + 1;
    }
    return cells;
}

// The rows of the table under a heading (the first table of the page for an empty one) that begins
// with the given columns.
std::vector<row> table(const std::string& page, const std::string& heading, const row& columns) {
    const std::string path = docs_directory() + "/format/" + page;
    std::ifstream file(path);
    if (!file) FAIL("cannot read ", path, " (QUIRE_DOCS names the directory docs)");
    std::string line;
    bool there = heading.empty();
    bool drawing = false; // between fences, where bars are lines of a picture
    std::vector<row> rows;
    while (std::getline(file, line)) {
        if (line.substr(0, 3) == "```") drawing = !drawing;
        if (drawing) continue;
        if (!there) {
            there = line == "## " + heading;
            continue;
        }
        if (line.empty() || line[0] != '|') {
            if (!rows.empty()) break;
            continue;
        }
        rows.push_back(cells_of(line));
    }
    if (rows.size() < 3) FAIL("no table under '", heading, "' in ", path);
    for (std::size_t i = 0; i < columns.size(); ++i) REQUIRE(rows[0].at(i) == columns[i]);
    rows.erase(rows.begin(), rows.begin() + 2); // the names of the columns, and the line below
    return rows;
}

void check_fields(const std::string& page, const std::string& heading,
                  std::span<const format::field> fields) {
    CAPTURE(page);
    CAPTURE(heading);
    const auto rows = table(page, heading, {"name", "offset", "size", "meaning"});
    REQUIRE(rows.size() == fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        CHECK(rows[i].at(0) == fields[i].name);
        CHECK(rows[i].at(1) == std::to_string(fields[i].offset));
        CHECK(rows[i].at(2) == std::to_string(fields[i].size));
        CHECK_FALSE(rows[i].at(3).empty());
    }
}

struct named {
    unsigned value;
    const char* name;
};

void check_names(const std::string& page, const std::string& heading, const row& columns,
                 const std::vector<named>& all) {
    CAPTURE(page);
    CAPTURE(heading);
    const auto rows = table(page, heading, columns);
    REQUIRE(rows.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(rows[i].at(0) == std::to_string(all[i].value));
        CHECK(rows[i].at(1) == all[i].name);
    }
}

template <class Enum>
constexpr unsigned value_of(Enum e) {
    return static_cast<unsigned>(e);
}

std::size_t number(const std::string& cell) { return std::stoul(cell); }

} // namespace

TEST_CASE("the documented fields of the header are those of the code") {
    check_fields("header-slot.md", "Fields", format::slot_fields);
    check_fields("header-slot.md", "Root record", format::root_record_fields);
    const auto constants = table("header-slot.md", "", {"constant", "value"});
    const std::vector<std::pair<std::string, std::size_t>> expected{
        {"slot_size", format::slot_size},
        {"slot_offsets[0]", format::slot_offsets[0]},
        {"slot_offsets[1]", format::slot_offsets[1]},
        {"header_bytes", format::header_bytes},
        {"format_version", format::format_version},
        {"roots_in_slot", format::roots_in_slot},
        {"root_record_size", format::root_record_size},
    };
    REQUIRE(constants.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(constants[i].at(0) == expected[i].first);
        CHECK(number(constants[i].at(1)) == expected[i].second);
    }
}

TEST_CASE("the documented log is that of the code") {
    check_fields("log.md", "Segment header", format::segment_fields);
    check_fields("log.md", "Record", format::record_fields);
    check_fields("log.md", "Begin", format::begin_fields);
    check_fields("log.md", "Commit", format::commit_fields);
    using format::record_type;
    check_names("log.md", "Types", {"value", "name", "body"},
                {{value_of(record_type::begin), "begin"},
                 {value_of(record_type::put), "put"},
                 {value_of(record_type::erase), "erase"},
                 {value_of(record_type::clear), "clear"},
                 {value_of(record_type::commit), "commit"},
                 {value_of(record_type::checkpoint), "checkpoint"}});
    const auto constants = table("log.md", "Segment", {"constant", "value"});
    const std::vector<std::pair<std::string, std::size_t>> expected{
        {"segment_header_size", format::segment_header_size},
        {"log_format_version", format::log_format_version},
        {"record_header_size", format::record_header_size},
        {"begin_body_size", format::begin_body_size},
        {"commit_body_size", format::commit_body_size},
        {"group_alignment", format::group_alignment},
    };
    REQUIRE(constants.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(constants[i].at(0) == expected[i].first);
        CHECK(number(constants[i].at(1)) == expected[i].second);
    }
}

TEST_CASE("the documented page header is that of the code") {
    check_fields("page-header.md", "Fields", format::page_header_fields);
    using format::page_kind;
    check_names("page-header.md", "Kinds", {"kind", "name", "page"},
                {{value_of(page_kind::none), "none"},
                 {value_of(page_kind::fixed_leaf), "fixed_leaf"},
                 {value_of(page_kind::fixed_inner), "fixed_inner"},
                 {value_of(page_kind::slotted_leaf), "slotted_leaf"},
                 {value_of(page_kind::slotted_inner), "slotted_inner"},
                 {value_of(page_kind::overflow), "overflow"},
                 {value_of(page_kind::free_map), "free_map"}});
}

TEST_CASE("the documented schema is that of the code") {
    check_fields("catalog.md", "Schema", format::schema_fields);
    using format::key_order;
    using format::layout_kind;
    check_names(
        "catalog.md", "Layouts", {"layout", "name", "pages"},
        {{value_of(layout_kind::fixed), "fixed"}, {value_of(layout_kind::slotted), "slotted"}});
    const std::vector<named> orders{{value_of(key_order::unsigned_integer), "unsigned_integer"},
                                    {value_of(key_order::signed_integer), "signed_integer"},
                                    {value_of(key_order::floating), "floating"},
                                    {value_of(key_order::bytes), "bytes"}};
    check_names("catalog.md", "Orders", {"key_order", "name"}, orders);
    check_names("fixed-page.md", "Order of keys", {"key_order", "name", "order"}, orders);
}

TEST_CASE("the documented sizes of fixed pages are those that a reader computes") {
    const auto rows =
        table("fixed-page.md", "",
              {"page size", "key", "value", "records", "values at", "separators", "children at"});
    CHECK(rows.size() >= 5);
    for (const row& r : rows) {
        CAPTURE(r[0] + " " + r[1] + " " + r[2]);
        const auto key = static_cast<std::uint32_t>(number(r.at(1)));
        const auto leaf = quire::inspect::fixed_leaf_of(
            number(r.at(0)), key, static_cast<std::uint32_t>(number(r.at(2))));
        const auto inner = quire::inspect::fixed_inner_of(number(r.at(0)), key);
        CHECK(number(r.at(3)) == leaf.capacity);
        CHECK(number(r.at(4)) == leaf.second_at);
        CHECK(number(r.at(5)) == inner.capacity);
        CHECK(number(r.at(6)) == inner.second_at);
    }
}

TEST_CASE("the documented parts of slotted pages tile their bytes") {
    const std::vector<format::field> slot{{"record", 0, 2}, {"suffix_size", 2, 2}, {"head", 4, 4}};
    check_fields("slotted-page.md", "Slot", slot);
    CHECK(slot.back().offset + slot.back().size == quire::inspect::slotted_slot_size);
    const std::vector<format::field> inner{{"child", 8, 8}};
    check_fields("slotted-page.md", "Slot of an inner page", inner);
    CHECK(inner.front().offset == quire::inspect::slotted_slot_size);
    CHECK(inner.front().offset + inner.front().size == quire::inspect::slotted_inner_slot_size);
    const std::vector<format::field> run{{"page_id", 0, 4}, {"birth", 4, 4}, {"value_size", 8, 4}};
    check_fields("overflow-run.md", "Run reference", run);
    CHECK(run.back().offset + run.back().size == quire::inspect::run_ref_size);
}

TEST_CASE("the documented lengths of runs and shapes of the free map are those of the code") {
    const auto runs = table("overflow-run.md", "", {"value size", "page size", "pages"});
    for (const row& r : runs)
        CHECK(number(r.at(2)) == format::run_pages(number(r.at(0)), number(r.at(1))));
    const auto maps = table("free-map.md", "", {"page size", "pages_per_part", "fanout"});
    for (const row& r : maps) {
        const auto shape = format::free_map_of(number(r.at(0)));
        CHECK(number(r.at(1)) == shape.pages_per_part);
        CHECK(number(r.at(2)) == shape.fanout);
    }
}
