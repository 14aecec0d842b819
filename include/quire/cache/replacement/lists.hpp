// What replacement policies keep their order in: lists of frames, and lists of pages that are no
// longer in memory but remembered. Both take their memory in reset() and none later.
// Thread-safety: as of std::list; a policy is called under the cache's latch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <quire/core/growing_array.hpp>
#include <quire/core/ids.hpp>

namespace quire::replacement::detail {

inline constexpr std::uint32_t nil = 0xFFFFFFFFU;

// Two doubly linked lists over the elements 0..n-1, each of which is in at most one of them. The
// head is where elements enter as a rule, the tail where they leave. Every operation is O(1).
class linked_lists {
public:
    static constexpr std::size_t bytes_per_element = 9;

    void reset(std::uint32_t n) {
        links_.clear();
        links_.resize(n);
        list_of_.clear();
        list_of_.resize(n); // 0: in none
        ends_ = {};
    }
    [[nodiscard]] std::uint32_t elements() const noexcept {
        return static_cast<std::uint32_t>(links_.size());
    }
    [[nodiscard]] std::uint32_t size(std::size_t list = 0) const noexcept {
        return ends_[list].size;
    }
    [[nodiscard]] bool empty(std::size_t list = 0) const noexcept { return size(list) == 0; }
    [[nodiscard]] bool contains(std::uint32_t n, std::size_t list = 0) const noexcept {
        return list_of_[n] == list + 1;
    }
    [[nodiscard]] bool in_any(std::uint32_t n) const noexcept { return list_of_[n] != 0; }
    [[nodiscard]] std::uint32_t head(std::size_t list = 0) const noexcept {
        return ends_[list].head;
    }
    [[nodiscard]] std::uint32_t tail(std::size_t list = 0) const noexcept {
        return ends_[list].tail;
    }
    // The neighbour nearer to the head; nil at the head.
    [[nodiscard]] std::uint32_t newer(std::uint32_t n) const noexcept { return links_[n].newer; }

    void push_head(std::uint32_t n, std::size_t list = 0) noexcept {
        ends& at = ends_[list];
        links_[n] = {nil, at.head};
        (at.head == nil ? at.tail : links_[at.head].newer) = n;
        at.head = n;
        enter(n, list);
    }
    void push_tail(std::uint32_t n, std::size_t list = 0) noexcept {
        ends& at = ends_[list];
        links_[n] = {at.tail, nil};
        (at.tail == nil ? at.head : links_[at.tail].older) = n;
        at.tail = n;
        enter(n, list);
    }
    // From whichever list it is in; nothing when it is in none.
    void remove(std::uint32_t n) noexcept {
        if (list_of_[n] == 0) return;
        ends& at = ends_[list_of_[n] - 1U];
        const link l = links_[n];
        (l.newer == nil ? at.head : links_[l.newer].older) = l.older;
        (l.older == nil ? at.tail : links_[l.older].newer) = l.newer;
        --at.size;
        list_of_[n] = 0;
    }
    void move_to_head(std::uint32_t n, std::size_t list = 0) noexcept {
        remove(n);
        push_head(n, list);
    }

private:
    struct link {
        std::uint32_t newer = nil;
        std::uint32_t older = nil;
    };
    struct ends {
        std::uint32_t head = nil;
        std::uint32_t tail = nil;
        std::uint32_t size = 0;
    };

    void enter(std::uint32_t n, std::size_t list) noexcept {
        list_of_[n] = static_cast<std::uint8_t>(list + 1);
        ++ends_[list].size;
    }

    growing_array<link> links_;
    growing_array<std::uint8_t> list_of_;
    std::array<ends, 2> ends_{};
};

// Pages that left memory, in two lists together of at most `capacity` pages, found by their id.
// Each has a number below the capacity while it is remembered, for what else is known about it.
// Expected O(1).
class remembered_pages {
public:
    static constexpr std::size_t bytes_per_element =
        linked_lists::bytes_per_element + sizeof(page_id) + 4 * sizeof(std::uint32_t);

    void reset(std::uint32_t capacity) {
        lists_.reset(capacity);
        facts_.clear();
        facts_.resize(capacity);
        std::uint32_t buckets = 2;
        while (buckets < capacity) buckets *= 2;
        buckets_.clear();
        buckets_.resize(buckets);
        for (std::uint32_t& bucket : buckets_) bucket = nil;
        free_.clear();
        free_.reserve(capacity);
        for (std::uint32_t n = capacity; n != 0; --n) free_.push_back(n - 1);
    }
    [[nodiscard]] std::uint32_t size(std::size_t list = 0) const noexcept {
        return lists_.size(list);
    }
    // The page's number, or nil.
    [[nodiscard]] std::uint32_t find(page_id page) const noexcept {
        if (buckets_.empty()) return nil;
        std::uint32_t n = buckets_[bucket_of(page)];
        while (n != nil && facts_[n].page != page) n = facts_[n].next;
        return n;
    }
    [[nodiscard]] bool is_in(std::uint32_t n, std::size_t list) const noexcept {
        return lists_.contains(n, list);
    }
    // Remembers a page and gives its number; nil with a capacity of 0. Forgets the one remembered
    // longest in that list, or else in the other, when there is no room. A page that is remembered
    // already is remembered anew.
    std::uint32_t push_head(page_id page, std::size_t list = 0) noexcept {
        if (const std::uint32_t n = find(page); n != nil) forget(n);
        if (facts_.empty()) return nil;
        if (free_.empty()) forget_oldest(lists_.empty(list) ? 1 - list : list);
        const std::uint32_t n = free_.back();
        free_.pop_back();
        std::uint32_t& bucket = buckets_[bucket_of(page)];
        facts_[n] = {page, bucket};
        bucket = n;
        lists_.push_head(n, list);
        return n;
    }
    void forget(std::uint32_t n) noexcept {
        std::uint32_t* at = &buckets_[bucket_of(facts_[n].page)];
        while (*at != n) at = &facts_[*at].next;
        *at = facts_[n].next;
        lists_.remove(n);
        free_.push_back(n); // reserved
    }
    void forget_oldest(std::size_t list = 0) noexcept {
        if (!lists_.empty(list)) forget(lists_.tail(list));
    }

private:
    struct facts {
        page_id page = page_id::none;
        std::uint32_t next = nil; // in the bucket
    };

    [[nodiscard]] std::size_t bucket_of(page_id page) const noexcept {
        std::uint32_t x = to_integer(page) * 0x9E3779B1U;
        x ^= x >> 15;
        return x & (buckets_.size() - 1);
    }

    linked_lists lists_;
    growing_array<facts> facts_;
    growing_array<std::uint32_t> buckets_;
    growing_array<std::uint32_t> free_;
};

// Remembered pages, one of which may be on its way back into memory.
class returning_pages : public remembered_pages {
public:
    void reset(std::uint32_t capacity) {
        remembered_pages::reset(capacity);
        coming_ = page_id::none;
    }
    // Before room is made for the page: what is pushed out for it must not push it out of here.
    void expect(page_id incoming) noexcept {
        const std::uint32_t at = find(incoming);
        if (at == nil) return;
        forget(at);
        coming_ = incoming;
    }
    // Whether the page that comes in was remembered; it is no more.
    [[nodiscard]] bool comes_back(page_id page) noexcept {
        const std::uint32_t at = find(page);
        if (at != nil) forget(at);
        const bool was = at != nil || coming_ == page;
        coming_ = page_id::none;
        return was;
    }

private:
    page_id coming_ = page_id::none; // was remembered when room was made for it
};

// Goes through a list from its tail until `frames` gives one up. One that it cannot give up now
// goes to the head, as if it had been used, so that it is not met at every turn.
template <class Frames>
[[nodiscard]] std::uint32_t take_oldest(linked_lists& lists, std::size_t list,
                                        Frames& frames) noexcept {
    for (std::uint32_t tries = lists.size(list); tries != 0; --tries) {
        const std::uint32_t n = lists.tail(list);
        if (frames.take(n)) {
            lists.remove(n);
            return n;
        }
        lists.move_to_head(n, list);
    }
    return nil;
}

} // namespace quire::replacement::detail
