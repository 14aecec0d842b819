// Page replacement as the papers define it: the number of hits of a policy on a trace of page ids,
// to measure the cache's own policies against. Nothing here uses the library.
//
// Every simulator starts with an empty cache of `capacity` pages and loads every page it misses.
// A hit is a reference to a page that is resident at that moment. Requires: capacity >= 1.
// A reference costs O(1), amortised where a hand or a tail is passed over; O(log n) in lru_k and
// optimal.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <list>
#include <queue>
#include <set>
#include <span>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace quire_test::textbook {

using page_id = std::uint32_t;
using trace_view = std::span<const page_id>;

// Pages in order, each at most once: the newest at the head, the oldest at the tail.
class page_list {
public:
    [[nodiscard]] bool contains(page_id page) const { return at_.count(page) != 0; }
    [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
    [[nodiscard]] bool empty() const noexcept { return order_.empty(); }
    [[nodiscard]] page_id tail() const { return order_.back(); }

    void push_head(page_id page) {
        assert(!contains(page));
        order_.push_front(page);
        at_.emplace(page, order_.begin());
    }
    void move_to_head(page_id page) { order_.splice(order_.begin(), order_, at_.at(page)); }
    void erase(page_id page) {
        order_.erase(at_.at(page));
        at_.erase(page);
    }
    page_id pop_tail() {
        const page_id page = tail();
        erase(page);
        return page;
    }

private:
    std::list<page_id> order_;
    std::unordered_map<page_id, std::list<page_id>::iterator> at_;
};

// Evicts the page referenced longest ago.
[[nodiscard]] inline std::uint64_t lru(trace_view trace, std::size_t capacity) {
    assert(capacity >= 1);
    page_list pages;
    std::uint64_t hits = 0;
    for (const page_id x : trace) {
        if (pages.contains(x)) {
            ++hits;
            pages.move_to_head(x);
            continue;
        }
        if (pages.size() == capacity) pages.pop_tail();
        pages.push_head(x);
    }
    return hits;
}

// Evicts the page loaded longest ago.
[[nodiscard]] inline std::uint64_t fifo(trace_view trace, std::size_t capacity) {
    assert(capacity >= 1);
    page_list pages;
    std::uint64_t hits = 0;
    for (const page_id x : trace) {
        if (pages.contains(x)) {
            ++hits;
            continue;
        }
        if (pages.size() == capacity) pages.pop_tail();
        pages.push_head(x);
    }
    return hits;
}

// Second chance on a ring of frames. The reference bit is set at load and at every hit; the hand
// clears set bits and stops at the first clear one, whose frame takes the new page.
[[nodiscard]] inline std::uint64_t clock(trace_view trace, std::size_t capacity) {
    assert(capacity >= 1);
    struct frame {
        page_id page;
        bool referenced;
    };
    std::vector<frame> ring;
    std::unordered_map<page_id, std::size_t> frame_of;
    std::size_t hand = 0;
    std::uint64_t hits = 0;
    for (const page_id x : trace) {
        if (const auto found = frame_of.find(x); found != frame_of.end()) {
            ++hits;
            ring[found->second].referenced = true;
            continue;
        }
        if (ring.size() < capacity) {
            frame_of.emplace(x, ring.size());
            ring.push_back({x, true});
            continue;
        }
        while (ring[hand].referenced) {
            ring[hand].referenced = false;
            hand = (hand + 1) % capacity;
        }
        frame_of.erase(ring[hand].page);
        frame_of.emplace(x, hand);
        ring[hand] = {x, true};
        hand = (hand + 1) % capacity;
    }
    return hits;
}

// LRU-K: O'Neil, O'Neil, Weikum, "The LRU-K page replacement algorithm for database disk
// buffering", SIGMOD 1993. Time is the index of the reference, from 1.
//
// Evicts the page whose K-th last uncorrelated reference is longest ago, among those not referenced
// for more than `correlated_period` references; 0 stands for "never". Without such a page: the one
// referenced longest ago. The `capacity` pages evicted last keep their history, which is looked up
// after the victim of the same miss has entered it.
template <std::size_t K>
[[nodiscard]] std::uint64_t lru_k(trace_view trace, std::size_t capacity,
                                  std::uint64_t correlated_period) {
    static_assert(K >= 1, "LRU-K: K must be at least 1");
    assert(capacity >= 1);
    using history = std::array<std::uint64_t, K>; // HIST(p, 1) to HIST(p, K), the latest first
    struct page_state {
        history hist{};
        std::uint64_t last = 0;
    };
    const auto rank = [](const history& hist, page_id page) {
        return std::tuple(hist[K - 1], hist[0], page);
    };
    // Every resident page is in exactly one of the two orders.
    std::unordered_map<page_id, page_state> resident;
    std::set<std::pair<std::uint64_t, page_id>> correlated; // by LAST: within the period
    std::set<std::tuple<std::uint64_t, std::uint64_t, page_id>> eligible; // by HIST(K), HIST(1)
    page_list retained; // evicted pages with their histories
    std::unordered_map<page_id, history> retained_history;

    std::uint64_t hits = 0;
    std::uint64_t t = 0;
    for (const page_id x : trace) {
        ++t;
        while (!correlated.empty() && t - correlated.begin()->first > correlated_period) {
            const page_id page = correlated.begin()->second;
            correlated.erase(correlated.begin());
            eligible.insert(rank(resident.at(page).hist, page));
        }
        if (const auto found = resident.find(x); found != resident.end()) {
            ++hits;
            auto& [hist, last] = found->second;
            if (t - last > correlated_period) {
                eligible.erase(rank(hist, x));
                const std::uint64_t correlation = last - hist[0];
                for (std::size_t i = K - 1; i > 0; --i)
                    hist[i] = hist[i - 1] == 0 ? 0 : hist[i - 1] + correlation;
                hist[0] = t;
            } else {
                correlated.erase({last, x});
            }
            last = t;
            correlated.insert({t, x});
            continue;
        }
        if (resident.size() == capacity) {
            page_id victim = 0;
            if (!eligible.empty()) {
                victim = std::get<2>(*eligible.begin());
                eligible.erase(eligible.begin());
            } else {
                victim = correlated.begin()->second;
                correlated.erase(correlated.begin());
            }
            retained_history.emplace(victim, resident.at(victim).hist);
            retained.push_head(victim);
            resident.erase(victim);
            if (retained.size() > capacity) retained_history.erase(retained.pop_tail());
        }
        page_state loaded;
        if (const auto found = retained_history.find(x); found != retained_history.end()) {
            std::copy_backward(found->second.begin(), std::prev(found->second.end()),
                               loaded.hist.end());
            retained_history.erase(found);
            retained.erase(x);
        }
        loaded.hist[0] = t;
        loaded.last = t;
        resident.emplace(x, loaded);
        correlated.insert({t, x});
    }
    return hits;
}

// 2Q, the full version: Johnson and Shasha, "2Q: a low overhead high performance buffer management
// replacement algorithm", VLDB 1994. Kin is a quarter of the capacity, Kout a half, at least 1.
//
// A1in: resident, by load, seen once. A1out: evicted from A1in, ids only. Am: resident, by
// reference, loaded again while in A1out.
[[nodiscard]] inline std::uint64_t two_queue(trace_view trace, std::size_t capacity) {
    assert(capacity >= 1);
    const std::size_t kin = std::max<std::size_t>(1, capacity / 4);
    const std::size_t kout = std::max<std::size_t>(1, capacity / 2);
    page_list a1in;
    page_list a1out;
    page_list am;
    const auto make_room = [&] {
        if (a1in.size() + am.size() < capacity) return;
        if (a1in.size() > kin || am.empty()) {
            a1out.push_head(a1in.pop_tail());
            if (a1out.size() > kout) a1out.pop_tail();
        } else {
            am.pop_tail();
        }
    };
    std::uint64_t hits = 0;
    for (const page_id x : trace) {
        if (am.contains(x)) {
            ++hits;
            am.move_to_head(x);
        } else if (a1in.contains(x)) {
            ++hits;
        } else if (a1out.contains(x)) {
            a1out.erase(x); // first, so that making room cannot drop it
            make_room();
            am.push_head(x);
        } else {
            make_room();
            a1in.push_head(x);
        }
    }
    return hits;
}

// ARC: Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003,
// figure 4. T1 and T2 are resident, B1 and B2 remember what left them; p is the target for |T1|.
[[nodiscard]] inline std::uint64_t arc(trace_view trace, std::size_t capacity) {
    assert(capacity >= 1);
    page_list t1;
    page_list t2;
    page_list b1;
    page_list b2;
    const double c = static_cast<double>(capacity);
    double p = 0;
    const auto ratio = [](const page_list& a, const page_list& b) {
        return static_cast<double>(a.size()) / static_cast<double>(b.size());
    };
    const auto replace = [&](page_id x) {
        if (t1.size() + t2.size() < capacity) return;
        const double in_t1 = static_cast<double>(t1.size());
        const bool from_t1 = !t1.empty() && (in_t1 > p || (in_t1 == p && b2.contains(x)));
        if (from_t1 || t2.empty()) b1.push_head(t1.pop_tail());
        else b2.push_head(t2.pop_tail());
    };
    std::uint64_t hits = 0;
    for (const page_id x : trace) {
        if (t1.contains(x)) { // case I
            ++hits;
            t1.erase(x);
            t2.push_head(x);
        } else if (t2.contains(x)) {
            ++hits;
            t2.move_to_head(x);
        } else if (b1.contains(x)) { // case II
            p = std::min(c, p + (b1.size() >= b2.size() ? 1 : ratio(b2, b1)));
            replace(x);
            b1.erase(x);
            t2.push_head(x);
        } else if (b2.contains(x)) { // case III
            p = std::max(0.0, p - (b2.size() >= b1.size() ? 1 : ratio(b1, b2)));
            replace(x);
            b2.erase(x);
            t2.push_head(x);
        } else { // case IV
            if (t1.size() + b1.size() == capacity) {
                if (t1.size() < capacity) {
                    b1.pop_tail();
                    replace(x);
                } else {
                    t1.pop_tail();
                }
            } else {
                const std::size_t known = t1.size() + t2.size() + b1.size() + b2.size();
                if (known >= capacity) {
                    if (known == 2 * capacity) b2.pop_tail();
                    replace(x);
                }
            }
            t1.push_head(x);
        }
    }
    return hits;
}

// SIEVE: Zhang et al., "SIEVE is simpler than LRU", NSDI 2024. Pages stay where they were inserted;
// the hand moves from the tail to the head, clears `visited`, and evicts the first page without it.
[[nodiscard]] inline std::uint64_t sieve(trace_view trace, std::size_t capacity) {
    assert(capacity >= 1);
    struct entry {
        page_id page;
        bool visited;
    };
    std::list<entry> queue; // the head first
    std::unordered_map<page_id, std::list<entry>::iterator> at;
    auto hand = queue.end(); // the end: null
    const auto evict = [&] {
        auto object = hand != queue.end() ? hand : std::prev(queue.end());
        while (object->visited) {
            object->visited = false;
            object = std::prev(object != queue.begin() ? object : queue.end());
        }
        hand = object != queue.begin() ? std::prev(object) : queue.end();
        at.erase(object->page);
        queue.erase(object);
    };
    std::uint64_t hits = 0;
    for (const page_id x : trace) {
        if (const auto found = at.find(x); found != at.end()) {
            ++hits;
            found->second->visited = true;
            continue;
        }
        if (queue.size() == capacity) evict();
        queue.push_front({x, false});
        at.emplace(x, queue.begin());
    }
    return hits;
}

// S3-FIFO: Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023. The small
// queue is a tenth of the capacity, at least 1; the ghost queue holds as many ids as the main queue
// is meant to hold pages.
[[nodiscard]] inline std::uint64_t s3_fifo(trace_view trace, std::size_t capacity) {
    assert(capacity >= 1);
    const std::size_t small = std::max<std::size_t>(1, capacity / 10);
    const std::size_t ghosts = capacity - small;
    page_list s;
    page_list m;
    page_list ghost;
    std::unordered_map<page_id, unsigned> freq; // of the resident pages
    const auto evict = [&] {
        for (;;) {
            if (!s.empty() && (s.size() >= small || m.empty())) {
                const page_id t = s.pop_tail();
                if (freq.at(t) > 1) {
                    freq.at(t) = 0;
                    m.push_head(t);
                    continue;
                }
                freq.erase(t);
                ghost.push_head(t);
                if (ghost.size() > ghosts) ghost.pop_tail();
                return;
            }
            const page_id t = m.tail();
            if (freq.at(t) > 0) {
                --freq.at(t);
                m.move_to_head(t);
                continue;
            }
            freq.erase(t);
            m.pop_tail();
            return;
        }
    };
    std::uint64_t hits = 0;
    for (const page_id x : trace) {
        if (const auto found = freq.find(x); found != freq.end()) {
            ++hits;
            found->second = std::min(found->second + 1, 3U);
            continue;
        }
        const bool was_ghost = ghost.contains(x);
        if (was_ghost) ghost.erase(x);
        if (s.size() + m.size() == capacity) evict();
        (was_ghost ? m : s).push_head(x);
        freq.emplace(x, 0U);
    }
    return hits;
}

// MIN: Belady, "A study of replacement algorithms for a virtual-storage computer", 1966. Evicts the
// page whose next reference is farthest away. No policy has more hits.
[[nodiscard]] inline std::uint64_t optimal(trace_view trace, std::size_t capacity) {
    assert(capacity >= 1);
    constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
    std::vector<std::size_t> next(trace.size(), never);
    std::unordered_map<page_id, std::size_t> next_of;
    for (std::size_t i = trace.size(); i-- > 0;) {
        if (const auto [at, first] = next_of.try_emplace(trace[i], i); !first) {
            next[i] = at->second;
            at->second = i;
        }
    }
    // An entry becomes stale when its reference comes. The stale ones lie in the past, a resident
    // page's in the future: the greatest is never stale.
    std::priority_queue<std::pair<std::size_t, page_id>> farthest;
    std::unordered_set<page_id> resident;
    std::uint64_t hits = 0;
    for (std::size_t i = 0; i < trace.size(); ++i) {
        const page_id x = trace[i];
        if (resident.count(x) != 0) {
            ++hits;
        } else {
            if (resident.size() == capacity) {
                resident.erase(farthest.top().second);
                farthest.pop();
            }
            resident.insert(x);
        }
        farthest.push({next[i], x});
    }
    return hits;
}

} // namespace quire_test::textbook
