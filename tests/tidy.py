#!/usr/bin/env python3
"""Checks of the source as text: floors, sizes, names of tests, words left behind.

    tidy.py ROOT               checks the tree at ROOT
    tidy.py --self-test ROOT   breaks each rule in a copy of the tree and looks for its sentence
"""
import pathlib
import re
import shutil
import sys
import tempfile

# A header includes its own folder and folders of a lower rank. "" is the top.
RANKS = {"core": 0, "codec": 1, "format": 1, "storage": 1, "node": 2, "wal": 2, "cache": 3,
         "inspect": 3, "space": 4, "tree": 5, "txn": 6, "": 7}
LINES_MAX = 530
COLUMNS_MAX = 100
HEAVY_HEADERS = {"filesystem", "format", "functional", "iostream", "ranges", "regex",
                 "expected", "source_location"}
EXAMPLE_LINES_MAX = 99
LEFT_BEHIND = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
# A header has a test of its own name; these few are shown by another one. Keep the list short.
SHOWN_BY = {"node/children.hpp": "txn/opening.cpp"}

CODE = {".hpp", ".cpp", ".py", ".sh", ".build", ".in"}
FOLDERS = ("include", "tests", "benchmarks", "examples", "docs")
TOP_LEVEL = {"meson.build", "README.md", "LICENSE", *FOLDERS}
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')


def floor_of(path_below_quire):
    return path_below_quire.parts[0] if len(path_below_quire.parts) > 1 else ""


def check_text(path, text):
    """Rules for every file."""
    code = path.suffix in CODE
    for number, line in enumerate(text.split("\n"), 1):
        if LEFT_BEHIND.search(line):
            yield number, "a word that marks unfinished work"
        if line != line.rstrip():
            yield number, "space at the end of the line"
        if code and len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns, at most {COLUMNS_MAX}"
        if code and not line.isascii():
            yield number, "not ASCII"
        if code and "\t" in line:
            yield number, "a tab"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end"
    lines = text.count("\n")
    if code and lines > LINES_MAX:
        yield lines, f"{lines} lines, at most {LINES_MAX}"


def check_header(below_quire, text):
    """Rules for the library's headers."""
    floor = floor_of(below_quire)
    if floor not in RANKS:
        yield 1, f"folder '{floor}' has no rank in tidy.py"
        return
    if text.count("\n#pragma once\n") != 1:
        yield 1, "needs one '#pragma once'"
    if not text.startswith("//"):
        yield 1, "does not begin with a comment that says what the header is for"
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1)
        if target in HEAVY_HEADERS:
            yield number, f"<{target}> is too heavy for a header of the library"
        if not target.startswith("quire/"):
            continue
        other = floor_of(pathlib.PurePosixPath(target).relative_to("quire"))
        if other not in RANKS:
            yield number, f"includes '{other}', which has no rank in tidy.py"
        elif other != floor and RANKS[other] >= RANKS[floor]:
            yield number, f"'{floor or 'top'}' includes '{other or 'top'}': floors only go down"


def check_tests_named(root):
    """Every test is named, by its path from there, in a meson.build at or above it."""
    tests = root / "tests"
    for path in sorted(tests.rglob("*.cpp")):
        folder = path.parent
        while True:
            build = folder / "meson.build"
            name = path.relative_to(folder).as_posix()
            if build.exists() and re.search(rf"'{re.escape(name[:-4])}(\.cpp)?'",
                                            build.read_text(encoding="utf-8")):
                break
            if folder == tests:
                yield path, 1, "is named in no meson.build: a test that never runs"
                break
            folder = folder.parent


def check_mirrors(root):
    for path in sorted((root / "include/quire").rglob("*.hpp")):
        header = path.relative_to(root / "include/quire").as_posix()
        test = SHOWN_BY.get(header, header.removesuffix(".hpp") + ".cpp")
        if not (root / "tests" / test).exists():
            yield path, 1, f"has no test tests/{test}"


def check(root):
    """All broken rules, as sentences 'path:line: what is wrong'."""
    found = [(path, 1, "does not belong at the top level") for path in sorted(root.iterdir())
             if path.name not in TOP_LEVEL and not path.name.startswith(".")]
    files = [root / "meson.build", root / "README.md"]
    files += [path for folder in FOLDERS for path in sorted((root / folder).rglob("*"))
              if path.is_file() and "__pycache__" not in path.parts]
    for path in files:
        if not path.exists():
            found.append((path, 1, "is missing"))
            continue
        text = path.read_text(encoding="utf-8")
        found += [(path, number, why) for number, why in check_text(path, text)]
        below = path.relative_to(root)
        if below.parts[:2] == ("include", "quire") and path.suffix == ".hpp":
            below_quire = pathlib.PurePosixPath(*below.parts[2:])
            found += [(path, number, why) for number, why in check_header(below_quire, text)]
        elif below.parts[0] == "examples" and text.count("\n") > EXAMPLE_LINES_MAX:
            found.append((path, 1, f"an example has at most {EXAMPLE_LINES_MAX} lines"))
        elif below.parts[0] == "include":
            found.append((path, 1, "is not a header of the library"))
    found += check_tests_named(root)
    found += check_mirrors(root)
    return [f"{path.relative_to(root)}:{number}: {why}" for path, number, why in found]


def self_test(root):
    """Breaks one rule at a time in a copy of the tree."""
    head = "// A header that breaks a rule.\n#pragma once\n"
    # The file written, its text, and what must be said about it (and nothing else).
    breaks = [
        ("include/quire/core/broken.hpp", head + "#include <quire/codec/any.hpp>\n",
         "'core' includes 'codec': floors only go down"),
        ("include/quire/storage/broken.hpp", head + "#include <quire/format/field.hpp>\n",
         "'storage' includes 'format': floors only go down"),
        ("include/quire/inspect/broken.hpp", head + "#include <quire/cache/any.hpp>\n",
         "'inspect' includes 'cache': floors only go down"),
        ("include/quire/txn/broken.hpp", head + "#include <quire/btree_map.hpp>\n",
         "'txn' includes 'top': floors only go down"),
        ("include/quire/cache/deep/broken.hpp", head + "#  include \"quire/tree/any.hpp\"\n",
         "'cache' includes 'tree': floors only go down"),
        ("include/quire/attic/broken.hpp", head, "folder 'attic' has no rank"),
        ("include/quire/core/broken.hpp", head + "#include <iostream>\n", "too heavy"),
        ("include/quire/core/broken.hpp", "// No guard.\n", "needs one '#pragma once'"),
        ("include/quire/core/broken.hpp", "\n#pragma once\n", "does not begin with a comment"),
        ("include/quire/core/broken.hpp", head + "\n" * LINES_MAX, "lines, at most"),
        ("include/quire/core/broken.hpp", head + "// " + "x" * COLUMNS_MAX + "\n", "columns"),
        ("include/quire/core/broken.hpp", head + "// \u00e4\n", "not ASCII"),
        ("include/quire/core/broken.hpp", head + "//\t\n", "a tab"),
        ("include/quire/core/broken.hpp", head + "//", "no newline at the end"),
        ("include/quire/core/broken.txt", "text\n", "is not a header of the library"),
        ("docs/broken.md", "FIX" "ME\n", "unfinished work"),
        ("docs/broken.md", "space \n", "space at the end"),
        ("tests/core/broken.cpp", "// Never built.\n", "is named in no meson.build"),
        ("examples/broken.cpp", "\n" * 100, "an example has at most"),
        ("notes.txt", "text\n", "does not belong at the top level"),
    ]
    missed = 0
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / "tree"
        copy.mkdir()
        for name in TOP_LEVEL:
            if (root / name).is_dir():
                shutil.copytree(root / name, copy / name)
            elif (root / name).exists():
                shutil.copy(root / name, copy / name)
        before = set(check(copy))
        for name, text, sentence in breaks:
            path = copy / name
            new_folder = not path.parent.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            said = [line for line in check(copy) if line not in before and name in line]
            path.unlink()
            if new_folder:
                path.parent.rmdir()
            if not any(sentence in line for line in said):
                print(f"{name} should be told '{sentence}', but was told {said}")
                missed += 1
        mirrored = copy / "tests/core/bytes.cpp"
        mirrored.unlink()
        if not any("has no test tests/core/bytes.cpp" in line for line in check(copy)):
            print("a header without a test was not found")
            missed += 1
        if set(check(root)) != before:
            print("the copy of the tree is judged otherwise than the tree")
            missed += 1
    print(f"{len(breaks) + 2 - missed} of {len(breaks) + 2} broken rules were found")
    return missed == 0


def main(arguments):
    if arguments[:1] == ["--self-test"]:
        return 0 if self_test(pathlib.Path(arguments[1]).resolve()) else 1
    broken = check(pathlib.Path(arguments[0]).resolve())
    print("\n".join(broken) or "tidy")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
