// A vector of plain values: what the library keeps its lists in. Elements are trivially copyable,
// so growing is one realloc, and all element types share one piece of code; std::vector
// instantiates some forty functions for each type, which a quarter of a small program's compile
// time went into (docs/decisions/0007-growing-array.md).
// Guarantee: what throws std::bad_alloc has no effect. Thread-safety: as of std::vector.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <initializer_list>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include <quire/core/assert.hpp>
#include <quire/core/bytes.hpp>

namespace quire {

namespace detail {

// Memory of `bytes`, with what `old` held. Throws std::bad_alloc; `old` is good then.
[[nodiscard]] QUIRE_COLD inline void* regrow(void* old, std::size_t count, std::size_t size) {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) throw std::bad_alloc();
    void* const fresh = std::realloc(old, bytes);
    if (fresh == nullptr) throw std::bad_alloc();
    return fresh;
}

} // namespace detail

template <class T>
class growing_array {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T> &&
                  alignof(T) <= alignof(std::max_align_t));

public:
    growing_array() noexcept = default;
    growing_array(std::initializer_list<T> values) {
        reserve(values.size());
        for (const T& value : values) items_[size_++] = value;
    }
    growing_array(const growing_array& other) {
        reserve(other.size_);
        copy_bytes(raw(), other.raw(), other.size_ * sizeof(T));
        size_ = other.size_;
    }
    growing_array(growing_array&& other) noexcept
        : items_(std::exchange(other.items_, nullptr)), size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    growing_array& operator=(growing_array other) noexcept {
        std::swap(items_, other.items_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    ~growing_array() { std::free(items_); }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] T* data() noexcept { return items_; }
    [[nodiscard]] const T* data() const noexcept { return items_; }
    [[nodiscard]] T* begin() noexcept { return items_; }
    [[nodiscard]] T* end() noexcept { return items_ + size_; }
    [[nodiscard]] const T* begin() const noexcept { return items_; }
    [[nodiscard]] const T* end() const noexcept { return items_ + size_; }
    [[nodiscard]] T& operator[](std::size_t i) noexcept {
        QUIRE_PRECONDITION(i < size_, "there is no such element");
        return items_[i];
    }
    [[nodiscard]] const T& operator[](std::size_t i) const noexcept {
        QUIRE_PRECONDITION(i < size_, "there is no such element");
        return items_[i];
    }
    [[nodiscard]] T& back() noexcept { return (*this)[size_ - 1]; }
    [[nodiscard]] const T& back() const noexcept { return (*this)[size_ - 1]; }

    // Room for n elements in all.
    void reserve(std::size_t n) {
        if (n <= capacity_) return;
        items_ = static_cast<T*>(detail::regrow(items_, n, sizeof(T)));
        capacity_ = n;
    }
    void push_back(T value) { // by value: it may be an element
        if (size_ == capacity_) reserve(capacity_ < 8 ? 8 : 2 * capacity_);
        items_[size_++] = value;
    }
    void pop_back() noexcept {
        QUIRE_PRECONDITION(size_ != 0, "an empty array has no last element");
        --size_;
    }
    // New elements are value-initialised.
    void resize(std::size_t n) {
        if (n > capacity_) reserve(n < 2 * capacity_ ? 2 * capacity_ : n);
        for (std::size_t i = size_; i < n; ++i) items_[i] = T{};
        size_ = n;
    }
    // Forgets all but the first n elements. Requires: n <= size().
    void shorten(std::size_t n) noexcept {
        QUIRE_PRECONDITION(n <= size_, "shortening does not lengthen");
        size_ = n;
    }
    void clear() noexcept { size_ = 0; }
    // Copies of n elements, which are not this array's, to the end.
    void append(const T* from, std::size_t n) {
        if (n == 0) return;
        if (size_ + n > capacity_) reserve(size_ + n < 2 * capacity_ ? 2 * capacity_ : size_ + n);
        copy_bytes(raw() + size_ * sizeof(T), reinterpret_cast<const std::byte*>(from),
                   n * sizeof(T));
        size_ += n;
    }

private:
    [[nodiscard]] std::byte* raw() noexcept { return reinterpret_cast<std::byte*>(items_); }
    [[nodiscard]] const std::byte* raw() const noexcept {
        return reinterpret_cast<const std::byte*>(items_);
    }

    T* items_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace quire
