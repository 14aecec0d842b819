#!/usr/bin/env python3
"""Lets libFuzzer make up inputs for each target of tests/fuzz, from its corpus on.

Usage: fuzz.py [--seconds N] [--only TARGET] [--seed N] SOURCE_ROOT [COMPILER]

Needs a Clang with libFuzzer (default: clang++). An input that breaks a target is printed as a line
for its corpus, and the exit status is 1.
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

TARGETS = ("file", "log", "operations")
ENTRY = """#include "fuzz/targets.hpp"
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {{
    fuzz::{target}({{data, size}});
    return 0;
}}
"""


def corpus(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        digits = line.split("#")[0].strip()
        if digits:
            yield bytes.fromhex(digits)


def fuzz(target, given, directory):
    """What came of it in a sentence, and whether that is good."""
    here = given.root / "tests"
    inputs = directory / "inputs"
    inputs.mkdir()
    for number, data in enumerate(corpus(here / "fuzz" / f"{target}.txt")):
        (inputs / f"{number}").write_bytes(data)
    entry = directory / "entry.cpp"
    entry.write_text(ENTRY.format(target=target), encoding="utf-8")
    program = directory / target
    subprocess.run([given.compiler, "-std=c++20", "-O1", "-g1", "-pthread", "-DQUIRE_MONITOR=1",
                    "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all",
                    f"-I{given.root / 'include'}", f"-I{here}",
                    str(here / "fuzz" / f"{target}.cpp"), str(entry), "-o", str(program)],
                   check=True)
    ran = subprocess.run([str(program), str(inputs), f"-max_total_time={given.seconds}",
                          f"-seed={given.seed}", "-max_len=600", "-timeout=20",
                          "-rss_limit_mb=4000", "-print_final_stats=1", "-verbosity=1",
                          f"-artifact_prefix={directory}/broken-"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = ran.stdout.decode(errors="replace")
    runs = [line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line]
    if ran.returncode == 0:
        return True, f"{target}: {runs[0] if runs else '?'} inputs, none broke it"
    lines = [path.read_bytes().hex() for path in directory.glob("broken-*")]
    return False, f"{target}: broken by\n" + "\n".join(lines) + "\n" + said[-6000:]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("compiler", nargs="?", default="clang++")
    given = parser.parse_args()
    given.root = given.root.resolve()

    def one(target):
        with tempfile.TemporaryDirectory() as directory:
            good, what = fuzz(target, given, pathlib.Path(directory))
        print(what, flush=True)
        return good

    chosen = [t for t in TARGETS if given.only in t]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return 0 if chosen and all(list(pool.map(one, chosen))) else 1


if __name__ == "__main__":
    sys.exit(main())
