// Iterators over one version of a map, forward and backward, and ranges of them.
//
// An iterator of a transactional map holds a share of the version it was made in: whatever happens
// to the map, it goes on reading that version, and it may be moved to another thread. An iterator
// of a transaction, or of a map without transactions, reads the working state; a change invalidates
// it, and builds with assertions catch its use. All iterators must be gone before their map is.
//
// *it is a pair of a key view and a value view, what the codecs decode to; views into the page or
// into the iterator are good while the iterator stays where it is. Iterators model
// std::bidirectional_iterator.
// The view of a string key may lie in the iterator: it is gone with it, so not for `*it++`, nor for
// adaptors that read through a copy (std::views::reverse, std::reverse_iterator; rbegin() is fine).
// Cost: a step inside a leaf reads that leaf alone; at its end one page more. Thread-safety: one
// thread at a time, also to read. Exceptions: steps throw corruption and io_error and then have not
// moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include <quire/types.hpp>

namespace quire::detail {

// What an iterator reads: a shared version, or the working state when there is none.
template <class Types>
class version_share {
public:
    using store = typename Types::store;

    version_share() = default;
    // Takes over a share.
    version_share(store& s, txn::version_record* record) noexcept : store_(&s), record_(record) {}
    version_share(const version_share& other) noexcept
        : store_(other.store_), record_(other.record_) {
        if (record_ != nullptr) record_->share();
    }
    version_share(version_share&& other) noexcept
        : store_(std::exchange(other.store_, nullptr)),
          record_(std::exchange(other.record_, nullptr)) {}
    version_share& operator=(version_share other) noexcept {
        std::swap(store_, other.store_);
        std::swap(record_, other.record_);
        return *this;
    }
    ~version_share() {
        if (record_ != nullptr) record_->unshare();
    }

    [[nodiscard]] store& of() const noexcept {
        QUIRE_PRECONDITION(store_ != nullptr, "what was moved from is assigned or destroyed only");
        return *store_;
    }
    [[nodiscard]] store* get() const noexcept { return store_; }
    [[nodiscard]] bool working() const noexcept { return record_ == nullptr; }
    [[nodiscard]] version number() const noexcept {
        return record_ != nullptr ? record_->number : store_->write_version();
    }
    [[nodiscard]] const format::root_record& root() const noexcept {
        if (record_ != nullptr) return record_->roots[Types::tree_index];
        return of().root(Types::tree_index);
    }

private:
    store* store_ = nullptr;
    txn::version_record* record_ = nullptr;
};

template <class Types>
class map_iterator {
    using store = typename Types::store;
    using layout = typename Types::layout;
    using share = version_share<Types>;

public:
    using iterator_concept = std::bidirectional_iterator_tag;
    // *it is no reference, yet the algorithms that look here work, std::prev among them.
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = std::pair<typename Types::key_view, typename Types::value_view>;
    using reference = value_type;
    using difference_type = std::ptrdiff_t;
    class pointer {
    public:
        explicit pointer(reference pair) : pair_(std::move(pair)) {}
        const reference* operator->() const noexcept { return &pair_; }

    private:
        reference pair_;
    };

    map_iterator() = default;

    [[nodiscard]] reference operator*() const { return {key(), value()}; }
    [[nodiscard]] pointer operator->() const { return pointer(**this); }
    [[nodiscard]] typename Types::key_view key() const {
        check_record();
        return Types::decode_key(key_bytes());
    }
    [[nodiscard]] typename Types::value_view value() const {
        check_record();
        return Types::decode_value(share_.of().cache(),
                                   layout::value(cursor_.leaf(), cursor_.index()), value_scratch_);
    }

    map_iterator& operator++() {
        check();
        if (QUIRE_LIKELY(cursor_.next_is_here())) cursor_.step_here();
        else share_.of().guarded([&] { cursor_.next(share_.of().cache()); });
        return *this;
    }
    map_iterator operator++(int) {
        map_iterator before = *this;
        ++*this;
        return before;
    }
    // Requires: not the first.
    map_iterator& operator--() {
        const bool moved = step_back();
        QUIRE_PRECONDITION(moved, "the first record has none before it");
        static_cast<void>(moved);
        return *this;
    }
    map_iterator operator--(int) {
        map_iterator before = *this;
        --*this;
        return before;
    }

    // Whether both stand on the same key, or both at the end. Requires: iterators of one map; they
    // may be of different versions.
    [[nodiscard]] friend bool operator==(const map_iterator& a, const map_iterator& b) noexcept {
        if (a.cursor_.at_end() || b.cursor_.at_end())
            return a.cursor_.at_end() == b.cursor_.at_end();
        QUIRE_PRECONDITION(a.share_.get() == b.share_.get(), "iterators of one map are compared");
        if (a.share_.get() != b.share_.get()) return false;
        if (a.cursor_.same(b.cursor_)) return true;
        if (a.share_.number() == b.share_.number()) return false;
        typename layout::key_buffer left;
        typename layout::key_buffer right;
        const auto l = layout::arg_of(layout::key(a.cursor_.leaf(), a.cursor_.index(), left));
        const auto r = layout::arg_of(layout::key(b.cursor_.leaf(), b.cursor_.index(), right));
        return !layout::less(l, r) && !layout::less(r, l);
    }

    // The version that is read.
    [[nodiscard]] quire::version version() const noexcept { return share_.number(); }

private:
    template <class>
    friend class read_face;
    template <class, class>
    friend class write_face;
    template <class>
    friend class reverse_map_iterator;

    // The end.
    explicit map_iterator(share s) noexcept : share_(std::move(s)) { note(); }

    void note() noexcept {
#if QUIRE_ASSERTIONS
        if (share_.get() != nullptr && share_.working()) made_at_ = share_.of().changes();
#endif
    }
    void check() const noexcept {
        QUIRE_PRECONDITION(share_.get() != nullptr, "a default-made iterator stands nowhere");
#if QUIRE_ASSERTIONS
        QUIRE_PRECONDITION(!share_.working() || made_at_ == share_.of().changes(),
                           "a change invalidates iterators of a transaction, and of a map without "
                           "transactions");
#endif
    }
    void check_record() const noexcept {
        check();
        QUIRE_PRECONDITION(!cursor_.at_end(), "there is no record at the end");
    }
    [[nodiscard]] bytes_view key_bytes() const {
        if constexpr (Types::is_fixed) {
            typename layout::key_buffer unused;
            return layout::key(cursor_.leaf(), cursor_.index(), unused);
        } else {
            const auto pieces = layout::pieces_of_key(cursor_.leaf(), cursor_.index());
            if (pieces.prefix.empty()) return pieces.suffix;
            pieces.copy_to(key_scratch_.resize(pieces.size()));
            return key_scratch_.view();
        }
    }
    // False, and not moved, at the first record.
    bool step_back() {
        check();
        if (!cursor_.at_end() && cursor_.previous_is_here()) {
            cursor_.step_back_here();
            return true;
        }
        auto& pages = share_.of().cache();
        return share_.of().guarded([&] {
            if (!cursor_.at_end()) return cursor_.previous(pages);
            cursor_.to_last(pages, share_.root());
            return !cursor_.at_end();
        });
    }

    struct no_scratch {};
    using key_buffer = std::conditional_t<Types::is_fixed, no_scratch, small_bytes<48>>;
    using value_buffer = std::conditional_t<Types::is_fixed, no_scratch, small_bytes<8>>;

    share share_;
    typename Types::cursor cursor_;
    [[no_unique_address]] mutable key_buffer key_scratch_;
    [[no_unique_address]] mutable value_buffer value_scratch_;
#if QUIRE_ASSERTIONS
    std::uint64_t made_at_ = 0;
#endif
};

// Stands on its element itself, because a view of std::reverse_iterator's temporary would dangle.
template <class Types>
class reverse_map_iterator {
public:
    using base_type = map_iterator<Types>;
    using iterator_concept = std::bidirectional_iterator_tag;
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = typename base_type::value_type;
    using reference = value_type;
    using pointer = typename base_type::pointer;
    using difference_type = std::ptrdiff_t;

    reverse_map_iterator() = default;
    // On the record before `end`, or at the reverse end when there is none.
    explicit reverse_map_iterator(base_type end) : at_(std::move(end)) { back(); }

    [[nodiscard]] reference operator*() const { return *at_; }
    [[nodiscard]] pointer operator->() const { return pointer(*at_); }
    reverse_map_iterator& operator++() {
        QUIRE_PRECONDITION(!at_.cursor_.at_end(), "an iterator at the end is not advanced");
        back();
        return *this;
    }
    reverse_map_iterator operator++(int) {
        reverse_map_iterator before = *this;
        ++*this;
        return before;
    }
    reverse_map_iterator& operator--() {
        if (!at_.cursor_.at_end()) {
            ++at_;
        } else {
            auto& store = at_.share_.of();
            store.guarded([&] { at_.cursor_.to_first(store.cache(), at_.share_.root()); });
        }
        return *this;
    }
    reverse_map_iterator operator--(int) {
        reverse_map_iterator before = *this;
        --*this;
        return before;
    }
    [[nodiscard]] friend bool operator==(const reverse_map_iterator& a,
                                         const reverse_map_iterator& b) noexcept {
        return a.at_ == b.at_;
    }

private:
    template <class>
    friend class read_face;

    void back() {
        if (!at_.step_back()) at_.cursor_.to_end();
    }

    base_type at_; // at the end: the reverse end
};

// Two iterators that are a range.
template <class Iterator>
class map_range {
public:
    map_range() = default;
    map_range(Iterator first, Iterator last) noexcept
        : first_(std::move(first)), last_(std::move(last)) {}
    [[nodiscard]] Iterator begin() const { return first_; }
    [[nodiscard]] Iterator end() const { return last_; }
    [[nodiscard]] bool empty() const noexcept { return first_ == last_; }

private:
    Iterator first_;
    Iterator last_;
};

} // namespace quire::detail

template <class Iterator>
inline constexpr bool std::ranges::enable_view<quire::detail::map_range<Iterator>> = true;
