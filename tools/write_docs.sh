#!/bin/sh
# Write the pages that come from the binary: docs/reference/types/, docs/reference/schema/, docs/reference/batch.md,
# docs/reference/metrics.md, sql/create_schema.sql. With --check, compare instead and name what is stale.
set -eu
build=$1
mode=${2:-write}
root=$(cd "$(dirname "$0")/.." && pwd)
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
types=docs/reference/types
schemas=docs/reference/schema
mkdir -p "$pages/$types" "$pages/$schemas" "$pages/sql"
"$build/ccdata" types --markdown >"$pages/$types/README.md"
for name in $("$build/ccdata" types --json | python3 -c 'import json, sys; [print(t["name"]) for t in json.load(sys.stdin)["types"]]'); do
    "$build/ccdata" types "$name" --markdown >"$pages/$types/$name.md"
done
"$build/ccdata" batch --markdown >"$pages/docs/reference/batch.md"
"$build/ccdata" metrics --markdown >"$pages/docs/reference/metrics.md"
for dialect in sqlite mysql singlestore postgresql; do
    "$build/ccdata" schema --dialect $dialect --legacy_views >"$pages/$schemas/$dialect.sql"
done
"$build/ccdata" schema --dialect singlestore >"$pages/sql/create_schema.sql"
if [ "$mode" = --check ]; then
    failed=0
    for page in $(cd "$pages" && find . -type f | sed 's|^\./||'); do
        cmp -s "$pages/$page" "$root/$page" || { echo "$page is stale: run make docs"; failed=$((failed + 1)); }
    done
    for page in $(cd "$root" && ls -d $types/* $schemas/*); do
        [ -f "$pages/$page" ] || { echo "$page belongs to nothing: remove it"; failed=$((failed + 1)); }
    done
    [ $failed -eq 0 ] && echo "1 passed, 0 failed" || { echo "0 passed, 1 failed"; exit 1; }
else
    mkdir -p "$root/$types" "$root/$schemas" "$root/sql"
    cp "$pages/$types"/* "$root/$types/"
    cp "$pages/$schemas"/* "$root/$schemas/"
    cp "$pages/docs/reference/batch.md" "$pages/docs/reference/metrics.md" "$root/docs/reference/"
    cp "$pages/sql/create_schema.sql" "$root/sql/"
fi
