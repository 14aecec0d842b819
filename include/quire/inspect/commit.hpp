// Which of the two header slots describes the store. A slot may name a commit of which not every
// page reached the medium; it says how many pages that commit wrote and a digest of them, and a
// commit that does not add up never happened: the other slot holds.
// Thread-safety: as the device's.
//
// Invariants:
//   1. Of two whole slots the one of the greater version is chosen, unless its commit does not add
//      up and the other's does.
//   2. Where no slot adds up, the newest one that can be parsed is chosen all the same, so that the
//      rest of the file can be looked at; the findings say so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <quire/core/bytes.hpp>
#include <quire/core/crc32c.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/header_slot.hpp>
#include <quire/inspect/page_walk.hpp>
#include <quire/inspect/report.hpp>
#include <quire/inspect/source.hpp>
#include <quire/inspect/visitor.hpp>

namespace quire::inspect {

// What of a commit does not add up, or nothing.
[[nodiscard]] std::optional<finding> judge_commit(const source& from,
                                                  const format::header_slot& slot);

// Reads both slots, chooses one and hands over what is wrong with either.
[[nodiscard]] header_facts read_header(const source& from, visitor& to);

// The header of a store on any readable device.
template <class Device>
[[nodiscard]] header_facts header(const Device& device) {
    visitor ignored;
    return read_header(source(device), ignored);
}

// ------------------------------------------------------------------------------------------------

namespace detail {

class commit_sum final : public visitor {
public:
    bool page(const page_seen& seen) override {
        ++pages;
        digest += format::digest_of(seen.id, seen.checksum);
        return true;
    }
    void found(finding f) override {
        if (f.from != cause::medium) broken = true;
        else if (!missing) missing = std::move(f);
    }

    std::uint64_t pages = 0;
    std::uint64_t digest = 0;
    std::optional<finding> missing; // the first page that is not as it was written
    bool broken = false;            // a page that is, but breaks a rule
};

inline void read_slot(const source& from, std::size_t i, slot_facts& into, bool& intact) {
    std::array<std::byte, format::slot_size> bytes{};
    const std::string failure = from.read(format::slot_offsets[i], bytes);
    if (!failure.empty()) {
        into.why = {"slot", failure, "512 bytes"};
        return;
    }
    into.blank = true;
    for (const std::byte b : bytes) into.blank = into.blank && b == std::byte{0};
    format::parsed_slot parsed = format::parse_slot(bytes);
    into.state = parsed.state;
    into.slot = parsed.slot;
    into.why = std::move(parsed.why);
    intact = load_le<std::uint32_t>(bytes.data() + 508) == crc32c(bytes_view(bytes).first(508));
}

[[nodiscard]] inline std::string slot_name(std::size_t i) { return "slot " + std::to_string(i); }

// What two slots must agree on, and where each of them has to stand.
inline void judge_slots(const header_facts& header, visitor& to) {
    for (std::size_t i = 0; i < 2; ++i) {
        const slot_facts& facts = header.slots[i];
        const std::uint64_t v = to_integer(facts.slot.committed);
        if (facts.state == format::slot_state::valid && v % 2 != i)
            to.found({page_id::none, slot_name(i) + " version", std::to_string(v),
                      i == 0 ? "an even version" : "an odd version", cause::medium});
    }
    const format::header_slot& a = header.slots[0].slot;
    const format::header_slot& b = header.slots[1].slot;
    if (header.slots[0].state != format::slot_state::valid ||
        header.slots[1].state != format::slot_state::valid)
        return;
    if (a.page_size != b.page_size)
        to.found({page_id::none, "slot 1 page_size_log2", std::to_string(b.page_size),
                  std::to_string(a.page_size) + " as in slot 0", cause::writer});
    if (a.database_id != b.database_id)
        to.found({page_id::none, "slot 1 database_id", "another one", "the one of slot 0",
                  cause::writer});
}

} // namespace detail

inline std::optional<finding> judge_commit(const source& from, const format::header_slot& slot) {
    if (slot.commit_pages == 0) return std::nullopt; // durable before the slot was written
    detail::commit_sum sum;
    page_walk(from, slot, sum, walk_scope::newest_commit).run();
    if (sum.missing) return sum.missing;
    const bool adds_up = sum.pages == slot.commit_pages && sum.digest == slot.commit_digest;
    // A broken rule on a page that is whole is no trace of a crash, and must not pass for one: the
    // state is looked at, and the finding reported, as if the commit had added up.
    if (adds_up || sum.broken) return std::nullopt;
    if (sum.pages != slot.commit_pages)
        return finding{page_id::none, "commit_pages", std::to_string(slot.commit_pages),
                       std::to_string(sum.pages), cause::medium};
    return finding{page_id::none, "commit_digest", std::to_string(slot.commit_digest),
                   std::to_string(sum.digest), cause::medium};
}

inline header_facts read_header(const source& from, visitor& to) {
    using format::slot_state;
    header_facts header;
    header.file_bytes = from.size();
    std::array<bool, 2> intact{};
    for (std::size_t i = 0; i < 2; ++i) detail::read_slot(from, i, header.slots[i], intact[i]);
    const auto valid = [&](std::size_t i) { return header.slots[i].state == slot_state::valid; };
    const bool any = valid(0) || valid(1);
    for (std::size_t i = 0; i < 2; ++i) {
        const slot_facts& facts = header.slots[i];
        const bool never_written = facts.blank && any;
        if (valid(i) || never_written) continue;
        // Beside a whole slot, one that is not whole is what a torn write leaves.
        const cause from_what = intact[i] ? cause::writer : any ? cause::crash : cause::medium;
        to.found({page_id::none, detail::slot_name(i) + " " + facts.why.field, facts.why.found,
                  facts.why.expected, from_what});
    }
    detail::judge_slots(header, to);
    if (!any) {
        header.reason = "neither slot is valid: not a quire file, or its header is lost";
        return header;
    }
    const bool both = valid(0) && valid(1);
    const bool second_newer =
        !valid(0) || (both && header.slots[1].slot.committed > header.slots[0].slot.committed);
    const std::size_t newest = second_newer ? 1 : 0;
    const std::size_t other = 1 - newest;
    const format::header_slot& slot = header.slots[newest].slot;
    const auto chooses = [&](std::size_t i, const std::string& why) {
        header.chosen = static_cast<int>(i);
        header.reason = detail::slot_name(i) + " describes the store: " + why;
    };

    const std::optional<finding> broken = judge_commit(from, slot);
    if (!broken) {
        chooses(newest, both ? "its version is the newer one and its commit is whole"
                        : header.slots[other].blank ? "the other was never written"
                                                    : "the other is not valid");
        return header;
    }
    const std::string version_text = "version " + std::to_string(to_integer(slot.committed));
    const bool falls_back = both && !judge_commit(from, header.slots[other].slot);
    // A store that was closed in order has nothing half written.
    const bool crashed = falls_back && (slot.flags & format::flag_clean) == 0;
    finding report = *broken;
    report.field = detail::slot_name(newest) + " commit: " + report.field;
    report.from = crashed ? cause::crash : cause::medium;
    to.found(std::move(report));
    if (falls_back) chooses(other, "the commit of " + version_text + " in the other is not whole");
    else chooses(newest, version_text + " is not whole, and the other slot does not hold either");
    return header;
}

} // namespace quire::inspect
