// What a log may hold that no map has written: every record whole and sealed, and none of it for
// this map.
#include <quire/record_change.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/btree_map.hpp>
#include <quire/storage/simulated.hpp>
#include <quire/wal/reader.hpp>
#include <quire/wal/records.hpp>

namespace {

using quire::bytes_view;
using quire::tree_id;
using quire::version;
using quire::storage::simulated;
using quire::storage::simulated_disk;
template <class K, class V>
using map_of = quire::btree_map<K, V, simulated, quire::txn::wal, quire::page_size<512>>;

constexpr quire::options small{.cache_bytes = 1};
constexpr auto map_tree = static_cast<tree_id>(1);

bytes_view bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

// The files of a killed store, with one more transaction at the end of its log.
template <class Map>
simulated_disk::contents forged(Map&& begin, const std::function<void(quire::wal::records&)>& add) {
    simulated_disk::contents files;
    {
        simulated_disk disk;
        auto map = begin(disk.path("m"));
        files = disk.files();
    }
    for (auto& [name, bytes] : files) {
        if (!name.ends_with(".wal")) continue;
        namespace format = quire::format;
        const auto parsed = format::parse_segment(bytes.data());
        REQUIRE(parsed.state == format::segment_state::valid);
        const std::uint32_t seed = format::seed_of(parsed.header.salt);
        std::size_t at = format::segment_header_size;
        format::log_group group;
        version last = parsed.header.base;
        while (format::parse_group(bytes_view(bytes).subspan(at), parsed.header.first_lsn + at,
                                   seed, group)) {
            last = group.facts.at;
            at += group.bytes;
        }
        quire::wal::records more;
        more.start(100'000);
        more.reserve(10'000, 10'000);
        add(more);
        const std::uint64_t lsn = parsed.header.first_lsn + at;
        const bytes_view sealed = more.seal({lsn, quire::next(last), last, lsn}, seed);
        std::copy(sealed.begin(), sealed.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return files;
}
template <class K, class V>
simulated_disk::contents forged_map(const std::function<void(quire::wal::records&)>& add) {
    return forged(
        [](const std::string& path) {
            map_of<K, V> map{path, small};
            map.insert_or_assign(K{}, V{});
            return map;
        },
        add);
}
template <class K, class V>
void check_refused(const std::function<void(quire::wal::records&)>& add) {
    simulated_disk disk(forged_map<K, V>(add));
    CHECK_THROWS_AS((map_of<K, V>{disk.path("m"), small}), quire::corruption);
}

} // namespace

TEST_CASE("a transaction at the end of a log is done, if it is one of the map's") {
    simulated_disk disk(forged_map<std::string, std::string>([](quire::wal::records& to) {
        to.put(map_tree, bytes_of("key"), bytes_of("value"));
        to.erase(map_tree, bytes_of("")); // the key that was there
        to.erase(map_tree, bytes_of("none"));
        to.put(map_tree, bytes_of(std::string(128, 'k')), bytes_of(std::string(3000, 'v')));
    }));
    map_of<std::string, std::string> map{disk.path("m"), small};
    map.verify();
    CHECK(map.size() == 2);
    CHECK(map.at("key") == "value");
    CHECK(map.at(std::string(128, 'k')) == std::string(3000, 'v'));
}

TEST_CASE("records of a tree, or of sizes, that the map does not have are refused") {
    using records = quire::wal::records;
    const auto other = static_cast<tree_id>(2);
    const std::string eight(8, '\0');
    check_refused<std::string, std::string>(
        [&](records& to) { to.put(other, bytes_of("key"), bytes_of("value")); });
    check_refused<std::string, std::string>([&](records& to) { to.clear(tree_id::catalog); });
    check_refused<std::string, std::string>(
        [&](records& to) { to.put(map_tree, bytes_of(std::string(129, 'k')), bytes_of("")); });
    check_refused<std::uint64_t, std::uint64_t>(
        [&](records& to) { to.put(map_tree, bytes_of("key"), bytes_of(eight)); });
    check_refused<std::uint64_t, std::uint64_t>(
        [&](records& to) { to.put(map_tree, bytes_of(eight), bytes_of("value")); });
    check_refused<std::uint64_t, std::uint64_t>(
        [&](records& to) { to.erase(map_tree, bytes_of("")); });
    check_refused<std::array<char, 24>, std::uint64_t>(
        [&](records& to) { to.erase(map_tree, bytes_of(std::string(25, 'k'))); });
}

// A run would take such a page, and the cache forget it, before the editor looks at its path.
TEST_CASE("a large value is not written to a page of its own path that the free map calls free") {
    using types = quire::detail::map_types<std::string, std::string, simulated, quire::txn::wal,
                                           quire::page_size<512>>;
    simulated_disk disk;
    types::store store({disk.path("m"), 1, true, false, 1 << 20}, types::schema());
    quire::detail::writer_state<types> state;
    const auto put = [&](const std::string& key, const std::string& value) {
        store.changing(store.root(0).level, [&] {
            typename types::editor::path at;
            at.to(store.cache(), store.root(0), bytes_of(key));
            quire::detail::record_change<types>(store, state)
                .put(at, bytes_of(key), bytes_of(value));
        });
    };
    store.begin();
    put("1", "one");
    store.commit(quire::durability::none);
    store.begin();
    store.changing(store.root(0).level, [] {}); // pages are set aside: the run takes others
    auto& space = const_cast<quire::space::page_space&>(store.space());
    const quire::page_id root = store.root(0).root.id;
    for (std::uint32_t n = 0; n < 8; ++n) space.start_free(root + n);
    CHECK_THROWS_AS(put("2", std::string(3000, 'x')), quire::corruption);
    CHECK(space.free().contains(root));
    store.roll_back();
}
