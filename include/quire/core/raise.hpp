// Throwing the errors of error.hpp. Where something is found wrong, words and numbers are handed
// over as they are; text is made of them in one place, which keeps both the programs and their
// compilation small (docs/decisions/0012-raise.md).
#pragma once

#include <cstdint>
#include <string>

#include <quire/core/config.hpp>
#include <quire/core/error.hpp>
#include <quire/core/ids.hpp>
#include <quire/core/result.hpp>

namespace quire::detail {

// What was found or was expected: words, a number, or words around a number.
class said {
public:
    constexpr said(const char* words = "") noexcept : before_(words) {}
    constexpr said(std::uint64_t number, const char* behind = "") noexcept
        : behind_(behind), number_(number), numbered_(true) {}
    constexpr said(const char* before, std::uint64_t number, const char* behind = "") noexcept
        : before_(before), behind_(behind), number_(number), numbered_(true) {}

    [[nodiscard]] std::string text() const {
        std::string all = before_;
        if (numbered_) all += std::to_string(number_);
        return all += behind_;
    }

private:
    const char* before_ = "";
    const char* behind_ = "";
    std::uint64_t number_ = 0;
    bool numbered_ = false;
};

[[nodiscard]] QUIRE_COLD inline fault fault_of(const char* field, said found, said expected) {
    return {field, found.text(), expected.text()};
}

template <class Error>
[[noreturn]] QUIRE_COLD void raise(const char* sentence, const std::string& path,
                                   page_id page = page_id::none, const char* field = "",
                                   said found = {}, said expected = {}) {
    throw Error(sentence, {path, page, field, found.text(), expected.text()});
}

template <class Error>
[[noreturn]] QUIRE_COLD void raise(const char* sentence, const std::string& path, page_id page,
                                   const fault& why) {
    throw Error(sentence, {path, page, why.field, why.found, why.expected});
}

template <class Error = io_error>
[[noreturn]] QUIRE_COLD void raise_io(const char* sentence, int number,
                                             const std::string& path,
                                             page_id page = page_id::none) {
    throw Error(sentence, number, {path, page, {}, {}, {}});
}

} // namespace quire::detail
