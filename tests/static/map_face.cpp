// Compiling is the test: what a map, its snapshots and its transactions model, and what each may
// do.
#include <concepts>
#include <cstdint>
#include <iterator>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <quire/btree_map.hpp>

namespace {

using namespace quire;

using texts = btree_map<std::string, std::string, storage::memory>;
using numbers = btree_map<std::uint64_t, std::uint64_t, storage::memory, txn::none>;
using on_file = btree_map<std::string, std::uint32_t>;
using on_map = btree_map<std::int16_t, std::string, storage::mmap, txn::none, page_size<65536>>;

// --- what may be done with which --------------------------------------------------------------

template <class F>
concept reads = requires(const F& face, std::span<const typename F::key_type> keys,
                         std::span<std::optional<typename F::mapped_type>> values,
                         const typename F::key_type& key) {
    { face.empty() } -> std::same_as<bool>;
    { face.size() } -> std::same_as<typename F::size_type>;
    { F::max_size() } -> std::same_as<typename F::size_type>;
    { face.contains(key) } -> std::same_as<bool>;
    { face.count(key) } -> std::same_as<typename F::size_type>;
    { face.get(key) } -> std::same_as<std::optional<typename F::mapped_type>>;
    { face.at(key) } -> std::convertible_to<typename F::mapped_type>;
    { face.find(key) } -> std::same_as<typename F::iterator>;
    { face.lower_bound(key) } -> std::same_as<typename F::iterator>;
    { face.upper_bound(key) } -> std::same_as<typename F::iterator>;
    {
        face.equal_range(key)
        } -> std::same_as<std::pair<typename F::iterator, typename F::iterator>>;
    { face.begin() } -> std::same_as<typename F::iterator>;
    { face.end() } -> std::same_as<typename F::iterator>;
    { face.cbegin() } -> std::same_as<typename F::const_iterator>;
    { face.cend() } -> std::same_as<typename F::const_iterator>;
    { face.rbegin() } -> std::same_as<typename F::reverse_iterator>;
    { face.rend() } -> std::same_as<typename F::reverse_iterator>;
    { face.range(key, key) } -> std::ranges::view;
    face.multi_get(keys, values);
};
template <class F>
concept writes = requires(F& face, const typename F::key_type& key,
                          const typename F::mapped_type& value, typename F::iterator it) {
    face.insert(key, value);
    face.insert({key, value});
    face.insert_or_assign(key, value);
    face.try_emplace(key, value);
    face.emplace(key, value);
    { face.erase(key) } -> std::same_as<typename F::size_type>;
    { face.erase(it) } -> std::same_as<typename F::iterator>;
    { face.erase(it, it) } -> std::same_as<typename F::iterator>;
    face.clear();
    {
        face.update(key, [](typename F::mapped_type&) {})
        } -> std::same_as<bool>;
    { face.extract(key) } -> std::same_as<std::optional<typename F::mapped_type>>;
    {
        face.erase_if([](const auto&) { return true; })
        } -> std::same_as<typename F::size_type>;
};
template <class M>
concept transacts = requires(M& map, const M& constant) {
    map.transaction();
    map.transaction().commit(durability::relaxed);
    constant.snapshot();
};

static_assert(reads<texts> && reads<numbers> && reads<on_file> && reads<on_map>);
static_assert(reads<texts::snapshot_type> && reads<texts::transaction_type>);
static_assert(writes<texts> && writes<numbers> && writes<on_file> && writes<on_map>);
static_assert(writes<texts::transaction_type> && writes<on_file::transaction_type>);
static_assert(!writes<texts::snapshot_type> && !writes<const texts>);
static_assert(transacts<texts> && transacts<on_file>);
static_assert(!transacts<numbers> && !transacts<on_map>);

// Keys are what the codec encodes, and nothing else.
template <class M, class K>
concept finds = requires(const M& map, K key) {
    map.find(key);
};
static_assert(finds<texts, const char*> && finds<texts, std::string_view> &&
              finds<texts, std::string> && finds<on_file, const char*>);
static_assert(!finds<texts, int> && !finds<numbers, const char*> && !finds<texts, std::u8string>);

// prefix() is for keys that have one.
template <class M>
concept has_prefix = requires(const M& map, const typename M::key_type& key) {
    map.prefix(key);
};
static_assert(has_prefix<texts> && !has_prefix<numbers> && !has_prefix<on_map>);

// --- construction, copying, moving ------------------------------------------------------------

static_assert(std::is_default_constructible_v<texts> && !std::is_default_constructible_v<on_file>);
static_assert(std::is_constructible_v<on_file, std::string> &&
              std::is_constructible_v<on_file, const char*, options> &&
              !std::is_constructible_v<texts, std::string>);
static_assert(!std::is_convertible_v<std::string, on_file>);

template <class T>
inline constexpr bool only_moves =
    std::is_nothrow_move_constructible_v<T> && !std::is_copy_constructible_v<T> &&
    !std::is_copy_assignable_v<T> && std::is_nothrow_destructible_v<T>;
static_assert(only_moves<texts> && only_moves<on_file> && only_moves<texts::transaction_type>);
static_assert(std::is_nothrow_move_assignable_v<texts> && std::is_nothrow_swappable_v<texts>);
static_assert(std::is_nothrow_move_constructible_v<texts::snapshot_type> &&
              std::is_nothrow_move_assignable_v<texts::snapshot_type>);
static_assert(!std::is_default_constructible_v<texts::transaction_type>);

// --- iterators and ranges ---------------------------------------------------------------------

template <class M>
inline constexpr bool walks = std::bidirectional_iterator<typename M::iterator>&&
    std::bidirectional_iterator<typename M::reverse_iterator>&& std::ranges::bidirectional_range<
        const M>&& std::ranges::common_range<const M>&& std::ranges::view<typename M::range_type>&&
        std::ranges::bidirectional_range<typename M::range_type>&&
            std::is_same_v<typename M::iterator, typename M::const_iterator>&& std::is_same_v<
                std::iter_difference_t<typename M::iterator>, typename M::difference_type>;
static_assert(walks<texts> && walks<numbers> && walks<on_file> && walks<on_map> &&
              walks<texts::snapshot_type> && walks<texts::transaction_type>);
static_assert(!std::random_access_iterator<texts::iterator>);
static_assert(std::is_same_v<std::iter_reference_t<texts::iterator>,
                             std::pair<std::string_view, std::string_view>>);
static_assert(std::is_same_v<std::iter_reference_t<numbers::iterator>,
                             std::pair<std::uint64_t, std::uint64_t>>);
static_assert(std::is_same_v<std::iter_reference_t<on_map::iterator>,
                             std::pair<std::int16_t, std::string_view>>);

} // namespace
