#!/usr/bin/env python3
"""run.py SOURCE COMPILER...: the source must be refused, and with no error but the expected ones.

The source names them in their order, one `// expect: <regular expression>` a line.
"""
import re
import subprocess
import sys

source, *compiler = sys.argv[1:]
with open(source, encoding="utf-8") as lines:
    expected = re.findall(r"// expect: (.+)", lines.read())
if not expected:
    sys.exit(f"{source}: no '// expect:' line")

outcome = subprocess.run([*compiler, "-fsyntax-only", source], capture_output=True, text=True,
                         check=False)
errors = re.findall(r"^.*\berror: .*$", outcome.stderr, re.MULTILINE)
matched = [bool(re.search(pattern, error)) for pattern, error in zip(expected, errors)]
if outcome.returncode == 0 or len(errors) != len(expected) or not all(matched):
    print(outcome.stderr)
    sys.exit(f"{source}: expected {len(expected)} error(s) {expected}, got {len(errors)}")
print("\n".join(errors))
