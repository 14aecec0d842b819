// How a codec reports bytes that no encode wrote: quire::corruption, whose field is "key" or
// "value". The floors above add path and page. Codecs outside the library may use it as well.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <quire/codec/concepts.hpp>
#include <quire/core/config.hpp>
#include <quire/core/error.hpp>

namespace quire::codec {

// All three are out of line and take what is at hand, so that decode stays small.
[[noreturn]] QUIRE_COLD inline void malformed(role where, std::string_view found,
                                              std::string_view expected) {
    error_details details;
    details.field = where == role::key ? "key" : "value";
    details.found = found;
    details.expected = expected;
    throw corruption("a stored " + details.field + " is not an encoding of its type", details);
}

[[noreturn]] QUIRE_COLD inline void malformed(role where, std::uint64_t found,
                                              std::string_view expected) {
    malformed(where, std::to_string(found), expected);
}

// Both counted in bytes.
[[noreturn]] QUIRE_COLD inline void wrong_size(role where, std::uint64_t found,
                                               std::uint64_t expected) {
    malformed(where, std::to_string(found) + " bytes", std::to_string(expected) + " bytes");
}

} // namespace quire::codec
