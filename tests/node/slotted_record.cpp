#include <quire/node/slotted_record.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "node/model.hpp"

using namespace node_test;
using quire::node::detail::record;

namespace {

std::uint32_t head(const std::string& s) {
    return quire::node::detail::head_of(view(s).data(), s.size());
}

// A record whose key is cut in two after `cut` bytes.
record cut_record(const std::string& key, std::size_t cut) {
    record r;
    r.prefix = view(key).data();
    r.prefix_size = static_cast<std::uint32_t>(cut);
    r.suffix = view(key).data() + cut;
    r.suffix_size = static_cast<std::uint32_t>(key.size() - cut);
    return r;
}

} // namespace

TEST_CASE("a head is the first four bytes, padded with zeros") {
    CHECK(head("") == 0);
    CHECK(head("a") == 0x61000000);
    CHECK(head("abc") == 0x61626300);
    CHECK(head("abcd") == 0x61626364);
    CHECK(head("abcdefgh") == 0x61626364);
    CHECK(head("\xFF") == 0xFF000000);
}

TEST_CASE("heads that differ compare as their keys do") {
    dice d(1);
    for (int i = 0; i < 20000; ++i) {
        std::string a(d.below(6), 'a');
        std::string b(d.below(6), 'a');
        for (std::string* s : {&a, &b})
            for (char& c : *s) c = static_cast<char>(d.below(3) * 127);
        if (head(a) != head(b)) QUIRE_MUST((head(a) < head(b)) == (a < b));
    }
}

TEST_CASE("a key in two pieces is one key") {
    const std::string key = "a key in pieces";
    for (std::size_t cut = 0; cut <= key.size(); ++cut) {
        const record r = cut_record(key, cut);
        CHECK(r.key_size() == key.size());
        for (std::uint32_t from = 0; from <= key.size(); ++from)
            for (std::uint32_t end = from; end <= key.size(); ++end) {
                std::string to(end - from, '?');
                auto* const at = reinterpret_cast<std::byte*>(to.data());
                QUIRE_MUST(r.copy_key(at, from, end) == at + to.size());
                QUIRE_MUST(to == key.substr(from, end - from));
            }
    }
}

TEST_CASE("the common prefix of keys in pieces is that of the keys") {
    const std::string long_text = "the same beginning, then something else";
    dice d(2);
    for (int i = 0; i < 5000; ++i) {
        std::string a = long_text.substr(0, d.below(long_text.size() + 1));
        std::string b = long_text.substr(0, d.below(long_text.size() + 1));
        if (!a.empty() && d.one_in(2)) a[d.below(a.size())] = '!';
        const std::size_t expected = quire::common_prefix(view(a), view(b));
        const record left = cut_record(a, d.below(a.size() + 1));
        const record right = cut_record(b, d.below(b.size() + 1));
        QUIRE_MUST(quire::node::detail::common_prefix_of(left, right) == expected);
        QUIRE_MUST(quire::node::detail::common_prefix_of(right, left) == expected);
    }
}

TEST_CASE("a writer states in the header what it wrote") {
    using writer = quire::node::detail::page_writer<512, true>;
    std::byte image[512]{};
    std::byte page[512]{};
    const std::string low = "common a";
    const std::string high = "common bb";
    const std::string value = "vv";
    record first = cut_record(low, 3);
    const record second = cut_record(high, 0);
    first.value = view(value).data();
    first.value_field = 2;
    writer to(image, &first, 7);
    to.add(first);
    to.add(second);
    to.publish(page);
    CHECK(format::count_of(page) == 2);
    CHECK(format::prefix_size_of(page) == 7);
    CHECK(format::heap_size_of(page) == (2 + 1 + 2) + (2 + 2));
    CHECK(format::heap_dead_of(page) == 0);
    CHECK(text({page + 505, 7}) == "common ");
    CHECK(quire::load_le<std::uint16_t>(page + 32) == 500);     // offset
    CHECK(quire::load_le<std::uint16_t>(page + 34) == 1);       // key size
    CHECK(quire::load_le<std::uint32_t>(page + 36) == head("a"));
    CHECK(text({page + 502, 3}) == "avv");
    CHECK(quire::load_le<std::uint16_t>(page + 40) == 496);
    CHECK(text({page + 498, 2}) == "bb");
}
