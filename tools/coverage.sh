#!/bin/sh
# Line coverage of the unit tests, as text: build-coverage/ and one line per source file.
set -eu
cd "$(dirname "$0")/.."
[ -f build-coverage/build.ninja ] || meson setup build-coverage -Db_coverage=true -Doptimization=0 >/dev/null
ninja -C build-coverage --quiet
meson test -C build-coverage --suite unit --no-rebuild >/dev/null
find build-coverage -name '*.gcda' -path '*src*' -exec gcov -n -r -s "$PWD" {} + 2>/dev/null |
    awk -F"'" '/^File/ {file = $2} /^Lines executed/ {print $0 "  " file}' | grep ' src/' | sort -u -k2
