#!/usr/bin/env python3
"""What one program with one map costs to compile: wall time, processor time and peak memory.

Usage: measure.py [--runs N] [--seconds S] [--megabytes M] SOURCE -- COMPILER [ARGUMENT...]

Runs `COMPILER ARGUMENT... -O0 -c SOURCE` N times (after one that warms the page cache), prints the
medians, and fails if the wall time or the memory is above its budget.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time


def compile_once(command):
    """Seconds by the clock, seconds of processor, peak megabytes of the largest process."""
    start = time.perf_counter()
    # wait4 counts this child and what it started; the compiler proper is a child of the driver.
    pid = subprocess.Popen(command, env={**os.environ, "CCACHE_DISABLE": "1"}).pid
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"the compiler failed: {' '.join(command)}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6


def main():
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.8)
    parser.add_argument("--megabytes", type=float, default=400)
    parser.add_argument("source")
    given = parser.parse_args(sys.argv[1:split])
    compiler = sys.argv[split + 1:]
    if not compiler:
        parser.error("no compiler after --")

    with tempfile.TemporaryDirectory() as directory:
        command = [*compiler, "-O0", "-c", given.source, "-o", os.path.join(directory, "out.o")]
        compile_once(command)
        runs = [compile_once(command) for _ in range(given.runs)]
    wall, cpu, memory = (statistics.median(column) for column in zip(*runs))

    print(" ".join(command[:-2]))
    print(f"wall time       {wall:7.2f} s   of {given.seconds:.2f} s   "
          f"(from {min(r[0] for r in runs):.2f} to {max(r[0] for r in runs):.2f})")
    print(f"processor time  {cpu:7.2f} s")
    print(f"peak memory     {memory:7.0f} MB  of {given.megabytes:.0f} MB")
    return 1 if wall > given.seconds or memory > given.megabytes else 0


if __name__ == "__main__":
    sys.exit(main())
