// Maps of numbers and maps of texts of a configuration (model.hpp) and a page size, with what tests
// put into them: records by number, of which some texts lie in overflow runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>

#include <quire/btree_map.hpp>
#include <quire/storage/file.hpp>

#include "faulty_device.hpp"
#include "model.hpp"

namespace quire_test {

template <class C, std::size_t PageSize>
using numbers = typename C::template map<std::uint64_t, std::uint64_t, quire::page_size<PageSize>>;
template <class C, std::size_t PageSize>
using texts = typename C::template map<std::string, std::string, quire::page_size<PageSize>>;

template <class Map>
using model_of = std::map<typename Map::key_type, typename Map::mapped_type>;

template <class Map>
[[nodiscard]] typename Map::key_type key_of(std::uint64_t n) {
    if constexpr (std::is_same_v<typename Map::key_type, std::string>) return key_text(n, 9);
    else return n;
}
template <class Map>
[[nodiscard]] typename Map::mapped_type value_of(std::uint64_t n) {
    if constexpr (std::is_same_v<typename Map::mapped_type, std::string>)
        return text_of(n % 37 == 5 ? n % 4 * 700 + 300 : n % 60, n);
    else return n * 3;
}

// Texts on files whose calls fail on demand, and nothing planned before and after a test.
using faulty_file = faulty_device<quire::storage::file>;
template <class Txn>
using faulty_map =
    quire::btree_map<std::string, std::string, faulty_file, Txn, quire::page_size<512>>;
struct no_faults {
    no_faults() { faulty_file::plan = {}; }
    ~no_faults() { faulty_file::plan = {}; }
};

} // namespace quire_test
