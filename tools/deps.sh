#!/bin/sh
# Install from Debian what building ("build") and testing ("test") need. Silent when everything is there.
set -eu

build="gcc make pkg-config meson ninja-build libcurl4-openssl-dev libdeflate-dev libsqlite3-dev libjansson-dev sqlite3 ca-certificates"
test="clang-14 libclang-rt-14-dev valgrind python3 openssl universal-ctags binutils git"

missing=""
for group in "$@"; do
    case $group in
    build) packages=$build ;;
    test) packages=$test ;;
    *) echo "deps.sh: no group \"$group\": use build or test" >&2; exit 2 ;;
    esac
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "deps.sh: install these as root:$missing" >&2; exit 1; }
    sudo=sudo
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
