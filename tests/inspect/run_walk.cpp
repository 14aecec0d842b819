// Overflow runs: one rule broken at a time.
#include <quire/inspect/run_walk.hpp>

#include <string>

#include <doctest/doctest.h>

#include "rules.hpp"

using namespace rules;

TEST_CASE("overflow runs") {
    check_rules({
        {"a bit of the value", 28, "checksum", cause::medium,
         [](full_store& s) { s.page(29)[5] ^= std::byte{8}; }},
        {"a run moved by a page", 28, "page_id", cause::medium,
         on_run([](std::byte* p) { put32(p + 8, 29); })},
        {"a run of an older version", 28, "birth", cause::medium,
         on_run([](std::byte* p) { put64(p + 16, 1); })},
        {"a run of another tree", 28, "tree_id", cause::writer,
         on_run([](std::byte* p) { put32(p + 12, 1); })},
        {"a run of another kind", 28, "kind", cause::writer,
         on_run([](std::byte* p) { p[4] = std::byte{3}; })},
        {"a run with a level", 28, "level", cause::writer,
         on_run([](std::byte* p) { p[5] = std::byte{3}; })},
        {"a run with a transform", 28, "transform", cause::writer,
         on_run([](std::byte* p) { p[31] = std::byte{3}; })},
        {"a size that is not the reference's", 28, "value_size", cause::writer,
         [](full_store& s) {
             put32(s.page(28) + 24, 899);
             s.seal_run(28, 899);
         }},
        {"a size of more pages than the reference's", 28, "value_size", cause::medium,
         [](full_store& s) { put32(s.page(28) + 24, 0x40000000); }},
        {"a run that leaves the file", 28, "page_id", cause::writer,
         [](full_store& s) {
             s.slotted_leaf(
                 s.leaf26, "k",
                 {{"kiwi", {"green"}}, {"known", writer::run_ref(s.run28, 0xFFFFFFF0U)}});
         }},
        {"a run over pages of others", 22, "use", cause::writer,
         [](full_store& s) {
             s.slotted_leaf(s.leaf26, "k",
                            {{"kiwi", {"green"}}, {"known", writer::run_ref({22, 2, 2}, 900)}});
         }},
        {"a run born after its leaf", 28, "birth", cause::writer,
         [](full_store& s) {
             s.run28.birth = 3;
             const slotted_value value = s.run(s.run28, std::string(900, 'v'));
             s.slotted_leaf(s.leaf26, "k", {{"kiwi", {"green"}}, {"known", value}});
         }},
    });
}
