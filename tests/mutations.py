#!/usr/bin/env python3
"""Takes each sync, each check of a checksum and each order of writes out of the library in turn,
and sees a test fail for it.

Usage: mutations.py [--jobs N] [--only WORD] SOURCE_ROOT -- COMPILER [ARGUMENT...]

Each mutation is a text that stands once in a header, what takes its place, and the tests of
which one must fail. A mutation that does not compile, or whose text is gone, is an error; one
that no test notices is a survivor. Both make the exit status 1.
"""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SECONDS = 300  # that a test may take: a mutation may make it wait for ever

CRASHES = "crash_check.cpp"
FLIPS = "bad_input_flips.cpp"
UNCLEAN = "bad_input_unclean.cpp"

# (what, header, text, instead, tests)
MUTATIONS = [
    # ---- syncs ----
    ("a new store is not synced", "txn/new_store.hpp",
     "status = device_.sync_all(); !status.ok()", "status{}; !status.ok()",
     [CRASHES, "backup.cpp"]),
    ("a new store's name is not synced", "txn/new_store.hpp",
     "status = Device::sync_directory_of(path_); !status.ok()", "status{}; !status.ok()",
     [CRASHES, "backup.cpp"]),
    ("the name of a store that is opened is not synced", "txn/store_file.hpp",
     "named = Device::sync_directory_of(path);", "named{};", ["txn/store_file.cpp"]),
    ("pages and slot of a commit are not synced", "txn/commit.hpp",
     "device_.file.device().sync_data(); !status.ok()", "storage::status{}; !status.ok()",
     [CRASHES]),
    ("pages of a large commit are not synced before its slot", "txn/commit.hpp",
     'if (!vouched) sync("making the pages of a commit durable failed");', "", [CRASHES]),
    ("the length of a store that is closed is not synced", "txn/commit.hpp",
     "file.device().sync_all(); !status.ok()", "storage::status{}; !status.ok()",
     [CRASHES, "txn/protocol.cpp", "txn/opening.cpp", "txn/commit.cpp"]),
    ("a group of the log is not synced", "wal/sync.hpp",
     "return device.sync_data();", "return {};", [CRASHES]),
    ("a new segment is not synced", "wal/segment.hpp",
     "if (const auto status = device.sync_all(); !status.ok()) return status;",
     "static_cast<void>(device);", ["wal/segment.cpp", "wal/resume.cpp", CRASHES]),
    ("a new segment's name is not synced", "wal/segment.hpp",
     "    counters.syncs.add();\n    return Device::sync_directory_of(path);",
     "    static_cast<void>(path);\n    return {};", ["wal/segment.cpp", CRASHES]),
    ("a segment that is used again is not synced", "wal/segment.hpp",
     "status = used.device.sync_data();", "", ["wal/segment.cpp", CRASHES]),
    ("a segment's second name is not synced", "wal/segment.hpp",
     "status = Device::sync_directory_of(path);", "", ["wal/segment.cpp", CRASHES]),
    ("a segment that is lengthened is not synced", "wal/writer.hpp",
     "            status = current_->device.sync_all();\n", "",
     ["wal/writer_segments.cpp"]),
    # ---- orders of writes ----
    ("a slot is written before its pages", "txn/commit.hpp",
     "        const bool vouched = !logs && vouchable_ && done.pages <= most_vouched_pages;\n"
     '        if (!vouched) sync("making the pages of a commit durable failed");',
     "        const bool vouched = false;\n"
     "        if constexpr (!logs) put_slot<outcome_unknown>(describe(file.slot(), v));\n"
     '        sync("making the pages of a commit durable failed");', [CRASHES]),
    ("the log is cut before the slot of its checkpoint", "txn/commit.hpp",
     "        put_slot<outcome_unknown>(slot);\n",
     "        if constexpr (logs)\n"
     "            if (!closing_) log_.log.release(v, log_.from_lsn);\n"
     "        put_slot<outcome_unknown>(slot);\n", [CRASHES]),
    ("what is in the log is not in the file when the log is removed", "txn/commit.hpp",
     "if (file.slot().log_salt != 0) { // what", "if (false) { // what", [CRASHES]),
    ("the log is removed before the slot that does without it", "txn/commit.hpp",
     "what is in the log is to be in the file\n",
     "what is in the log is to be in the file\n"
     "                static_cast<void>(storage::log_device_of<Storage>::remove(\n"
     "                    format::segment_path(path(), log_.log.first_version())));\n", [CRASHES]),
    ("the log that is found is not written again", "wal/segment.hpp",
     "        if (status.ok()) status = of.device.write(at, {bytes.data(), n});\n", "",
     ["wal/resume.cpp", "txn/failed_syncs.cpp", "txn/recovery.cpp"]),
    ("zeros are not written behind the log that is found", "wal/segment.hpp",
     "if (status.ok()) status = write_zeros(of.device, used, of.size, counters);", "",
     ["wal/resume.cpp", "txn/failed_syncs.cpp", "txn/recovery.cpp"]),
    ("the newest commit is not written again", "txn/opening.hpp",
     "        must(device.write(at, {page, PageSize}));\n", "",
     ["txn/failed_syncs.cpp", CRASHES]),
    ("a new store is named before it is written", "txn/new_store.hpp",
     "        write_slots(slot);\n"
     "        if (const storage::status status = device_.sync_all(); !status.ok())\n"
     '            fail_io("making the new store durable failed", status, path_);\n'
     "        const storage::status renamed = Device::rename_new(temporary_, path_);",
     "        const storage::status renamed = Device::rename_new(temporary_, path_);\n"
     "        write_slots(slot);\n"
     "        if (const storage::status status = device_.sync_all(); !status.ok())\n"
     '            fail_io("making the new store durable failed", status, path_);',
     [CRASHES, "backup.cpp"]),
    ("what a state has of the log already is done again", "txn/recovery.hpp",
     "if (!(base < group.facts.at)) continue;", "static_cast<void>(base);",
     ["txn/compacting.cpp"]),
    # ---- checks ----
    ("the checksum of a page is not checked", "cache/page_load.hpp",
     "stored != computed)", "stored != computed && false)", [FLIPS]),
    ("the id of a page is not checked", "cache/page_load.hpp",
     "if (format::id_of(page) != ref.id)", "if (false)", [FLIPS]),
    ("the birth of a page is not checked", "cache/page_load.hpp",
     "if (low_bits(format::birth_of(page)) != ref.birth)", "if (false)", [FLIPS]),
    ("the checksum of an overflow run is not checked", "tree/overflow.hpp",
     "if (computed != format::stored_checksum(header))", "if (false)", [FLIPS]),
    ("the birth of an overflow run is not checked", "tree/overflow.hpp",
     "if (format::ref_of(header) != run.first)", "if (false)", ["tree/overflow.cpp"]),
    ("the checksum of a slot is not checked", "format/header_slot.hpp",
     "const bool intact = checksum == crc32c({from, 508});", "const bool intact = true;",
     [FLIPS, "format/header_slot.cpp"]),
    ("the digest of a commit is not checked", "txn/opening.hpp",
     "return whole && pages == slot.commit_pages && digest == slot.commit_digest;",
     "return whole && pages == slot.commit_pages;", ["txn/opening.cpp"]),
    ("the number of a commit's pages is not checked", "txn/opening.hpp",
     "return whole && pages == slot.commit_pages && digest == slot.commit_digest;",
     "return true;", [CRASHES]),
    ("the checksum of a segment's header is not checked", "format/log_record.hpp",
     "load_le<std::uint64_t>(from + 64) != crc32c({from, 64}))", "false)",
     [UNCLEAN, "format/log_record.cpp"]),
    ("the checksum of a record is not checked", "format/log_record.hpp",
     "return r.type != record_type::none &&\n"
     "           crc32c(from.subspan(4, record_header_size - 4 + r.body.size()), seed) == "
     "r.checksum;",
     "return static_cast<void>(from), static_cast<void>(seed), r.type != record_type::none;",
     [UNCLEAN]),
    ("a record is not chained to the one before", "format/log_record.hpp",
     "        seed = r.checksum;\n        r = detail::record_at(from.subspan(at));",
     "        r = detail::record_at(from.subspan(at));", ["format/log_record.cpp", UNCLEAN]),
    ("another store's log is read", "wal/reader.hpp",
     "if (valid() && header().database_id != database_id)", "if (false)",
     ["wal/reader.cpp", "txn/recovery.cpp"]),
    ("an older log is read", "wal/reader.hpp",
     "if (is_first && header.salt != salt_)", "if (false)", ["wal/reader_damage.cpp"]),
    ("another segment than the next is read", "wal/reader.hpp",
     "if (!is_first && header.previous_salt != salt_)", "if (false)",
     ["wal/reader.cpp", "wal/reader_damage.cpp", "txn/recovery.cpp"]),
]


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def try_one(mutation, root, compiler, directory):
    """What came of it: ('caught', by), ('survived', '') or ('error', why)."""
    what, header, text, instead, tests = mutation
    include = directory / "include"
    shutil.copytree(root / "include", include)
    path = include / "quire" / header
    source = path.read_text(encoding="utf-8")
    if source.count(text) != 1:
        return "error", f"its text stands {source.count(text)} times in {header}"
    path.write_text(source.replace(text, instead), encoding="utf-8")
    here = root / "tests"
    for test in tests:
        program = directory / "program"
        built = run([*compiler, "-std=c++20", "-O1", "-w", "-D_GLIBCXX_ASSERTIONS",
                     "-DQUIRE_MONITOR=1", "-pthread",
                     f"-I{include}", f"-I{here}", "-iquote", str(here), str(here / test),
                     str(here / "main.cpp"), "-o", str(program)])
        if built.returncode != 0:
            return "error", f"{test} does not compile:\n" + built.stdout.decode()[:2000]
        try:
            ran = run([str(program), "--test-suite-exclude=long"], cwd=directory, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return "caught", f"{test}, which did not end"
        if ran.returncode != 0:
            return "caught", test
    return "survived", ""


def main():
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="")
    parser.add_argument("root", type=pathlib.Path)
    given = parser.parse_args(sys.argv[1:split])
    compiler = sys.argv[split + 1:] or ["c++"]
    chosen = [m for m in MUTATIONS if given.only in m[0]]
    # A test that fails anyway would seem to catch everything.
    plain = [("without a mutation", "core/config.hpp", "#pragma once", "#pragma once", [test])
             for test in sorted({test for m in chosen for test in m[4]})]

    def one(mutation):
        with tempfile.TemporaryDirectory() as directory:
            came, why = try_one(mutation, given.root.resolve(), compiler, pathlib.Path(directory))
        print(f"{came:9} {mutation[0]}{': ' + why if why else ''}", flush=True)
        return came

    for what in plain:
        with tempfile.TemporaryDirectory() as directory:
            came, why = try_one(what, given.root.resolve(), compiler, pathlib.Path(directory))
        if came != "survived":
            print(f"{what[4][0]} fails {what[0]}: {why}")
            return 1
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        results = list(pool.map(one, chosen))
    caught = results.count("caught")
    print(f"{caught} of {len(results)} mutations were caught")
    return 0 if results and caught == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
