#!/bin/sh
# fresh.sh PROGRAM FILE: runs the program on a file that is not there, then on what it left.
set -eu
rm -f "$2"
"$1" "$2"
"$1" "$2"
