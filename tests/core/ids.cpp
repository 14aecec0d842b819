#include <quire/core/ids.hpp>

#include <type_traits>

#include <doctest/doctest.h>

TEST_CASE("ids do not mix with integers or with one another") {
    static_assert(!std::is_convertible_v<int, quire::page_id>);
    static_assert(!std::is_convertible_v<quire::page_id, std::uint32_t>);
    static_assert(!std::is_convertible_v<quire::tree_id, quire::page_id>);
    static_assert(!std::is_convertible_v<quire::version, std::uint64_t>);
    static_assert(sizeof(quire::page_ref) == 8);
    CHECK(quire::to_integer(quire::page_id{7} + 3) == 10);
    CHECK(quire::to_integer(quire::tree_id::catalog) == 0);
}

TEST_CASE("versions count up, and a reference keeps their low half") {
    constexpr quire::version large{0x1'FFFF'FFFF};
    CHECK(quire::low_bits(large) == 0xFFFF'FFFF);
    CHECK(quire::to_integer(quire::next(large)) == 0x2'0000'0000);
    CHECK(quire::low_bits(quire::next(large)) == 0);
    CHECK(large < quire::next(large));
}

TEST_CASE("a reference without a page is null, whatever its birth") {
    CHECK_FALSE(quire::page_ref{});
    CHECK_FALSE(quire::page_ref{quire::page_id::none, 5});
    CHECK(quire::page_ref{quire::page_id{1}, 0});
    CHECK(quire::page_ref{quire::page_id{1}, 2} == quire::page_ref{quire::page_id{1}, 2});
    CHECK(quire::page_ref{quire::page_id{1}, 2} != quire::page_ref{quire::page_id{1}, 3});
    CHECK(quire::page_ref{quire::page_id{1}, 2} != quire::page_ref{quire::page_id{2}, 2});
}
