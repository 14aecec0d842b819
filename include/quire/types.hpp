// What K, V and the policies of a map come to: its codecs, the layout of its nodes, its store; and
// the two conversions between what the user holds and what a page holds.
//
// A map has the fixed layout when its keys and values have one size each and four records fit a
// page with room to spare; else the slotted one.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>

#include <quire/codec/checks.hpp>
#include <quire/core/error.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/core/raise.hpp>
#include <quire/format/log_record.hpp>
#include <quire/format/schema.hpp>
#include <quire/node/fixed.hpp>
#include <quire/node/slotted.hpp>
#include <quire/policies.hpp>
#include <quire/tree/cursor.hpp>
#include <quire/tree/overflow.hpp>
#include <quire/txn/store.hpp>

namespace quire::detail {

// Bytes that are mostly few: the first `Inline` stand in the object.
template <std::size_t Inline>
class small_bytes {
public:
    QUIRE_TRIVIAL small_bytes() noexcept {}
    // A scratch buffer is not worth copying.
    QUIRE_TRIVIAL small_bytes(const small_bytes&) noexcept {}
    QUIRE_TRIVIAL small_bytes& operator=(const small_bytes&) noexcept { return *this; }

    // Room for n bytes; what was there is lost.
    [[nodiscard]] std::byte* resize(std::size_t n) {
        if (n > Inline) {
            heap_.clear(); // nothing to carry over
            heap_.reserve(n);
        }
        size_ = n;
        return data();
    }
    [[nodiscard]] QUIRE_TRIVIAL std::byte* data() noexcept {
        return size_ > Inline ? heap_.data() : inline_;
    }
    [[nodiscard]] QUIRE_TRIVIAL bytes_view view() noexcept { return {data(), size_}; }

private:
    std::byte inline_[Inline];
    growing_array<std::byte> heap_; // its capacity is what is used
    std::size_t size_ = 0;
};

template <std::size_t N>
using uint_of = std::conditional_t<
    N == 1, std::uint8_t,
    std::conditional_t<N == 2, std::uint16_t,
                       std::conditional_t<N == 4, std::uint32_t, std::uint64_t>>>;

// How keys of a fixed page are stored: scalars as they are, other keys of 1, 2, 4 or 8 bytes as one
// number, the rest as bytes.
template <class C>
struct fixed_key {
    using type = node::bytes_key<C::fixed_size == 0 ? 1 : C::fixed_size>;
};
template <class C>
requires(codec::native_codec<C>) struct fixed_key<C> {
    using type =
        node::integer_key<uint_of<C::fixed_size>, static_cast<format::key_order>(C::order)>;
};
template <class C>
requires(!codec::native_codec<C> &&
         (C::fixed_size == 1 || C::fixed_size == 2 || C::fixed_size == 4 ||
          C::fixed_size == 8)) struct fixed_key<C> {
    using type = node::integer_key<uint_of<C::fixed_size>, format::key_order::unsigned_integer>;
};

template <class KeyCodec, class ValueCodec, std::size_t PageSize>
inline constexpr bool
    fits_fixed = KeyCodec::fixed_size != codec::variable&& ValueCodec::fixed_size !=
                     codec::variable&& KeyCodec::fixed_size != 0 &&
                 KeyCodec::fixed_size <= PageSize / 8 - 16 &&
                 ValueCodec::fixed_size <= PageSize / 4 &&
                 (KeyCodec::fixed_size + ValueCodec::fixed_size) * 4 + 48 <= PageSize;

template <class KeyCodec, class ValueCodec, std::size_t PageSize>
struct choose_layout {
    using type = node::slotted<PageSize>;
};
template <class KeyCodec, class ValueCodec, std::size_t PageSize>
requires(fits_fixed<KeyCodec, ValueCodec, PageSize>) struct choose_layout<KeyCodec, ValueCodec,
                                                                          PageSize> {
    using type = node::fixed<typename fixed_key<KeyCodec>::type, ValueCodec::fixed_size, PageSize>;
};

// Spans of a leaf's values need memory that is the value: natives on a little-endian host, arrays
// of bytes anywhere.
template <class T, class C>
struct span_element {
    using type = void;
};
template <class T, class C>
requires(codec::native_codec<C>&& std::endian::native ==
         std::endian::little) struct span_element<T, C> {
    using type = typename C::native_type;
};
template <class B, std::size_t N, class C>
requires(sizeof(B) == 1 && !codec::native_codec<C> &&
         C::fixed_size == N) struct span_element<std::array<B, N>, C> {
    using type = std::array<B, N>;
};

template <class K, class V, class... Policies>
struct map_types {
    using policies = policy_set<Policies...>;
    using key_type = K;
    using mapped_type = V;
    using key_codec = codec::checked<typename policies::template key_codec<K>, codec::role::key, K>;
    using value_codec =
        codec::checked<typename policies::template value_codec<V>, codec::role::value, V>;
    using key_view = typename key_codec::view_type;
    using value_view = typename value_codec::view_type;
    using key_param = typename key_codec::arg_type;
    using value_param = typename value_codec::arg_type;
    static constexpr std::size_t page_bytes = policies::page_bytes;
    using layout = typename choose_layout<key_codec, value_codec, page_bytes>::type;
    using store = txn::store<typename policies::storage, typename policies::replacement,
                             typename policies::transactions, page_bytes>;
    using cache = typename store::cache_type;
    using cursor = tree::cursor<layout, cache>;
    using editor = tree::editor<layout, store>;
    static constexpr bool transactional = policies::transactions::transactional;
    static constexpr bool is_fixed = layout::kind == format::layout_kind::fixed;
    static constexpr bool integer_keys = [] {
        if constexpr (is_fixed) return layout::key_type::order != format::key_order::bytes;
        else return false;
    }();
    // Which tree of the store a map is.
    static constexpr std::uint32_t tree_index = 0;
    static constexpr auto tree = static_cast<tree_id>(1);
    static constexpr std::size_t largest_key = page_bytes / 4;
    static_assert(key_codec::fixed_size == codec::variable || key_codec::fixed_size <= largest_key,
                  "quire: a key is at most a quarter of a page; take a larger page_size");
    static constexpr std::size_t largest_inline_value = page_bytes / 4;
    // Whether a value of that size stands in the leaf, of the slotted layout, and not in a run.
    [[nodiscard]] static constexpr bool fits_inline(std::size_t key, std::size_t value) noexcept {
        constexpr std::size_t beside = 10; // of a record and its slot, besides key and value
        return value <= largest_inline_value && key + value + beside <= layout::largest_leaf_record;
    }

    using key_element = typename span_element<K, key_codec>::type;
    using value_element = typename span_element<V, value_codec>::type;
    static constexpr bool has_spans = is_fixed && !std::is_void_v<key_element> &&
                                      !std::is_void_v<value_element> &&
                                      // A key packed into a number is not the bytes of the key.
                                      (codec::native_codec<key_codec> || !integer_keys);

    [[nodiscard]] static format::schema schema() {
        format::schema s;
        s.tree = tree;
        s.layout = layout::kind;
        if constexpr (is_fixed) {
            s.order = layout::key_type::order;
            s.key_size = static_cast<std::uint32_t>(layout::key_size);
            s.value_size = static_cast<std::uint32_t>(layout::value_size);
        }
        s.key_codec = format::stored_codec_name(key_codec::name);
        s.value_codec = format::stored_codec_name(value_codec::name);
        return s;
    }

    static void check_end(const std::byte* end, const std::byte* expected) noexcept {
        QUIRE_PRECONDITION(end == expected,
                           "a codec's encode writes as many bytes as its size says");
        static_cast<void>(end);
        static_cast<void>(expected);
    }
    // A key as the layout searches it.
    class encoded_key {
    public:
        explicit encoded_key(key_param key) {
            if constexpr (is_fixed && codec::native_codec<key_codec>) {
                using stored = typename layout::key_type::stored_type;
                rank_ = layout::key_type::rank(std::bit_cast<stored>(key_codec::to_native(key)));
            } else if constexpr (integer_keys) {
                std::array<std::byte, key_codec::fixed_size> bytes;
                key_codec::encode(key, bytes.data());
                rank_ = load_be<typename layout::key_type::rank_type>(bytes.data());
            } else {
                size_ = key_codec::size(key);
                if (QUIRE_LIKELY(size_ <= largest_key))
                    check_end(key_codec::encode(key, bytes_.data()), bytes_.data() + size_);
            }
        }
        // Whether a key of that size can be in a map at all.
        [[nodiscard]] bool possible() const noexcept {
            return integer_keys || size_ <= largest_key;
        }
        [[nodiscard]] std::size_t size() const noexcept { return size_; }
        [[nodiscard]] typename layout::key_arg arg() const noexcept {
            if constexpr (integer_keys) return rank_;
            else if constexpr (is_fixed) return {bytes_.data()};
            else return {bytes_.data(), size_};
        }
        // Throws key_too_large.
        void require_possible(const std::string& path) const {
            if (!possible())
                raise<key_too_large>("a key is at most a quarter of a page; shorten it or take a "
                                     "larger page_size",
                                     path, page_id::none, "key", {size_, " bytes"},
                                     {"at most ", largest_key});
        }

    private:
        struct nothing {};
        template <bool IsInteger>
        static auto rank_type() {
            if constexpr (IsInteger) return typename layout::key_arg{};
            else return nothing{};
        }
        static constexpr std::size_t room = integer_keys ? 1
                                            : is_fixed   ? key_codec::fixed_size
                                                         : largest_key;
        [[no_unique_address]] decltype(rank_type<integer_keys>()) rank_{};
        std::size_t size_ = 0;
        std::array<std::byte, room> bytes_;
    };

    // A key as the log has it: an integer as its rank, little-endian; else its bytes.
    class logged_key {
    public:
        explicit logged_key(typename layout::key_arg key) noexcept {
            if constexpr (integer_keys) {
                store_le<typename layout::key_arg>(rank_, key);
                view_ = {rank_, sizeof key};
            } else if constexpr (is_fixed) {
                view_ = {key.data, layout::key_size};
            } else {
                view_ = key;
            }
        }
        logged_key(const logged_key&) = delete;
        logged_key& operator=(const logged_key&) = delete;
        [[nodiscard]] bytes_view view() const noexcept { return view_; }

    private:
        std::byte rank_[8];
        bytes_view view_;
    };
    // What the log has as a key. Throws corruption if it cannot be one.
    [[nodiscard]] static typename layout::key_arg from_log(bytes_view key,
                                                           const std::string& path) {
        if (is_fixed ? key.size() != layout_key_size() : key.size() > largest_key)
            raise<corruption>("the log has a key of a size that no key has; restore a backup", path,
                              page_id::none, "key", {key.size(), " bytes"},
                              {is_fixed ? "" : "at most ",
                               is_fixed ? layout_key_size() : largest_key});
        if constexpr (integer_keys) return load_le<typename layout::key_arg>(key.data());
        else if constexpr (is_fixed) return {key.data()};
        else return key;
    }
    // Throws corruption if no value has the size of the one that is put.
    static void check_logged_value(const format::log_update& update, const std::string& path) {
        if (update.type != format::record_type::put) return;
        if constexpr (is_fixed) {
            if (update.value.size() != layout::value_size)
                raise<corruption>("the log has a value of a size that no value has; restore a "
                                  "backup",
                                  path, page_id::none, "value", {update.value.size(), " bytes"},
                                  layout::value_size);
        }
    }
    [[nodiscard]] static constexpr std::size_t layout_key_size() noexcept {
        if constexpr (is_fixed) return layout::key_size;
        else return 0;
    }

    // What a page's key bytes mean.
    [[nodiscard]] static key_view decode_key(bytes_view stored) {
        if constexpr (is_fixed && codec::native_codec<key_codec>) {
            using number = typename layout::key_type::stored_type;
            return key_codec::from_native(
                std::bit_cast<typename key_codec::native_type>(load_le<number>(stored.data())));
        } else if constexpr (integer_keys) {
            std::array<std::byte, key_codec::fixed_size> bytes;
            store_be<typename layout::key_type::stored_type>(
                bytes.data(), load_le<typename layout::key_type::stored_type>(stored.data()));
            return key_codec::decode(bytes);
        } else {
            return key_codec::decode(stored);
        }
    }

    // A value's encoding, in the object while it is small.
    class encoded_value {
    public:
        // Throws what the codec throws, std::bad_alloc, value_too_large.
        void encode(value_param value, const std::string& path) {
            const std::size_t size = value_codec::size(value);
            if constexpr (!is_fixed)
                if (size > tree::largest_value)
                    raise<value_too_large>("a value is at most 1 GiB; split it over several keys",
                                           path, page_id::none, "value", {size, " bytes"},
                                           {"at most ", tree::largest_value});
            std::byte* const to = bytes_.resize(size);
            check_end(value_codec::encode(value, to), to + size);
        }
        [[nodiscard]] bytes_view view() noexcept { return bytes_.view(); }

    private:
        small_bytes<is_fixed ? (value_codec::fixed_size == 0 ? 1 : value_codec::fixed_size) : 256>
            bytes_;
    };

    // Reads a value out of a leaf. `Scratch` holds it when it lies in an overflow run.
    template <class Scratch>
    [[nodiscard]] static value_view decode_value(cache& pages, node::stored_value stored,
                                                 Scratch& scratch) {
        if constexpr (is_fixed) {
            static_cast<void>(pages);
            static_cast<void>(scratch);
            return value_codec::decode(stored.bytes);
        } else {
            if (QUIRE_LIKELY(!stored.overflow)) return value_codec::decode(stored.bytes);
            const tree::run_ref run = tree::decode_run(stored.bytes, pages.path());
            std::byte* const to = scratch.resize(run.value_size);
            tree::read_run(pages, run, {to, run.value_size});
            return value_codec::decode(scratch.view());
        }
    }
};

} // namespace quire::detail
