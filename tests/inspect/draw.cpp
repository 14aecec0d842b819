// The drawing of a store, whole, cut short and damaged.
#include <quire/inspect/draw.hpp>

#include <string>

#include <doctest/doctest.h>

#include "small_file.hpp"

using namespace small_file;

TEST_CASE("a store is drawn as its trees") {
    full_store store;
    CHECK(quire::inspect::draw(store.file) ==
          "slot 1 describes the store: no other is newer, and its commit is whole\n"
          "tree 0 \"catalog\" string -> schema\n"
          "  page 16 leaf born 1: 2 records, \"main\" to \"names\"\n"
          "tree 1 \"main\" u64 -> u64\n"
          "  page 17 level 2 born 4: 2 children, 300\n"
          "    page 18 level 1 born 4: 2 children, 200\n"
          "      page 20 leaf born 4: 3 records, 1 to 3\n"
          "      page 21 leaf born 2: 2 records, 200 to 210\n"
          "    page 19 level 1 born 3: 2 children, 400\n"
          "      page 22 leaf born 2: 3 records, 300 to 320\n"
          "      page 23 leaf born 3: 1 record, 400\n"
          "tree 2 \"names\" string -> string\n"
          "  page 24 level 1 born 4: 3 children, \"k\" to \"pre\"\n"
          "    page 25 leaf born 4: 3 records, x'' to \"abc\"\n"
          "    page 26 leaf born 2: 2 records, \"kiwi\" to \"known\"\n"
          "      run at page 28 born 2: 2 pages, 900 bytes\n"
          "    page 27 leaf born 3: 2 records, \"prefix-1\" to \"prefix-2\"\n"
          "      run at page 30 born 1: 1 page, 480 bytes\n"
          "  free map page 31 level 0 born 4: 2 free pages\n");
}

TEST_CASE("a drawing has no more lines than asked for") {
    full_store store;
    CHECK(quire::inspect::draw(store.file, 3) ==
          "slot 1 describes the store: no other is newer, and its commit is whole\n"
          "tree 0 \"catalog\" string -> schema\n"
          "  page 16 leaf born 1: 2 records, \"main\" to \"names\"\n"
          "...\n");
    CHECK(quire::inspect::draw(store.file, 0) == "...\n");
}

TEST_CASE("what is wrong stands in the drawing") {
    full_store store;
    store.page(24)[6] = std::byte{200};
    store.seal(24);
    const std::string text = quire::inspect::draw(store.file);
    CHECK(text.find("! page 24: count: found 200, expected at most 29 (writer)\n"
                    "  page 24 level 1 born 4: cannot be read\n") != std::string::npos);
    CHECK(quire::inspect::draw(device{}).find("neither slot is valid") != std::string::npos);
}
