#!/bin/sh
# Installs what is missing, builds, and runs all tests but those of the suite `long`: with GCC, with
# Clang under the address and undefined-behaviour sanitizers, and what threads share under the
# thread sanitizer. With arguments, `meson test` gets them in an optimised build instead (as:
# --suite long). Ends with one line that sums up, and fails when a test failed.
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

logs=
# stage NAME TARGETS ARGUMENT...: builds the targets (all if none) in .build/NAME and runs the tests
# that the arguments name. What failed is in the log, which the summary reads.
stage() {
  name=$1
  targets=$2
  shift 2
  log=.build/$name/meson-logs/testlog.json
  logs="$logs $log"
  rm -f "$log"
  # shellcheck disable=SC2086
  ninja -C ".build/$name" $targets || { echo "0 passed, 1 failed"; exit 1; } # it does not compile
  meson test -C ".build/$name" --no-rebuild --print-errorlogs "$@" || true
}

if [ $# -gt 0 ]; then
  configure .build/optimised g++ -Doptimization=2 -Ddebug=false
  stage optimised '' "$@"
else
  # Compiling takes longer than running: not optimised, without symbols.
  configure .build/gcc g++ -Doptimization=0 -Ddebug=false
  # Everything, but of the benchmark with a unit for each replacement policy, -O3, one of each kind.
  policies=
  for part in charts hits matrix matrix_file_lru_k matrix_memory_clock matrix_mmap_clock ycsb; do
    policies="$policies benchmarks/policies.p/policies_$part.cpp.o"
  done
  stage gcc "meson-test-prereq tests/libtest_main.a tests/libheaders_alone.a \
    tests/static/libstatic_tests.a benchmarks/limits benchmarks/peers benchmarks/log \
    benchmarks/cache $policies" --no-suite long
  configure .build/sanitized clang++ -Doptimization=0 -Ddebug=false \
    -Db_sanitize=address,undefined -Db_lundef=false
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  stage sanitized '' --no-suite long --no-suite text
  configure .build/threads g++ -Doptimization=1 -Ddebug=false -Db_sanitize=thread
  stage threads 'tests/test_threads tests/test_cache tests/test_wal' threads cache wal
fi
# shellcheck disable=SC2086
python3 tests/summary.py $logs
