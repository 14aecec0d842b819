// Every failure the library reports: one type a cause, one base. An error says what was found,
// what was expected and what to do, in what(); the same facts stand in its members.
// Thread-safety: immutable values; copying does not throw.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <quire/core/config.hpp>
#include <quire/core/ids.hpp>

namespace quire {

enum class error_code : std::uint8_t {
    io_error = 1,
    corruption,
    format_mismatch,
    schema_mismatch,
    already_open,
    storage_full,
    key_too_large,
    value_too_large,
    read_only,
    poisoned,
    unsorted_input,
    cache_exhausted,
    outcome_unknown,
};

// What an error knows beside its sentence. Empty strings and page_id::none mean "does not apply".
struct error_details {
    std::string path{};
    page_id page = page_id::none;
    std::string field{};
    std::string found{};
    std::string expected{};
};

namespace detail {

// Details that all copies of an error share, so that copying one cannot throw.
class shared_details {
public:
    explicit shared_details(error_details facts) : owner_(new counted{std::move(facts)}) {}
    shared_details(const shared_details& other) noexcept : owner_(other.owner_) {
        owner_->owners.fetch_add(1, std::memory_order_relaxed);
    }
    shared_details& operator=(shared_details other) noexcept {
        std::swap(owner_, other.owner_);
        return *this;
    }
    ~shared_details() {
        if (owner_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete owner_;
    }
    [[nodiscard]] const error_details* operator->() const noexcept { return &owner_->facts; }

private:
    struct counted {
        error_details facts;
        std::atomic<std::uint32_t> owners{1};
    };

    counted* owner_;
};

} // namespace detail

class error : public std::runtime_error {
public:
    [[nodiscard]] error_code code() const noexcept { return code_; }
    // The store's file, empty for storage::memory.
    [[nodiscard]] const std::string& path() const noexcept { return details_->path; }
    [[nodiscard]] page_id page() const noexcept { return details_->page; }
    [[nodiscard]] const std::string& field() const noexcept { return details_->field; }
    [[nodiscard]] const std::string& found() const noexcept { return details_->found; }
    [[nodiscard]] const std::string& expected() const noexcept { return details_->expected; }

protected:
    error(error_code code, const std::string& sentence, error_details details)
        : std::runtime_error(sentence), code_(code), details_(std::move(details)) {}

private:
    error_code code_;
    detail::shared_details details_;
};

namespace detail {

// "<path>: page 7: <sentence> (field count: found 9, expected at most 4)"
[[nodiscard]] inline std::string sentence_of(std::string_view sentence,
                                             const error_details& details) {
    std::string text;
    if (!details.path.empty()) text += details.path + ": ";
    if (details.page != page_id::none)
        text += "page " + std::to_string(to_integer(details.page)) + ": ";
    text += sentence;
    if (!details.found.empty() || !details.expected.empty()) {
        text += " (";
        if (!details.field.empty()) text += details.field + ": ";
        text += "found " + details.found + ", expected " + details.expected + ")";
    }
    return text;
}

} // namespace detail

template <error_code Code>
class error_of : public error {
public:
    explicit error_of(std::string_view sentence, error_details details = {})
        : error(Code, detail::sentence_of(sentence, details), details) {}
};

// The operating system refused a call; number() is its errno.
class io_error : public error {
public:
    io_error(std::string_view sentence, int number, error_details details = {})
        : io_error(error_code::io_error, sentence, number, std::move(details)) {}
    [[nodiscard]] int number() const noexcept { return number_; }

protected:
    io_error(error_code code, std::string_view sentence, int number, error_details details)
        : error(code,
                detail::sentence_of(std::string(sentence) + ": " + std::strerror(number), details),
                details),
          number_(number) {}

private:
    int number_;
};

// The call that was to make a commit durable failed: whether the commit has happened will be known
// when the store is opened again. The store is poisoned.
class outcome_unknown : public io_error {
public:
    outcome_unknown(std::string_view sentence, int number, error_details details = {})
        : io_error(error_code::outcome_unknown, sentence, number, std::move(details)) {}
};

// Another handle holds the store; holder() is its process id, 0 if that is not known.
class already_open : public error {
public:
    already_open(std::string_view sentence, std::int64_t holder, error_details details = {})
        : error(error_code::already_open, detail::sentence_of(sentence, details), details),
          holder_(holder) {}
    [[nodiscard]] std::int64_t holder() const noexcept { return holder_; }

private:
    std::int64_t holder_;
};

// The bytes are not what a commit of this library wrote there.
using corruption = error_of<error_code::corruption>;
// Not a store of this library, or of another format version or page size.
using format_mismatch = error_of<error_code::format_mismatch>;
// The store holds other key or value types than the map that opens it.
using schema_mismatch = error_of<error_code::schema_mismatch>;
// The medium has no room; the transaction is rolled back and reads go on.
using storage_full = error_of<error_code::storage_full>;
using key_too_large = error_of<error_code::key_too_large>;
using value_too_large = error_of<error_code::value_too_large>;
// A change was asked of a store opened read-only.
using read_only = error_of<error_code::read_only>;
// An earlier write or sync failed, so what is on the medium is not known: close and reopen.
using poisoned = error_of<error_code::poisoned>;
using unsorted_input = error_of<error_code::unsorted_input>;
// Every page of the cache is pinned or part of the transaction: close iterators or raise the
// budget.
using cache_exhausted = error_of<error_code::cache_exhausted>;

} // namespace quire
