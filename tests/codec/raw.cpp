#include "samples.hpp"

#include <chrono>

using namespace codec_test;

namespace {

class ticket {
public:
    ticket(std::uint32_t number, std::uint32_t seat) : number_(number), seat_(seat) {}
    bool operator==(const ticket&) const = default;

private:
    std::uint32_t number_;
    std::uint32_t seat_;
};

} // namespace

TEST_CASE("classes of a unique representation are stored as they are") {
    obeys_value_laws<of<ticket>>({{1, 2}, {0, 0}, {~0U, 7}}, 161);
    CHECK(of<ticket>::name ==
          (std::endian::native == std::endian::little ? "raw<8>" : "raw_be<8>"));
    static_assert(of<ticket>::fixed_size == 8);
    if (std::endian::native == std::endian::little)
        CHECK(encoded<of<ticket>>({1, 2}) == "0100000002000000");
    obeys_value_laws<of<std::chrono::seconds>>(
        {std::chrono::seconds(0), std::chrono::seconds(-1), std::chrono::seconds(77)}, 162);
}

TEST_CASE("malformed raw bytes are refused") {
    CHECK(refusal<of<ticket>>("01020304") == "value: 4 bytes, 8 bytes");
    CHECK(refusal<of<ticket>>("") == "value: 0 bytes, 8 bytes");
}
