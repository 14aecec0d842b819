// Storage without a medium: pages live in memory as long as the store does. There is no device, no
// path, no lock and no cost for any of them; a store on it starts empty each time.
#pragma once

#include <string_view>

#include <quire/storage/concepts.hpp>

namespace quire::storage {

struct memory : policy_base {
    static constexpr std::string_view name = "memory";
    static constexpr bool persistent = false;
};

static_assert(memory_policy<memory>);

} // namespace quire::storage
