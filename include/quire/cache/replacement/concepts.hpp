// What a page replacement policy is: the choice of the page to give up when another one must come
// in and the frames are full. A policy is a class derived from policy_base that models
// replacement_policy; docs/policies/replacement.md tells how to write one.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quire/core/ids.hpp>

namespace quire::replacement {

inline constexpr std::uint32_t no_frame = 0xFFFFFFFFU;

// Why a page came into its frame.
enum class arrival : std::uint8_t {
    wanted, // an operation needs it, or wrote it
    once,   // a scan that reads on: it will hardly be needed again soon
};

// What the cache answers when a policy asks about a frame.
enum class frame_use : std::uint8_t {
    occupied, // free, pinned, dirty or kept: cannot be given up now
    used,     // used since the last question; this one marked it
    unused,   // nobody used it since it was marked: its page is out, the frame is the answer
};

// Marks a type as a replacement policy for btree_map's list of policies, and says what a policy
// does that says nothing else.
struct policy_base {
    // Whether on_hit is called. A policy that does not want hits pays nothing for them.
    static constexpr bool wants_hits = false;
    // For policies that ask: whether a page that has just come in counts as used.
    static constexpr bool load_is_use = true;
    // Memory that the policy takes for each frame, for the budget of the cache.
    static constexpr std::size_t bytes_per_frame = 0;

    void on_load(std::uint32_t, page_id, arrival) noexcept {}
    void on_hit(std::uint32_t) noexcept {}
    void on_leave(std::uint32_t) noexcept {}
};

namespace detail {
struct any_frames {
    [[nodiscard]] frame_use ask(std::uint32_t) const noexcept { return frame_use::occupied; }
    [[nodiscard]] bool take(std::uint32_t) const noexcept { return false; }
    [[nodiscard]] page_id incoming() const noexcept { return page_id::none; }
};
} // namespace detail

// | expression                  | meaning                                                        |
// |-----------------------------|----------------------------------------------------------------|
// | P::name                     | the policy's name in tables and messages                       |
// | p.reset(frames, pages)      | start over with that many frames, numbered from 0, of which as |
// |                             | a rule `pages` hold one when a victim is wanted; may throw     |
// | p.on_load(frame, page, why) | a page that can be given up came into the frame                |
// | p.on_hit(frame)             | the page was used again; only if P::wants_hits                 |
// | p.on_leave(frame)           | the page left the frame, or became dirty, without the policy   |
// | p.victim(frames)            | the frame whose page it made frames give up, or no_frame       |
//
// victim decides with
// | frames.ask(frame)           | frame_use; at `unused` the page is out and victim must end     |
// | frames.take(frame)          | true: the page is out, whether it was used or not, and victim  |
// |                             | must end; false: occupied                                      |
// | frames.incoming()           | the page that room is made for, or none                        |
// All calls come under the cache's latch and, but for reset, must not throw.
template <class P>
concept replacement_policy = std::derived_from<P, policy_base> && std::default_initializable<P> &&
    requires(P p, std::uint32_t n, page_id page, detail::any_frames frames) {
    { P::name } -> std::convertible_to<std::string_view>;
    { P::wants_hits } -> std::convertible_to<bool>;
    { P::load_is_use } -> std::convertible_to<bool>;
    { P::bytes_per_frame } -> std::convertible_to<std::size_t>;
    {p.reset(n, n)};
    { p.on_load(n, page, arrival::wanted) }
    noexcept;
    { p.on_hit(n) }
    noexcept;
    { p.on_leave(n) }
    noexcept;
    { p.victim(frames) }
    noexcept->std::same_as<std::uint32_t>;
};

} // namespace quire::replacement
