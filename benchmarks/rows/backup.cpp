// A backup while a writer commits durably, against reading and writing the bytes of the same file
// beside the same writer, and both without a writer. Every copy is opened, verified, and compared
// with the snapshot it was made of.
#include <fcntl.h>

#include <optional>
#include <vector>

#include "rows/space.hpp"

namespace bench {
namespace {

// The file of the store, copied as it lies there by pieces of 1 MiB and flushed: seconds a byte.
[[nodiscard]] double copy_raw(const std::string& from, const std::string& to) {
    const descriptor source(from, O_RDONLY | O_CLOEXEC);
    const descriptor target(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC);
    struct stat facts {};
    if (::fstat(source.number(), &facts) != 0) fail("stat " + from);
    std::vector<char> buffer(std::size_t{1} << 20);
    const double seconds = seconds_of([&] {
        for (off_t at = 0; at < facts.st_size; at += static_cast<off_t>(buffer.size())) {
            const auto rest = static_cast<std::size_t>(facts.st_size - at);
            const std::size_t size = std::min(rest, buffer.size());
            read_all(source, buffer.data(), size, at);
            write_all(target, buffer.data(), size, at);
        }
        if (::fsync(target.number()) != 0) fail("flush");
    });
    ::unlink(to.c_str());
    return seconds / static_cast<double>(facts.st_size);
}

template <class Map>
void check_copy(const typename Map::snapshot_type& of, const std::string& path) {
    {
        Map copy(path, roomy());
        copy.verify();
        auto at = of.begin();
        for (const auto& [key, value] : copy) {
            if (at == of.end() || (*at).first != key || (*at).second != value)
                throw disagreement("a backup is not what its snapshot holds");
            ++at;
        }
        if (at != of.end()) throw disagreement("a backup lacks records");
    }
    ::unlink(path.c_str());
}

template <class Map>
void measure_backup_of(session& in, const std::string& kind, bool writing) {
    const own_directory files(in.scratch.fresh("backup"));
    const auto records = random_kv(in.scaled(kv_records) + 200'000);
    const auto loaded = std::span(records).first(in.scaled(kv_records));
    const auto more = std::span(records).subspan(loaded.size());
    Map map(files.path() + "/" + store_name, roomy());
    load(map, loaded);
    map.checkpoint();
    in.scratch.settle();
    std::size_t next = 0;
    const auto put = [&] {
        const kv_record& each = more[next++ % more.size()];
        auto transaction = map.transaction();
        transaction.insert_or_assign(key_of<Map>(each), value_of<Map>(each));
        transaction.commit(quire::durability::full);
    };
    const std::string target = files.path() + "/copy.quire";
    const auto beside = [&](auto&& work) {
        in.scratch.settle();
        std::optional<busy<decltype(put)>> writer;
        if (writing) writer.emplace(put);
        const double found = work();
        if (writing) static_cast<void>(writer->end());
        return found;
    };
    constexpr double bytes = 1 << 20;
    const auto backup = [&](std::size_t) {
        const auto snapshot = map.snapshot();
        const double each = beside([&] {
            quire::backup_report did;
            const double seconds = seconds_of([&] { did = snapshot.backup(target); });
            return seconds / static_cast<double>(did.bytes);
        });
        check_copy<Map>(snapshot, target);
        return sample{each * bytes * 1e6, 0};
    };
    const auto raw = [&](std::size_t) {
        return sample{beside([&] { return copy_raw(map.path(), target); }) * bytes * 1e6, 0};
    };
    in.results.measure({.name = "backup",
                        .title = kind + (writing ? ": backup beside a writer" : ": backup, alone"),
                        .unit = "us/MiB",
                        .rounds = in.rounds(load_rounds),
                        .while_timed = waits::for_medium},
                       {subject("quire", {1 / 0.7, 1}, backup), reference("raw copy", raw)});
}

} // namespace

void measure_backup(session& in) {
    if (!in.wanted("backup")) return;
    for (const bool writing : {false, true}) {
        measure_backup_of<kv_map>(in, "kv arrays", writing);
        measure_backup_of<text_map>(in, "kv strings", writing);
    }
}

} // namespace bench
