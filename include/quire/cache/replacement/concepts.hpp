// What a page replacement policy is: the choice of the frame to give up when a page must be loaded
// and no frame is free. A policy is a class derived from policy_base that models
// replacement_policy.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

namespace quire::replacement {

// Marks a type as a replacement policy for btree_map's list of policies.
struct policy_base {};

inline constexpr std::uint32_t no_frame = 0xFFFFFFFFU;

// What the cache answers when a policy examines a frame.
enum class frame_use : std::uint8_t {
    occupied, // free, pinned, dirty: cannot be given up
    used,     // used since the last time it was examined; the question marked it
    unused,   // not used since it was marked
};

namespace detail {
struct any_examine {
    frame_use operator()(std::uint32_t) const noexcept { return frame_use::occupied; }
};
} // namespace detail

// | expression                    | meaning                                                     |
// |-------------------------------|-------------------------------------------------------------|
// | P::name                       | the policy's name in tables and messages                    |
// | p.reset(frames)               | start over with that many frames, numbered from 0           |
// | p.victim(examine)             | a frame for which examine(frame) was `unused`, or no_frame  |
// All calls come under the cache's latch and must not throw.
template <class P>
concept replacement_policy = std::derived_from<P, policy_base> && std::default_initializable<P> &&
    requires(P p, std::uint32_t frames, detail::any_examine examine) {
    { P::name } -> std::convertible_to<std::string_view>;
    { p.reset(frames) }
    noexcept;
    { p.victim(examine) }
    noexcept->std::same_as<std::uint32_t>;
};

} // namespace quire::replacement
