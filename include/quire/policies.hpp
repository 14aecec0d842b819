// The policies of a map by name, in any order, each optional, and what a map does without one.
//
//   storage      storage::file (default), storage::mmap, storage::memory, or a device of your own
//   replacement  replacement::clock (default), lru, lru_k<K>, two_queue, arc, sieve, s3_fifo, fifo,
//                random, or a policy of your own
//   transactions txn::wal (default), txn::shadow, txn::none
//   codecs       codec::key<C>, codec::value<C>; default codec::of<T>
//   page size    page_size<N>, N a power of two from 512 to 65536; default 4096
#pragma once

#include <cstddef>
#include <type_traits>

#include <quire/cache/replacement/arc.hpp>
#include <quire/cache/replacement/clock.hpp>
#include <quire/cache/replacement/concepts.hpp>
#include <quire/cache/replacement/fifo.hpp>
#include <quire/cache/replacement/lru.hpp>
#include <quire/cache/replacement/lru_k.hpp>
#include <quire/cache/replacement/random.hpp>
#include <quire/cache/replacement/s3_fifo.hpp>
#include <quire/cache/replacement/sieve.hpp>
#include <quire/cache/replacement/two_queue.hpp>
#include <quire/codec/of.hpp>
#include <quire/codec/policy.hpp>
#include <quire/format/page_header.hpp>
#include <quire/storage/concepts.hpp>
#include <quire/storage/file.hpp>
#include <quire/storage/memory.hpp>
#include <quire/storage/mmap.hpp>
#include <quire/txn/policy.hpp>

namespace quire {

struct page_size_base {};
template <std::size_t N>
struct page_size : page_size_base {
    static constexpr std::size_t bytes = N;
};

// The one place that names the defaults.
namespace defaults {
using storage = quire::storage::file;
using replacement = quire::replacement::clock;
using transactions = quire::txn::wal;
using page_size = quire::page_size<4096>;
} // namespace defaults

namespace detail {

struct storage_tag {};
struct replacement_tag {};
struct txn_tag {};
struct page_size_tag {};
struct key_codec_tag {};
struct value_codec_tag {};
struct no_tag {};

// What kind of policy a type is.
template <class P>
struct tag_of {
    using type = std::conditional_t<
        std::is_base_of_v<storage::policy_base, P>, storage_tag,
        std::conditional_t<
            std::is_base_of_v<replacement::policy_base, P>, replacement_tag,
            std::conditional_t<
                std::is_base_of_v<txn::policy_base, P>, txn_tag,
                std::conditional_t<std::is_base_of_v<page_size_base, P>, page_size_tag, no_tag>>>>;
};
template <class C>
struct tag_of<codec::key<C>> {
    using type = key_codec_tag;
};
template <class C>
struct tag_of<codec::value<C>> {
    using type = value_codec_tag;
};

template <class Tag, class... Policies>
inline constexpr std::size_t
    count_of = (std::size_t{0} + ... +
                static_cast<std::size_t>(std::is_same_v<typename tag_of<Policies>::type, Tag>));

template <class Tag, class Default, class... Policies>
struct select {
    using type = Default;
};
template <class Tag, class Default, class First, class... Rest>
struct select<Tag, Default, First, Rest...>
    : std::conditional_t<std::is_same_v<typename tag_of<First>::type, Tag>,
                         std::type_identity<First>, select<Tag, Default, Rest...>> {};

// One sentence for the first rule that the list of policies breaks.
template <class... Policies>
consteval bool check_policies() {
    if constexpr (count_of<no_tag, Policies...> != 0)
        static_assert(count_of<no_tag, Policies...> == 0,
                      "quire: what follows the key and the value of a btree_map must be policies: "
                      "storage, replacement, txn, codec::key, codec::value or page_size");
    else if constexpr (count_of<storage_tag, Policies...> > 1)
        static_assert(count_of<storage_tag, Policies...> <= 1,
                      "quire: a btree_map has one storage policy");
    else if constexpr (count_of<replacement_tag, Policies...> > 1)
        static_assert(count_of<replacement_tag, Policies...> <= 1,
                      "quire: a btree_map has one replacement policy");
    else if constexpr (count_of<txn_tag, Policies...> > 1)
        static_assert(count_of<txn_tag, Policies...> <= 1,
                      "quire: a btree_map has one transaction policy");
    else if constexpr (count_of<page_size_tag, Policies...> > 1)
        static_assert(count_of<page_size_tag, Policies...> <= 1,
                      "quire: a btree_map has one page size");
    else if constexpr (count_of<key_codec_tag, Policies...> > 1 ||
                       count_of<value_codec_tag, Policies...> > 1)
        static_assert(count_of<key_codec_tag, Policies...> <= 1 &&
                          count_of<value_codec_tag, Policies...> <= 1,
                      "quire: a btree_map has one codec for its keys and one for its values");
    else {
        constexpr std::size_t size =
            select<page_size_tag, defaults::page_size, Policies...>::type::bytes;
        static_assert(size >= format::smallest_page && size <= format::largest_page &&
                          (size & (size - 1)) == 0,
                      "quire: a page size is a power of two from 512 to 65536");
        using chosen = typename select<storage_tag, defaults::storage, Policies...>::type;
        if constexpr (storage::persistent_policy<chosen>)
            static_assert(storage::check_device<chosen>());
        using commits = typename select<txn_tag, defaults::transactions, Policies...>::type;
        if constexpr (storage::persistent_policy<chosen> && commits::logs)
            static_assert(storage::listing_device<storage::log_device_of<chosen>>,
                          "quire: txn::wal, the default, keeps a log in files beside the store; for"
                          " that a storage device has static list(beginning, to, found), giving a "
                          "status, or names another device as log_device; or name another txn");
        using replaces = typename select<replacement_tag, defaults::replacement, Policies...>::type;
        static_assert(replacement::replacement_policy<replaces>,
                      "quire: a replacement policy models quire::replacement::replacement_policy: "
                      "name, reset(frames, pages), victim(frames) noexcept");
    }
    return true;
}

template <class... Policies>
struct policy_set {
    using storage = typename select<storage_tag, defaults::storage, Policies...>::type;
    using replacement = typename select<replacement_tag, defaults::replacement, Policies...>::type;
    using transactions = typename select<txn_tag, defaults::transactions, Policies...>::type;
    static constexpr std::size_t page_bytes =
        select<page_size_tag, defaults::page_size, Policies...>::type::bytes;
    template <class K>
    using key_codec =
        typename select<key_codec_tag, codec::key<codec::of<K>>, Policies...>::type::codec;
    template <class V>
    using value_codec =
        typename select<value_codec_tag, codec::value<codec::of<V>>, Policies...>::type::codec;
};

} // namespace detail
} // namespace quire
