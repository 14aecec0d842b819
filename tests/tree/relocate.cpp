// Passes over a tree: what they leave holds the same records in fewer pages, or in lower ones,
// whatever the steps and whoever changes the tree between them.
#include <quire/tree/relocate.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "plain_tree.hpp"

using namespace tree_test;

namespace {

// The writer of a plain tree, as relocate.hpp asks for it; runs lie in pages of the same numbers.
template <class Layout>
class mover {
public:
    explicit mover(plain_tree<Layout>& t) : tree_(t) {}

    page_store& cache() noexcept { return tree_.cache; }
    bool owns(const std::byte* page) const noexcept { return tree_.writer.owns(page); }
    std::byte* own(const std::byte* page) noexcept { return tree_.writer.own(page); }
    std::byte* create(format::page_facts facts) noexcept { return tree_.writer.create(facts); }
    void release(const std::byte* page) noexcept { tree_.writer.release(page); }
    void check_used(const std::byte* page) const { tree_.writer.check_used(page); }
    page_id next_page() const noexcept { return tree_.writer.next_page(); }

    page_id lowest_run(std::uint32_t) const noexcept { return lowest; }
    tree::run_ref write_run(bytes_view value, tree_id tree) {
        const page_ref first{lowest, low_bits(tree_.writer.now)};
        auto& run = tree_.cache.runs[first.id];
        run.resize(format::page_header_size + value.size());
        format::start_page(run.data(), {format::page_kind::overflow, 0, tree}, first.id,
                           tree_.writer.now);
        format::set_value_size(run.data(), static_cast<std::uint32_t>(value.size()));
        copy_bytes(run.data() + format::page_header_size, value.data(), value.size());
        format::seal(run);
        lowest = lowest + 100;
        return {first, static_cast<std::uint32_t>(value.size())};
    }
    void release_run(const tree::run_ref& run) noexcept { tree_.cache.runs.erase(run.first.id); }
    void check_run(const tree::run_ref&) const {}
    void reserve_freed(std::size_t) {}

    page_id lowest = page_id::none; // where the next run goes

private:
    plain_tree<Layout>& tree_;
};

template <class Layout>
struct passes {
    plain_tree<Layout>& t;
    mover<Layout> writer{t};
    typename Layout::workspace work{};
    tree::relocator<Layout, mover<Layout>> relocate{writer, t.root, work};
    tree::relocation_facts facts{};

    explicit passes(plain_tree<Layout>& of) : t(of) { work.reserve(); }

    // Pages that this version no longer reaches may be given again.
    void next_version() {
        static_cast<void>(t.new_version());
        for (std::uint32_t id = 10; id < to_integer(last()); ++id)
            if (!t.writer.live.contains(page_id{id})) t.writer.reusable.insert(page_id{id});
    }
    page_id last() const { return page_id{to_integer(*t.writer.live.rbegin()) + 1}; }
    // A whole pass; between(n) is called before step n.
    template <class Between>
    void run(const tree::relocation_aim& aim, Between&& between) {
        tree::relocation_place<Layout> at;
        for (int n = 0; !at.at_end; ++n) {
            between(n);
            const bool worth = tree::relocator<Layout, mover<Layout>>::worth_a_step(
                t.cache, t.root, at, aim, facts);
            if (!worth) continue;
            t.writer.start_operation();
            const std::uint32_t level = t.root.level;
            relocate.step(at, aim, facts);
            REQUIRE(t.writer.mistakes == "");
            const std::uint32_t most = relocate.most_pages(level, aim.children);
            REQUIRE(t.writer.made <= most);
            REQUIRE(t.writer.freed <= most + aim.children);
        }
    }
    void run(const tree::relocation_aim& aim) {
        run(aim, [](int) {});
    }
};

template <class Layout>
void fill_and_thin(plain_tree<Layout>& t, dice& d, const input<Layout>& in, std::uint64_t thin) {
    for (int i = 0; i < 4000; ++i) {
        const std::string key = in.key(d);
        t.put(key, in.value(d, key.size()));
    }
    std::vector<std::string> gone;
    for (const auto& [key, value] : t.content)
        if (d.below(16) < thin) gone.push_back(key);
    for (const std::string& key : gone) t.erase(key);
}

} // namespace

TEST_CASE_TEMPLATE("packing leaves fewer pages, well filled", Layout, EVERY_LAYOUT) {
    for (int flavour = 0; flavour < input<Layout>::flavours; ++flavour)
        for (const std::uint32_t children : {2U, 5U, 16U, 32U}) {
            CAPTURE(flavour);
            CAPTURE(children);
            dice d(static_cast<std::uint64_t>(flavour) * 100 + children);
            plain_tree<Layout> t;
            fill_and_thin(t, d, {flavour}, 8);
            const auto before = t.check();
            const double before_fill = t.fill();
            passes<Layout> p(t);
            p.next_version();
            tree::relocation_aim aim;
            aim.packs = true;
            aim.children = children;
            p.run(aim);
            const auto after = t.check();
            CHECK(before.leaf_pages + before.inner_pages ==
                  after.leaf_pages + after.inner_pages + p.facts.saved);
            CHECK(p.facts.moved == 0);
            // Few children at once, and records of up to a quarter of a page, leave more room.
            const double least = flavour >= 2 ? 0.42 : children < 8 ? 0.62 : 0.78;
            CHECK(t.fill() > least);
            CHECK(t.fill() > before_fill * 1.2);
            // Once more: next to nothing is left to do.
            p.next_version();
            const std::uint64_t saved = p.facts.saved;
            p.run(aim);
            t.check();
            CHECK(p.facts.saved - saved < saved / 4 + 3);
        }
}

TEST_CASE_TEMPLATE("packing takes a tree down to its root", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    dice d(3);
    for (std::uint64_t i = 0; i < 3000; ++i) t.put(number(i), d.bytes(8));
    for (std::uint64_t i = 0; i < 3000; ++i)
        if (i % 500 != 0) t.erase(number(i));
    passes<Layout> p(t);
    tree::relocation_aim aim;
    aim.packs = true;
    for (int round = 0; round < 4; ++round) {
        p.next_version();
        p.run(aim);
        t.check();
    }
    CHECK(t.root.level == 0);
    t.erase(number(0));
    t.put(number(1), d.bytes(8));
    t.check();
}

TEST_CASE_TEMPLATE("pages behind a limit move below it", Layout, EVERY_LAYOUT) {
    for (const std::uint32_t children : {2U, 16U, 32U}) {
        CAPTURE(children);
        dice d(children);
        plain_tree<Layout> t;
        fill_and_thin(t, d, {0}, 9);
        passes<Layout> p(t);
        tree::relocation_aim aim;
        aim.children = children;
        for (int round = 0; round < 5; ++round) {
            p.next_version();
            // Paths are copied too, and what they leave is free in the next version.
            aim.limit = page_id{10 + static_cast<std::uint32_t>(t.writer.live.size()) + 8};
            p.run(aim);
            t.check();
        }
        CHECK(to_integer(p.last()) <= 10 + t.writer.live.size() + 8);
        CHECK(p.facts.moved > 0);
        CHECK(p.facts.saved == 0);
    }
}

TEST_CASE_TEMPLATE("a pass goes on while others change the tree", Layout, EVERY_LAYOUT) {
    for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
        CAPTURE(seed);
        dice d(seed);
        plain_tree<Layout> t;
        const input<Layout> in{static_cast<int>(seed) % input<Layout>::flavours};
        fill_and_thin(t, d, in, 8);
        passes<Layout> p(t);
        p.next_version();
        tree::relocation_aim aim;
        aim.packs = true;
        aim.limit = page_id{to_integer(p.last()) / 2};
        aim.children = 7;
        p.run(aim, [&](int n) {
            if (n % 3 == 0) p.next_version();
            for (std::uint64_t i = d.below(30); i-- != 0;) {
                const std::string key = in.key(d);
                if (d.one_in(2)) t.put(key, in.value(d, key.size()));
                else t.erase(key);
            }
            if (n % 16 == 0) t.check();
        });
        t.check();
        CHECK(p.facts.saved > 0);
    }
}

TEST_CASE_TEMPLATE("what cannot be read leaves the tree as it was", Layout, EVERY_LAYOUT) {
    dice d(5);
    plain_tree<Layout> t;
    fill_and_thin(t, d, {0}, 8);
    passes<Layout> p(t);
    p.next_version();
    tree::relocation_aim aim;
    aim.packs = true;
    aim.limit = page_id{to_integer(p.last()) / 2};
    tree::relocation_place<Layout> at;
    std::size_t failed = 0;
    for (std::size_t fetches = 0; fetches < 40; ++fetches) {
        t.cache.fetches_left = fetches;
        const std::uint64_t done = p.facts.saved + p.facts.moved;
        try {
            p.relocate.step(at, aim, p.facts);
        } catch (const io_error&) {
            ++failed;
            CHECK(p.facts.saved + p.facts.moved == done);
        }
        t.cache.fetches_left = ~std::size_t{0};
        t.check();
    }
    CHECK(failed > 5);
    t.writer.called_free = {format::id_of(t.cache.fetch(t.root.root, [](const std::byte*) {
        return static_cast<const char*>(nullptr);
    }))};
    at = {};
    CHECK_THROWS_AS(p.relocate.step(at, aim, p.facts), corruption);
    t.check();
}

TEST_CASE_TEMPLATE("a leaf alone moves, an empty tree does not", Layout, EVERY_LAYOUT) {
    plain_tree<Layout> t;
    passes<Layout> p(t);
    tree::relocation_aim aim;
    aim.limit = page_id{10};
    p.run(aim);
    t.put(number(1), "12345678");
    const page_ref before = t.root.root;
    p.next_version();
    p.run(aim); // there is no lower place
    CHECK(p.facts.lacks_room);
    CHECK(t.root.root == before);
    t.writer.reusable.insert(page_id{3});
    p.run(aim);
    CHECK(t.root.root.id == page_id{3});
    CHECK(p.facts.moved == 1);
    t.check();
}

TEST_CASE("runs of overflow pages move where there is a lower place for all of them") {
    plain_tree<slotted_layout> t;
    passes<slotted_layout> p(t);
    dice d(1);
    for (std::uint64_t i = 0; i < 200; ++i) t.put(number(i), d.bytes(12));
    // Records 50 and 120 refer to runs.
    std::string large(2000, 'v');
    for (const std::uint64_t i : {50U, 120U}) {
        p.writer.lowest = page_id{i == 50 ? 90'000U : 5000U};
        const auto reference = tree::encode(p.writer.write_run(view(large), tree_id{1}));
        tree::descent<slotted_layout> at;
        at.to(t.cache, t.root, view(number(i)));
        slotted_layout::replace(t.writer.own(at.leaf().page), at.leaf().index, {reference, true});
        t.content[number(i)] = text(reference);
    }
    p.next_version();
    tree::relocation_aim aim;
    aim.limit = page_id{4000};
    aim.moves_runs = true;
    p.writer.lowest = page_id{6000}; // lower than the first alone
    p.run(aim);
    CHECK(p.facts.has_runs);
    CHECK(p.facts.moved == format::run_pages(large.size(), 512));
    CHECK(t.cache.runs.contains(page_id{6000}));
    CHECK(t.cache.runs.contains(page_id{5000}));
    CHECK(t.cache.runs.size() == 2);
    tree::descent<slotted_layout> at;
    at.to(t.cache, t.root, view(number(50)));
    const auto value = slotted_layout::value(at.leaf().page, at.leaf().index);
    REQUIRE(value.overflow);
    std::string read(large.size(), ' ');
    tree::read_run(t.cache, tree::decode_run(value.bytes, ""),
                   {reinterpret_cast<std::byte*>(read.data()), read.size()});
    CHECK(read == large);
}
