// A name of the library that is defined in a header but not inline links twice and stops the build.
#include "everything.hpp"

std::uint32_t checksum_in_another_unit(quire::bytes_view bytes);

int main() {
    const std::array<std::byte, 4> bytes{};
    return quire::crc32c(bytes) == checksum_in_another_unit(bytes) ? 0 : 1;
}
