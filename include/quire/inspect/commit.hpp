// Which of the two header slots describes the store. A slot may name a commit of which not every
// page reached the medium; it says how many pages that commit wrote and a digest of them, and a
// commit that does not add up never happened: the other slot holds.
// Thread-safety: as the device's.
//
// Invariants:
//   1. Of two valid slots the one of the greater version is chosen, unless its commit does not add
//      up, the other holds the very version it was built on, and that one does.
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

using slot_bytes = std::array<std::byte, format::slot_size>;

[[nodiscard]] inline slot_facts read_slot(const source& from, std::size_t i, slot_bytes& bytes) {
    slot_facts facts;
    const std::string failure = from.read(format::slot_offsets[i], bytes);
    if (!failure.empty()) {
        facts.why = {"bytes", failure, "512 bytes"};
        return facts;
    }
    facts.blank = true;
    for (const std::byte b : bytes) facts.blank = facts.blank && b == std::byte{0};
    format::parsed_slot parsed = format::parse_slot(bytes);
    facts.state = parsed.state;
    facts.slot = parsed.slot;
    facts.why = std::move(parsed.why);
    return facts;
}

[[nodiscard]] inline std::string slot_name(std::size_t i) { return "slot " + std::to_string(i); }

// A slot that is not valid. Beside a valid one, a checksum that is wrong may be of a torn write:
// what stands before a slot's version is the same in every slot of a store.
inline void judge_slot(std::size_t i, const slot_facts& facts, const slot_bytes& bytes,
                       bool other_is_valid, visitor& to) {
    if (facts.state == format::slot_state::valid || (facts.blank && other_is_valid)) return;
    const bool intact =
        load_le<std::uint32_t>(bytes.data() + 508) == crc32c(bytes_view(bytes).first(508));
    const bool torn = other_is_valid && !intact && facts.state == format::slot_state::damaged;
    to.found({page_id::none, slot_name(i) + " " + facts.why.field, facts.why.found,
              facts.why.expected,
              torn                     ? cause::crash
              : intact && !facts.blank ? cause::writer
                                       : cause::medium});
}

// What two valid slots must agree on.
inline void judge_both(const header_facts& header, const std::array<slot_bytes, 2>& bytes,
                       visitor& to) {
    const format::header_slot& a = header.slots[0].slot;
    const format::header_slot& b = header.slots[1].slot;
    if (a.page_size != b.page_size)
        to.found({page_id::none, "slot 1 page_size", std::to_string(b.page_size),
                  std::to_string(a.page_size) + " as in slot 0", cause::writer});
    else if (a.database_id != b.database_id)
        to.found({page_id::none, "slot 1 database_id", "another one", "the one of slot 0",
                  cause::writer});
    else if (a.committed == b.committed && bytes[0] != bytes[1])
        to.found({page_id::none, "slot 1 version",
                  std::to_string(to_integer(b.committed)) + " for another state",
                  "the state that slot 0 has of it", cause::writer});
}

} // namespace detail

inline std::optional<finding> judge_commit(const source& from, const format::header_slot& slot) {
    if (slot.commit_pages == 0) return std::nullopt; // durable before the slot was written
    const std::uint64_t bytes = slot.page_count * slot.page_size;
    if (from.size() < bytes)
        return finding{page_id::none, "file size", std::to_string(from.size()) + " bytes",
                       "at least " + std::to_string(bytes), cause::medium};
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
    header_facts header;
    header.file_bytes = from.size();
    std::array<detail::slot_bytes, 2> bytes{};
    for (std::size_t i = 0; i < 2; ++i) header.slots[i] = detail::read_slot(from, i, bytes[i]);
    const auto valid = [&](std::size_t i) {
        return header.slots[i].state == format::slot_state::valid;
    };
    for (std::size_t i = 0; i < 2; ++i)
        detail::judge_slot(i, header.slots[i], bytes[i], valid(1 - i), to);
    if (!valid(0) && !valid(1)) {
        header.reason = "neither slot is valid: not a quire file, or its header is lost";
        return header;
    }
    const bool both = valid(0) && valid(1);
    if (both) detail::judge_both(header, bytes, to);
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
        chooses(newest, both                        ? "no other is newer, and its commit is whole"
                        : header.slots[other].blank ? "the other was never written"
                                                    : "the other is not valid");
        return header;
    }
    // The state before it is the one it was built on; an older one has lost pages to what came
    // after. And of a store that was closed in order nothing is half written.
    const bool falls_back = both && header.slots[other].slot.committed == slot.base &&
                            !judge_commit(from, header.slots[other].slot);
    const bool crashed = falls_back && (slot.flags & format::flag_clean) == 0;
    finding lost = *broken;
    lost.field = detail::slot_name(newest) + " commit: " + lost.field;
    lost.from = crashed ? cause::crash : cause::medium;
    to.found(std::move(lost));
    const std::string name = "version " + std::to_string(to_integer(slot.committed));
    if (falls_back) chooses(other, name + " in the other is not whole, so it never happened");
    else chooses(newest, name + " is not whole, and nothing holds the state before it");
    return header;
}

} // namespace quire::inspect
