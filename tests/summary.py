#!/usr/bin/env python3
"""Adds up the logs of `meson test`: the cases of doctest programs, one for every other test.

The last line is 'N passed, N failed'; the exit status says whether anything failed.
"""
import json
import pathlib
import re
import sys

CASES = re.compile(r"test cases: *\d+ *\| *(\d+) passed *\| *(\d+) failed")


def count(test):
    """Passed and failed of one entry of the log. A test that died counts as one failure."""
    good = test["result"] in ("OK", "SKIP", "EXPECTEDFAIL")
    cases = CASES.search(test.get("stdout", ""))
    passed, failed = (int(n) for n in cases.groups()) if cases else (int(good), int(not good))
    return passed, failed if good else max(failed, 1)


def main(logs):
    passed = failed = 0
    for log in map(pathlib.Path, logs):
        build = log.parent.parent.name
        if not log.exists():
            print(f"failed: {build}: no tests were run")
            failed += 1
            continue
        for test in map(json.loads, log.read_text(encoding="utf-8").splitlines()):
            more_passed, more_failed = count(test)
            passed += more_passed
            failed += more_failed
            if more_failed:
                print(f"failed: {build}: {test['name']}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
