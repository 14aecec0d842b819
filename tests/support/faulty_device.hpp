// Any device, with faults on demand: the call with a given number fails, once or from then on.
//
//     using device = faulty_device<quire::storage::file>;
//     device::plan = {.kinds = fault_plan::writes, .after = 3, .number = EIO};
//
// The plan is one for all devices of a type, and counts the calls it looks at.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <quire/core/bytes.hpp>
#include <quire/storage/concepts.hpp>

namespace quire_test {

struct fault_plan {
    // Kinds of calls, to be combined.
    static constexpr unsigned writes = 1;
    static constexpr unsigned syncs = 2;
    static constexpr unsigned resizes = 4;
    static constexpr unsigned names = 8; // create, rename_new, sync_directory_of
    static constexpr unsigned reads = 16;
    static constexpr unsigned changes = writes | syncs | resizes | names;

    unsigned kinds = 0;      // that are counted, and fail
    std::uint64_t after = 0; // calls that succeed first
    int number = 0;          // of the failure; 0: nothing fails
    bool forever = false;    // or once
    bool half = false;       // a failing write writes the first half
    std::uint64_t calls = 0; // counted so far
    std::uint64_t fired = 0; // failures so far

    [[nodiscard]] bool fails(unsigned kind) noexcept {
        if ((kinds & kind) == 0) return false;
        const std::uint64_t n = calls++;
        if (number == 0 || (forever ? n < after : n != after)) return false;
        ++fired;
        return true;
    }
};

template <class Base>
class faulty_device : public Base {
    using status = quire::storage::status;

public:
    static inline fault_plan plan;

    status create(const std::string& path) noexcept {
        return plan.fails(fault_plan::names) ? status{plan.number} : Base::create(path);
    }
    status read(std::uint64_t offset, quire::mutable_bytes to) const noexcept {
        return plan.fails(fault_plan::reads) ? status{plan.number} : Base::read(offset, to);
    }
    status write(std::uint64_t offset, quire::bytes_view from) noexcept {
        if (!plan.fails(fault_plan::writes)) return Base::write(offset, from);
        if (plan.half) static_cast<void>(Base::write(offset, from.first(from.size() / 2)));
        return {plan.number};
    }
    status write_gather(std::uint64_t offset, std::span<const quire::bytes_view> parts) noexcept {
        if (!plan.fails(fault_plan::writes)) return Base::write_gather(offset, parts);
        if (plan.half)
            static_cast<void>(Base::write(offset, parts.front().first(parts.front().size() / 2)));
        return {plan.number};
    }
    status resize(std::uint64_t n) noexcept {
        return plan.fails(fault_plan::resizes) ? status{plan.number} : Base::resize(n);
    }
    status sync_data() noexcept {
        return plan.fails(fault_plan::syncs) ? status{plan.number} : Base::sync_data();
    }
    status sync_all() noexcept {
        return plan.fails(fault_plan::syncs) ? status{plan.number} : Base::sync_all();
    }
    static status sync_directory_of(const std::string& path) noexcept {
        return plan.fails(fault_plan::names) ? status{plan.number} : Base::sync_directory_of(path);
    }
    static status rename_new(const std::string& from, const std::string& to) noexcept {
        return plan.fails(fault_plan::names) ? status{plan.number} : Base::rename_new(from, to);
    }
};

} // namespace quire_test
