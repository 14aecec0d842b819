// The concept node::layout: who models it, the least that does, and that each requirement is one.
#include <cstddef>
#include <cstdint>

#include <quire/node/fixed.hpp>
#include <quire/node/slotted.hpp>

namespace {

using namespace quire;
using format::key_order;
using node::fixed;
using node::integer_key;
using node::layout;
using node::slotted;

// --- shipped models ---------------------------------------------------------------------------

static_assert(layout<fixed<integer_key<std::uint64_t, key_order::unsigned_integer>, 8, 4096>>);
static_assert(layout<fixed<integer_key<std::uint8_t, key_order::signed_integer>, 0, 512>>);
static_assert(layout<fixed<integer_key<std::uint32_t, key_order::floating>, 100, 65536>>);
static_assert(layout<fixed<node::bytes_key<24>, 12, 512>>);
static_assert(layout<slotted<512>> && layout<slotted<4096>> && layout<slotted<65536>>);
static_assert(!layout<int> && !layout<node::bytes_key<24>>);

// --- the least that is a layout ---------------------------------------------------------------

struct minimal {
    static constexpr format::layout_kind kind = format::layout_kind::fixed;
    static constexpr format::page_kind leaf_kind = format::page_kind::fixed_leaf;
    static constexpr format::page_kind inner_kind = format::page_kind::fixed_inner;
    static constexpr std::size_t page_size = 512;
    static constexpr std::uint32_t leaf_capacity = 1;
    static constexpr std::uint32_t inner_capacity = 1;

    struct key_arg {};
    struct key_buffer {
        key_arg arg() const noexcept { return {}; }
        void assign(key_arg) noexcept {}
    };
    struct workspace {
        void reserve() {}
    };
    using page = std::byte*;
    using read = const std::byte*;
    using u32 = std::uint32_t;
    using value_t = node::stored_value;

    static key_arg arg_of(bytes_view) noexcept { return {}; }
    static bool less(key_arg, key_arg) noexcept { return false; }
    static const char* validate(read) noexcept { return nullptr; }
    static node::search_result find(read, key_arg) noexcept { return {0, false}; }
    static u32 child_index(read, key_arg) noexcept { return 0; }
    static page_ref child(read, u32) noexcept { return {}; }
    static bytes_view key(read, u32, key_buffer&) noexcept { return {}; }
    static value_t value(read, u32) noexcept { return {}; }
    static u32 used(read) noexcept { return 0; }
    static bool fits(read, u32, key_arg, value_t) noexcept { return false; }
    static void insert(page, u32, key_arg, value_t) noexcept {}
    static bool fits_replacement(read, u32, value_t) noexcept { return false; }
    static void replace(page, u32, value_t) noexcept {}
    static void erase(page, u32) noexcept {}
    template <class Layout> // for the almost-types below
    static bool plan_leaf_spread(workspace&, read, read, const node::insertion<Layout>&,
                                 node::bias) {
        return false;
    }
    static void apply_leaf_spread(workspace&, page, page) noexcept {}
    static bool plan_leaf_merge(workspace&, read, read) { return false; }
    static void apply_leaf_merge(workspace&, page) noexcept {}
    static key_arg planned_separator(const workspace&) noexcept { return {}; }
    static void start_inner(page, page_ref) noexcept {}
    static void set_child(page, u32, page_ref) noexcept {}
    static bool fits_separator(read, u32, key_arg) noexcept { return false; }
    static void insert_separator(page, u32, key_arg, page_ref) noexcept {}
    static bool fits_separator_replacement(read, u32, key_arg) noexcept { return false; }
    static void replace_separator(page, u32, key_arg) noexcept {}
    static void erase_child(page, u32) noexcept {}
    static bool plan_inner_split(workspace&, read, u32, key_arg, page_ref, node::bias) {
        return false;
    }
    static void apply_inner_split(workspace&, page, page) noexcept {}
    static bool plan_inner_spread(workspace&, read, read, key_arg) { return false; }
    static void apply_inner_spread(workspace&, page, page) noexcept {}
    static bool plan_inner_merge(workspace&, read, read, key_arg) { return false; }
    static void apply_inner_merge(workspace&, page) noexcept {}
};
static_assert(layout<minimal>);

// All that a tree may ask of a layout; it compiles for the least one, so nothing else is needed.
template <layout L>
struct consumer {
    static bool use(std::byte* a, std::byte* b, typename L::workspace& work, bytes_view bytes) {
        typename L::key_buffer buffer;
        buffer.assign(L::arg_of(bytes));
        const node::stored_value value{bytes};
        work.reserve();
        L::start_inner(b, page_ref{});
        L::set_child(b, 0, L::child(b, L::child_index(b, buffer.arg())));
        const bool yes = L::validate(a) == nullptr &&
                         L::less(buffer.arg(), L::arg_of(L::key(a, 0, buffer)));
        const node::search_result at = L::find(a, buffer.arg());
        if (L::fits(a, at.index, buffer.arg(), value)) L::insert(a, at.index, buffer.arg(), value);
        if (L::fits_replacement(a, 0, value)) L::replace(a, 0, L::value(a, 0));
        L::erase(a, 0);
        const node::insertion<L> record{0, false, buffer.arg(), value};
        if (L::plan_leaf_spread(work, a, nullptr, record, node::bias::middle))
            L::apply_leaf_spread(work, a, b);
        if (L::plan_leaf_merge(work, a, b)) L::apply_leaf_merge(work, a);
        if (L::fits_separator(b, 0, L::planned_separator(work)))
            L::insert_separator(b, 0, L::planned_separator(work), page_ref{});
        if (L::fits_separator_replacement(b, 0, buffer.arg()))
            L::replace_separator(b, 0, buffer.arg());
        L::erase_child(b, 0);
        if (L::plan_inner_split(work, b, 0, buffer.arg(), page_ref{}, node::bias::middle))
            L::apply_inner_split(work, b, a);
        if (L::plan_inner_spread(work, a, b, buffer.arg())) L::apply_inner_spread(work, a, b);
        if (L::plan_inner_merge(work, a, b, buffer.arg())) L::apply_inner_merge(work, a);
        return yes && L::used(a) <= L::leaf_capacity && L::used(b) <= L::inner_capacity &&
               L::kind == format::layout_kind::fixed && L::leaf_kind != L::inner_kind &&
               L::page_size > 0;
    }
};
template struct consumer<minimal>;
template struct consumer<slotted<512>>;

// --- what falls short of it -------------------------------------------------------------------

struct nothing_short : minimal {};
static_assert(layout<nothing_short>);
struct throwing_find : minimal {
    static node::search_result find(read, key_arg) { return {0, false}; }
};
struct signed_used : minimal {
    static int used(read) noexcept { return 0; }
};
struct no_validate : minimal {
    static const char* validate(read) noexcept = delete;
};
struct validate_says_bool : minimal {
    static bool validate(read) noexcept { return true; }
};
struct plain_value : minimal {
    static bytes_view value(read, u32) noexcept { return {}; }
};
struct throwing_insert : minimal {
    static void insert(page, u32, key_arg, value_t) {}
};
struct throwing_apply : minimal {
    static void apply_leaf_spread(workspace&, page, page) {}
};
struct no_reserve : minimal {
    struct workspace {};
};
struct child_by_id : minimal {
    static page_id child(read, u32) noexcept { return page_id::none; }
};
struct mute_buffer : minimal {
    struct key_buffer {
        key_arg arg() const noexcept { return {}; }
    };
};
struct wide_capacity : minimal {
    static constexpr std::size_t leaf_capacity = 1;
};
static_assert(!layout<throwing_find> && !layout<signed_used> && !layout<no_validate>);
static_assert(!layout<validate_says_bool> && !layout<plain_value> && !layout<throwing_insert>);
static_assert(!layout<throwing_apply> && !layout<no_reserve> && !layout<child_by_id>);
static_assert(!layout<mute_buffer> && !layout<wide_capacity>);

// --- constants of the shipped ones -------------------------------------------------------------

static_assert(slotted<4096>::largest_key == 1024 && slotted<4096>::largest_leaf_record == 2032);
static_assert(slotted<512>::inner_capacity == 468 && slotted<65536>::leaf_capacity == 65504);
// Four of the largest separators never fill a page that cannot be split.
static_assert(3 * (slotted<512>::largest_key + 16) <= slotted<512>::inner_capacity);

} // namespace
