// storage::memory is a tag: it stores nothing itself and has nothing to open.
#include <quire/storage/memory.hpp>

#include <type_traits>

#include <doctest/doctest.h>

TEST_CASE("memory is a policy without a device") {
    using quire::storage::memory;
    static_assert(std::is_empty_v<memory>);
    static_assert(quire::storage::policy<memory>);
    static_assert(quire::storage::memory_policy<memory>);
    static_assert(!quire::storage::persistent_policy<memory>);
    static_assert(!quire::storage::device<memory>);
    CHECK(memory::name == "memory");
}
