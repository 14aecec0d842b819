// What every page has in common: checksum, identity, owner, place in the file.
#include <quire/inspect/page_loader.hpp>

#include <cstdint>
#include <cstring>

#include <doctest/doctest.h>

#include "rules.hpp"

using namespace rules;

TEST_CASE("pages of trees: what is common to all kinds") {
    check_rules({
        {"a bit of a leaf", 21, "checksum", cause::medium,
         [](full_store& s) { s.page(21)[40] ^= std::byte{1}; }},
        {"a zeroed page", 18, "checksum", cause::medium,
         [](full_store& s) { std::memset(s.page(18), 0, 512); }},
        {"a page written to the wrong place", 22, "page_id", cause::medium,
         [](full_store& s) { std::memcpy(s.page(22), s.page(21), 512); }},
        {"a lost write", 20, "birth", cause::medium,
         [](full_store& s) {
             s.fixed_leaf({20, 1, 3}, {1, 2, 3});
         }},
        {"a birth newer by 2^32", 20, "birth", cause::writer,
         [](full_store& s) {
             s.fixed_leaf({20, 1, 4 + (std::uint64_t{1} << 32)}, {1, 2, 3});
         }},
        {"a child born after its parent", 23, "birth", cause::writer,
         [](full_store& s) {
             s.leaf23.birth = 4;
             s.fixed_leaf(s.leaf23, {400});
             s.fixed_inner(s.right1, 1, {400}, {s.leaf22, s.leaf23});
         }},
        {"a root born after its slot", 24, "birth", cause::writer,
         [](full_store& s) {
             s.root2.birth = 6;
             put64(s.page(24) + 16, 6);
             s.seal(24);
             s.now.roots[1].root = s.root2.ref();
             s.slot(s.now);
         }},
        {"another tree's page", 25, "tree_id", cause::writer,
         on_page(25, [](std::byte* p) { put32(p + 12, 1); })},
        {"a kind of the other layout", 25, "kind", cause::writer,
         on_page(25, [](std::byte* p) { p[4] = std::byte{1}; })},
        {"an inner kind at level 0", 20, "kind", cause::writer,
         on_page(20, [](std::byte* p) { p[4] = std::byte{2}; })},
        {"a level too many", 18, "level", cause::writer,
         on_page(18, [](std::byte* p) { p[5] = std::byte{2}; })},
        {"a root of another level than its record", 17, "level", cause::writer,
         on_slot([](auto& slot) { slot.roots[0].level = 1; })},
        {"a transform nobody knows", 26, "transform", cause::writer,
         on_page(26, [](std::byte* p) { p[30] = std::byte{1}; })},
        {"no records in a leaf", 23, "count", cause::writer,
         [](full_store& s) {
             s.fixed_leaf(s.leaf23, {});
             s.now.roots[0].entries = 8;
             s.slot(s.now);
         }},
        {"a child beyond page_count", 4000, "page_id", cause::writer,
         on_page(19, [](std::byte* p) { put32(p + writer::children_at_512 + 8, 4000); })},
        {"a child in the header", 15, "page_id", cause::writer,
         on_page(19, [](std::byte* p) { put32(p + writer::children_at_512 + 8, 15); })},
        {"a null child", 0, "page_id", cause::writer,
         on_page(19, [](std::byte* p) { put32(p + writer::children_at_512 + 8, 0); })},
        {"two references to one page", 22, "use", cause::writer,
         [](full_store& s) {
             s.fixed_inner(s.right1, 1, {400}, {s.leaf22, s.leaf22});
         }},
        {"a cycle", 17, "use", cause::writer,
         [](full_store& s) {
             s.fixed_inner(s.right1, 1, {400}, {s.leaf22, s.root1});
         }},
    });
}
