#include "everything.hpp"

std::uint32_t checksum_in_another_unit(quire::bytes_view bytes) { return quire::crc32c(bytes); }
