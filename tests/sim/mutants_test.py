#!/usr/bin/env python3
"""Every planted bug of the simulator must be found within 1,000 seeds, and the line that is printed must replay it.

Usage: mutants_test.py SIM_RUN
"""
import re
import subprocess
import sys

SEEDS = 1000


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, errors="replace")


def why_missed(program, mutant):
    """None when the bug was found; else what went wrong."""
    found = run(program, "--mutant", mutant, "--seeds", "1", str(SEEDS))
    line = re.search(r"^sim_run (--seed \d+ --mutant \S+)$", found.stderr, re.M)
    if found.returncode == 0:
        return f"not found in {SEEDS} seeds"
    if found.returncode != 1 or not line:
        return f"exit {found.returncode} and no line to replay: {found.stderr[:200]}"
    again = run(program, *line.group(1).split())
    if again.returncode != 1 or again.stderr != found.stderr:
        return f"{line.group(1)} does not replay"
    return None


def main():
    program = sys.argv[1]
    mutants = run(program, "--list-mutants").stdout.split()
    missed = {mutant: why_missed(program, mutant) for mutant in mutants}
    for mutant, reason in missed.items():
        if reason:
            print(f"{mutant}: {reason}", file=sys.stderr)
    failed = sum(1 for reason in missed.values() if reason)
    print(f"{len(missed) - failed} passed, {failed} failed")
    return 1 if failed or not missed else 0


if __name__ == "__main__":
    sys.exit(main())
