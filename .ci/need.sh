# Sourced by the scripts: installs what they need and does not find. On Debian 12 everything comes
# from its own packages; where all is present, nothing is installed and no network is used.

# need CHECK PACKAGE...: remembers the packages if the command CHECK fails.
missing=
need() {
  eval "$1" >/dev/null 2>&1 && return
  shift
  missing="$missing $*"
}

install_missing() {
  [ -n "$missing" ] || return 0
  as_root=
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  echo "installing:$missing"
  $as_root apt-get update
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends $missing
}

# configure DIRECTORY COMPILER OPTION...: sets up a build directory unless it is there.
configure() {
  directory=$1
  compiler=$2
  shift 2
  [ -e "$directory/build.ninja" ] || CXX=$compiler meson setup "$directory" . "$@"
}
