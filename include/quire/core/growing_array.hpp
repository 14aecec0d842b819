// A vector of plain values: what the library keeps its lists in. Elements are trivially copyable,
// so growing is one realloc, and all element types share one piece of code; std::vector
// instantiates some forty functions for each type, which a quarter of a small program's compile
// time went into (docs/decisions/0007-growing-array.md).
// Guarantee: what throws std::bad_alloc has no effect. Thread-safety: as of std::vector.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>
#include <type_traits>
#include <utility>

#include <quire/core/assert.hpp>
#include <quire/core/config.hpp>

namespace quire {

namespace detail {

// What of an array depends on the size of its elements alone.
class growing_bytes {
public:
    [[nodiscard]] QUIRE_TRIVIAL std::size_t size() const noexcept { return size_; }
    [[nodiscard]] QUIRE_TRIVIAL std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] QUIRE_TRIVIAL bool empty() const noexcept { return size_ == 0; }
    QUIRE_TRIVIAL void clear() noexcept { size_ = 0; }

protected:
    growing_bytes() noexcept = default;
    growing_bytes(growing_bytes&& other) noexcept { swap(other); }
    growing_bytes& operator=(growing_bytes&&) = delete;
    ~growing_bytes() { std::free(items_); }

    void swap(growing_bytes& other) noexcept {
        std::swap(items_, other.items_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }
    // Room for n elements in all. Throws std::bad_alloc.
    QUIRE_COLD void regrow(std::size_t n, std::size_t element) {
        std::size_t bytes = 0;
        if (__builtin_mul_overflow(n, element, &bytes)) throw std::bad_alloc();
        void* const fresh = std::realloc(items_, bytes);
        if (fresh == nullptr) throw std::bad_alloc();
        items_ = fresh;
        capacity_ = n;
    }
    // Room for n elements more, with some to spare.
    void make_room(std::size_t n, std::size_t element) {
        if (capacity_ - size_ >= n) return;
        const std::size_t doubled = capacity_ < 4 ? 8 : 2 * capacity_;
        regrow(size_ + n < doubled ? doubled : size_ + n, element);
    }
    void append_bytes(const void* from, std::size_t n, std::size_t element) {
        if (n == 0) return;
        make_room(n, element);
        std::memcpy(static_cast<char*>(items_) + size_ * element, from, n * element);
        size_ += n;
    }

    void* items_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace detail

template <class T>
class growing_array : public detail::growing_bytes {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T> &&
                  alignof(T) <= alignof(std::max_align_t));

public:
    QUIRE_TRIVIAL growing_array() noexcept = default;
    growing_array(std::initializer_list<T> values) { append(values.begin(), values.size()); }
    growing_array(const growing_array& other) : growing_bytes() {
        append(other.data(), other.size());
    }
    growing_array(growing_array&&) noexcept = default;
    growing_array& operator=(growing_array other) noexcept {
        swap(other);
        return *this;
    }
    QUIRE_TRIVIAL ~growing_array() = default;

    [[nodiscard]] QUIRE_TRIVIAL T* data() noexcept { return static_cast<T*>(items_); }
    [[nodiscard]] QUIRE_TRIVIAL const T* data() const noexcept {
        return static_cast<const T*>(items_);
    }
    [[nodiscard]] QUIRE_TRIVIAL T* begin() noexcept { return data(); }
    [[nodiscard]] QUIRE_TRIVIAL T* end() noexcept { return data() + size_; }
    [[nodiscard]] QUIRE_TRIVIAL const T* begin() const noexcept { return data(); }
    [[nodiscard]] QUIRE_TRIVIAL const T* end() const noexcept { return data() + size_; }
    [[nodiscard]] QUIRE_TRIVIAL T& operator[](std::size_t i) noexcept {
        QUIRE_PRECONDITION(i < size_, "there is no such element");
        return static_cast<T*>(items_)[i];
    }
    [[nodiscard]] QUIRE_TRIVIAL const T& operator[](std::size_t i) const noexcept {
        QUIRE_PRECONDITION(i < size_, "there is no such element");
        return static_cast<const T*>(items_)[i];
    }
    [[nodiscard]] QUIRE_TRIVIAL const T& front() const noexcept { return (*this)[0]; }
    [[nodiscard]] QUIRE_TRIVIAL T& back() noexcept { return (*this)[size_ - 1]; }
    [[nodiscard]] QUIRE_TRIVIAL const T& back() const noexcept { return (*this)[size_ - 1]; }

    // Room for n elements in all.
    QUIRE_TRIVIAL void reserve(std::size_t n) {
        if (n > capacity_) regrow(n, sizeof(T));
    }
    QUIRE_TRIVIAL void push_back(T value) { // by value: it may be an element
        if (size_ == capacity_) make_room(1, sizeof(T));
        static_cast<T*>(items_)[size_++] = value;
    }
    QUIRE_TRIVIAL void pop_back() noexcept {
        QUIRE_PRECONDITION(size_ != 0, "an empty array has no last element");
        --size_;
    }
    // New elements are value-initialised.
    void resize(std::size_t n) {
        if (n > size_) make_room(n - size_, sizeof(T));
        for (std::size_t i = size_; i < n; ++i) static_cast<T*>(items_)[i] = T{};
        size_ = n;
    }
    // Forgets all but the first n elements. Requires: n <= size().
    QUIRE_TRIVIAL void shorten(std::size_t n) noexcept {
        QUIRE_PRECONDITION(n <= size_, "shortening does not lengthen");
        size_ = n;
    }
    // Copies of n elements, which are not this array's, to the end.
    QUIRE_TRIVIAL void append(const T* from, std::size_t n) { append_bytes(from, n, sizeof(T)); }
};

} // namespace quire
