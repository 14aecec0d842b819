#include <quire/node/search.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "node/model.hpp"

using namespace node_test;
using node::pace;
using node::search_hint;

namespace {

using u64_key = node::integer_key<std::uint64_t, format::key_order::unsigned_integer>;
using i8_key = node::integer_key<std::uint8_t, format::key_order::signed_integer>;
using f64_key = node::integer_key<std::uint64_t, format::key_order::floating>;

// The array in memory of its exact size.
template <class Key, class Arg>
std::unique_ptr<std::byte[]> array_of(const std::vector<Arg>& keys) {
    std::unique_ptr<std::byte[]> bytes(new std::byte[keys.size() * Key::size]);
    for (std::size_t i = 0; i < keys.size(); ++i) Key::store(bytes.get() + i * Key::size, keys[i]);
    return bytes;
}

template <class Key>
void check_integers(std::vector<typename Key::rank_type> keys, search_hint hint) {
    using rank = typename Key::rank_type;
    const auto bytes = array_of<Key>(keys);
    const auto n = static_cast<std::uint32_t>(keys.size());
    const auto look = [&](rank x) {
        CAPTURE(x);
        const auto low = std::lower_bound(keys.begin(), keys.end(), x) - keys.begin();
        const auto high = std::upper_bound(keys.begin(), keys.end(), x) - keys.begin();
        QUIRE_MUST(node::lower_bound<Key>(bytes.get(), n, x, hint) == low);
        QUIRE_MUST(node::upper_bound<Key>(bytes.get(), n, x, hint) == high);
        QUIRE_MUST((node::lower_bound<Key, pace::steady>(bytes.get(), n, x, hint) == low));
        QUIRE_MUST((node::upper_bound<Key, pace::steady>(bytes.get(), n, x, hint) == high));
    };
    for (const rank key : keys)
        for (const rank x : {static_cast<rank>(key - 1), key, static_cast<rank>(key + 1)}) look(x);
    look(0);
    look(std::numeric_limits<rank>::max());
}

template <class Key>
void check_integers(std::vector<typename Key::rank_type> keys) {
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    CAPTURE(keys.size());
    const auto bytes = array_of<Key>(keys);
    const auto n = static_cast<std::uint32_t>(keys.size());
    check_integers<Key>(keys, node::hint_of<Key>(bytes.get(), n));
    const float wild[] = {0,
                          1,
                          1e30F,
                          -1,
                          std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()};
    for (const float slope : wild) check_integers<Key>(keys, {slope, 65535});
}

std::vector<std::uint64_t> spread(std::string_view how, std::size_t n, dice& d) {
    std::vector<std::uint64_t> keys;
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (how == "random") keys.push_back(d.word());
        else if (how == "clustered") keys.push_back((d.below(4) << 61) + d.below(n));
        else if (how == "ascending") keys.push_back(last += d.one_in(16) ? d.below(64) : 1);
        else if (how == "powers") keys.push_back(d.word() >> d.below(64));
        else if (how == "outlier") keys.push_back(i == 0 ? ~std::uint64_t{0} : d.below(2 * n));
        else keys.push_back(~std::uint64_t{0} - i); // the greatest
    }
    return keys;
}

} // namespace

TEST_CASE("integers of any spread are found, with any hint") {
    for (const char* how : {"random", "clustered", "ascending", "powers", "outlier", "greatest"})
        for (const std::size_t n : {0U, 1U, 2U, 3U, 7U, 8U, 9U, 17U, 64U, 254U}) {
            const std::uint64_t seed = 40 + n;
            CAPTURE(how);
            CAPTURE(seed);
            dice d(seed);
            check_integers<u64_key>(spread(how, n, d));
        }
    dice d(5);
    check_integers<u64_key>(spread("random", 4000, d));
    check_integers<f64_key>(spread("powers", 254, d));
    std::vector<std::uint8_t> all(256);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
    check_integers<i8_key>(all);
}

TEST_CASE("keys out of order, and any hint, stay inside the array") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        dice d(seed);
        const std::vector<std::uint64_t> keys = spread("powers", d.below(40), d);
        const auto bytes = array_of<u64_key>(keys);
        const auto n = static_cast<std::uint32_t>(keys.size());
        std::byte head[32];
        const std::string noise = d.bytes(32);
        std::memcpy(head, noise.data(), 32);
        const search_hint hint = search_hint::load(head);
        for (int i = 0; i < 50; ++i) {
            const std::uint64_t x = d.word() >> d.below(64);
            QUIRE_MUST(node::lower_bound<u64_key>(bytes.get(), n, x, hint) <= n);
            QUIRE_MUST((node::lower_bound<u64_key, pace::steady>(bytes.get(), n, x, hint) <= n));
            node::prefetch_bound<u64_key>(bytes.get(), n, x, hint);
            if (n >= 3) { // the same bytes as longer keys
                const std::string key = d.bytes(24);
                QUIRE_MUST(node::lower_bound<node::bytes_key<24>>(
                               bytes.get(), n / 3, {view(key).data()}, hint) <= n / 3);
            }
        }
    }
}

namespace {

template <std::size_t N>
void check_bytes(std::vector<std::string> keys, const std::vector<std::string>& others) {
    using key = node::bytes_key<N>;
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    std::vector<typename key::key_arg> args;
    for (const std::string& k : keys) args.push_back({view(k).data()});
    const auto bytes = array_of<key>(args);
    const auto n = static_cast<std::uint32_t>(keys.size());
    const search_hint hint = node::hint_of<key>(bytes.get(), n);
    const auto look = [&](const std::string& x) {
        const auto low = std::lower_bound(keys.begin(), keys.end(), x) - keys.begin();
        const auto high = std::upper_bound(keys.begin(), keys.end(), x) - keys.begin();
        QUIRE_MUST(node::lower_bound<key>(bytes.get(), n, {view(x).data()}, hint) == low);
        QUIRE_MUST(node::upper_bound<key>(bytes.get(), n, {view(x).data()}, hint) == high);
        const auto steady =
            node::lower_bound<key, pace::steady>(bytes.get(), n, {view(x).data()}, hint);
        QUIRE_MUST(steady == low);
        node::prefetch_bound<key>(bytes.get(), n, {view(x).data()}, hint);
    };
    for (const std::string& k : keys) look(k);
    for (const std::string& k : others) look(k);
}

template <std::size_t N>
void check_bytes() {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(N);
        CAPTURE(seed);
        dice d(seed);
        std::vector<std::string> random;
        std::vector<std::string> alike;   // a long common prefix, few different bytes
        std::vector<std::string> twofold; // equal eight bytes behind the common prefix
        std::vector<std::string> strangers;
        for (std::size_t i = d.below(60); i > 0; --i) {
            random.push_back(d.bytes(N));
            std::string s(N, 'p');
            s[N - 1] = static_cast<char>(d.below(6));
            s[N / 2] = static_cast<char>(d.below(3));
            alike.push_back(s);
            std::string t(N, 'q');
            t[0] = static_cast<char>(d.below(2));
            t[N - 1] = static_cast<char>(d.word());
            twofold.push_back(t);
            strangers.push_back(d.one_in(2) ? d.bytes(N) : std::string(N, 'p'));
        }
        check_bytes<N>(random, strangers);
        check_bytes<N>(alike, strangers);
        check_bytes<N>(twofold, strangers);
        check_bytes<N>(alike, twofold);
    }
}

} // namespace

TEST_CASE("keys of bytes are found, whatever they have in common") {
    check_bytes<1>();
    check_bytes<3>();
    check_bytes<8>();
    check_bytes<9>();
    check_bytes<24>();
    check_bytes<100>();
}

TEST_CASE("a hint says where evenly spread keys are") {
    std::vector<std::uint64_t> keys;
    for (std::uint64_t i = 0; i < 200; ++i) keys.push_back(1000 + i * 977);
    const auto bytes = array_of<u64_key>(keys);
    const search_hint hint = node::hint_of<u64_key>(bytes.get(), 200);
    for (std::uint32_t i = 0; i < 200; ++i) {
        const std::uint32_t guess = node::detail::guess<std::uint64_t>(
            200, keys[i] - keys[0], static_cast<double>(hint.slope));
        CHECK(std::abs(static_cast<int>(guess) - static_cast<int>(i)) <= 1);
    }
    std::byte page[32]{};
    hint.store(page);
    CHECK(search_hint::load(page).slope == hint.slope);
    CHECK(node::hint_of<u64_key>(bytes.get(), 1).slope == 0);
}
