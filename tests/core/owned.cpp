// An owner destroys its object once, whichever owner has it in the end.
#include <quire/core/owned.hpp>

#include <utility>

#include <doctest/doctest.h>

namespace {

struct counted {
    explicit counted(int& alive) : alive_(alive) { ++alive_; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --alive_; }
    int number = 7;

private:
    int& alive_;
};

} // namespace

TEST_CASE("an object is destroyed with its last owner, once") {
    int alive = 0;
    {
        quire::owned<counted> none;
        CHECK_FALSE(none);
        quire::owned<counted> first(new counted(alive));
        CHECK(first);
        CHECK(first->number == 7);
        (*first).number = 8;
        quire::owned<counted> second = std::move(first);
        CHECK_FALSE(first);
        CHECK(second->number == 8);
        quire::owned<counted> third(new counted(alive));
        CHECK(alive == 2);
        third = std::move(second);
        CHECK(alive == 1);
        CHECK(third->number == 8);
        auto& itself = third;
        third = std::move(itself);
        CHECK(third->number == 8);
        std::swap(third, none);
        CHECK(none->number == 8);
        CHECK(alive == 1);
    }
    CHECK(alive == 0);
}
