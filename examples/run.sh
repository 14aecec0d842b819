#!/bin/sh
# Installs what is missing, builds, and indexes every word of this repository's documentation and
# headers; then once more, to find the index that the first run left.
# Arguments, if any, are files and directories to index instead.
set -eu
cd "$(dirname "$0")/.."
. .ci/need.sh
need 'command -v g++' g++
need 'command -v meson' meson
need 'command -v ninja' ninja-build
install_missing

configure .build/release g++ --buildtype=release
ninja -C .build/release examples/word_index
[ $# -gt 0 ] || set -- README.md docs include
sh examples/twice.sh .build/release/examples/word_index .build/words.quire "$@"
