#!/bin/sh
# Write the reference pages from the binary: docs/reference/types/. With --check, compare instead and name what is stale.
set -eu
build=$1
mode=${2:-write}
root=$(cd "$(dirname "$0")/.." && pwd)
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
mkdir -p "$pages/types"
"$build/ccdata" types --markdown >"$pages/types/README.md"
for name in $("$build/ccdata" types --json | python3 -c 'import json, sys; [print(t["name"]) for t in json.load(sys.stdin)["types"]]'); do
    "$build/ccdata" types "$name" --markdown >"$pages/types/$name.md"
done
"$build/ccdata" schema --dialect sqlite >"$pages/schema.sqlite.sql"
if [ "$mode" = --check ]; then
    failed=0
    for page in $(cd "$pages" && find . -type f); do
        cmp -s "$pages/$page" "$root/docs/reference/$page" || { echo "docs/reference/$page is stale: run make docs"; failed=$((failed + 1)); }
    done
    for page in $(cd "$root/docs/reference/types" && ls); do
        [ -f "$pages/types/$page" ] || { echo "docs/reference/types/$page belongs to nothing: remove it"; failed=$((failed + 1)); }
    done
    [ $failed -eq 0 ] && echo "1 passed, 0 failed" || { echo "0 passed, 1 failed"; exit 1; }
else
    mkdir -p "$root/docs/reference/types"
    cp "$pages"/types/* "$root/docs/reference/types/"
    cp "$pages"/schema.sqlite.sql "$root/docs/reference/"
fi
