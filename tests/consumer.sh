#!/bin/sh
# consumer.sh SOURCE_ROOT PROGRAM_SOURCE: a project of a user's own that has quire as a subproject
# builds and runs the program without warnings, and so does a compiler call on installed headers.
set -eu
root=$1
program=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

mkdir -p user/subprojects
ln -s "$root" user/subprojects/quire
cp "$program" user/main.cpp
cat >user/meson.build <<'EOF'
project('user', 'cpp', default_options: ['cpp_std=c++20', 'warning_level=3', 'werror=true'])
executable('user', 'main.cpp', dependencies: dependency('quire'))
EOF
meson setup build user >setup.log || { cat setup.log; exit 1; }
ninja -C build
build/user

DESTDIR="$scratch/installed" meson install -C build --no-rebuild --quiet
pc=$(find installed -name quire.pc)
prefix=$(sed -n 's/^prefix=//p' "$pc")
c++ -std=c++20 "-Iinstalled$prefix/include" user/main.cpp -pthread -o installed_user
./installed_user
