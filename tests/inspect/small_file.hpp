// A store file written by hand, byte by byte after docs/format, for the tests of inspect/. Shares
// nothing with the floors that write real files, nor with the code under test beyond the field
// accessors of format/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <quire/core/bytes.hpp>
#include <quire/core/crc32c.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/free_map.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/format/page_header.hpp>
#include <quire/format/schema.hpp>

namespace small_file {

// A device over bytes in memory, with the read half of the storage concept.
struct device {
    struct status {
        int number = 0;
        [[nodiscard]] bool ok() const { return number == 0; }
    };
    std::vector<std::byte> bytes;
    std::uint64_t bad_from = ~std::uint64_t{0}; // reads that touch these bytes fail with EIO
    std::uint64_t bad_size = 0;

    status read(std::uint64_t offset, quire::mutable_bytes to) const {
        if (offset + to.size() > bytes.size()) return {-1};
        if (bad_size != 0 && offset < bad_from + bad_size && bad_from < offset + to.size())
            return {5};
        std::memcpy(to.data(), bytes.data() + offset, to.size());
        return {};
    }
    status size(std::uint64_t& size) const {
        size = bytes.size();
        return {};
    }
};

using quire::page_id;
using quire::page_ref;
using quire::tree_id;
using quire::version;
using quire::format::page_kind;

struct identity {
    std::uint32_t page;
    std::uint32_t tree;
    std::uint64_t birth;

    [[nodiscard]] page_ref ref() const {
        return {static_cast<page_id>(page), static_cast<std::uint32_t>(birth)};
    }
};

// A value of a slotted leaf: bytes, or the 12 bytes that stand for a run.
struct slotted_value {
    std::string bytes;
    bool overflow = false;
};

class writer {
public:
    explicit writer(std::size_t page_size, std::uint32_t pages) : page_size_(page_size) {
        file.bytes.resize(page_size * pages);
    }

    device file;

    [[nodiscard]] std::size_t page_size() const { return page_size_; }
    [[nodiscard]] std::byte* page(std::uint32_t id) { return file.bytes.data() + id * page_size_; }

    void seal(std::uint32_t id) {
        quire::store_le<std::uint32_t>(page(id), quire::crc32c({page(id) + 4, page_size_ - 4}));
    }
    void seal_run(std::uint32_t id, std::size_t value_size) {
        quire::store_le<std::uint32_t>(page(id), quire::crc32c({page(id) + 4, 28 + value_size}));
    }
    [[nodiscard]] std::uint32_t checksum(std::uint32_t id) {
        return quire::load_le<std::uint32_t>(page(id));
    }
    // Sums up pages, as a slot of a commit that wrote them keeps it.
    [[nodiscard]] std::uint64_t digest(const std::vector<std::uint32_t>& ids) {
        std::uint64_t sum = 0;
        for (const std::uint32_t id : ids)
            sum += quire::format::digest_of(static_cast<page_id>(id), checksum(id));
        return sum;
    }

    void start(identity who, page_kind kind, std::uint32_t level, std::size_t count) {
        std::byte* const to = page(who.page);
        std::memset(to, 0, page_size_);
        to[4] = static_cast<std::byte>(kind);
        to[5] = static_cast<std::byte>(level);
        quire::store_le<std::uint16_t>(to + 6, static_cast<std::uint16_t>(count));
        quire::store_le<std::uint32_t>(to + 8, who.page);
        quire::store_le<std::uint32_t>(to + 12, who.tree);
        quire::store_le<std::uint64_t>(to + 16, who.birth);
    }

    // 8-byte integers to 8-byte integers. In 512 bytes: 30 records, values at 272 (already a
    // multiple of 8, the alignment that 8-byte values ask for).
    static constexpr std::size_t values_at_512 = 272;
    void fixed_leaf(identity who, const std::vector<std::uint64_t>& keys) {
        start(who, page_kind::fixed_leaf, 0, keys.size());
        for (std::size_t i = 0; i < keys.size(); ++i) {
            quire::store_le<std::uint64_t>(page(who.page) + 32 + 8 * i, keys[i]);
            quire::store_le<std::uint64_t>(page(who.page) + values_at_512 + 8 * i, keys[i] * 10);
        }
        seal(who.page);
    }
    // In 512 bytes: n separators and n + 1 children, 32 + 16 n + 8 <= 512, so n = 29 and children
    // at 264.
    static constexpr std::size_t children_at_512 = 264;
    void fixed_inner(identity who, std::uint32_t level, const std::vector<std::uint64_t>& keys,
                     const std::vector<identity>& children) {
        start(who, page_kind::fixed_inner, level, keys.size());
        for (std::size_t i = 0; i < keys.size(); ++i)
            quire::store_le<std::uint64_t>(page(who.page) + 32 + 8 * i, keys[i]);
        for (std::size_t i = 0; i < children.size(); ++i)
            ref(page(who.page) + children_at_512 + 8 * i, children[i].ref());
        seal(who.page);
    }

    static void ref(std::byte* to, page_ref r) {
        quire::store_le<std::uint32_t>(to, quire::to_integer(r.id));
        quire::store_le<std::uint32_t>(to + 4, r.birth);
    }

    using records = std::vector<std::pair<std::string, slotted_value>>;
    // Keys are given whole; each starts with the prefix. `gap` bytes stay unused between records.
    void slotted_leaf(identity who, const std::string& prefix, const records& all,
                      std::size_t gap = 0) {
        start(who, page_kind::slotted_leaf, 0, all.size());
        std::size_t heap = put_prefix(who.page, prefix);
        const std::size_t heap_end = heap;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const std::string suffix = all[i].first.substr(prefix.size());
            const slotted_value& value = all[i].second;
            heap -= 2 + suffix.size() + value.bytes.size() + gap;
            put_slot(page(who.page) + 32 + 8 * i, heap, suffix);
            quire::store_le<std::uint16_t>(
                page(who.page) + heap,
                static_cast<std::uint16_t>(value.bytes.size() | (value.overflow ? 0x8000U : 0U)));
            std::memcpy(page(who.page) + heap + 2, suffix.data(), suffix.size());
            std::memcpy(page(who.page) + heap + 2 + suffix.size(), value.bytes.data(),
                        value.bytes.size());
        }
        put_heap(who.page, heap_end - heap, gap * all.size());
        seal(who.page);
    }
    void slotted_inner(identity who, std::uint32_t level, const std::string& prefix,
                       identity leftmost,
                       const std::vector<std::pair<std::string, identity>>& children) {
        start(who, page_kind::slotted_inner, level, children.size());
        std::size_t heap = put_prefix(who.page, prefix);
        const std::size_t heap_end = heap;
        ref(page(who.page) + 32, leftmost.ref());
        for (std::size_t i = 0; i < children.size(); ++i) {
            const std::string suffix = children[i].first.substr(prefix.size());
            heap -= suffix.size();
            put_slot(page(who.page) + 44 + 16 * i, heap, suffix);
            ref(page(who.page) + 52 + 16 * i, children[i].second.ref());
            std::memcpy(page(who.page) + heap, suffix.data(), suffix.size());
        }
        put_heap(who.page, heap_end - heap, 0);
        seal(who.page);
    }

    // Gives the reference that a leaf keeps of it.
    slotted_value run(identity who, const std::string& value) {
        start(who, page_kind::overflow, 0, 0);
        quire::store_le<std::uint32_t>(page(who.page) + 24,
                                       static_cast<std::uint32_t>(value.size()));
        std::memcpy(page(who.page) + 32, value.data(), value.size());
        seal_run(who.page, value.size());
        return run_ref(who, value.size());
    }
    static slotted_value run_ref(identity who, std::size_t value_size) {
        std::string bytes(12, '\0');
        auto* const to = reinterpret_cast<std::byte*>(bytes.data());
        ref(to, who.ref());
        quire::store_le<std::uint32_t>(to + 8, static_cast<std::uint32_t>(value_size));
        return {bytes, true};
    }

    void bitmap(identity who, std::uint32_t part, const std::vector<std::uint32_t>& free) {
        start(who, page_kind::free_map, 0, 0);
        quire::store_le<std::uint32_t>(page(who.page) + 28, part);
        const std::uint32_t first = part * static_cast<std::uint32_t>(page_size_ - 32) * 8;
        for (const std::uint32_t id : free) {
            std::byte& byte = page(who.page)[32 + (id - first) / 8];
            byte |= static_cast<std::byte>(1U << ((id - first) % 8));
        }
        seal(who.page);
    }
    void map_parts(identity who, std::uint32_t level, std::uint32_t part,
                   const std::vector<std::pair<std::size_t, identity>>& parts) {
        start(who, page_kind::free_map, level, 0);
        quire::store_le<std::uint32_t>(page(who.page) + 28, part);
        for (const auto& [i, child] : parts) ref(page(who.page) + 32 + 8 * i, child.ref());
        seal(who.page);
    }

    // Even versions into slot 0, odd ones into slot 1.
    void slot(const quire::format::header_slot& slot) {
        slot_at(quire::to_integer(slot.committed) % 2, slot);
    }
    void slot_at(std::size_t i, const quire::format::header_slot& slot) {
        const auto bytes = quire::format::encode(slot);
        std::memcpy(file.bytes.data() + i * 4096, bytes.data(), bytes.size());
    }

private:
    std::size_t put_prefix(std::uint32_t id, const std::string& prefix) {
        const std::size_t heap_end = page_size_ - prefix.size();
        std::memcpy(page(id) + heap_end, prefix.data(), prefix.size());
        quire::store_le<std::uint16_t>(page(id) + 28, static_cast<std::uint16_t>(prefix.size()));
        return heap_end;
    }
    void put_slot(std::byte* slot, std::size_t offset, const std::string& suffix) {
        quire::store_le<std::uint16_t>(slot, static_cast<std::uint16_t>(offset));
        quire::store_le<std::uint16_t>(slot + 2, static_cast<std::uint16_t>(suffix.size()));
        std::string head = suffix.substr(0, 4);
        head.resize(4, '\0');
        for (std::size_t i = 0; i < 4; ++i) slot[4 + i] = static_cast<std::byte>(head[3 - i]);
    }
    void put_heap(std::uint32_t id, std::size_t size, std::size_t dead) {
        quire::store_le<std::uint16_t>(page(id) + 24, static_cast<std::uint16_t>(size));
        quire::store_le<std::uint16_t>(page(id) + 26, static_cast<std::uint16_t>(dead));
    }

    std::size_t page_size_;
};

[[nodiscard]] inline std::string schema_record(std::uint32_t tree, bool fixed) {
    quire::format::schema s;
    s.tree = static_cast<tree_id>(tree);
    s.layout = fixed ? quire::format::layout_kind::fixed : quire::format::layout_kind::slotted;
    s.order = fixed ? quire::format::key_order::unsigned_integer : quire::format::key_order::bytes;
    s.key_size = fixed ? 8 : quire::format::variable_size;
    s.value_size = fixed ? 8 : quire::format::variable_size;
    s.key_codec = fixed ? "u64" : "string";
    s.value_codec = fixed ? "u64" : "string";
    return quire::format::encode(s);
}

// Everything the format has, in 34 pages of 512 bytes:
//    0 header (16 pages)   16 catalog
//   17 tree 1 "main", u64 -> u64, three levels: 17; 18, 19; leaves 20 to 23
//   24 tree 2 "names", string -> string, two levels: 24; leaves 25 to 27
//   28 overflow run of 2 pages (29 its second), 30 a run of 1 page
//   31 free map           32, 33 free
// Version 4 wrote it, version 5 is the close: both slots describe the same pages.
class full_store : public writer {
public:
    static constexpr std::size_t run_value_size = 900;
    static constexpr std::uint32_t pages = 34;

    identity catalog{16, 0, 1}, root1{17, 1, 4}, left1{18, 1, 4}, right1{19, 1, 3},
        leaf20{20, 1, 4}, leaf21{21, 1, 2}, leaf22{22, 1, 2}, leaf23{23, 1, 3}, root2{24, 2, 4},
        leaf25{25, 2, 4}, leaf26{26, 2, 2}, leaf27{27, 2, 3}, run28{28, 2, 2}, run30{30, 2, 1},
        map31{31, 0, 4};

    full_store() : writer(512, pages) {
        slotted_leaf(catalog, "",
                     {{"main", {schema_record(1, true)}}, {"names", {schema_record(2, false)}}});
        fixed_inner(root1, 2, {300}, {left1, right1});
        fixed_inner(left1, 1, {200}, {leaf20, leaf21});
        fixed_inner(right1, 1, {400}, {leaf22, leaf23});
        fixed_leaf(leaf20, {1, 2, 3});
        fixed_leaf(leaf21, {200, 210});
        fixed_leaf(leaf22, {300, 310, 320});
        fixed_leaf(leaf23, {400});
        slotted_inner(root2, 1, "", leaf25, {{"k", leaf26}, {"pre", leaf27}});
        slotted_leaf(leaf25, "", {{"", {"empty key"}}, {"ab", {"1"}}, {"abc", {"22"}}}, 3);
        const slotted_value value28 = run(run28, std::string(run_value_size, 'v'));
        slotted_leaf(leaf26, "k", {{"kiwi", {"green"}}, {"known", value28}});
        const slotted_value value30 = run(run30, std::string(480, 'w'));
        slotted_leaf(leaf27, "prefix-", {{"prefix-1", value30}, {"prefix-2", {""}}});
        bitmap(map31, 0, {32, 33});

        now.page_size = 512;
        now.committed = version{4};
        now.base = version{3};
        now.page_count = pages;
        now.free_map_root = map31.ref();
        now.catalog_root = catalog.ref();
        now.tree_count = 2;
        now.roots[0] = {tree_id{1}, 2, root1.ref(), 9};
        now.roots[1] = {tree_id{2}, 1, root2.ref(), 7};
        for (std::size_t i = 0; i < 16; ++i) now.database_id[i] = static_cast<std::byte>(i + 1);
        slot(now);
        now.committed = version{5};
        now.base = version{4};
        now.flags = quire::format::flag_clean;
        slot(now);
    }

    quire::format::header_slot now; // of version 5
};

} // namespace small_file
