#!/usr/bin/env python3
"""The simulator built by clang lives the same lives as the one built by gcc: one hash over all that happened.

Usage: compilers_test.py SIM_RUN
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CLANG, SEEDS = "clang-14", "1000"


def hash_of(program):
    done = subprocess.run([program, "--seeds", "1", SEEDS, "--hash"], capture_output=True, text=True, check=True)
    return re.search(r"^hash (\w+)$", done.stdout, re.M)[1]


def build(folder):
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", folder, "-Dbuildtype=release"], cwd=ROOT, env=dict(os.environ, CC=CLANG), check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", folder, "--quiet", "tests/sim/sim_run"], cwd=ROOT, check=True)
    return folder / "tests/sim/sim_run"


def main():
    ours = pathlib.Path(sys.argv[1]).resolve()
    if not shutil.which(CLANG):
        print(f"skipped: {CLANG} is not there\n0 passed, 0 failed, 1 skipped")
        return 0
    other = build(ours.parents[2] / "sim-clang")
    hashes = [hash_of(ours), hash_of(other)]
    if hashes[0] != hashes[1]:
        print(f"{SEEDS} seeds: {hashes[0]} here, {hashes[1]} by {CLANG}: the same seed is not the same life", file=sys.stderr)
    print(f"{int(hashes[0] == hashes[1])} passed, {int(hashes[0] != hashes[1])} failed")
    return hashes[0] != hashes[1]


if __name__ == "__main__":
    sys.exit(main())
