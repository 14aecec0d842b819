// Files that each break one rule, and what must be said of them: one finding and no other.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <quire/inspect/check.hpp>

#include "small_file.hpp"

namespace rules {

using namespace small_file;
using quire::format::header_slot;
using quire::inspect::cause;
using quire::inspect::check;
using quire::inspect::report;

inline void put16(std::byte* to, unsigned value) {
    quire::store_le<std::uint16_t>(to, static_cast<std::uint16_t>(value));
}
inline void put32(std::byte* to, std::uint32_t value) { quire::store_le<std::uint32_t>(to, value); }
inline void put64(std::byte* to, std::uint64_t value) { quire::store_le<std::uint64_t>(to, value); }

struct broken_rule {
    const char* what;
    std::uint32_t page; // of the finding; 0: none
    const char* field;
    cause from;
    std::function<void(full_store&)> damage;
};

// Changes a page and makes its checksum right again.
inline std::function<void(full_store&)> on_page(std::uint32_t id,
                                                std::function<void(std::byte*)> change) {
    return [id, change = std::move(change)](full_store& store) {
        change(store.page(id));
        store.seal(id);
    };
}
inline std::function<void(full_store&)> on_run(std::function<void(std::byte*)> change) {
    return [change = std::move(change)](full_store& store) {
        change(store.page(28));
        store.seal_run(28, full_store::run_value_size);
    };
}
inline std::function<void(full_store&)> on_slot(std::function<void(header_slot&)> change) {
    return [change = std::move(change)](full_store& store) {
        change(store.now);
        store.slot(store.now);
    };
}

inline void check_rules(const std::vector<broken_rule>& all) {
    for (const broken_rule& rule : all) {
        CAPTURE(rule.what);
        full_store store;
        rule.damage(store);
        const report r = check(store.file);
        const std::string text = text_of(r);
        CAPTURE(text);
        CHECK_FALSE(r.ok());
        CHECK(r.findings.size() == 1);
        if (r.findings.empty()) continue;
        CHECK(to_integer(r.findings[0].page) == rule.page);
        CHECK(r.findings[0].field == rule.field);
        CHECK(r.findings[0].from == rule.from);
        CHECK(r.findings[0].found != r.findings[0].expected);
        CHECK(r.sound() == (rule.from == cause::crash));
    }
}

} // namespace rules
