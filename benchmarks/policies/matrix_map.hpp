// The body of matrix_map for one storage and one replacement policy: four maps.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include <quire/btree_map.hpp>

#include "policies/matrix.hpp"

namespace bench {

// 8-byte keys and byte arrays, in pages of fixed records.
struct fixed_records {
    using key = std::uint64_t;
    using value = std::array<std::byte, matrix_record_bytes - sizeof(key)>;

    [[nodiscard]] static key key_of(std::uint32_t record) { return matrix_key(record); }
    [[nodiscard]] static value value_of(std::uint32_t record) {
        value made{};
        const std::uint64_t check = matrix_check(record);
        std::memcpy(made.data(), &check, sizeof check);
        return made;
    }
    [[nodiscard]] static std::uint64_t check_of(std::span<const std::byte> value) {
        std::uint64_t check = 0;
        std::memcpy(&check, value.data(), sizeof check);
        return check;
    }
};

// Keys of 16 hexadecimal digits and text, in slotted pages.
struct slotted_records {
    using key = std::string;
    using value = std::string;

    [[nodiscard]] static key key_of(std::uint32_t record) {
        std::string digits(16, '0');
        std::uint64_t left = matrix_key(record);
        for (std::size_t i = digits.size(); i-- > 0; left >>= 4)
            digits[i] = "0123456789abcdef"[left & 15];
        return digits;
    }
    [[nodiscard]] static value value_of(std::uint32_t record) {
        std::string made(matrix_record_bytes - 16, 'v');
        const std::uint64_t check = matrix_check(record);
        std::memcpy(made.data(), &check, sizeof check);
        return made;
    }
    [[nodiscard]] static std::uint64_t check_of(std::string_view value) {
        std::uint64_t check = 0;
        std::memcpy(&check, value.data(), sizeof check);
        return check;
    }
};

template <class Records, class Storage, class Replacement, class Txn>
class matrix_map_of final : public matrix_map {
    using map =
        quire::btree_map<typename Records::key, typename Records::value, Storage, Replacement, Txn>;

public:
    explicit matrix_map_of(const matrix_plan& plan) : map_(opened(plan)) {}

    void insert(numbers records, std::size_t in_one_transaction) override {
        if constexpr (Txn::transactional) {
            while (!records.empty()) {
                const std::size_t n = std::min(in_one_transaction, records.size());
                auto transaction = map_.transaction();
                insert_into(transaction, records.first(n));
                transaction.commit();
                records = records.subspan(n);
            }
        } else {
            insert_into(map_, records);
        }
    }
    [[nodiscard]] std::uint64_t get(numbers records) const override {
        std::uint64_t sum = 0;
        for (const std::uint32_t record : records) {
            const auto found = map_.get(Records::key_of(record));
            if (!found) throw std::runtime_error("matrix: a record is lost");
            sum += Records::check_of(*found);
        }
        return sum;
    }
    [[nodiscard]] std::uint64_t scan() const override {
        std::uint64_t sum = 0;
        for (const auto& [name, value] : map_) sum += Records::check_of(value);
        return sum;
    }
    [[nodiscard]] std::uint64_t size() const override { return map_.size(); }

private:
    template <class Into>
    static void insert_into(Into& map, numbers records) {
        for (const std::uint32_t record : records)
            map.insert_or_assign(Records::key_of(record), Records::value_of(record));
    }
    [[nodiscard]] static map opened(const matrix_plan& plan) {
        const quire::options how{.cache_bytes = plan.cache_bytes,
                                 .durability = quire::durability::none};
        if constexpr (std::is_same_v<Storage, quire::storage::memory>) return map(how);
        else return map(plan.path, how);
    }

    map map_;
};

template <class Storage, class Replacement>
[[nodiscard]] std::unique_ptr<matrix_map> open_matrix(const matrix_plan& plan) {
    using none = quire::txn::none;
    using shadow = quire::txn::shadow;
    const bool transactional = plan.txn == matrix_txn::shadow;
    const auto made = [&]<class Records>(Records) -> std::unique_ptr<matrix_map> {
        if (transactional)
            return std::make_unique<matrix_map_of<Records, Storage, Replacement, shadow>>(plan);
        return std::make_unique<matrix_map_of<Records, Storage, Replacement, none>>(plan);
    };
    if (plan.codec == matrix_codec::fixed) return made(fixed_records{});
    return made(slotted_records{});
}

} // namespace bench
