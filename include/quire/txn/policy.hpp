// Transaction policies: what makes a commit durable, and whether there are transactions at all.
//
// | policy        | a single call     | transactions, snapshots | durable                       |
// |---------------|-------------------|-------------------------|-------------------------------|
// | txn::none     | changes in place  | no; one thread          | flush() and a clean close     |
// | txn::shadow   | is a transaction  | yes; one writer at a    | each commit: new pages, then  |
// |               |                   | time, any readers       | a header slot                 |
//
// Under both, the file on disk always holds a whole committed state: none is a shadow commit that
// only flush() and the close perform.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

namespace quire {

// What commit() waits for.
enum class durability : std::uint8_t {
    full,    // the commit is on the medium
    relaxed, // handed over, in order, to be on the medium soon; under txn::shadow the same as full
    none,    // visible to readers; on the medium with the next full commit, flush() or close
};

} // namespace quire

namespace quire::txn {

// Marks a type as a transaction policy for btree_map's list of policies.
struct policy_base {};

struct none : policy_base {
    static constexpr std::string_view name = "none";
    static constexpr bool transactional = false;
};

struct shadow : policy_base {
    static constexpr std::string_view name = "shadow";
    static constexpr bool transactional = true;
};

template <class P>
concept policy = std::derived_from<P, policy_base> && requires {
    { P::name } -> std::convertible_to<std::string_view>;
    { P::transactional } -> std::convertible_to<bool>;
};

} // namespace quire::txn
