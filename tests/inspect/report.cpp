// What a report says of itself.
#include <quire/inspect/report.hpp>

#include <doctest/doctest.h>

using quire::page_id;
using quire::inspect::cause;
using quire::inspect::finding;
using quire::inspect::report;

TEST_CASE("a report is ok without findings, and sound with none but a crash's") {
    report r;
    CHECK(r.ok());
    CHECK(r.sound());
    r.findings.push_back({page_id::none, "slot 1 checksum", "1", "2", cause::crash});
    CHECK_FALSE(r.ok());
    CHECK(r.sound());
    r.findings_left_off = 1; // nobody knows what they were
    CHECK_FALSE(r.sound());
    r.findings_left_off = 0;
    for (const cause from : {cause::medium, cause::writer}) {
        r.findings.push_back({page_id{3}, "checksum", "1", "2", from});
        CHECK_FALSE(r.ok());
        CHECK_FALSE(r.sound());
        r.findings.pop_back();
    }
}

TEST_CASE("findings and reports are told in sentences") {
    CHECK(text_of(finding{page_id{7}, "checksum", "1", "2", cause::medium}) ==
          "page 7: checksum: found 1, expected 2 (medium)");
    CHECK(text_of(finding{page_id::none, "file size", "a", "b", cause::writer}) ==
          "file size: found a, expected b (writer)");
    report r;
    r.header.reason = "why";
    r.findings.push_back({page_id::none, "slot 1 commit: checksum", "1", "2", cause::crash});
    r.findings_left_off = 4;
    CHECK(text_of(r) == "why\nslot 1 commit: checksum: found 1, expected 2 (crash)\n"
                        "4 further findings\n");
}

TEST_CASE("fill is a share, also of nothing") {
    quire::inspect::tree_facts tree;
    CHECK(tree.fill() == 0.0);
    tree.bytes_used = 25;
    tree.bytes_capacity = 100;
    CHECK(tree.fill() == 0.25);
}
