// An object on the heap that one place owns. What std::unique_ptr does, without the headers and the
// forty functions that each of its types costs in a build that does not optimise (decision 0010).
// Thread-safety: as of std::unique_ptr.
#pragma once

#include <utility>

#include <quire/core/assert.hpp>

namespace quire {

template <class T>
class owned {
public:
    owned() noexcept = default;
    // Takes over an object made by new.
    QUIRE_TRIVIAL explicit owned(T* object) noexcept : object_(object) {}
    QUIRE_TRIVIAL owned(owned&& other) noexcept
        : object_(std::exchange(other.object_, nullptr)) {}
    owned& operator=(owned&& other) noexcept {
        T* const taken = std::exchange(other.object_, nullptr);
        delete std::exchange(object_, taken);
        return *this;
    }
    QUIRE_TRIVIAL ~owned() { delete object_; }

    [[nodiscard]] QUIRE_TRIVIAL explicit operator bool() const noexcept {
        return object_ != nullptr;
    }
    [[nodiscard]] QUIRE_TRIVIAL T& operator*() const noexcept { return *operator->(); }
    [[nodiscard]] QUIRE_TRIVIAL T* operator->() const noexcept {
        QUIRE_PRECONDITION(object_ != nullptr, "what was moved from is assigned or destroyed only");
        return object_;
    }

private:
    T* object_ = nullptr;
};

} // namespace quire
