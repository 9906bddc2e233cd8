#!/bin/sh
# Prove that a shared library exports nothing but names that begin with ccd_.
# Usage: check_exports.sh LIBRARY. Silent and exit 0 when that holds; else one line for each other name, exit 1.
set -eu

if [ $# -ne 1 ] || [ ! -f "$1" ]; then
    echo "usage: $0 LIBRARY" >&2
    exit 2
fi

symbols=$(nm -D --defined-only "$1")
printf '%s\n' "$symbols" | awk -v library="$1" '
    NF == 0 { next }
    {
        name = $NF
        type = $(NF - 1)
        sub(/@.*/, "", name)
        exported++
        # Absolute symbols name versions; the others are the linker'\''s own.
        if (type == "A" || name ~ /^(_init|_fini|_edata|_end|__bss_start)$/) next
        if (name !~ /^ccd_/) {
            print library ":1: exports " name ", which does not begin with ccd_"
            bad = 1
        }
    }
    END {
        if (!exported) {
            print library ":1: exports nothing"
            bad = 1
        }
        exit bad
    }'
