// A visitor that overrides nothing goes on and keeps nothing.
#include <quire/inspect/visitor.hpp>

#include <doctest/doctest.h>

TEST_CASE("a visitor may ignore whatever it is handed") {
    quire::inspect::visitor nothing;
    CHECK(nothing.page({}));
    nothing.tree({});
    nothing.tree_done({});
    nothing.found({});
    CHECK(quire::inspect::page_seen().content == nullptr);
}
