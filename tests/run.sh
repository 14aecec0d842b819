#!/bin/sh
# Installs what is missing, builds, and runs all tests but those of the suite `long`: first with
# GCC, then with Clang under the address and undefined-behaviour sanitizers. Ends with one line that
# sums up, and fails when a test failed. Arguments go to `meson test` (as: --suite long).
set -eu
cd "$(dirname "$0")/.."
. .ci/need.sh
need 'command -v g++' g++
need 'echo "int main() {}" | clang++ -fsanitize=address -x c++ - -o /dev/null' \
  clang libclang-rt-14-dev
need 'command -v meson' meson
need 'command -v ninja' ninja-build
need 'test -e /usr/include/doctest/doctest.h' doctest-dev
install_missing
[ $# -gt 0 ] || set -- --no-suite long

# Compiling takes longer than running: not optimised, without symbols.
configure .build/gcc g++ -Doptimization=0 -Ddebug=false
configure .build/sanitized clang++ -Doptimization=0 -Ddebug=false -Db_sanitize=address,undefined \
  -Db_lundef=false
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
ninja -C .build/gcc || { echo "0 passed, 1 failed"; exit 1; } # one failed: it does not compile
rm -f .build/gcc/meson-logs/testlog.json
meson test -C .build/gcc --no-rebuild --print-errorlogs "$@" || true # the summary tells
ninja -C .build/sanitized || { echo "0 passed, 1 failed"; exit 1; }
rm -f .build/sanitized/meson-logs/testlog.json
meson test -C .build/sanitized --no-rebuild --print-errorlogs --no-suite long --no-suite text ||
  true
python3 tests/summary.py .build/gcc/meson-logs/testlog.json .build/sanitized/meson-logs/testlog.json
