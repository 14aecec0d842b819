// Where failure is an ordinary answer: a value, or what is wrong with the bytes that should have
// held it. Used by format/ and inspect/; the floors above turn a fault into an exception.
#pragma once

#include <string>
#include <utility>

#include <quire/core/assert.hpp>

namespace quire {

// One broken rule of the format.
struct fault {
    std::string field;
    std::string found;
    std::string expected;
};

// Requires: T has a default value, which stands where there is a fault.
template <class T>
class result {
public:
    result(T value) : value_(std::move(value)), holds_(true) {}
    result(fault why) : fault_(std::move(why)) {}

    [[nodiscard]] explicit operator bool() const noexcept { return holds_; }
    [[nodiscard]] const T& operator*() const noexcept {
        QUIRE_PRECONDITION(holds_, "a result that holds a fault has no value");
        return value_;
    }
    [[nodiscard]] const T* operator->() const noexcept { return &**this; }
    [[nodiscard]] const fault& why() const noexcept {
        QUIRE_PRECONDITION(!holds_, "a result that holds a value has no fault");
        return fault_;
    }

private:
    T value_{};
    fault fault_;
    bool holds_ = false;
};

} // namespace quire
