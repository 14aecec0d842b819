#!/bin/sh
# twice.sh PROGRAM INDEX PATH...: indexes the paths into a new file, then runs again on the same
# file, asks it for words, and fails unless the words of the first run were found.
set -eu
program=$1
index=$2
shift 2
rm -f "$index"
"$program" "$index" "$@"
echo
second=$("$program" "$index" "$@" 'tree*' page:pin)
echo "$second"
case $second in
  "$index: 0 words"*) echo "the index of the first run was not found"; exit 1 ;;
esac
