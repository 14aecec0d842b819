// Which leaves are packed: by what it costs.
#include <quire/tree/packing.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "plain_tree.hpp"

using namespace tree_test;

namespace {

using packing = tree::leaf_packing<fixed_layout>;

// Leaves with so many records, of 30 that a leaf of 512 bytes has room for.
class leaves {
public:
    explicit leaves(const std::vector<std::uint32_t>& counts) {
        std::uint64_t key = 0;
        for (const std::uint32_t count : counts) {
            pages_.emplace_back(new std::byte[512]);
            std::byte* const page = pages_.back().get();
            format::start_page(page, {fixed_layout::leaf_kind, 0, tree_id{1}}, page_id{1},
                               version{1});
            const std::byte value[8]{};
            for (std::uint32_t i = 0; i < count; ++i)
                fixed_layout::insert(page, i, key++, {value, false});
            group_.leaves[pages_.size() - 1] = page;
        }
        group_.end = static_cast<std::uint32_t>(counts.size());
    }
    // Of so many children in all.
    [[nodiscard]] tree::leaf_group chosen(std::uint32_t children, bool below_root = false) const {
        tree::leaf_group group = group_;
        packing::choose(group, children, below_root);
        return group;
    }

private:
    std::vector<std::unique_ptr<std::byte[]>> pages_;
    tree::leaf_group group_;
};

bool packs(const tree::leaf_group& group, std::uint32_t from, std::uint32_t to) {
    return group.pack_from == from && group.pack_to == to && group.end == to;
}

} // namespace

TEST_CASE("a leaf has room for 30 records") {
    REQUIRE(fixed_layout::leaf_capacity >= 30 * 16);
    REQUIRE(fixed_layout::leaf_capacity < 31 * 16);
}

TEST_CASE("half full leaves are packed, as many as are seen") {
    CHECK(packs(leaves({14, 14, 14, 14, 14, 14, 14, 14}).chosen(40), 0, 8));
    CHECK(packs(leaves({30, 14, 14, 30}).chosen(40), 1, 3));
    CHECK(packs(leaves({30, 30, 3, 20}).chosen(40), 2, 4));
}

TEST_CASE("full leaves are not, nor those that would cost more than four pages for one") {
    CHECK_FALSE(leaves({28, 28, 28, 28}).chosen(40).packs());
    CHECK_FALSE(leaves({20, 28, 28, 28, 28, 28}).chosen(40).packs());
    CHECK(packs(leaves({22, 22, 22, 22, 22}).chosen(40), 0, 5)); // four for five
    CHECK_FALSE(leaves({24, 24, 24, 24, 24}).chosen(40).packs());
}

TEST_CASE("no inner page is left with one child, but below the root") {
    CHECK_FALSE(leaves({10, 10}).chosen(2).packs());
    CHECK(packs(leaves({10, 10}).chosen(2, true), 0, 2));
    CHECK(packs(leaves({10, 10}).chosen(3), 0, 2));
}

TEST_CASE("a thin leaf at the end is left for the next look, if there are more") {
    CHECK(leaves({28, 28, 10}).chosen(40).end == 2);
    CHECK(leaves({28, 28, 10}).chosen(3).end == 3);
    CHECK(leaves({10}).chosen(3).end == 1); // or there would be no progress
}
