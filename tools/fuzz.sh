#!/bin/sh
# Build the libFuzzer targets with clang and run each for the given number of seconds: fuzz.sh [SECONDS [TARGET...]].
# Prints the executions of each and of all; what a target finds is kept as build-fuzz/TARGET-crash-*.
set -eu
seconds=${1:-60}
[ $# -eq 0 ] || shift
cd "$(dirname "$0")/.."
[ -f build-fuzz/build.ninja ] ||
    CC=clang-14 meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=2 >/dev/null
ninja -C build-fuzz --quiet fuzzers
[ $# -gt 0 ] || set -- $(cd build-fuzz/tests/fuzz && ls -d *_fuzz | sed 's/_fuzz$//')
found=0
total=0
for name in "$@"; do
    work=build-fuzz/corpus/$name
    log=build-fuzz/$name.log
    mkdir -p "$work"
    verdict=ok
    build-fuzz/tests/fuzz/"$name"_fuzz -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix=build-fuzz/"$name"- "$work" "tests/fuzz/corpus/$name" 2>"$log" || verdict=FOUND
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    total=$((total + ${executions:-0}))
    echo "$name: ${executions:-0} executions, $verdict"
    [ $verdict = ok ] && continue
    found=$((found + 1))
    grep -E 'broken promise|SUMMARY|ERROR|Test unit written' "$log" || true
done
echo "figure: $total fuzz executions of $# targets, $seconds s each"
[ $found -eq 0 ] || { echo "$found targets found something: see build-fuzz/*.log" >&2; exit 1; }
