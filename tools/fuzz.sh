#!/bin/sh
# Build the libFuzzer targets with clang and run each for the given number of seconds.
set -eu
seconds=${1:-60}
cd "$(dirname "$0")/.."
[ -f build-fuzz/build.ninja ] ||
    CC=clang-14 meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=2 >/dev/null
ninja -C build-fuzz --quiet
found=0
for target in build-fuzz/tests/fuzz/*_fuzz; do
    name=$(basename "$target" _fuzz)
    work=build-fuzz/corpus/$name
    mkdir -p "$work"
    echo "$name: $seconds s"
    "$target" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix=build-fuzz/ "$work" "tests/fuzz/corpus/$name" 2>build-fuzz/"$name".log || found=$((found + 1))
    grep -E 'stat::number_of_executed_units|SUMMARY|ERROR' build-fuzz/"$name".log || true
done
[ $found -eq 0 ] || { echo "$found targets found something: see build-fuzz/*.log" >&2; exit 1; }
