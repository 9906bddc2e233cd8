#!/usr/bin/env python3
"""Every planted bug must break an invariant within its budget of seeds, the line that is printed must replay it, and
without a bug the same seeds must pass. Prints the table: bug, seed, invariant, what was planted.

Usage: mutants_test.py SIM_RUN
"""
import re
import subprocess
import sys

SEEDS = 1000


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, errors="replace")


def hunt(program, mutant):
    """(seed, invariant, what broke) of the first seed that shows the bug; (None, None, why it was missed) else."""
    found = run(program, "--mutant", mutant, "--seeds", "1", str(SEEDS))
    line = re.search(r"^sim_run (--seed (\d+) --mutant \S+)\n    ((\w+): .*)$", found.stderr, re.M)
    if found.returncode == 0:
        return None, None, f"not found in {SEEDS} seeds"
    if found.returncode != 1 or not line:
        return None, None, f"exit {found.returncode} and no line to replay: {found.stderr[:200]}"
    again = run(program, *line.group(1).split())
    if again.returncode != 1 or again.stderr != found.stderr:
        return None, None, f"{line.group(1)} does not replay"
    return int(line.group(2)), line.group(4), line.group(3)


def main():
    program = sys.argv[1]
    listed = run(program, "--list-mutants").stdout.splitlines()
    mutants = [line.split("\t", 1) for line in listed]
    killed = 0
    print(f"{'seed':>5}  {'by':<4} {'bug':<26} planted")
    for mutant, text in mutants:
        seed, invariant, what = hunt(program, mutant)
        print(f"{seed or '-':>5}  {invariant or '-':<4} {mutant:<26} {text}")
        if seed is None:
            print(f"{mutant}: {what}", file=sys.stderr)
        killed += seed is not None
    sound = run(program, "--seeds", "1", str(SEEDS))
    if sound.returncode != 0:
        print(f"without a bug: {sound.stderr[:400]}", file=sys.stderr)
    print(f"figure: {killed} of {len(mutants)} mutants killed, each within {SEEDS} seeds")
    failed = len(mutants) - killed + (sound.returncode != 0)
    print(f"{killed + (sound.returncode == 0)} passed, {failed} failed")
    return 1 if failed or not mutants else 0


if __name__ == "__main__":
    sys.exit(main())
