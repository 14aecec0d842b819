// A storage policy of your own: a file that counts its writes and syncs and can be told to be slow.
// Deriving from a device and hiding what changes is enough; a device from scratch has all members
// of quire/storage/concepts.hpp.
//     custom_storage [file]
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>
#include <thread>

#include <quire/btree_map.hpp>

// docs:policy
struct io_diary {
    std::atomic<unsigned> writes{0};
    std::atomic<unsigned> syncs{0};
    std::atomic<std::uint64_t> bytes{0};
    std::chrono::microseconds sync_time{0}; // what a sync takes longer than it does
};

class diary_file : public quire::storage::file {
    using status = quire::storage::status;

public:
    static constexpr std::string_view name = "diary_file";
    static inline io_diary diary;

    status write(std::uint64_t offset, quire::bytes_view from) noexcept {
        ++diary.writes;
        diary.bytes += from.size();
        return file::write(offset, from);
    }
    status write_gather(std::uint64_t offset, std::span<const quire::bytes_view> parts) noexcept {
        ++diary.writes;
        for (const quire::bytes_view part : parts) diary.bytes += part.size();
        return file::write_gather(offset, parts);
    }
    status sync_data() noexcept {
        ++diary.syncs;
        std::this_thread::sleep_for(diary.sync_time);
        return file::sync_data();
    }
    status sync_all() noexcept {
        ++diary.syncs;
        std::this_thread::sleep_for(diary.sync_time);
        return file::sync_all();
    }
};
// docs:end

int main(int count, char** arguments) try {
    diary_file::diary.sync_time = std::chrono::microseconds{200};
    quire::btree_map<std::uint32_t, std::uint64_t, diary_file> squares{
        count > 1 ? arguments[1] : "custom_storage.quire"};

    const auto report = [](const char* what, unsigned commits) {
        const io_diary& d = diary_file::diary;
        std::printf("%-28s %5.2f syncs, %5.2f writes and %8.0f bytes a commit\n", what,
                    1.0 * d.syncs / commits, 1.0 * d.writes / commits,
                    1.0 * static_cast<double>(d.bytes) / commits);
        const unsigned syncs = d.syncs;
        diary_file::diary.writes = diary_file::diary.syncs = 0;
        diary_file::diary.bytes = 0;
        return syncs;
    };
    report("opening", 1);

    constexpr std::uint32_t records = 1000;
    auto all = squares.transaction();
    for (std::uint64_t i = 0; i < records; ++i)
        all.insert_or_assign(static_cast<std::uint32_t>(i), i * i);
    all.commit();
    const unsigned together = report("1000 records, one commit", 1);

    for (std::uint32_t i = 0; i < 50; ++i) squares.insert_or_assign(i, std::uint64_t{i} + 1);
    const unsigned apart = report("50 records, 50 commits", 50);
    return together > 0 && apart >= 50 && squares.at(49) == 50 ? 0 : 1;
} catch (const quire::error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
