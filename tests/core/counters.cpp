#include <quire/core/counters.hpp>

#include <thread>

#include <doctest/doctest.h>

TEST_CASE("a counter starts at zero and adds up") {
    quire::counter count;
    CHECK(count.value() == 0);
    count.add();
    count.add(41);
    CHECK(count.value() == 42);
}

TEST_CASE("additions from several threads are all counted") {
    quire::io_counters counters;
    const auto work = [&] {
        for (int i = 0; i < 20'000; ++i) counters.pages_read.add();
    };
    std::thread first{work};
    std::thread second{work};
    first.join();
    second.join();
    CHECK(counters.pages_read.value() == 40'000);
    CHECK(counters.pages_written.value() == 0);
}
